//! A file to upload: an image, a video or another document.

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
    error::{Cause, ErrorKind, cause::Result},
};

/// How many bytes are read at a time.
const CHUNK: usize = 64 * 1024;

/// File name extensions with their content types and the largest documented sizes, in bytes.
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
/// Its digest is computed when it is created. A file is then read again while it is sent, and is never
/// held in memory as a whole. If the file has changed in the meantime, the call fails before the last
/// byte is sent, because the digest is part of what is signed. Only the `meta` part is signed:
/// `{"filename": …, "sha256": …}`.
///
/// WeChat Pay documents a limit of 2 MB for an image (JPG, BMP, PNG) and of 5 MB for a video, and more
/// for some operations. A larger file is sent anyway, with a warning through `tracing`.
///
/// ```
/// use serde_json::json;
/// use wechatpay_chain::{Client, Media, Options};
///
/// # fn upload(client: &Client) -> wechatpay_chain::Result<()> {
/// let response = client
///     .chain("v3/merchant/media/upload")
///     .post(Options::new().media(Media::from_file("licence.jpg")?))?;
/// let media_id = response.json::<serde_json::Value>()?["media_id"].clone();
/// # Ok(())
/// # }
/// // If an operation requires more than the name and the digest:
/// let list = Media::from_bytes("list.csv", "oA1b2\n").meta_field("bank_type", "CFT");
/// assert_eq!(list.len(), 6);
/// ```
///
/// Official pages: "图片上传" and "视频上传".
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

/// The source of the bytes.
#[derive(Clone)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(PathBuf),
}

impl Media {
    /// Creates an upload from a file, under the file's own name.
    ///
    /// The file is read now, to compute its digest, and again for every attempt to send it. This
    /// blocks: in async code, create it in `spawn_blocking` if the file is large.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is not a regular file.
    pub fn from_file(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read(path.as_ref()).map_err(Cause::not_sent)
    }

    fn read(path: &Path) -> Result<Self> {
        let failed = |what: &str| {
            Cause::new(
                ErrorKind::File,
                format!("the media file {} {what}", path.display()),
            )
        };
        let unread = |err| failed("cannot be read").with_source(err);
        // Resolved now: the current directory may have changed when the file is sent.
        let absolute = std::path::absolute(path).map_err(unread)?;
        let mut file = File::open(&absolute).map_err(unread)?;
        if !file.metadata().map_err(unread)?.is_file() {
            return Err(failed("is not a regular file"));
        }
        let filename = absolute
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .ok_or_else(|| failed("has no file name"))?;
        // Both digests in one pass: which one is needed depends on the version of the API, which is not
        // known yet.
        let (mut sha256, mut md5, mut len) = (Sha256::new(), Md5::new(), 0);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => chunk.get(..read).unwrap_or_default(),
                // A signal arrived during the read, which is not an error.
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

    /// Creates an upload from bytes in memory, under a file name. Its extension tells WeChat Pay the
    /// type.
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

    /// Sets the file name. Defaults to the file's own.
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = filename.into();
        self
    }

    /// Adds a field to `meta`, such as `bank_type`, or replaces `filename` or `sha256` in it.
    pub fn meta_field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Replaces `meta` as a whole, including `filename`, `sha256` and the added fields.
    pub fn meta(mut self, meta: impl Into<Value>) -> Self {
        self.replaced = Some(meta.into());
        self
    }

    /// Returns the SHA-256 of the bytes, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        digest::hex_lower(&self.sha256)
    }

    /// Returns the size in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty upload is not a case to ask for"
    )]
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

    /// Returns the MD5 of the bytes, which is APIv2's `media_hash`.
    pub(crate) fn md5(&self) -> String {
        digest::hex_lower(&self.md5)
    }

    /// Returns the JSON of the part `meta`, which is what APIv3 signs.
    pub(crate) fn meta_json(&self) -> String {
        self.meta_value().to_string()
    }

    /// Returns the part `meta`.
    pub(crate) fn meta_value(&self) -> Value {
        // Taken as it is, even without `sha256`: some operations define a `meta` of their own.
        if let Some(meta) = &self.replaced {
            return meta.clone();
        }
        let mut meta = Map::new();
        meta.insert("filename".into(), self.filename.clone().into());
        meta.insert("sha256".into(), self.sha256().into());
        for (name, value) in &self.fields {
            meta.insert(name.clone(), value.clone());
        }
        Value::Object(meta)
    }

    pub(crate) fn content_type(&self) -> &'static str {
        self.known()
            .map_or("application/octet-stream", |known| known.1)
    }

    /// Logs a warning if the file is larger than documented. The limits differ between operations, so
    /// an error would refuse valid uploads.
    pub(crate) fn warn_of_size(&self) {
        let Some((ending, _, max)) = self.known().filter(|known| self.len > known.2) else {
            return;
        };
        tracing::warn!(
            bytes = self.len,
            documented = max,
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

/// Shows the type and the size. The name may contain personal data.
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
    fn meta_has_name_and_digest_then_added_fields() {
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
    fn content_type_follows_from_the_extension() {
        let of = |name: &str| Media::from_bytes(name, "").content_type();
        assert_eq!(of("A.JPG"), "image/jpeg");
        assert_eq!(of("a.b.mp4"), "video/mp4");
        assert_eq!(of("png"), "application/octet-stream");
    }
}
