//! The file of `--data`: what arrived, in the order in which it was handled, in SQLite.
//!
//! An entry is written before its response leaves, so that what was acknowledged survives a kill at any
//! moment.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    vec,
};

use rusqlite::{Connection, ErrorCode};
use wechatpay_chain::sandbox::{Journal, SandboxBuilder};

use crate::{
    exit::{Failure, Result},
    text::{t, tf},
};

/// Tells files of this program from others: "wxp", and the version of their form.
const APPLICATION_ID: i64 = 0x7778_7001;

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT";

/// How many entries are read at once.
const PAGE: usize = 256;

#[derive(Clone)]
struct Store(Arc<Mutex<Connection>>);

impl Store {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Store {
    fn append(&self, entry: &[u8]) -> io::Result<()> {
        let connection = self.connection();
        let added = connection
            .prepare_cached("INSERT INTO journal (entry) VALUES (?1)")
            .and_then(|mut insert| insert.execute([entry]));
        added.map(drop).map_err(io::Error::other)
    }
}

/// Lets a sandbox keep its state in a file, and begin with what is there.
pub(super) fn keep(builder: SandboxBuilder, path: &Path) -> Result<SandboxBuilder> {
    let unusable = |reason: &str| {
        let path = path.display();
        Failure::configuration(tf!(
            "cannot use {path}: {reason}",
            "无法使用 {path}: {reason}"
        ))
    };
    let opened = open(path).map_err(|err| match err.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => {
            unusable(t("another sandbox uses it", "另一个沙箱正在使用"))
        }
        _ => unusable(&err.to_string()),
    })?;
    let connection = opened.ok_or_else(|| {
        unusable(t(
            "it is a database of another program",
            "它是其他程序的数据库",
        ))
    })?;
    let store = Store(Arc::new(Mutex::new(connection)));
    let past = Entries {
        store: store.clone(),
        page: Vec::new().into_iter(),
        after: 0,
        is_over: false,
    };
    Ok(builder.journal(past, store))
}

/// Opens or creates the file. Returns `None` if it belongs to another program.
fn open(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let connection = Connection::open(path)?;
    // Two sandboxes on one file would mix their entries: the second one fails to start.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID && (id != 0 || tables > 0) {
        return Ok(None);
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A kill of the process loses nothing. A power failure may lose the last moments.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.execute_batch(SCHEMA)?;
    Ok(Some(connection))
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
