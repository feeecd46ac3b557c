//! The template, filled.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    base::template::{self, TemplateError},
    error::{Error, Result},
    protocol::{
        options::{Var, unknown_key},
        path::{EMPTY, shown},
    },
};

/// Fills the template. Every variable must have a value, and every value a variable.
pub(super) fn expand(template: &str, vars: &[Var]) -> Result<String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut missing: Vec<(String, &'static str)> = Vec::new();
    let mut used = vec![false; vars.len()];
    let mut lookup = |name: &str| {
        let found = vars.iter().position(|var| var.name == name);
        if let Some(at) = found {
            used[at] = true;
        }
        let value = found.map(|at| &vars[at].value);
        let lack = match value {
            None if name == EMPTY => return None,
            None => "was not given",
            Some(Value::Null) => "is null",
            Some(Value::String(text)) if text.is_empty() => "is an empty string",
            Some(Value::Array(items)) if items.is_empty() => "is an empty array",
            Some(Value::Object(map)) if map.is_empty() => "is an empty object",
            Some(_) => return value,
        };
        missing.push((name.to_owned(), lack));
        None
    };
    template::expand(template, &mut lookup, &mut out).map_err(|err: TemplateError| {
        Error::request(format!("the path is no URI template: {err}"))
    })?;
    if let Some(at) = used.iter().position(|used| !used) {
        let variables = variables(template, vars, &missing);
        let variables = variables.iter().map(AsRef::as_ref).collect::<Vec<&str>>();
        return Err(unknown_key(&vars[at].name, &variables));
    }
    if !missing.is_empty() {
        let lacks = missing
            .iter()
            .map(|(name, lack)| format!("`{}` {lack}", shown(name)))
            .collect::<Vec<_>>();
        return Err(Error::request(format!(
            "the path lacks a value: {}; give one in the options",
            lacks.join(", ")
        )));
    }
    Ok(out)
}

/// The names in the template: those that lack a value and those that have one.
fn variables<'a>(
    template: &str,
    vars: &'a [Var],
    missing: &'a [(String, &'static str)],
) -> Vec<Cow<'a, str>> {
    let given = vars
        .iter()
        .filter(|var| template.contains(&var.name))
        .map(|var| Cow::from(&var.name));
    missing
        .iter()
        .map(|(name, _)| Cow::from(name))
        .chain(given)
        .collect()
}
