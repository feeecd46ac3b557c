//! An edition of the documents: operations, their fields, and the notifications.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

use crate::{overlay::Overlay, repository};

/// The types of fields, in the order of their numbers in `packed.bin`.
pub const KINDS: [&str; 10] = [
    "string",
    "integer",
    "number",
    "boolean",
    "object",
    "string[]",
    "integer[]",
    "number[]",
    "boolean[]",
    "object[]",
];

/// How fields are encrypted, in the order of their numbers in `packed.bin`.
pub const SEALINGS: [&str; 4] = ["by-rsa-pubkey", "by-rsa-pkcs1", "by-aes-gcm", "by-aes-ecb"];

/// What the pages said at one time.
pub struct Edition {
    /// The date of the pages, `YYYY-MM-DD`. Empty if it is not known.
    pub date: String,
    /// The titles, by `METHOD template`.
    pub titles: BTreeMap<String, String>,
    /// Each with `op`, `request` and `response`, by `METHOD template`.
    pub operations: BTreeMap<String, Map<String, Value>>,
    pub events: Vec<Map<String, Value>>,
}

impl Edition {
    /// Reads the edition that the library knows, with `also.jsonl` applied.
    pub fn in_repository() -> Result<Self, String> {
        let folder = repository().join("documents");
        let list = repository().join("src/catalog/operations/list.tsv");
        let mut edition = Self::read(&folder, &list)?;
        edition.date = date(&folder.join("date"))?;
        match Overlay::in_repository()?.apply(&mut edition).first() {
            None => Ok(edition),
            Some(why) => Err(why.clone()),
        }
    }

    /// Reads an edition from a folder, as it was published.
    pub fn in_folder(folder: &Path) -> Result<Self, String> {
        Self::read(folder, &folder.join("operations.tsv"))
    }

    fn read(folder: &Path, list: &Path) -> Result<Self, String> {
        let titles = titles(list)?;
        let path = folder.join("fields.jsonl");
        let operations = operations(&path, &titles)?;
        if let Some(op) = titles.keys().find(|op| !operations.contains_key(*op)) {
            let (list, path) = (list.display(), path.display());
            return Err(format!("{list}: {op} has no line in {path}"));
        }
        Ok(Self {
            date: String::new(),
            titles,
            operations,
            events: events(&folder.join("events.jsonl"))?,
        })
    }
}

fn titles(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut titles = BTreeMap::new();
    for (at, line) in text(path)?.lines().enumerate().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [_, method, template, title] = columns[..] else {
            return Err(place(path, at)("not four columns with tabs between them"));
        };
        let op = format!("{method} {template}");
        if titles.insert(op.clone(), title.to_owned()).is_some() {
            return Err(place(path, at)(&format!("{op} is listed twice")));
        }
    }
    Ok(titles)
}

fn operations(
    path: &Path,
    titles: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Map<String, Value>>, String> {
    let mut operations = BTreeMap::new();
    for (at, line) in lines(path)?.into_iter().enumerate() {
        let op = text_of(&line, "op").map_err(|why| place(path, at)(&why))?;
        for side in ["request", "response"] {
            let fields = line.get(side).unwrap_or(&Value::Null);
            check_fields(fields).map_err(|why| place(path, at)(&format!("{op}: {side}{why}")))?;
        }
        if !titles.contains_key(&op) {
            let why = format!("{op} is not in the list of operations");
            return Err(place(path, at)(&why));
        }
        if operations.insert(op.clone(), line).is_some() {
            return Err(place(path, at)(&format!("{op} has two lines")));
        }
    }
    Ok(operations)
}

fn events(path: &Path) -> Result<Vec<Map<String, Value>>, String> {
    let events = lines(path)?;
    for (at, event) in events.iter().enumerate() {
        check_event(event).map_err(|why| place(path, at)(&why))?;
    }
    Ok(events)
}

fn check_event(event: &Map<String, Value>) -> Result<(), String> {
    let name = text_of(event, "event")?;
    if !["v2", "v3"].contains(&text_of(event, "version")?.as_str()) {
        return Err(format!("{name}: `version` must be v2 or v3"));
    }
    for key in ["event_type", "original_type"] {
        if event.get(key).is_some_and(|types| !is_list_of_texts(types)) {
            return Err(format!("{name}: `{key}` must be a list of texts"));
        }
    }
    let fields = event.get("resource").or_else(|| event.get("fields"));
    let fields = fields.ok_or_else(|| format!("{name}: neither `resource` nor `fields`"))?;
    check_fields(fields).map_err(|why| format!("{name}: {why}"))
}

/// Checks fields and those within them. An error starts with the pointer of the field.
pub fn check_fields(fields: &Value) -> Result<(), String> {
    let fields = fields.as_array().ok_or(": expected a list of fields")?;
    for field in fields {
        check_field(field)?;
    }
    Ok(())
}

pub fn check_field(field: &Value) -> Result<(), String> {
    let field = field
        .as_object()
        .ok_or(": expected an object for a field")?;
    let name = text_of(field, "name").map_err(|why| format!(": a field: {why}"))?;
    for (key, value) in field {
        let is_one_of = |known: &[&str]| known.iter().any(|known| value == known);
        match key.as_str() {
            "name" => {}
            "type" if is_one_of(&KINDS) => {}
            "required" if value.is_boolean() => {}
            "enum" if is_list_of_texts(value) => {}
            "sealed" if is_one_of(&SEALINGS) => {}
            "of" => check_fields(value).map_err(|why| format!("/{name}{why}"))?,
            _ => return Err(format!("/{name}: unknown `{key}`: {value}")),
        }
    }
    text_of(field, "type").map_err(|why| format!("/{name}: {why}"))?;
    Ok(())
}

fn is_list_of_texts(value: &Value) -> bool {
    let list = value.as_array();
    list.is_some_and(|list| list.iter().all(Value::is_string))
}

fn date(path: &Path) -> Result<String, String> {
    let text = text(path)?;
    let date = text.trim();
    let is_date = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_date {
        return Err(place(path, 0)("expected a date: YYYY-MM-DD"));
    }
    Ok(date.to_owned())
}

pub fn text_of(line: &Map<String, Value>, key: &str) -> Result<String, String> {
    let text = line.get(key).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| format!("no text `{key}`"))
}

