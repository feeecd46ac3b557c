//! Whose a notification is.

use serde_json::{Map, Value};

use crate::{
    base::scalar::scalar,
    error::{Cause, Kind, cause::Result},
    protocol::{options::type_of, path::shown},
};

/// Whom a resource's fields name: pointers into it.
struct Names {
    /// Those that name the recipient: one that is a stranger's refuses the notification.
    told: &'static [&'static str],
    /// Those that usually name another merchant: a provider is told about its merchants. Where one
    /// of them is ours, so is the notification, even if the others name strangers.
    also: &'static [&'static str],
}

const MERCHANT: Names = Names {
    told: &[
        "/mchid",
        "/sp_mchid",
        "/combine_mchid",
        "/mch_id",
        "/sp_mch_id",
        "/combine_mch_id",
        // Of a withdrawal, and of the instruction about an abnormal transfer.
        "/original_data/sp_mchid",
        "/instruction/commander/mchid",
    ],
    also: &[
        "/sub_mchid",
        "/sub_mch_id",
        "/original_data/sub_mchid",
        // The merchant that pays for a budget, and the one that created a coupon.
        "/sponsor_mchid",
        "/stock_creator_mchid",
    ],
};

const APP: Names = Names {
    told: &["/appid", "/sp_appid", "/combine_appid"],
    also: &["/sub_appid"],
};

/// Which rule tells whose a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The merchant that the fields name.
    Named,
    /// The receivers of a profit-sharing order. Its `mchid` or `sp_mchid` is the merchant that pays
    /// them.
    Receivers,
}

impl Rule {
    /// The rule for a resource whose `original_type` is this. The event type does not help: a
    /// profit-sharing notification's is a payment's, `TRANSACTION.SUCCESS`.
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

/// The merchants and apps whose notifications are taken; an empty list takes any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    pub(crate) mchids: Vec<String>,
    pub(crate) appids: Vec<String>,
}

impl Owners {
    /// The merchant that is told, where the resource names one.
    ///
    /// # Errors
    /// [`Kind::Owner`] where it is another's.
    pub(super) fn judge(&self, resource: &Value, rule: Rule) -> Result<Option<String>> {
        let merchant = match rule {
            Rule::Named => named(resource, &MERCHANT, &self.mchids),
            Rule::Receivers => receiver(resource, &self.mchids),
        }?;
        named(resource, &APP, &self.appids)?;
        Ok(merchant)
    }

    /// Whether notifications that name this merchant are taken.
    pub(super) fn take(&self, mchid: &str) -> bool {
        takes(&self.mchids, mchid)
    }

    /// The merchant that a resource which names nobody is for.
    pub(super) fn own(&self) -> Option<String> {
        self.mchids.first().cloned()
    }
}

fn takes(accepted: &[String], id: &str) -> bool {
    accepted.is_empty() || accepted.iter().any(|accepted| *accepted == id)
}

/// The one that is named, if any.
fn named(resource: &Value, names: &Names, accepted: &[String]) -> Result<Option<String>> {
    let ids = |pointers: &'static [&'static str]| {
        pointers.iter().filter_map(|pointer| {
            let value = resource.pointer(pointer)?;
            let is_given = !value.is_null() && value.as_str() != Some("");
            is_given.then_some((*pointer, value))
        })
    };
    let also = ids(names.also).find_map(|(_, value)| {
        let id = scalar(value)?;
        accepted
            .iter()
            .any(|accepted| *accepted == *id)
            .then_some(id)
    });
    let mut first = None;
    for (pointer, value) in ids(names.told) {
        let refused = match scalar(value) {
            Some(id) if takes(accepted, &id) => {
                first.get_or_insert(id);
                continue;
            }
            Some(id) => format!("{:?}", shown(&id)),
            None => type_of(value).to_owned(),
        };
        if let Some(also) = also {
            return Ok(Some(also.into_owned()));
        }
        let field = pointer.trim_start_matches('/').replace('/', ".");
        return Err(stranger(&format!("its `{field}` is {refused}"), accepted));
    }
    Ok(first.or(also).map(|id| id.into_owned()))
}

/// The receiver that is told: a merchant who is one of them.
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
    match merchants.find(|id| takes(accepted, id)) {
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
        Kind::Owner,
        format!(
            "{what}, which is not among those configured ({}): it is another's; if it is yours, \
             accept it by the builder",
            accepted.join(", ")
        ),
    )
    .in_step("owner")
}
