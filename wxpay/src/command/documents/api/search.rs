//! What the words of a query fit.

use std::collections::BTreeSet;

use wechatpay_chain::{
    Method,
    catalog::{self, Event, Fields, Operation},
};

use crate::command::documents::subject::{self, Subject};

/// Something that fits all words.
pub(super) struct Hit {
    pub(super) subject: Subject,
    /// The pointers of the fields that fit where nothing else does.
    pub(super) fields: Vec<String>,
    /// How far from what was asked: hits in a path come before those in a title, and these before fields.
    rank: u8,
}

impl Hit {
    pub(super) fn of(subject: Subject) -> Self {
        Self {
            subject,
            fields: Vec::new(),
            rank: 0,
        }
    }
}

/// A query of more words is one of a person who talks to it.
const MAX_WORDS: usize = 16;

/// More than any path or title has.
const MAX_LEN: usize = 300;

/// Returns the operations that fit all words, the best first.
pub(super) fn operations(words: &[String]) -> Vec<Hit> {
    let mut hits: Vec<_> = catalog::all()
        .iter()
        .filter_map(|operation| {
            let mut hit = Hit::of(Subject::Operation(operation));
            words
                .iter()
                .take(MAX_WORDS)
                .all(|word| fits(&mut hit, operation, word))
                .then_some(hit)
        })
        .collect();
    hits.sort_by_key(|hit| hit.rank);
    hits
}

fn fits(hit: &mut Hit, operation: &Operation, word: &str) -> bool {
    if word.len() > MAX_LEN {
        return false;
    }
    let lower = word.to_ascii_lowercase();
    let method: Option<Method> = (word.len() > 2 && word == word.to_ascii_uppercase())
        .then(|| word.parse().ok())
        .flatten();
    if method == Some(operation.method()) {
        return true;
    }
    let path = lower.trim_matches('/');
    let slashed = path.replace('.', "/");
    if operation.template().contains(path)
        || slashed.contains('/') && operation.template().contains(&slashed)
    {
        return true;
    }
    if operation.title().to_ascii_lowercase().contains(&lower) {
        hit.rank = hit.rank.max(1);
        return true;
    }
    let pointers = pointers(operation, word);
    if pointers.is_empty() {
        return false;
    }
    hit.rank = 2;
    hit.fields.extend(pointers);
    true
}

/// Returns where an operation has a field: `amount.total` is one in an object.
fn pointers(operation: &Operation, word: &str) -> Vec<String> {
    let names: Vec<_> = word
        .split(['.', '/'])
        .filter(|name| !name.is_empty())
        .collect();
    let mut found = Vec::new();
    if !names.is_empty() {
        collect(operation.request(), &names, &names, "", &mut found);
        // A response has its fields at the top.
        collect(operation.response(), &names, &names, "response", &mut found);
    }
    found
}

fn collect(fields: Fields, all: &[&str], rest: &[&str], path: &str, found: &mut Vec<String>) {
    for field in fields {
        let path = match path {
            "" => field.name().to_owned(),
            outer => format!("{outer}.{}", field.name()),
        };
        let is_named = |name: &str| field.name().eq_ignore_ascii_case(name);
        match rest {
            [name] if is_named(name) => found.push(path.clone()),
            [name, rest @ ..] if is_named(name) && !rest.is_empty() => {
                collect_exact(field.fields(), rest, &path, found);
            }
            _ => {}
        }
        collect(field.fields(), all, all, &path, found);
    }
}

/// The rest of the names, without any in between.
fn collect_exact(fields: Fields, names: &[&str], path: &str, found: &mut Vec<String>) {
    let Some((first, rest)) = names.split_first() else {
        return;
    };
    for field in fields
        .iter()
        .filter(|field| field.name().eq_ignore_ascii_case(first))
    {
        let path = format!("{path}.{}", field.name());
        match rest.is_empty() {
            true => found.push(path),
            false => collect_exact(field.fields(), rest, &path, found),
        }
    }
}

