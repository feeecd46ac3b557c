//! Whose a notification is.

use serde_json::{Map, Value};

use crate::{
    base::scalar::scalar,
    error::{Cause, Kind, cause::Result},
    protocol::{options::type_of, path::shown},
};

/// The fields that name the merchant that is told; a `sub_mchid` is another's by its nature.
const MERCHANT: [&str; 6] = [
    "mchid",
    "sp_mchid",
    "combine_mchid",
    "mch_id",
    "sp_mch_id",
    "combine_mch_id",
];
/// The fields that name the merchant's app.
const APP: [&str; 3] = ["appid", "sp_appid", "combine_appid"];

/// The merchants and apps whose notifications are taken; an empty list takes any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    pub(crate) mchids: Vec<String>,
    pub(crate) appids: Vec<String>,
}

impl Owners {
    /// Refuses a resource that names another.
    pub(super) fn check(&self, resource: &Map<String, Value>) -> Result<()> {
        check(resource, &MERCHANT, &self.mchids)?;
        check(resource, &APP, &self.appids)
    }
}

fn check(resource: &Map<String, Value>, fields: &[&str], accepted: &[String]) -> Result<()> {
    if accepted.is_empty() {
        return Ok(());
    }
    let named = fields.iter().filter_map(|field| {
        Some((
            field,
            resource.get(*field).filter(|value| !value.is_null())?,
        ))
    });
    for (field, value) in named {
        let refused = match scalar(value) {
            Some(id) if accepted.iter().any(|accepted| *accepted == *id) => continue,
            Some(id) => format!("{:?}", shown(&id)),
            None => type_of(value).to_owned(),
        };
        return Err(Cause::new(
            Kind::Owner,
            format!(
                "its `{field}` is {refused}, which is not among those configured ({}): it is \
                 another's; if it is yours, accept it by the builder",
                accepted.join(", ")
            ),
        )
        .in_step("owner"));
    }
    Ok(())
}
