//! The file of a receipt.

use serde_json::Value;

use super::{Receipt, pdf};
use crate::{
    base::crypto::digest,
    sandbox::{
        dispatch::request::Ctx,
        state::{
            files::{FileEntry, FileKind},
            world::World,
        },
        time::format_rfc3339,
    },
};

/// How long a download URL works, in seconds.
const DOWNLOAD_URL_LIFETIME: u64 = 600;

/// Where a receipt is downloaded.
// The documents say that the path may change. The first was reported for receipts of merchant transfers, and
// no page has it. Which receipts the two documented ones are of is a guess: `signfile` is as old as batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Download {
    /// `v3/transferbilldownload/elecvoucherfile`
    Voucher,
    /// `v3/transferdownload/signfile`
    Signed,
}

impl Download {
    /// Returns the path and query of a file.
    fn target(self, token: &str) -> String {
        match self {
            Self::Voucher => {
                format!("v3/transferbilldownload/elecvoucherfile?source=elecsign&token={token}")
            }
            Self::Signed => format!("v3/transferdownload/signfile?token={token}"),
        }
    }
}

/// Makes the file with these lines, and puts its hash and its URL into the body.
pub(super) fn offer(
    ctx: &Ctx<'_>,
    w: &mut World,
    receipt: &Receipt,
    download: Download,
    lines: &[String],
    body: &mut Value,
) {
    // Nothing in it changes: a second query gives the same hash.
    let mut page = vec![
        "WeChat Pay sandbox: receipt of a transfer".to_owned(),
        format!("mchid {}", ctx.merchant.mchid),
    ];
    page.extend_from_slice(lines);
    page.push(format!("issued {}", format_rfc3339(receipt.finished_at)));
    let file = FileEntry {
        bytes: pdf::page(&page).into(),
        kind: FileKind::Receipt,
        content_type: "application/pdf",
        expires_at: ctx.now.saturating_add(DOWNLOAD_URL_LIFETIME),
        mchid: ctx.merchant.mchid.clone(),
    };
    let token = receipt.token.clone();
    let origin = ctx.listener.origin(ctx.parts);
    body["hash_type"] = "SHA256".into();
    body["hash_value"] = digest::hex_lower(&digest::sha256(&file.bytes)).into();
    body["download_url"] = format!("{origin}/{}", download.target(&token)).into();
    // Each query replaces the file of the one before, and its URL works for another while.
    w.files.insert(token, file, ctx.now);
}
