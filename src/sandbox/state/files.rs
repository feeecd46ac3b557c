//! The files that can be downloaded, of all merchants.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

/// How many files are kept.
const MAX_FILES: usize = 1_000;
/// How many bytes all of them have together.
const MAX_BYTES: usize = 64 << 20;

/// Files by the token in their download URL.
#[derive(Clone, Default)]
pub(crate) struct Files {
    files: HashMap<String, FileEntry>,
    oldest_first: VecDeque<String>,
    bytes: usize,
}

/// A file that can be downloaded.
#[derive(Clone)]
pub(crate) struct FileEntry {
    // Made when it is requested: payments of later requests do not change a file whose hash the client
    // already has.
    pub(crate) bytes: Bytes,
    pub(crate) kind: FileKind,
    pub(crate) content_type: &'static str,
    /// When its URL stops working, in seconds since 1970.
    pub(crate) expires_at: u64,
    /// The merchant that may download it.
    pub(crate) mchid: String,
}

/// What a file is: each has a download of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A bill, or a file of an operation that has no flow.
    Bill,
    Receipt,
    /// An image of a complaint.
    Image,
}

impl Files {
    /// Returns a file of this kind.
    pub(crate) fn get(&self, kind: FileKind, token: &str) -> Option<&FileEntry> {
        self.files.get(token).filter(|file| file.kind == kind)
    }

    /// Inserts a file, replacing an earlier one with this token, unless it alone is too large. If there is
    /// no room, the oldest expired files are dropped, and the oldest others only if that is not enough.
    pub(crate) fn insert(&mut self, token: String, file: FileEntry, now: u64) {
        self.remove(&token);
        let size = file.bytes.len();
        if size > MAX_BYTES {
            return;
        }
        while self.files.len() >= MAX_FILES || self.bytes.saturating_add(size) > MAX_BYTES {
            let has_expired = |token: &&String| {
                let file = self.files.get(*token);
                file.is_none_or(|file| file.expires_at <= now)
            };
            let mut tokens = self.oldest_first.iter();
            let dropped = tokens.find(has_expired).or(self.oldest_first.front());
            let Some(dropped) = dropped.cloned() else {
                break;
            };
            self.remove(&dropped);
        }
        self.bytes += size;
        self.oldest_first.push_back(token.clone());
        self.files.insert(token, file);
    }

    fn remove(&mut self, token: &str) {
        if let Some(file) = self.files.remove(token) {
            self.bytes -= file.bytes.len();
            self.oldest_first.retain(|kept| kept != token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: usize, expires_at: u64) -> FileEntry {
        FileEntry {
            bytes: vec![0; size].into(),
            kind: FileKind::Receipt,
            content_type: "application/pdf",
            expires_at,
            mchid: "1900000109".to_owned(),
        }
    }

    #[test]
    fn expired_file_goes_before_an_older_one() {
        let mut files = Files::default();
        for n in 0..MAX_FILES {
            let expires_at = if n == 7 { 50 } else { 100 };
            files.insert(n.to_string(), file(1, expires_at), 10);
        }
        assert!(
            files.get(FileKind::Receipt, "0").is_some()
                && files.get(FileKind::Receipt, "999").is_some()
        );
        files.insert("a".to_owned(), file(1, 100), 50);
        assert!(
            files.get(FileKind::Receipt, "7").is_none()
                && files.get(FileKind::Receipt, "0").is_some()
        );
        // Now none has expired.
        files.insert("b".to_owned(), file(1, 100), 50);
        assert!(
            files.get(FileKind::Receipt, "0").is_none()
                && files.get(FileKind::Receipt, "1").is_some()
        );
        assert_eq!((files.files.len(), files.bytes), (MAX_FILES, MAX_FILES));
    }

    #[test]
    fn file_is_found_as_what_it_is() {
        let mut files = Files::default();
        files.insert("a".to_owned(), file(1, 100), 10);
        assert!(files.get(FileKind::Receipt, "a").is_some());
        assert!(files.get(FileKind::Bill, "a").is_none());
        assert!(files.get(FileKind::Image, "a").is_none());
    }

    #[test]
    fn files_have_a_limit_of_bytes() {
        let mut files = Files::default();
        for (token, size) in [
            ("a", MAX_BYTES / 2),
            ("b", MAX_BYTES / 2),
            // The same again takes the place of the first.
            ("b", MAX_BYTES / 2),
            ("c", 1),
        ] {
            files.insert(token.to_owned(), file(size, 100), 10);
        }
        assert!(
            files.get(FileKind::Receipt, "a").is_none()
                && files.get(FileKind::Receipt, "b").is_some()
        );
        assert_eq!(files.bytes, MAX_BYTES / 2 + 1);
        files.insert("d".to_owned(), file(MAX_BYTES + 1, 100), 10);
        assert!(files.get(FileKind::Receipt, "d").is_none());
        assert_eq!(files.bytes, MAX_BYTES / 2 + 1);
        assert_eq!(files.oldest_first.len(), files.files.len());
    }
}
