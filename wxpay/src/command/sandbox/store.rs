//! The file of `--data`: what arrived, in the order in which it was handled, in SQLite.
//!
//! An entry is written before its response leaves, so that what was acknowledged survives a kill at any
//! moment.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    vec,
};

use rusqlite::{Connection, ErrorCode};
use wechatpay_chain::sandbox::{Journal, SandboxBuilder};

use crate::{
    exit::{Failure, Result},
    output::Output,
    text::{t, tf},
};

/// Tells files of this program from others: "wxp", and then the version of their form.
const APPLICATION_ID: i64 = 0x7778_7000;
const VERSION: i64 = 1;

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT";

/// How many entries are read at once.
const PAGE: usize = 256;

#[derive(Clone)]
struct Store {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
    output: Output,
}

impl Store {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Store {
    fn append(&self, entry: &[u8]) -> io::Result<()> {
        let connection = self.connection();
        let added = connection
            .prepare_cached("INSERT INTO journal (entry) VALUES (?1)")
            .and_then(|mut insert| insert.execute([entry]));
        added.map(drop).map_err(|err| {
            let (path, reason) = (self.path.display(), reason(&self.path, &err));
            // The clients get an error each. Who runs the sandbox would see nothing.
            self.output.warn(tf!(
                "cannot write {path}: {reason}; the sandbox cannot go on: end it, and start it again",
                "无法写入 {path}: {reason}; 沙箱无法继续运行: 请结束后重新启动"
            ));
            io::Error::other(err)
        })
    }
}

/// Lets a sandbox keep its state in a file, and begin with what is there.
pub(super) fn keep(
    builder: SandboxBuilder,
    path: &Path,
    output: &Output,
) -> Result<SandboxBuilder> {
    let unusable = |reason: &str| {
        let path = path.display();
        Failure::configuration(tf!(
            "cannot use {path}: {reason}",
            "无法使用 {path}: {reason}"
        ))
    };
    let opened = open(path).map_err(|err| unusable(&reason(path, &err)))?;
    let store = Store {
        connection: Arc::new(Mutex::new(opened.map_err(unusable)?)),
        path: path.to_owned(),
        output: output.clone(),
    };
    let past = Entries {
        store: store.clone(),
        page: Vec::new().into_iter(),
        after: 0,
        is_over: false,
    };
    Ok(builder.journal(past, store))
}

/// Returns why the file cannot be used.
fn reason(path: &Path, err: &rusqlite::Error) -> String {
    let known = match err.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => t("another sandbox uses it", "另一个沙箱正在使用"),
        Some(ErrorCode::NotADatabase) => t("it is no database", "它不是数据库"),
        Some(ErrorCode::ReadOnly) => t("it is read-only", "它是只读的"),
        Some(ErrorCode::DiskFull) => t("the disk is full", "磁盘已满"),
        // SQLite does not say why.
        Some(ErrorCode::CannotOpen) => {
            let opened = OpenOptions::new().append(true).create(true).open(path);
            return opened.err().map_or_else(
                || {
                    t(
                        "no file can be created beside it",
                        "无法在同一目录中创建文件",
                    )
                    .to_owned()
                },
                |err| err.to_string(),
            );
        }
        _ => return err.to_string(),
    };
    known.to_owned()
}

/// Opens or creates the file. Returns what is wrong with it if it is not for this program.
fn open(path: &Path) -> rusqlite::Result<std::result::Result<Connection, &'static str>> {
    let connection = Connection::open(path)?;
    // Two sandboxes on one file would mix their entries: the second one fails to start.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version = id - APPLICATION_ID;
    if (VERSION + 1..=0xff).contains(&version) {
        return Ok(Err(t(
            "a newer version of wxpay wrote it: use that one, or another file",
            "它由更新版本的 wxpay 写入: 请使用该版本, 或换一个文件",
        )));
    }
    if version != VERSION && (id != 0 || tables > 0) {
        return Ok(Err(t(
            "it is a database of another program",
            "它是其他程序的数据库",
        )));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A kill of the process loses nothing. A power failure may lose the last moments.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID + VERSION)?;
    connection.execute_batch(SCHEMA)?;
    Ok(Ok(connection))
}

/// The entries of a file in order, a page in memory at a time.
struct Entries {
    store: Store,
    page: vec::IntoIter<(i64, Vec<u8>)>,
    after: i64,
    is_over: bool,
}

impl Entries {
    fn next_page(&self) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
        let connection = self.store.connection();
        let mut select = connection
            .prepare_cached("SELECT id, entry FROM journal WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        select
            .query_map([self.after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }
}

impl Iterator for Entries {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.is_over {
            match self.next_page() {
                Ok(page) => {
                    self.is_over = page.len() < PAGE;
                    self.page = page.into_iter();
                }
                Err(err) => {
                    self.is_over = true;
                    return Some(Err(io::Error::other(err)));
                }
            }
        }
        let (id, entry) = self.page.next()?;
        self.after = id;
        Some(Ok(entry))
    }
}
