//! Tests of the races around a file. A barrier decides each of them, never a sleep.

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

/// Barriers for the threads that are about to rename to a path. Such a thread waits twice: first to
/// announce that it got there, then to continue.
static BARRIERS: Mutex<Option<HashMap<PathBuf, Arc<Barrier>>>> = Mutex::new(None);

pub(super) fn about_to_rename(target: &Path) {
    let barrier = {
        let barriers = BARRIERS.lock().unwrap();
        barriers.as_ref().and_then(|map| map.get(target).cloned())
    };
    if let Some(barrier) = barrier {
        barrier.wait();
        barrier.wait();
    }
}

fn barrier_at(target: &Path) -> Arc<Barrier> {
    let barrier = Arc::new(Barrier::new(2));
    let mut barriers = BARRIERS.lock().unwrap();
    barriers
        .get_or_insert_default()
        .insert(target.to_owned(), Arc::clone(&barrier));
    barrier
}

/// A temporary folder, removed at the end of the test.
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

fn written(claim: &FileClaim, target: &Path) -> PartialFile {
    let mut partial = claim.creator().create_sink(target).unwrap();
    partial.write_all(b"whole").unwrap();
    partial
}

#[test]
fn claim_dropped_before_the_rename_leaves_no_file() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    let barrier = barrier_at(&target);
    let claim = FileClaim::new();
    let partial = written(&claim, &target);
    let keeping = thread::spawn(move || partial.keep().map_err(|err| err.to_string()));
    barrier.wait();
    drop(claim);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    barrier.wait();
    let err = keeping.join().unwrap().unwrap_err();
    assert!(err.ends_with("its call has ended"), "{err}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn existing_file_stays_if_the_claim_is_dropped() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    fs::write(&target, "old").unwrap();
    let claim = FileClaim::new();
    let partial = written(&claim, &target);
    drop(claim);
    partial.keep().unwrap_err();
    assert_eq!(fs::read(&target).unwrap(), b"old");
    assert_eq!(folder.names(), ["bill"]);
}

#[test]
fn dropped_claim_creates_no_file() {
    let folder = Folder::new();
    let claim = FileClaim::new();
    let creator = claim.creator();
    drop(claim);
    assert!(creator.create_sink(&folder.0.join("bill")).is_err());
    assert!(folder.names().is_empty());
}

#[test]
fn dropping_the_claim_and_renaming_exclude_each_other() {
    for _ in 0..200 {
        let folder = Folder::new();
        let target = folder.0.join("bill");
        let claim = FileClaim::new();
        let partial = written(&claim, &target);
        let start = Barrier::new(2);
        let (kept, seen) = thread::scope(|scope| {
            let keeping = scope.spawn(|| {
                start.wait();
                partial.keep().is_ok()
            });
            start.wait();
            drop(claim);
            let seen = folder.names();
            (keeping.join().unwrap(), seen)
        });
        let expected: &[&str] = if kept { &["bill"] } else { &[] };
        assert_eq!(seen, expected);
        assert_eq!(folder.names(), expected);
    }
}

#[test]
fn partial_file_is_removed_on_drop_and_final_one_stays() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    let claim = FileClaim::new();
    drop(written(&claim, &target));
    assert!(folder.names().is_empty());
    let claim = FileClaim::new();
    written(&claim, &target).keep().unwrap();
    drop(claim);
    assert_eq!(fs::read(&target).unwrap(), b"whole");
    assert_eq!(folder.names(), ["bill"]);
}

/// Serves one file to the first request.
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
fn call_dropped_before_the_rename_leaves_no_file() {
    let folder = Folder::new();
    let target = folder.0.join("bill");
    let barrier = barrier_at(&target);
    let (url, serving) = serving();
    let client = Client::builder().base_uri(url).no_proxy().build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options::new().unsigned(true).sink(&target);
    let call = runtime.spawn(client.chain("v3/file").get_async(options));
    barrier.wait();
    call.abort();
    let aborted = runtime.block_on(call);
    assert!(aborted.unwrap_err().is_cancelled());
    // The call is dropped, and the other thread has not renamed the file yet.
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    barrier.wait();
    // Dropping the runtime waits for the other thread.
    drop(runtime);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    serving.join().unwrap();
}
