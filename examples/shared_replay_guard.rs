//! A replay guard that several processes share: here a folder, in which only one process can create a
//! given file. Run it with
//!
//! ```text
//! cargo run --example shared_replay_guard
//! ```
//!
//! In a database it is one table, and one statement for `begin`:
//!
//! ```sql
//! INSERT INTO notification (id, fence, held_until) VALUES ($1, 1, now() + interval '1 minute')
//! ON CONFLICT (id) DO UPDATE
//!     SET held_until = excluded.held_until, fence = notification.fence + 1
//!     WHERE NOT notification.done AND notification.held_until < now()
//! RETURNING fence
//! ```
//!
//! A returned row means `Proceed` with its fence; otherwise `SELECT done` tells `Done` from `Busy`.
//! `finish` sets `done` if `ok` is true, and otherwise runs
//! `UPDATE notification SET held_until = now() WHERE id = $1 AND fence = $2`. It is best to set `done`
//! in the transaction that books the payment.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! tokio = { version = "1", features = ["macros", "rt-multi-thread", "time"] }
//! wechatpay-chain = "0.1"
//! ```

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use wechatpay_chain::{Admission, Fence, ReplayGuard};

/// Keeps one file for each attempt to handle a notification, and one when it is done.
struct FolderGuard {
    folder: PathBuf,
    lease: Duration,
}

impl FolderGuard {
    fn new(folder: impl Into<PathBuf>, lease: Duration) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, lease })
    }

    fn file(&self, id: &str, what: &str) -> PathBuf {
        let mut name = id.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        name.push('.');
        name.push_str(what);
        self.folder.join(name)
    }

    /// Whether the attempt failed or its lease has ended.
    fn has_ended(&self, id: &str, attempt: u64, held: &Path) -> io::Result<bool> {
        if self.file(id, &format!("{attempt}.failed")).exists() {
            return Ok(true);
        }
        let age = fs::metadata(held)?.modified()?.elapsed();
        Ok(age.is_ok_and(|age| age >= self.lease))
    }
}

impl ReplayGuard for FolderGuard {
    type Error = io::Error;

    // A local disk is quick. Use `spawn_blocking` for a slow or remote one.
    async fn begin(&self, id: &str) -> io::Result<Admission> {
        let mut attempt = 0;
        loop {
            if self.file(id, "done").exists() {
                return Ok(Admission::Done);
            }
            let held = self.file(id, &format!("{attempt}.held"));
            // The atomic step: of all processes that try, one creates the file.
            match OpenOptions::new().write(true).create_new(true).open(&held) {
                Ok(_) => return Ok(Admission::Proceed(Fence::new(attempt))),
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                    if !self.has_ended(id, attempt, &held)? {
                        return Ok(Admission::Busy);
                    }
                    attempt += 1;
                }
                Err(err) => return Err(err),
            }
        }
    }

    async fn finish(&self, id: &str, fence: Fence, ok: bool) -> io::Result<()> {
        let what = match ok {
            true => "done".to_owned(),
            // This attempt only: that of a later holder is another file.
            false => format!("{}.failed", fence.number()),
        };
        fs::write(self.file(id, &what), b"")
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let folder = std::env::temp_dir().join(format!("replay-guard-{}", std::process::id()));
    let lease = Duration::from_millis(200);
    // As two processes would have it.
    let one = FolderGuard::new(&folder, lease)?;
    let two = FolderGuard::new(&folder, lease)?;

    let id = "EV-2018022511223320873";
    let first = admitted(one.begin(id).await?);
    assert_eq!(two.begin(id).await?, Admission::Busy);
    one.finish(id, first, false).await?;
    println!("the first handler failed: the notification is admitted again");

    let second = admitted(two.begin(id).await?);
    tokio::time::sleep(lease * 2).await;
    println!("the second handler took too long: the notification is admitted again");

    let third = admitted(one.begin(id).await?);
    two.finish(id, second, false).await?;
    assert_eq!(two.begin(id).await?, Admission::Busy);
    println!("the second handler's late failure does not end the third one's lease");

    one.finish(id, third, true).await?;
    assert_eq!(two.begin(id).await?, Admission::Done);
    println!("the third handler succeeded: the notification is done for every process");
    fs::remove_dir_all(folder)
}

fn admitted(admission: Admission) -> Fence {
    match admission {
        Admission::Proceed(fence) => fence,
        other => panic!("not admitted: {other:?}"),
    }
}
