//! Which merchant a notification is for.
//!
//! Platform keys are shared by all merchants, so a valid signature does not mean that a notification
//! is for this one. (The APIv3 key does, but several merchants of a company may use the same key.) A
//! notification about somebody else's order must not be handled as if it were ours.

use serde_json::{Map, Value};

use crate::{
    base::{json::type_name, scalar::scalar},
    error::{Cause, ErrorKind, cause::Result, value::shown},
};

/// The fields of a resource that name a merchant or an app, as JSON pointers.
struct Names {
    /// The fields that name the recipient. An unknown ID in one of them refuses the notification.
    recipient: &'static [&'static str],
    /// The fields that usually name another merchant: a provider is notified about its merchants. If
    /// one of them is ours, so is the notification, even if the recipient is unknown.
    involved: &'static [&'static str],
}

const MERCHANT: Names = Names {
    recipient: &[
        "/mchid",
        "/sp_mchid",
        "/combine_mchid",
        "/mch_id",
        "/sp_mch_id",
        "/combine_mch_id",
        // In a withdrawal, and in the instruction about an abnormal transfer.
        "/original_data/sp_mchid",
        "/instruction/commander/mchid",
    ],
    involved: &[
        "/sub_mchid",
        "/sub_mch_id",
        "/original_data/sub_mchid",
        // The merchant that pays for a budget, and the one that created a coupon.
        "/sponsor_mchid",
        "/stock_creator_mchid",
    ],
};

const APP: Names = Names {
    recipient: &["/appid", "/sp_appid", "/combine_appid"],
    involved: &["/sub_appid"],
};

/// The rule that finds the merchant of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The merchant is named by the fields.
    Named,
    /// The merchant is a receiver of a profit-sharing order. The order's `mchid` and `sp_mchid` name
    /// the merchant that pays the receivers.
    Receivers,
}

impl Rule {
    /// Returns the rule for a resource. Its event type does not help: profit sharing uses
    /// `TRANSACTION.SUCCESS`, the event of a payment.
    pub(super) fn of(original_type: Option<&str>, resource: &Map<String, Value>) -> Self {
        let has_receivers = RECEIVERS.iter().any(|name| resource.contains_key(*name));
        if has_receivers || original_type == Some("profitsharing") {
            Self::Receivers
        } else {
            Self::Named
        }
    }
}

const RECEIVERS: [&str; 2] = ["receiver", "receivers"];

/// The merchants and apps whose notifications are accepted. An empty list accepts any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    pub(crate) mchids: Vec<String>,
    pub(crate) appids: Vec<String>,
}

impl Owners {
    /// Returns the merchant that the resource names, if any.
    ///
    /// # Errors
    /// Returns [`ErrorKind::WrongMerchant`] if the notification is for another merchant or app.
    pub(super) fn judge(&self, resource: &Value, rule: Rule) -> Result<Option<String>> {
        let merchant = match rule {
            Rule::Named => named(resource, &MERCHANT, &self.mchids),
            Rule::Receivers => receiver(resource, &self.mchids),
        }?;
        // Apps are checked, but they do not identify the merchant: several merchants can use one app.
        named(resource, &APP, &self.appids)?;
        Ok(merchant)
    }

    /// Returns whether notifications that name this merchant are accepted.
    pub(super) fn accepts(&self, mchid: &str) -> bool {
        accepts(&self.mchids, mchid)
    }

    /// Returns the merchant for a resource that names none.
    pub(super) fn own(&self) -> Option<String> {
        self.mchids.first().cloned()
    }
}

fn accepts(accepted: &[String], id: &str) -> bool {
    accepted.is_empty() || accepted.iter().any(|accepted| *accepted == id)
}

/// Returns the accepted ID that the resource names, if any.
fn named(resource: &Value, names: &Names, accepted: &[String]) -> Result<Option<String>> {
    let ids = |pointers: &'static [&'static str]| {
        pointers.iter().filter_map(|pointer| {
            let value = resource.pointer(pointer)?;
            // Some documents list a field that the notification then leaves empty.
            let is_given = !value.is_null() && value.as_str() != Some("");
            is_given.then_some((*pointer, value))
        })
    };
    let involved = ids(names.involved).find_map(|(_, value)| {
        let id = scalar(value)?;
        accepted
            .iter()
            .any(|accepted| *accepted == *id)
            .then_some(id)
    });
    let mut first = None;
    for (pointer, value) in ids(names.recipient) {
        // A list or an object where an ID is expected names no known merchant, so it is refused as well.
        let refused = match scalar(value) {
            Some(id) if accepts(accepted, &id) => {
                first.get_or_insert(id);
                continue;
            }
            Some(id) => format!("{:?}", shown(&id)),
            None => type_name(value).to_owned(),
        };
        if let Some(involved) = involved {
            return Ok(Some(involved.into_owned()));
        }
        let field = pointer.trim_start_matches('/').replace('/', ".");
        return Err(stranger(&format!("its `{field}` is {refused}"), accepted));
    }
    Ok(first.or(involved).map(|id| id.into_owned()))
}

/// Returns the accepted merchant among the receivers of a profit-sharing order.
fn receiver(resource: &Value, accepted: &[String]) -> Result<Option<String>> {
    let given = RECEIVERS.iter().filter_map(|name| resource.get(name));
    let receivers = given.flat_map(|value| match value {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    });
    let mut merchants = receivers
        .filter(|receiver| receiver["type"] == "MERCHANT_ID")
        .filter_map(|receiver| scalar(&receiver["account"]))
        .filter(|id| !id.is_empty());
    match merchants.find(|id| accepts(accepted, id)) {
        Some(id) => Ok(Some(id.into_owned())),
        None if accepted.is_empty() => Ok(None),
        None => Err(stranger(
            "it is about profit sharing, and none of its receivers is a merchant",
            accepted,
        )),
    }
}

fn stranger(what: &str, accepted: &[String]) -> Cause {
    Cause::new(
        ErrorKind::WrongMerchant,
        format!(
            "{what}, which is not configured ({}): the notification is for another merchant or \
             app; if it is yours, accept it in the builder",
            accepted.join(", ")
        ),
    )
    .in_step("owner")
}
