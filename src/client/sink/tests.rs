//! Each race is decided by a barrier, never by a sleep.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use super::*;
use crate::{Client, Options};

/// Holds up those who are about to rename to a path: they wait here twice, once to say that they
/// came, once to go on.
static HELD_UP: Mutex<Option<HashMap<PathBuf, Arc<Barrier>>>> = Mutex::new(None);

pub(super) fn about_to_rename(target: &Path) {
    let barrier = {
        let held_up = HELD_UP.lock().unwrap();
        held_up.as_ref().and_then(|map| map.get(target).cloned())
    };
    if let Some(barrier) = barrier {
        barrier.wait();
        barrier.wait();
    }
}

fn hold_up(target: &Path) -> Arc<Barrier> {
    let barrier = Arc::new(Barrier::new(2));
    let mut held_up = HELD_UP.lock().unwrap();
    held_up
        .get_or_insert_default()
        .insert(target.to_owned(), Arc::clone(&barrier));
    barrier
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wechatpay-chain-sink-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn written(claim: &Claim, target: &Path) -> Part {
    let mut part = claim.maker().sink(target).unwrap();
    part.write_all(b"whole").unwrap();
    part
}

#[test]
fn a_claim_dropped_just_before_the_rename_leaves_nothing() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    let barrier = hold_up(&target);
    let claim = Claim::new();
    let part = written(&claim, &target);
    let keeping = thread::spawn(move || part.keep().map_err(|err| err.to_string()));
    barrier.wait();
    drop(claim);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    barrier.wait();
    let err = keeping.join().unwrap().unwrap_err();
    assert!(err.ends_with("the call that wanted it has ended"), "{err}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn what_was_there_stays_where_the_claim_is_dropped() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    fs::write(&target, "old").unwrap();
    let claim = Claim::new();
    let part = written(&claim, &target);
    drop(claim);
    part.keep().unwrap_err();
    assert_eq!(fs::read(&target).unwrap(), b"old");
    assert_eq!(folder.names(), ["bill"]);
}

#[test]
fn nothing_is_created_for_a_claim_that_was_dropped() {
    let folder = Folder::new();
    let claim = Claim::new();
    let maker = claim.maker();
    drop(claim);
    assert!(maker.sink(&folder.0.join("bill")).is_err());
    assert!(folder.names().is_empty());
}

#[test]
fn what_is_there_when_the_drop_returns_is_what_stays() {
    for _ in 0..200 {
        let folder = Folder::new();
        let target = folder.0.join("bill");
        let claim = Claim::new();
        let part = written(&claim, &target);
        let start = Barrier::new(2);
        let (kept, seen) = thread::scope(|scope| {
            let keeping = scope.spawn(|| {
                start.wait();
                part.keep().is_ok()
            });
            start.wait();
            drop(claim);
            let seen = folder.names();
            (keeping.join().unwrap(), seen)
        });
        let due: &[&str] = if kept { &["bill"] } else { &[] };
        assert_eq!(seen, due);
        assert_eq!(folder.names(), due);
    }
}

#[test]
fn a_part_that_is_dropped_is_removed_and_one_that_is_kept_outlives_its_claim() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    let claim = Claim::new();
    drop(written(&claim, &target));
    assert!(folder.names().is_empty());
    let claim = Claim::new();
    written(&claim, &target).keep().unwrap();
    drop(claim);
    assert_eq!(fs::read(&target).unwrap(), b"whole");
    assert_eq!(folder.names(), ["bill"]);
}

/// Serves one file to the first who asks.
fn serving() -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = BufReader::new(stream.try_clone().unwrap()).lines();
        assert!(head.map_while(Result::ok).any(|line| line.is_empty()));
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole")
            .unwrap();
    });
    (url, serving)
}

#[test]
fn a_call_dropped_while_its_file_is_about_to_be_renamed_leaves_nothing() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    let barrier = hold_up(&target);
    let (url, serving) = serving();
    let client = Client::builder().base_uri(url).no_proxy().build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options::new().unsigned().sink(&target);
    let call = runtime.spawn(client.chain("v3/file").get_async(options));
    barrier.wait();
    call.abort();
    let aborted = runtime.block_on(call);
    assert!(aborted.unwrap_err().is_cancelled());
    // The call is dropped, and the other thread has not renamed.
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    barrier.wait();
    // Ends when the other thread has.
    drop(runtime);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    serving.join().unwrap();
}