/// Reads a file of JSON objects, one per line.
pub fn lines(path: &Path) -> Result<Vec<Map<String, Value>>, String> {
    let text = text(path)?;
    let lines = text.lines().enumerate();
    let parse = |(at, line)| {
        serde_json::from_str(line)
            .map_err(|err| place(path, at)(&format!("not a JSON object: {err}")))
    };
    lines.map(parse).collect()
}

/// Returns what prefixes an error with its file and line. `at` counts from 0.
pub fn place(path: &Path, at: usize) -> impl Fn(&str) -> String {
    let place = format!("{}:{}", path.display(), at + 1);
    move |why| format!("{place}: {why}")
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|err| format!("{}: {err}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::{env, path::PathBuf, process};

    use super::*;

    /// A folder with an edition, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: [&str; 3]) -> Self {
            let folder = env::temp_dir().join(format!("documents-{name}-{}", process::id()));
            fs::create_dir_all(&folder).unwrap();
            let names = ["operations.tsv", "fields.jsonl", "events.jsonl"];
            for (name, text) in names.iter().zip(files) {
                fs::write(folder.join(name), text).unwrap();
            }
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const LIST: &str = "version\tmethod\tpath\ttitle\nv3\tGET\tv3/a\tA\n";
    const FIELDS: &str =
        r#"{"op":"GET v3/a","request":[],"response":[{"name":"x","type":"string"}]}"#;
    const EVENT: &str = r#"{"version":"v3","event":"E","event_type":["E"],"resource":[]}"#;

    #[test]
    fn edition_is_read_from_a_folder() {
        let folder = Folder::new("read", [LIST, FIELDS, EVENT]);
        let edition = Edition::in_folder(&folder.0).unwrap();
        assert_eq!(edition.titles["GET v3/a"], "A");
        assert_eq!(edition.operations["GET v3/a"]["response"][0]["name"], "x");
        assert_eq!(edition.events[0]["event"], "E");
    }

    #[test]
    fn error_names_file_and_line() {
        let twice = format!("{LIST}v3\tGET\tv3/a\tB\n");
        let broken = format!("{FIELDS}\n{{");
        let stranger = FIELDS.replace("v3/a", "v3/b");
        let again = format!("{FIELDS}\n{FIELDS}");
        let kind = FIELDS.replace("string", "text");
        let key = FIELDS.replace("\"type\"", "\"typ\"");
        let version = EVENT.replace("\"v3\"", "\"v4\"");
        for (number, (files, expected)) in [
            (
                [&twice, FIELDS, EVENT],
                "operations.tsv:3: GET v3/a is listed twice",
            ),
            (
                ["x\nv3\tGET", FIELDS, EVENT],
                "operations.tsv:2: not four columns with tabs between them",
            ),
            (
                [LIST, &broken, EVENT],
                "fields.jsonl:2: not a JSON object: EOF",
            ),
            (
                [LIST, "[]", EVENT],
                "fields.jsonl:1: not a JSON object: invalid type",
            ),
            ([LIST, "{}", EVENT], "fields.jsonl:1: no text `op`"),
            (
                [LIST, &stranger, EVENT],
                "fields.jsonl:1: GET v3/b is not in the list of operations",
            ),
            (
                [LIST, &again, EVENT],
                "fields.jsonl:2: GET v3/a has two lines",
            ),
            (
                [LIST, "", EVENT],
                "operations.tsv: GET v3/a has no line in ",
            ),
            (
                [LIST, &kind, EVENT],
                r#"fields.jsonl:1: GET v3/a: response/x: unknown `type`: "text""#,
            ),
            (
                [LIST, &key, EVENT],
                "fields.jsonl:1: GET v3/a: response/x: unknown `typ`",
            ),
            (
                [LIST, FIELDS, &version],
                "events.jsonl:1: E: `version` must be v2 or v3",
            ),
            ([LIST, FIELDS, "{"], "events.jsonl:1: not a JSON object"),
        ]
        .into_iter()
        .enumerate()
        {
            let folder = Folder::new(&format!("error{number}"), files);
            let error = Edition::in_folder(&folder.0).err().expect(expected);
            let place = format!("{}", folder.0.join("").display());
            let error = error.strip_prefix(&place).expect("the folder");
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn missing_file_is_named() {
        let error = Edition::in_folder(Path::new("nowhere")).err().unwrap();
        let path = Path::new("nowhere").join("operations.tsv");
        assert!(
            error.starts_with(&format!("{}: ", path.display())),
            "{error}"
        );
    }
}
