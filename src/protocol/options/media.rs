//! An image, a video or another file to upload.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    base::crypto::digest::{self, Md5, Sha256},
    error::{Cause, Kind, cause::Result},
};

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// Content types by a file name's ending, and the size that WeChat Pay documents as the most.
const TYPES: [(&str, &str, u64); 22] = [
    ("jpg", "image/jpeg", IMAGE),
    ("jpeg", "image/jpeg", IMAGE),
    ("png", "image/png", IMAGE),
    ("bmp", "image/bmp", IMAGE),
    ("gif", "image/gif", IMAGE),
    ("webp", "image/webp", IMAGE),
    ("mp4", "video/mp4", VIDEO),
    ("m4v", "video/mp4", VIDEO),
    ("avi", "video/x-msvideo", VIDEO),
    ("wmv", "video/x-ms-wmv", VIDEO),
    ("mpeg", "video/mpeg", VIDEO),
    ("mpg", "video/mpeg", VIDEO),
    ("mov", "video/quicktime", VIDEO),
    ("mkv", "video/x-matroska", VIDEO),
    ("flv", "video/x-flv", VIDEO),
    ("f4v", "video/x-f4v", VIDEO),
    ("rmvb", "application/vnd.rn-realmedia-vbr", VIDEO),
    ("pdf", "application/pdf", u64::MAX),
    ("csv", "text/csv", u64::MAX),
    ("txt", "text/plain", u64::MAX),
    ("xml", "text/xml", u64::MAX),
    ("zip", "application/zip", u64::MAX),
];
const IMAGE: u64 = 2 * 1024 * 1024;
const VIDEO: u64 = 5 * 1024 * 1024;

/// A file to upload, given to [`Options::media`](crate::Options::media).
///
/// Its digest is taken once, when it is made. A file is then read again while it is sent, and
/// never held in memory as a whole; one that has changed in between fails the call before its end
/// was sent. What is signed is the `meta` part alone: `{"filename": …, "sha256": …}`.
///
/// WeChat Pay documents at most 2 MB for an image (JPG, BMP, PNG) and 5 MB for a video, and more in
/// some places: what is larger is sent all the same, with a warning through `tracing`.
///
/// ```
/// use serde_json::json;
/// use wechatpay_chain::{Client, Media, Options};
///
/// # fn upload(client: &Client) -> wechatpay_chain::Result<()> {
/// let answer = client
///     .chain("v3/merchant/media/upload")
///     .post(Options::new().media(Media::from_file("licence.jpg")?))?;
/// let media_id = answer.json::<serde_json::Value>()?["media_id"].clone();
/// # Ok(())
/// # }
/// // Where more is asked for than the name and the digest:
/// let list = Media::from_bytes("list.csv", "oA1b2\n").meta_field("bank_type", "CFT");
/// assert_eq!(list.len(), 6);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Media {
    filename: String,
    content: Content,
    len: u64,
    sha256: [u8; 32],
    md5: [u8; 16],
    fields: Map<String, Value>,
    replaced: Option<Value>,
}

/// Where the bytes are.
#[derive(Clone)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(PathBuf),
}

impl Media {
    /// A file, which is read once now, for its digest, and once more each time it is sent. It
    /// goes by its own name.
    ///
    /// # Errors
    /// Where it cannot be read, or is a directory.
    pub fn from_file(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read(path.as_ref()).map_err(Cause::not_sent)
    }

