//! What an argument names: an operation or a notification.

use wechatpay_chain::{
    Method,
    catalog::{self, Event, Operation},
};

use crate::{
    command::call::path::slashed,
    exit::{Failure, Result},
    text::tf,
};

/// A thing that has a page.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    Operation(&'static Operation),
    Event(Event),
}

impl Subject {
    /// Returns its method and its template, or its version and its name.
    pub(super) fn columns(&self) -> (String, String) {
        match self {
            Self::Operation(operation) => (
                operation.method().to_string(),
                operation.template().to_owned(),
            ),
            Self::Event(event) => (event.version().to_owned(), event.name().to_owned()),
        }
    }

    /// Returns what names it on the command line, and nothing else.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Operation(operation) => operation.to_string(),
            Self::Event(event) if has_twin(event) => {
                format!("{} {}", event.version(), event.name())
            }
            Self::Event(event) => event.name().to_owned(),
        }
    }
}

/// Both versions have an event of this name.
fn has_twin(event: &Event) -> bool {
    let twin = |other: &Event| other.name() == event.name() && other.version() != event.version();
    catalog::events().any(|other| twin(&other))
}

/// Returns everything that has this name: an operation (`POST v3/certificates`, `v3.certificates`), or an
/// event, by its name or its type.
pub(super) fn named(words: &[String]) -> Vec<Subject> {
    let (first, rest) = match words {
        [name] => (None, name),
        [first, rest] => (Some(first.as_str()), rest),
        _ => return Vec::new(),
    };
    let by_path = operations(rest).into_iter().map(Subject::Operation);
    let found: Vec<_> = by_path.chain(events(rest).map(Subject::Event)).collect();
    let Some(first) = first else { return found };
    let method: Option<Method> = first.to_ascii_uppercase().parse().ok();
    let fits = |subject: &Subject| match subject {
        Subject::Operation(operation) => method.as_ref() == Some(&operation.method()),
        Subject::Event(event) => event.version().eq_ignore_ascii_case(first),
    };
    found.into_iter().filter(fits).collect()
}

/// Returns the one thing that the words name.
pub(super) fn one(words: &[String]) -> Result<Subject> {
    // `types 'POST v3/certificates'` is one argument, `types POST v3/certificates` two.
    let words: Vec<String> = words
        .iter()
        .flat_map(|word| word.split_whitespace())
        .map(str::to_owned)
        .collect();
    let found = named(&words);
    if let [subject] = found[..] {
        return Ok(subject);
    }
    let asked = words.join(" ");
    if found.is_empty() {
        let path = words.last().map_or("", String::as_str);
        return Err(unknown(&asked, path));
    }
    let keys: Vec<_> = found.iter().map(Subject::key).collect();
    let keys = keys.join(", ");
    Err(Failure::usage(tf!(
        "`{asked}` is several: {keys}",
        "`{asked}` 对应多个: {keys}"
    )))
}

fn unknown(asked: &str, path: &str) -> Failure {
    let methods: Vec<_> = operations(path).iter().map(|op| op.to_string()).collect();
    if !methods.is_empty() {
        let methods = methods.join(", ");
        return Failure::usage(tf!(
            "`{asked}` is not documented; the path is: {methods}",
            "文档中没有 `{asked}`; 该路径有: {methods}"
        ));
    }
    let nearest = match path.contains('/') || path.starts_with("v3.") || path.starts_with("v2.") {
        true => catalog::nearest(&slashed(path)).to_owned(),
        false => nearest_event(path),
    };
    Failure::usage(tf!(
        "`{asked}` is not documented; the nearest is {nearest}",
        "文档中没有 `{asked}`; 最接近的是 {nearest}"
    ))
    .with_advice(tf!(
        "`wxpay api WORDS` searches by path, title and field.",
        "`wxpay api 关键词` 可按路径、标题和字段搜索。"
    ))
}

pub(super) fn nearest_event(name: &str) -> String {
    // The time to compare grows with the length.
    let name: String = name.chars().take(100).collect();
    let name = name.to_ascii_uppercase();
    catalog::events()
        .min_by_key(|event| strsim::osa_distance(&name, &event.name().to_ascii_uppercase()))
        .map(|event| Subject::Event(event).key())
        .unwrap_or_default()
}

/// Returns the operations of a path in any form: a template, an expanded path, with dots, in camelCase.
fn operations(path: &str) -> Vec<&'static Operation> {
    let path = slashed(path);
    let found: Vec<_> = catalog::by_path(&path).collect();
    match catalog::camel_hint(&path) {
        Some(template) if found.is_empty() => catalog::by_path(template).collect(),
        _ => found,
    }
}

/// Returns the events of a name, or else those of a type: one type can have several pages.
fn events(name: &str) -> impl Iterator<Item = Event> {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    let mut found: Vec<_> = catalog::events().filter(|event| is(event.name())).collect();
    if found.is_empty() {
        let has_type = |event: &Event| event.event_types().iter().any(|other| is(other));
        found = catalog::events().filter(has_type).collect();
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(words: &[&str]) -> Vec<String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        named(&words).iter().map(Subject::key).collect()
    }

    #[test]
    fn operation_is_named_in_every_form() {
        let native = ["POST v3/pay/transactions/native"];
        assert_eq!(keys(&["POST", "v3/pay/transactions/native"]), native);
        assert_eq!(keys(&["post", "/v3/pay/transactions/native"]), native);
        assert_eq!(keys(&["v3.pay.transactions.native"]), native);
        assert_eq!(
            keys(&["v3.pay.transactions.outTradeNo._out_trade_no_"]),
            ["GET v3/pay/transactions/out-trade-no/{out_trade_no}"]
        );
        assert!(keys(&["GET", "v3/pay/transactions/native"]).is_empty());
        assert_eq!(
            keys(&["v3/merchant-service/complaint-notifications"]).len(),
            4
        );
    }

    #[test]
    fn event_is_named_with_its_version_where_both_have_it() {
        assert_eq!(keys(&["refund.success"]), ["REFUND.SUCCESS"]);
        assert_eq!(
            keys(&["TRANSACTION.SUCCESS"]),
            ["v2 TRANSACTION.SUCCESS", "v3 TRANSACTION.SUCCESS"]
        );
        assert_eq!(
            keys(&["v3", "TRANSACTION.SUCCESS"]),
            ["v3 TRANSACTION.SUCCESS"]
        );
    }

    #[test]
    fn every_page_is_named_by_its_key() {
        let operations = catalog::all().iter().map(Subject::Operation);
        for subject in operations.chain(catalog::events().map(Subject::Event)) {
            let key = subject.key();
            let found = one(std::slice::from_ref(&key)).map(|found| found.key());
            assert_eq!(found.ok(), Some(key));
        }
    }
}
