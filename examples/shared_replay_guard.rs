//! A replay guard that several processes share: here a folder, whose files are made by one alone.
//!
//! In a database it is one table and one statement for `begin`:
//!
//! ```sql
//! INSERT INTO notification (id, held_until) VALUES ($1, now() + interval '1 minute')
//! ON CONFLICT (id) DO UPDATE SET held_until = excluded.held_until
//!     WHERE NOT notification.done AND notification.held_until < now()
//! RETURNING id
//! ```
//!
//! A row that comes back is `Go`; else `SELECT done` tells `Done` from `Busy`. `finish` sets `done`,
//! or `held_until = now()`. Best of all, `done` is set in the transaction that books the payment.
//!
//! Run it by `cargo run --example shared_replay_guard`.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use wechatpay_chain::{Admission, ReplayGuard};

/// One file for each attempt to handle a notification, and one when it is done.
struct FolderGuard {
    folder: PathBuf,
    lease: Duration,
    /// Which attempt at which notification is this process's own.
    own: Mutex<HashMap<String, u32>>,
}

impl FolderGuard {
    fn new(folder: impl Into<PathBuf>, lease: Duration) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            lease,
            own: Mutex::default(),
        })
    }

    fn file(&self, id: &str, what: &str) -> PathBuf {
        let mut name = id.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        name.push('.');
        name.push_str(what);
        self.folder.join(name)
    }

    /// Whether the attempt failed, or is older than the lease.
    fn is_over(&self, id: &str, attempt: u32, held: &Path) -> io::Result<bool> {
        if self.file(id, &format!("{attempt}.failed")).exists() {
            return Ok(true);
        }
        let age = fs::metadata(held)?.modified()?.elapsed();
        Ok(age.is_ok_and(|age| age >= self.lease))
    }
}

impl ReplayGuard for FolderGuard {
    type Error = io::Error;

    // Short work on a local disk: a slow or distant one belongs into `spawn_blocking`.
    async fn begin(&self, id: &str) -> io::Result<Admission> {
        for attempt in 0.. {
            if self.file(id, "done").exists() {
                return Ok(Admission::Done);
            }
            let held = self.file(id, &format!("{attempt}.held"));
            // The one step that cannot be divided: of all who try, one makes the file.
            match OpenOptions::new().write(true).create_new(true).open(&held) {
                Ok(_) => {
                    let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
                    own.insert(id.to_owned(), attempt);
                    break;
                }
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                    if !self.is_over(id, attempt, &held)? {
                        return Ok(Admission::Busy);
                    }
                }
                Err(err) => return Err(err),
            }
        }
        Ok(Admission::Go)
    }

    async fn finish(&self, id: &str, ok: bool) -> io::Result<()> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = own.remove(id);
        drop(own);
        match (ok, attempt) {
            (true, _) => fs::write(self.file(id, "done"), b""),
            (false, Some(attempt)) => fs::write(self.file(id, &format!("{attempt}.failed")), b""),
            (false, None) => Ok(()),
        }
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let folder = std::env::temp_dir().join(format!("replay-guard-{}", std::process::id()));
    let lease = Duration::from_millis(200);
    // As two processes would have them.
    let one = FolderGuard::new(&folder, lease)?;
    let two = FolderGuard::new(&folder, lease)?;

    let id = "EV-2018022511223320873";
    assert_eq!(one.begin(id).await?, Admission::Go);
    assert_eq!(two.begin(id).await?, Admission::Busy);
    one.finish(id, false).await?;
    println!("the first handler failed: the notification is let through again");

    assert_eq!(two.begin(id).await?, Admission::Go);
    tokio::time::sleep(lease * 2).await;
    println!("the second one died: its lease is over, and the notification is let through again");

    assert_eq!(one.begin(id).await?, Admission::Go);
    one.finish(id, true).await?;
    assert_eq!(two.begin(id).await?, Admission::Done);
    println!("the third one was done, for every process");
    fs::remove_dir_all(folder)
}
