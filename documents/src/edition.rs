//! An edition of the documents: operations, their fields, and the notifications.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

use crate::repository;

/// What the pages said at one time.
pub struct Edition {
    /// The date of the pages, `YYYY-MM-DD`.
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
        edition.date = text(&folder.join("date"))?.trim().to_owned();
        for line in lines(&folder.join("also.jsonl"))? {
            edition
                .apply(&line)
                .map_err(|why| format!("also.jsonl: {why}: {}", Value::Object(line)))?;
        }
        Ok(edition)
    }

    /// Reads an edition from a folder, as it was published.
    pub fn in_folder(folder: &Path) -> Result<Self, String> {
        Self::read(folder, &folder.join("operations.tsv"))
    }

    fn read(folder: &Path, list: &Path) -> Result<Self, String> {
        let mut titles = BTreeMap::new();
        for line in text(list)?.lines().skip(1) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [_, method, template, title] = columns[..] else {
                return Err(format!("{}: not four columns: {line}", list.display()));
            };
            titles.insert(format!("{method} {template}"), title.to_owned());
        }
        let mut operations = BTreeMap::new();
        let path = folder.join("fields.jsonl");
        for line in lines(&path)? {
            let op = line.get("op").and_then(Value::as_str);
            let op = op.ok_or_else(|| format!("{}: a line without `op`", path.display()))?;
            operations.insert(op.to_owned(), line.clone());
        }
        Ok(Self {
            date: String::new(),
            titles,
            operations,
            events: lines(&folder.join("events.jsonl"))?,
        })
    }

    /// Applies a line of `also.jsonl`: a field that is added, values that are added to a list, or another
    /// padding of an operation's sealed fields.
    fn apply(&mut self, line: &Map<String, Value>) -> Result<(), String> {
        line.get("source")
            .and_then(Value::as_str)
            .ok_or("no source")?;
        let text = |key| line.get(key).and_then(Value::as_str);
        let op = text("op").ok_or("no operation")?;
        let operation = self.operations.get_mut(op).ok_or("unknown operation")?;
        if let Some(sealing) = line.get("sealed") {
            let sides = operation.values_mut();
            let sealed: usize = sides.map(|fields| reseal(fields, sealing)).sum();
            return (sealed > 0)
                .then_some(())
                .ok_or_else(|| "no sealed field".to_owned());
        }
        let request = operation.get_mut("request").ok_or("no request")?;
        let at = text("at").ok_or("no place")?;
        let owner = field(request, at).ok_or("unknown place")?;
        if let Some(values) = line.get("values").and_then(Value::as_array) {
            let list = owner.get_mut("enum").and_then(Value::as_array_mut);
            let list = list.ok_or("the field has no list of values")?;
            if values.iter().any(|value| list.contains(value)) {
                return Err("a value is listed already".to_owned());
            }
            list.extend(values.iter().cloned());
            return Ok(());
        }
        let added = line.get("field").ok_or("neither a field nor values")?;
        let fields = owner.get_mut("of").and_then(Value::as_array_mut);
        let fields = fields.ok_or("the place is not an object")?;
        if fields.iter().any(|field| field["name"] == added["name"]) {
            return Err("the field is documented already".to_owned());
        }
        fields.push(added.clone());
        Ok(())
    }
}

/// Finds a field by its pointer, which names fields only: `/json/amount`.
fn field<'f>(fields: &'f mut Value, pointer: &str) -> Option<&'f mut Value> {
    let (name, rest) = match pointer.strip_prefix('/')?.split_once('/') {
        Some((name, rest)) => (name, Some(format!("/{rest}"))),
        None => (&pointer[1..], None),
    };
    let fields = fields.as_array_mut()?;
    let found = fields.iter_mut().find(|field| field["name"] == name)?;
    match rest {
        Some(rest) => field(found.get_mut("of")?, &rest),
        None => Some(found),
    }
}

/// Changes the sealing of all sealed fields, and returns how many there are.
fn reseal(fields: &mut Value, sealing: &Value) -> usize {
    let mut sealed = 0;
    for field in fields.as_array_mut().into_iter().flatten() {
        if let Some(known) = field.get_mut("sealed") {
            *known = sealing.clone();
            sealed += 1;
        }
        sealed += field
            .get_mut("of")
            .map_or(0, |fields| reseal(fields, sealing));
    }
    sealed
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|err| format!("{}: {err}", path.display()))
}

fn lines(path: &Path) -> Result<Vec<Map<String, Value>>, String> {
    let parse =
        |line| serde_json::from_str(line).map_err(|err| format!("{}: {err}", path.display()));
    text(path)?.lines().map(parse).collect()
}
