//! A replay guard that several processes share: here a folder, whose files are made by one alone.
//!
//! In a database it is one table and one statement for `begin`:
//!
//! ```sql
//! INSERT INTO notification (id, fence, held_until) VALUES ($1, 1, now() + interval '1 minute')
//! ON CONFLICT (id) DO UPDATE
//!     SET held_until = excluded.held_until, fence = notification.fence + 1
//!     WHERE NOT notification.done AND notification.held_until < now()
//! RETURNING fence
//! ```
//!
//! A row that comes back is `Proceed` with its fence; otherwise `SELECT done` tells `Done` from
//! `Busy`. `finish` with `ok` sets `done`; without, it is
//! `UPDATE notification SET held_until = now() WHERE id = $1 AND fence = $2`. Best of all, `done`
//! is set in the transaction that books the payment.
//!
//! Run it by `cargo run --example shared_replay_guard`.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use wechatpay_chain::{Admission, Fence, ReplayGuard};

/// One file for each attempt to handle a notification, and one when it is done.
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

    /// Whether the attempt failed, or is older than the lease.
    fn is_over(&self, id: &str, attempt: u64, held: &Path) -> io::Result<bool> {
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
        let mut attempt = 0;
        loop {
            if self.file(id, "done").exists() {
                return Ok(Admission::Done);
            }
            let held = self.file(id, &format!("{attempt}.held"));
            // The one step that cannot be divided: of all who try, one makes the file.
            match OpenOptions::new().write(true).create_new(true).open(&held) {
                Ok(_) => return Ok(Admission::Proceed(Fence::new(attempt))),
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                    if !self.is_over(id, attempt, &held)? {
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
            // Its own attempt alone: a later holder's is another file.
            false => format!("{}.failed", fence.number()),
        };
        fs::write(self.file(id, &what), b"")
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
    let first = admitted(one.begin(id).await?);
    assert_eq!(two.begin(id).await?, Admission::Busy);
    one.finish(id, first, false).await?;
    println!("the first handler failed: the notification is let through again");

    let second = admitted(two.begin(id).await?);
    tokio::time::sleep(lease * 2).await;
    println!("the second one took too long: the notification is let through again");

    let third = admitted(one.begin(id).await?);
    two.finish(id, second, false).await?;
    assert_eq!(two.begin(id).await?, Admission::Busy);
    println!("the second one's late failure does not free the third one's lease");

    one.finish(id, third, true).await?;
    assert_eq!(two.begin(id).await?, Admission::Done);
    println!("the third one was done, for every process");
    fs::remove_dir_all(folder)
}

fn admitted(admission: Admission) -> Fence {
    match admission {
        Admission::Proceed(fence) => fence,
        other => panic!("not admitted: {other:?}"),
    }
}
