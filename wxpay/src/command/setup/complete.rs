//! What the shell offers: documented paths, fields and events, and profiles.

use std::{collections::BTreeSet, env, ffi::OsStr};

use clap_complete::{
    CompletionCandidate,
    engine::{PathCompleter, ValueCompleter},
};
use wechatpay_chain::{
    Method,
    catalog::{self, Event, Fields, Operation},
};

use crate::{
    command::{call::path, notify::resource},
    settings::file,
    text::t,
};

/// How many levels of objects are offered as one field.
const DEPTH: usize = 4;

/// Returns the documented paths of the method that was typed, or of all methods, up to the next branch.
pub(crate) fn paths(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    let method = method();
    let operations = catalog::all().iter().filter(|operation| {
        method
            .as_ref()
            .is_none_or(|method| operation.method() == method)
    });
    let separator = if current.contains('/') || !current.contains('.') {
        '/'
    } else {
        '.'
    };
    let paths: Vec<(String, &str)> = operations
        .filter(|operation| separator == '/' || !operation.template().contains('.'))
        .map(|operation| {
            (
                operation.template().replace('/', &separator.to_string()),
                operation.title(),
            )
        })
        .filter(|(path, _)| path.starts_with(current))
        .collect();
    // As with files: one segment at a time, and on to where there is something to choose.
    let mut next: BTreeSet<&str> = paths
        .iter()
        .map(|(path, _)| upto(path, current.len(), separator))
        .collect();
    while let Some(only) = next
        .first()
        .filter(|only| next.len() == 1 && only.ends_with(separator))
    {
        let end = only.len();
        next = paths
            .iter()
            .map(|(path, _)| upto(path, end, separator))
            .collect();
    }
    next.into_iter()
        .map(|part| {
            let title = paths
                .iter()
                .find(|(path, _)| path == part)
                .map(|(_, title)| (*title).into());
            CompletionCandidate::new(part).help(title)
        })
        .collect()
}

/// Returns what has a page: paths and notifications.
pub(crate) fn pages(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut pages = paths(current);
    pages.extend(events(current));
    pages
}

/// Returns a path up to and with the first separator after `from`.
fn upto(path: &str, from: usize, separator: char) -> &str {
    match path[from..].find(separator) {
        Some(at) => &path[..from + at + 1],
        None => path,
    }
}

/// Returns the files that `@FILE` may name.
pub(crate) fn options(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(path) = current.to_str().and_then(|text| text.strip_prefix('@')) else {
        return Vec::new();
    };
    let files = PathCompleter::file().complete(path.as_ref());
    files.into_iter().map(|file| file.add_prefix("@")).collect()
}

/// Returns the variables and the documented fields of the operation whose path was typed.
pub(crate) fn fields(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(current), Some(operation)) = (current.to_str(), operation()) else {
        return Vec::new();
    };
    let variables = path::variables(operation.template());
    let mut names: Vec<_> = variables.map(|name| (format!("{name}="), None)).collect();
    for part in ["json", "query", "xml"] {
        if let Some(part) = operation.request().get(part) {
            leaves("", part.fields(), DEPTH, &mut names);
        }
    }
    offered(names, current)
}

fn offered(names: Vec<(String, Option<&'static str>)>, current: &str) -> Vec<CompletionCandidate> {
    let names = names
        .into_iter()
        .filter(|(name, _)| name.starts_with(current));
    names
        .map(|(name, help)| CompletionCandidate::new(name).help(help.map(Into::into)))
        .collect()
}

/// Adds the fields with a value of their own, and one for each value that is documented.
fn leaves(
    prefix: &str,
    fields: Fields,
    depth: usize,
    names: &mut Vec<(String, Option<&'static str>)>,
) {
    for field in fields.iter() {
        let name = format!("{prefix}{}", field.name());
        let kind = field.kind();
        if !field.fields().is_empty() && depth > 1 {
            let below = if kind.is_list() {
                format!("{name}.0.")
            } else {
                format!("{name}.")
            };
            leaves(&below, field.fields(), depth - 1, names);
            continue;
        }
        let help = field.is_required().then(|| t("required", "必填"));
        names.push((format!("{name}="), help));
        for value in field.values() {
            names.push((format!("{name}={value}"), None));
        }
    }
}

/// Returns the documented notifications: their types, and the names of the pages of those without one.
pub(crate) fn events(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_str().unwrap_or_default();
    let types: BTreeSet<&str> = catalog::events()
        .flat_map(names)
        .filter(|name| name.starts_with(current))
        .collect();
    types.into_iter().map(CompletionCandidate::new).collect()
}

fn names(event: Event) -> Vec<&'static str> {
    match event.event_types() {
        [] => vec![event.name()],
        types => types.to_vec(),
    }
}

/// Returns the documented fields of the notification that was typed.
pub(crate) fn event_fields(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_str().unwrap_or_default();
    let words: Vec<String> = words().collect();
    let mut fields = Vec::new();
    // Several pages can have the same type of event, each with fields of its own.
    for event in catalog::events() {
        let is_typed =
            |word: &String| event.name() == word || names(event).contains(&word.as_str());
        if words.iter().any(is_typed) {
            for content in resource::contents(&event) {
                leaves("", content, DEPTH, &mut fields);
            }
        }
    }
    fields.sort_unstable();
    fields.dedup_by(|one, other| one.0 == other.0);
    offered(fields, current)
}

/// Returns the names of the profiles.
pub(crate) fn profiles() -> Vec<CompletionCandidate> {
    let file = file::path()
        .and_then(|path| file::load(&path).ok())
        .unwrap_or_default();
    file.profiles
        .into_keys()
        .map(CompletionCandidate::new)
        .collect()
}

/// Returns the words of the line that is completed: the shell passes them after `--`.
fn words() -> impl Iterator<Item = String> {
    let words = env::args_os().skip_while(|word| word != "--").skip(2);
    words.filter_map(|word| word.into_string().ok())
}

fn method() -> Option<Method> {
    words().find_map(|word| method_named(&word))
}

fn method_named(word: &str) -> Option<Method> {
    match word {
        "get" => Some(Method::GET),
        "post" => Some(Method::POST),
        "put" => Some(Method::PUT),
        "patch" => Some(Method::PATCH),
        "delete" => Some(Method::DELETE),
        _ => None,
    }
}

/// Returns the operation of the line that is completed.
fn operation() -> Option<&'static Operation> {
    let method = method()?;
    words()
        .skip_while(|word| method_named(word).is_none())
        .skip(1)
        .find_map(|word| catalog::find(&method, &path::slashed(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(candidates: Vec<CompletionCandidate>) -> Vec<String> {
        let text =
            |candidate: CompletionCandidate| candidate.get_value().to_str().unwrap().to_owned();
        candidates.into_iter().map(text).collect()
    }

    #[test]
    fn a_path_is_offered_up_to_the_next_branch() {
        // Without words, the method is GET.
        assert_eq!(values(paths("v3/cert".as_ref())), ["v3/certificates"]);
        assert_eq!(values(paths("v3.cert".as_ref())), ["v3.certificates"]);
        let next = values(paths("v3/pay/transactions/".as_ref()));
        assert!(
            next.contains(&"v3/pay/transactions/out-trade-no/".to_owned()),
            "{next:?}"
        );
        assert!(values(paths("nowhere/".as_ref())).is_empty());
    }

    #[test]
    fn events_are_offered_by_their_beginning() {
        let events = values(events("TRANSACTION.SUC".as_ref()));
        assert_eq!(events, ["TRANSACTION.SUCCESS"]);
    }
}