    fn read(path: &Path) -> Result<Self> {
        let failed =
            |what: &str| Cause::new(Kind::File, format!("media file {}: {what}", path.display()));
        let unread = |err| failed("it cannot be read").with_source(err);
        // Resolved now: the process may be elsewhere when it is sent.
        let absolute = std::path::absolute(path).map_err(unread)?;
        let mut file = File::open(&absolute).map_err(unread)?;
        if !file.metadata().map_err(unread)?.is_file() {
            return Err(failed("it is not a regular file"));
        }
        let filename = absolute
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .ok_or_else(|| failed("it has no name"))?;
        let (mut sha256, mut md5, mut len) = (Sha256::new(), Md5::new(), 0);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => chunk.get(..read).unwrap_or_default(),
                Err(err) if err.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(err) => return Err(unread(err)),
            };
            sha256.update(read);
            md5.update(read);
            len += read.len() as u64;
        }
        Ok(Self {
            filename,
            content: Content::File(absolute),
            len,
            sha256: sha256.finish(),
            md5: md5.finish(),
            fields: Map::new(),
            replaced: None,
        })
    }

    /// Bytes in memory, under a file name, whose ending tells WeChat Pay what they are.
    pub fn from_bytes(filename: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            filename: filename.into(),
            len: bytes.len() as u64,
            sha256: digest::sha256(&bytes),
            md5: digest::md5(&bytes),
            content: Content::Bytes(bytes),
            fields: Map::new(),
            replaced: None,
        }
    }

    /// Another file name than the file's own.
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = filename.into();
        self
    }

    /// A field of `meta` besides `filename` and `sha256`, such as `bank_type`; or one of these two,
    /// which it then replaces.
    pub fn meta_field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// The whole of `meta`, in place of `filename`, `sha256` and the fields.
    pub fn meta(mut self, meta: impl Into<Value>) -> Self {
        self.replaced = Some(meta.into());
        self
    }

    /// The SHA-256 of its bytes, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        digest::hex_lower(&self.sha256)
    }

    /// How many bytes it has.
    #[expect(clippy::len_without_is_empty, reason = "no one uploads nothing")]
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn name(&self) -> &str {
        &self.filename
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.sha256
    }

    /// APIv2's `media_hash`.
    pub(crate) fn md5(&self) -> String {
        digest::hex_lower(&self.md5)
    }

    /// The JSON of the part `meta`, which is what APIv3 signs.
    pub(crate) fn meta_json(&self) -> String {
        if let Some(meta) = &self.replaced {
            return meta.to_string();
        }
        let mut meta = Map::new();
        meta.insert("filename".into(), self.filename.clone().into());
        meta.insert("sha256".into(), self.sha256().into());
        for (name, value) in &self.fields {
            meta.insert(name.clone(), value.clone());
        }
        Value::Object(meta).to_string()
    }

    pub(crate) fn content_type(&self) -> &'static str {
        self.known()
            .map_or("application/octet-stream", |known| known.1)
    }

    /// Says so where it is larger than is documented.
    pub(crate) fn warn_of_size(&self) {
        let Some((ending, _, most)) = self.known().filter(|known| self.len > known.2) else {
            return;
        };
        tracing::warn!(
            bytes = self.len,
            documented = most,
            ending,
            "the file to upload is larger than WeChat Pay documents for its kind"
        );
    }

    fn known(&self) -> Option<&'static (&'static str, &'static str, u64)> {
        let (_, ending) = self.filename.rsplit_once('.')?;
        TYPES
            .iter()
            .find(|(known, _, _)| known.eq_ignore_ascii_case(ending))
    }
}

/// Shows neither the name nor the bytes.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("type", &self.content_type())
            .field("bytes", &self.len)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn meta_has_the_name_and_the_digest_then_what_is_added() {
        let media = Media::from_bytes("a.png", "abc");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            media.meta_json(),
            format!(r#"{{"filename":"a.png","sha256":"{sha256}"}}"#)
        );
        let media = media
            .meta_field("bank_type", "CFT")
            .meta_field("sha256", "x");
        assert_eq!(
            media.meta_json(),
            r#"{"filename":"a.png","sha256":"x","bank_type":"CFT"}"#
        );
        assert_eq!(media.meta(json!({"a": 1})).meta_json(), r#"{"a":1}"#);
    }

    #[test]
    fn the_type_follows_the_names_ending() {
        let of = |name: &str| Media::from_bytes(name, "").content_type();
        assert_eq!(of("A.JPG"), "image/jpeg");
        assert_eq!(of("a.b.mp4"), "video/mp4");
        assert_eq!(of("png"), "application/octet-stream");
    }
}
