//! Expands the template of a path.

use serde_json::Value;

use crate::{
    base::template::{self, TemplateError},
    error::{Cause, cause::Result, value::shown},
    protocol::{
        options::{Var, unknown_key},
        url::path::EMPTY,
    },
};

/// Expands the template. Every variable needs a value, and every value a variable: a misspelt name
/// would otherwise vanish silently and the request go to another path.
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
            None => "is not set",
            Some(Value::Null) => "is null",
            Some(Value::String(text)) if text.is_empty() => "is an empty string",
            Some(Value::Array(items)) if items.is_empty() => "is an empty array",
            Some(Value::Object(map)) if map.is_empty() => "is an empty object",
            Some(_) => return value,
        };
        missing.push((name.to_owned(), lack));
        None
    };
    template::expand(template, &mut lookup, &mut out)
        .map_err(|err: TemplateError| Cause::request(format!("invalid path template: {err}")))?;
    if let Some(at) = used.iter().position(|used| !used) {
        let mut variables = Vec::new();
        // The template was parsed above, so this cannot fail.
        let _ = template::variables(template, &mut |name| variables.push(name));
        return Err(unknown_key(&vars[at].name, &variables));
    }
    if !missing.is_empty() {
        let lacks = missing
            .iter()
            .map(|(name, lack)| format!("`{}` {lack}", shown(name)))
            .collect::<Vec<_>>();
        return Err(Cause::request(format!(
            "missing path variable: {}; set it in the options",
            lacks.join(", ")
        )));
    }
    Ok(out)
}
