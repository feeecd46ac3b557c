use std::sync::atomic::{AtomicUsize, Ordering};

use wechatpay_chain::http::HeaderMap;

use super::{super::facts::Facts, super::message::Message, *};

/// A store in a folder of its own, which goes with it.
struct Temporary(Store);

impl Temporary {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("wxpay-store-{}-{count}", std::process::id()));
        let store = Store::new(Some(folder)).unwrap();
        store.create().unwrap();
        Self(store)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.folder());
    }
}

fn record(received: u64, verdict: &str) -> Record {
    let message = Message::new(HeaderMap::new(), "{}");
    let facts = Facts {
        notification_id: Some(format!("EV-{received}")),
        ..Facts::default()
    };
    Record::new(&message, received, verdict, facts, None)
}

#[test]
fn ids_are_times_and_unique() {
    let Temporary(store) = &Temporary::new();
    let ids: Vec<_> = (0..3)
        .map(|_| store.put(&mut record(1_528_425_296, "verified")).unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "20180608-103456-001",
            "20180608-103456-002",
            "20180608-103456-003"
        ]
    );
    assert_eq!(store.list().len(), 3);
}

#[test]
fn notification_is_found_by_id_beginning_and_last() {
    let Temporary(store) = &Temporary::new();
    let first = store.put(&mut record(1_528_425_296, "verified")).unwrap();
    let second = store.put(&mut record(1_600_000_000, "stale")).unwrap();
    assert_eq!(store.find(&first).unwrap().id, first);
    assert_eq!(store.find("2018").unwrap().id, first);
    assert_eq!(store.find("EV-1600000000").unwrap().id, second);
    assert_eq!(store.find("last").unwrap().id, second);
    assert!(store.find("20").unwrap_err().message.contains('2'));
    assert!(store.find("").is_err());
    assert!(store.find("2019").unwrap_err().advice.is_some());
}

#[test]
fn others_do_not_displace_genuine_notifications() {
    let Temporary(store) = &Temporary::new();
    let genuine = store.put(&mut record(1, "verified")).unwrap();
    for second in 0..MAX_OTHERS as u64 + 5 {
        store
            .put(&mut record(100 + second, "bad_signature"))
            .unwrap();
    }
    let all = store.list();
    assert_eq!(all.len(), MAX_OTHERS + 1);
    assert_eq!(all[0].id, genuine);
    assert_eq!(all[1].received, 105);
}

#[cfg(unix)]
#[test]
fn files_and_folder_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let Temporary(store) = &Temporary::new();
    store.put(&mut record(1, "verified")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.folder()), 0o700);
    let names = store.names();
    assert_eq!(mode(&store.folder().join(&names[0])), 0o600);
    // No temporary file stays.
    assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 1);
}

#[test]
fn files_of_others_are_skipped() {
    let Temporary(store) = &Temporary::new();
    fs::write(store.folder().join("a.json"), "not a record").unwrap();
    fs::write(store.folder().join("b.txt"), "{}").unwrap();
    assert!(store.list().is_empty());
    let nowhere = Store::new(Some(store.folder().join("nowhere"))).unwrap();
    assert!(nowhere.list().is_empty());
}

#[test]
fn damaged_file_is_named_and_not_taken_for_another() {
    let Temporary(store) = &Temporary::new();
    let id = store.put(&mut record(1_528_425_296, "verified")).unwrap();
    fs::write(store.folder().join(format!("{id}{VERIFIED}")), "{").unwrap();
    let failure = store.find(&id).unwrap_err();
    assert_eq!(failure.exit, crate::exit::Exit::Local);
    let second = store.put(&mut record(1_528_425_296, "verified")).unwrap();
    assert_eq!(store.find(&second).unwrap().id, second);
}

#[cfg(unix)]
#[test]
fn pipe_in_the_folder_is_not_waited_for() {
    let Temporary(store) = &Temporary::new();
    let pipe = store
        .folder()
        .join(format!("20180608-103456-001{VERIFIED}"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert!(store.list().is_empty());
}