/// Returns the notifications that fit all words: all of them for no word.
pub(super) fn events(words: &[String]) -> Vec<Hit> {
    let fits = |event: &Event, word: &String| {
        let word = word.to_ascii_lowercase();
        let has = |text: &str| text.to_ascii_lowercase().contains(&word);
        event.version() == word
            || has(event.name())
            || event.event_types().iter().any(|ty| has(ty))
            || event.fields().get(&word).is_some()
    };
    catalog::events()
        .filter(|event| words.iter().take(MAX_WORDS).all(|word| fits(event, word)))
        .map(|event| Hit::of(Subject::Event(event)))
        .collect()
}

/// How many are named if nothing fits.
const NEAREST: usize = 3;

/// Returns what is most similar to a query that nothing fits: paths, field names or events, and titles.
pub(super) fn nearest(words: &[String]) -> Vec<String> {
    let Some(word) = words.iter().take(MAX_WORDS).max_by_key(|word| word.len()) else {
        return Vec::new();
    };
    let word: String = word.chars().take(MAX_LEN).collect();
    if word.contains('/') || word.starts_with("v3.") || word.starts_with("v2.") {
        let path = word.replace('.', "/");
        return vec![catalog::nearest(&path).to_owned()];
    }
    if !word.is_ascii() {
        return titles(&word);
    }
    if word == word.to_ascii_uppercase() {
        return vec![subject::nearest_event(&word)];
    }
    let lower = word.to_ascii_lowercase();
    let mut names: Vec<_> = field_names().into_iter().collect();
    names.sort_by_cached_key(|name| strsim::osa_distance(&lower, name));
    names.truncate(NEAREST);
    names.into_iter().map(str::to_owned).collect()
}

fn titles(word: &str) -> Vec<String> {
    let common = |title: &str| {
        word.chars()
            .filter(|letter| title.contains(*letter))
            .count()
    };
    let mut operations: Vec<_> = catalog::all()
        .iter()
        .filter(|operation| common(operation.title()) > 0)
        .collect();
    operations.sort_by_cached_key(|operation| {
        let title = operation.title();
        (
            usize::MAX - common(title),
            strsim::osa_distance(word, title),
        )
    });
    operations.dedup_by_key(|operation| operation.title());
    operations.truncate(NEAREST);
    operations
        .iter()
        .map(|operation| operation.title().to_owned())
        .collect()
}

fn field_names() -> BTreeSet<&'static str> {
    fn add(fields: Fields, names: &mut BTreeSet<&'static str>) {
        for field in fields {
            names.insert(field.name());
            add(field.fields(), names);
        }
    }
    let mut names = BTreeSet::new();
    for operation in catalog::all() {
        add(operation.request(), &mut names);
        add(operation.response(), &mut names);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(query: &str) -> Vec<String> {
        let words: Vec<_> = query.split(' ').map(str::to_owned).collect();
        operations(&words)
            .iter()
            .map(|hit| hit.subject.key())
            .collect()
    }

    #[test]
    fn all_words_must_fit() {
        assert_eq!(
            keys("native下单 partner"),
            ["POST v3/pay/partner/transactions/native"]
        );
        assert!(keys("PUT certificates").is_empty());
        assert_eq!(keys("GET v3/certificates"), ["GET v3/certificates"]);
    }

    #[test]
    fn fields_are_found_alone_and_in_their_object() {
        let hits = operations(&["settle_info.profit_sharing".to_owned()]);
        let native = hits
            .iter()
            .find(|hit| hit.subject.key() == "POST v3/pay/transactions/native");
        assert_eq!(native.unwrap().fields, ["json.settle_info.profit_sharing"]);
        let alone = operations(&["profit_sharing".to_owned()]);
        assert!(alone.len() > hits.len());
        assert!(operations(&["amount.profit_sharing".to_owned()]).is_empty());
    }

    #[test]
    fn what_fits_nothing_has_something_near() {
        let near = |word: &str| nearest(&[word.to_owned()]);
        assert_eq!(near("profit_sharng")[0], "profit_sharing");
        assert_eq!(
            near("v3/pay/transactions/natve"),
            ["v3/pay/transactions/native"]
        );
        assert_eq!(near("REFUND.SUCESS"), ["REFUND.SUCCESS"]);
        assert_eq!(near("申清退款")[0], "申请退款");
        assert!(!near(&"a".repeat(100_000)).is_empty());
    }
}
