//! Electronic receipts of merchant transfers, `GENERATING` → `FINISHED`, and of batches and their transfers,
//! `ACCEPTED` → `FINISHED`; then a PDF to download.

mod batch;
mod detail;
mod file;
mod pdf;
mod routes;

pub(crate) use routes::ROUTES;

use self::batch::BatchReceipt;
use crate::sandbox::state::{bounded_map::BoundedMap, world::World};

/// How many receipts of a merchant are kept.
const MAX_RECEIPTS: usize = 10_000;
/// How long a receipt takes, in seconds, if WeChat Pay settles nothing on its own.
const GENERATION: u64 = 60;

/// What one merchant has of it.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_bill_no` of the transfer.
    receipts: BoundedMap<Receipt>,
    /// By `out_batch_no`.
    batches: BoundedMap<BatchReceipt>,
    /// By kind and numbers: see [`detail`].
    details: BoundedMap<BatchReceipt>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            receipts: BoundedMap::new(MAX_RECEIPTS),
            batches: BoundedMap::new(MAX_RECEIPTS),
            details: BoundedMap::new(MAX_RECEIPTS),
        }
    }
}

/// A receipt that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Receipt {
    created_at: u64,
    /// When it is there.
    finished_at: u64,
    /// In its download URL.
    token: String,
}

impl Receipt {
    fn new(world: &mut World, now: u64) -> Self {
        Self {
            created_at: now,
            finished_at: now.saturating_add(world.settle_after.unwrap_or(GENERATION)),
            token: world.token(32),
        }
    }

    fn is_finished(&self, now: u64) -> bool {
        now >= self.finished_at
    }
}
