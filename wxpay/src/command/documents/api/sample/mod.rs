//! A request that the documents accept: the required fields, filled in.

mod values;

use serde_json::{Map, Value, json};
use wechatpay_chain::catalog::{Fields, Operation};

pub(super) use self::values::SERIAL;

/// The parts that `-f` fills.
const PARTS: [&str; 4] = ["json", "query", "xml", "headers"];

pub(super) struct Sample<'a> {
    operation: &'a Operation,
    options: Value,
    is_sealed: bool,
}

impl<'a> Sample<'a> {
    pub(super) fn of(operation: &'a Operation) -> Self {
        let options = Value::Object(options(operation));
        let is_sealed = is_sealed(operation.request(), &options);
        Self {
            operation,
            options,
            is_sealed,
        }
    }

    pub(super) fn options(&self) -> &Value {
        &self.options
    }

    /// Returns whether the request uploads a file.
    pub(super) fn has_file(&self) -> bool {
        self.operation.request().get("body").is_some()
    }

    /// Returns the command that sends it, for a POSIX shell.
    pub(super) fn command(&self) -> String {
        if self.has_file() {
            return self.upload();
        }
        let method = self.operation.method().as_str().to_ascii_lowercase();
        let mut command = format!("wxpay {method} {}", quoted(self.operation.template()));
        let mut rest = Map::new();
        let mut fields = Vec::new();
        for (name, value) in self.options.as_object().into_iter().flatten() {
            if PARTS.contains(&name.as_str()) {
                for (field, value) in value.as_object().into_iter().flatten() {
                    let key = match self.is_found_alone(name, field) {
                        true => field.clone(),
                        false => format!("{name}.{field}"),
                    };
                    flatten(&key, value, &mut fields);
                }
            } else if is_variable(self.operation, name) {
                flatten(name, value, &mut fields);
            } else {
                rest.insert(name.clone(), value.clone());
            }
        }
        if !rest.is_empty() {
            let rest = Value::Object(rest).to_string();
            command.push_str(&format!(" \\\n  -o {}", quoted(&rest)));
        }
        for field in fields {
            command.push_str(&format!(" \\\n  -f {}", quoted(&field)));
        }
        if self.is_sealed {
            command.push_str(" \\\n  --encrypt");
        }
        command
    }

    /// Returns the command that uploads a file.
    fn upload(&self) -> String {
        let mut command = format!(
            "wxpay upload FILE --as {}",
            quoted(self.operation.template())
        );
        if self.options.get("base_uri").is_some() {
            let host = base_uri(self.operation.template());
            command.push_str(&format!(" \\\n  --base-uri {host}"));
        }
        let mut fields = Vec::new();
        for name in variables(self.operation.template()) {
            flatten(name, &self.options[name], &mut fields);
        }
        let request = self.operation.request();
        let meta = request.at("/body/meta").map(|meta| meta.fields());
        let meta = meta.map(|meta| values::object(meta, false));
        // The command fills the usual fields itself.
        let is_usual = request.at("/body/meta/sha256").is_some();
        for (name, value) in meta.iter().flat_map(|meta| meta.as_object()).flatten() {
            if !is_usual || !["sha256", "filename"].contains(&name.as_str()) {
                flatten(name, value, &mut fields);
            }
        }
        for field in fields {
            command.push_str(&format!(" \\\n  -f {}", quoted(&field)));
        }
        command
    }

    /// Returns whether `-f` finds this part by the name of the field.
    fn is_found_alone(&self, part: &str, field: &str) -> bool {
        let request = self.operation.request();
        let has = |part: &&str| {
            let part = request.get(part);
            part.is_some_and(|part| part.fields().get(field).is_some())
        };
        PARTS.into_iter().find(|part| has(part)) == Some(part)
            && !PARTS.contains(&field)
            && !is_variable(self.operation, field)
    }
}

