//! What a command reads: files and standard input. Everything has a limit, so that an endless one does not fill
//! the memory.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::text::{reason, t, tf};

/// Names standard input in place of a file.
pub(crate) const STANDARD_INPUT: &str = "-";

/// Nothing that is read whole comes near this: keys, messages, bodies written by hand.
const MAX: u64 = 16 << 20;

/// Reads a file, or standard input for `-`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    if path == Path::new(STANDARD_INPUT) {
        return limited(io::stdin())
            .map_err(|err| unreadable(t("standard input", "标准输入"), err));
    }
    let read = File::open(path).and_then(limited);
    read.map_err(|err| unreadable(path.display(), err))
}

/// Reads the text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> Result<String, String> {
    String::from_utf8(bytes(path)?).map_err(|_| {
        let why = io::Error::other(t("it is not UTF-8", "不是UTF-8文本"));
        unreadable(path.display(), why)
    })
}

/// Returns the message about something that could not be read.
pub(crate) fn unreadable(what: impl std::fmt::Display, err: io::Error) -> String {
    let why = reason(&err);
    tf!("cannot read {what}: {why}", "无法读取 {what}: {why}")
}

fn limited(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        return Err(io::Error::other(t("larger than 16 MiB", "超过16 MiB")));
    }
    Ok(bytes)
}
