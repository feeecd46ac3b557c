//! The folder with the notifications that arrived, one file for each.

mod record;

pub(super) use self::record::{Record, beijing};

use std::{
    env, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{
    exit::{Failure, Result},
    private,
    text::{reason, t, tf},
};

/// How many genuine notifications are kept.
const MAX_VERIFIED: usize = 1_000;
/// How many others are kept. Anyone can send them, so they must not displace the genuine ones.
const MAX_OTHERS: usize = 100;
/// A body has at most 1 MiB. JSON may write each of its bytes as six.
const MAX_FILE: u64 = 8 << 20;

const VERIFIED: &str = ".json";
const OTHER: &str = ".unverified.json";

pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Returns the store in this folder, or in the default one. The folder need not exist.
    pub(super) fn new(folder: Option<PathBuf>) -> Result<Self> {
        let folder = folder.or_else(default_folder).ok_or_else(|| {
            Failure::configuration(t(
                "no folder for notifications: set --store, or XDG_STATE_HOME",
                "没有保存通知的目录: 请用 --store 或 XDG_STATE_HOME 指定",
            ))
        })?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder.
    pub(super) fn create(&self) -> Result {
        private::folder(&self.folder).map_err(|err| {
            let (folder, why) = (self.folder.display(), reason(&err));
            Failure::local(tf!(
                "cannot create {folder}: {why}",
                "无法创建 {folder}: {why}"
            ))
        })
    }

    /// Keeps a notification, and removes the oldest ones over the limit. Returns its ID.
    pub(super) fn put(&self, record: &mut Record) -> io::Result<String> {
        let time = beijing(record.received).compact();
        let (day, time) = time.split_at_checked(8).unwrap_or((&time, ""));
        for count in 1..1_000 {
            let id = format!("{day}-{time}-{count:03}");
            // Whoever made the temporary file has the ID, also if another `listen` runs.
            let temporary = self.folder.join(format!(".{id}.tmp"));
            let mut file = match private::new_file(&temporary) {
                Ok(file) => file,
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(err) => return Err(err),
            };
            let is_taken = [VERIFIED, OTHER]
                .iter()
                .any(|end| self.folder.join(format!("{id}{end}")).exists());
            if is_taken {
                drop(file);
                fs::remove_file(&temporary)?;
                continue;
            }
            record.id = id;
            let written = serde_json::to_vec_pretty(record)
                .map_err(io::Error::from)
                .and_then(|text| file.write_all(&text))
                .and_then(|()| fs::rename(&temporary, self.path(record)));
            if let Err(err) = written {
                let _ = fs::remove_file(&temporary);
                return Err(err);
            }
            self.prune();
            return Ok(record.id.clone());
        }
        Err(io::Error::other(t(
            "too many notifications in one second",
            "一秒内的通知过多",
        )))
    }

    fn path(&self, record: &Record) -> PathBuf {
        let end = if record.is_verified() {
            VERIFIED
        } else {
            OTHER
        };
        self.folder.join(format!("{}{end}", record.id))
    }

    fn prune(&self) {
        let (others, verified): (Vec<_>, Vec<_>) = self
            .names()
            .into_iter()
            .partition(|name| name.ends_with(OTHER));
        for (names, most) in [(verified, MAX_VERIFIED), (others, MAX_OTHERS)] {
            let over = names.len().saturating_sub(most);
            for name in &names[..over] {
                // If it is gone already, all the better.
                let _ = fs::remove_file(self.folder.join(name));
            }
        }
    }

    /// Returns the names of the files, oldest first.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names
            .filter(|name| name.ends_with(VERIFIED) && !name.starts_with('.'))
            .collect();
        names.sort_unstable();
        names
    }

    /// Returns the notifications, oldest first. Files of others are skipped.
    pub(super) fn list(&self) -> Vec<Record> {
        let names = self.names().into_iter();
        names
            .filter_map(|name| read(&self.folder.join(name)))
            .collect()
    }

    /// Returns the notification with this ID, its beginning, or WeChat Pay's ID; `last` is the latest.
    pub(super) fn find(&self, id: &str) -> Result<Record> {
        let mut all = self.list();
        if id == "last" {
            return all.pop().ok_or_else(|| self.not_found(id));
        }
        let is_meant = |record: &Record| {
            record.id == id || record.facts.notification_id.as_deref() == Some(id)
        };
        // The latest, if WeChat Pay sent it several times.
        if let Some(record) = all.iter().rfind(|record| is_meant(record)) {
            return Ok(record.clone());
        }
        if [VERIFIED, OTHER]
            .iter()
            .any(|end| names_file(id) && self.folder.join(format!("{id}{end}")).exists())
        {
            return Err(damaged(id));
        }
        all.retain(|record| !id.is_empty() && record.id.starts_with(id));
        match all.len() {
            0 => Err(self.not_found(id)),
            1 => Ok(all.swap_remove(0)),
            count => Err(Failure::usage(tf!(
                "{count} notifications begin with {id}: write the whole ID",
                "有 {count} 条通知以 {id} 开头: 请写完整ID"
            ))),
        }
    }

    fn not_found(&self, id: &str) -> Failure {
        let folder = self.folder.display();
        Failure::usage(tf!(
            "no notification {id} in {folder}",
            "{folder} 中没有通知 {id}"
        ))
        .with_advice(t(
            "`wxpay events` lists those that `wxpay listen` kept.",
            "`wxpay events` 列出 `wxpay listen` 保存的通知。",
        ))
    }
}

/// The failure of a notification whose file no longer holds a message.
pub(super) fn damaged(id: &str) -> Failure {
    Failure::local(tf!("notification {id} is damaged", "通知 {id} 已损坏"))
}

/// Returns whether an ID cannot lead out of the folder.
fn names_file(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Reads a record, if the file is one.
fn read(path: &Path) -> Option<Record> {
    let mut text = String::new();
    // A pipe, say, would be waited for.
    let file = fs::File::open(path.is_file().then_some(path)?).ok()?;
    file.take(MAX_FILE).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn default_folder() -> Option<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else {
        set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))
    };
    Some(state?.join("wxpay").join("notifications"))
}

#[cfg(test)]
mod tests;