/// Returns the options map. The file of an upload is no JSON, and stays out.
fn options(operation: &Operation) -> Map<String, Value> {
    let is_v2 = operation.version() == "v2";
    let mut options = Map::new();
    for name in variables(operation.template()) {
        let value = match operation.request().get(name) {
            Some(field) => values::value(field, is_v2),
            None => values::text(name, is_v2).into(),
        };
        options.insert(name.to_owned(), value);
    }
    for key in operation.request() {
        let name = key.name();
        let is_needed = key.is_required() || is_v2 && name == "query";
        let value = match name {
            _ if !is_needed => continue,
            "headers" => values::object(key.fields(), is_v2),
            _ if PARTS.contains(&name) => values::part(key.fields(), is_v2),
            "base_uri" => base_uri(operation.template()).into(),
            "security" | "nonceless" => true.into(),
            _ => continue,
        };
        if name != "headers" || value != json!({}) {
            options.insert(name.to_owned(), value);
        }
    }
    options
}

fn variables(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        // The documents' way to write a trailing slash.
        .filter(|name| *name != "empty")
}

/// Returns the host of an operation that has another one than most, as the documents have it.
fn base_uri(template: &str) -> &'static str {
    let hosts = [
        ("v2/face/", "https://payapp.weixin.qq.com/"),
        ("v2/", "https://fraud.mch.weixin.qq.com/"),
        ("v3/customs/", "https://apihk.mch.weixin.qq.com/global/"),
        ("v3/global/", "https://apihk.mch.weixin.qq.com/"),
    ];
    let mut hosts = hosts.into_iter();
    hosts
        .find(|(prefix, _)| template.starts_with(prefix))
        .map_or("https://api.mch.weixin.qq.com/hk/", |(_, host)| host)
}

fn is_variable(operation: &Operation, name: &str) -> bool {
    operation.template().contains(&format!("{{{name}}}"))
}

/// Writes a value as `-f` reads it.
fn flatten(key: &str, value: &Value, fields: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                flatten(&format!("{key}.{name}"), value, fields);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (at, item) in items.iter().enumerate() {
                flatten(&format!("{key}.{at}"), item, fields);
            }
        }
        Value::String(text) => fields.push(format!("{key}={text}")),
        // The documented type says that it is no text.
        Value::Number(_) | Value::Bool(_) => fields.push(format!("{key}={value}")),
        other => fields.push(format!("{key}:={other}")),
    }
}

/// Quotes an argument for a POSIX shell, if it needs it.
fn quoted(argument: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@+%".contains(&byte);
    match argument.bytes().all(is_plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

fn is_sealed(fields: Fields, value: &Value) -> bool {
    let items = match value {
        Value::Array(items) => &items[..],
        value => std::slice::from_ref(value),
    };
    items.iter().any(|value| {
        fields.iter().any(|field| {
            value
                .get(field.name())
                .is_some_and(|value| field.sealed().is_some() || is_sealed(field.fields(), value))
        })
    })
}

#[cfg(test)]
mod tests {
    use wechatpay_chain::{Checks, Options, catalog, sandbox::Sandbox};

    use super::*;

    #[test]
    fn documents_accept_every_sample() {
        let sandbox = Sandbox::start().unwrap();
        // The samples' merchant. Nothing is sent.
        let client = sandbox
            .client_builder()
            .mchid("1900000109")
            .build()
            .unwrap();
        let mut refused = Vec::new();
        for operation in catalog::all() {
            let sample = Sample::of(operation);
            // A page without a table accepts nothing.
            let xml = operation.request().get("xml");
            if sample.has_file() || xml.is_some_and(|xml| xml.fields().is_empty()) {
                continue;
            }
            let mut options = sample.options().clone();
            // The keys of a sandbox go to no other host.
            options.as_object_mut().unwrap().remove("base_uri");
            let mut options = Options::from(options).check_documents(Checks::Deny);
            if sample.is_sealed {
                options = options.encrypt_documented();
            }
            let chain = client.chain(operation.template());
            if let Err(err) = chain.prepare(operation.method(), &options) {
                refused.push(format!("{err} {}", sample.options()));
            }
        }
        assert!(
            refused.is_empty(),
            "{}: {}",
            refused.len(),
            refused.join("\n")
        );
    }

    #[test]
    fn shell_reads_what_was_quoted() {
        assert_eq!(quoted("amount.total=1"), "amount.total=1");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("v3/{id}"), "'v3/{id}'");
    }
}
