//! Batch transfers, as older merchants have them: one request pays many users, who need not confirm.
//!
//! A batch is `ACCEPTED` → `PROCESSING` → `FINISHED` or `CLOSED`, each of its transfers `PROCESSING` →
//! `SUCCESS` or `FAIL`. The money is frozen until they end.

mod routes;
pub(crate) mod rules;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use routes::ROUTES;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::sandbox::state::{StateKind, bounded_map::BoundedMap, changes::Stateful};

/// How many batches of a merchant are kept. Each can have a thousand transfers.
const MAX_BATCHES: usize = 1_000;

/// The batches of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_batch_no`.
    pub(crate) batches: BoundedMap<Batch>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            batches: BoundedMap::watched(MAX_BATCHES),
        }
    }
}

/// A batch that a merchant asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewBatch {
    pub(crate) mchid: String,
    pub(crate) appid: String,
    pub(crate) out_batch_no: String,
    pub(crate) name: String,
    pub(crate) remark: String,
    /// In fen. The sum of the transfers.
    pub(crate) total: u64,
    pub(crate) details: Vec<NewDetail>,
    pub(crate) scene: Option<String>,
    pub(crate) notify_url: Option<String>,
}

/// One transfer of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewDetail {
    pub(crate) out_detail_no: String,
    /// In fen.
    pub(crate) amount: u64,
    pub(crate) remark: String,
    pub(crate) openid: String,
    /// In the clear.
    pub(crate) user_name: Option<String>,
    /// The rest of the request, without its sealed fields.
    pub(crate) request: Map<String, Value>,
}

/// A batch of transfers.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// What was asked for. The same again is the same batch.
    pub(crate) new: NewBatch,
    pub(crate) batch_id: String,
    pub(crate) details: Vec<Detail>,
    created_at: u64,
    updated_at: u64,
    status: Status,
}

impl Stateful for Batch {
    const KIND: StateKind = StateKind::TransferBatch;

    fn state_name(&self) -> Cow<'static, str> {
        self.status().into()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Status {
    Accepted,
    Processing,
    Finished,
    // The reason is part of the state: no closed batch without one.
    Closed(String),
}

/// The state of one transfer. What was asked for is at the same place in [`NewBatch::details`].
#[derive(Clone, Debug)]
pub(crate) struct Detail {
    pub(crate) detail_id: String,
    updated_at: u64,
    status: DetailStatus,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum DetailStatus {
    Processing,
    Success,
    /// With the reason.
    Fail(String),
}

impl Batch {
    /// Returns the status as the API names it.
    pub(crate) fn status(&self) -> &'static str {
        match self.status {
            Status::Accepted => "ACCEPTED",
            Status::Processing => "PROCESSING",
            Status::Finished => "FINISHED",
            Status::Closed(_) => "CLOSED",
        }
    }

    /// Returns whether nothing more will happen to it.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.status, Status::Finished | Status::Closed(_))
    }

    /// Returns whether this is the number of one of its transfers.
    pub(crate) fn has_detail(&self, out_detail_no: &str) -> bool {
        self.position(out_detail_no).is_some()
    }

    /// Returns WeChat Pay's number of one of its transfers, its amount in fen and its status.
    pub(crate) fn detail(&self, out_detail_no: &str) -> Option<(&str, u64, &'static str)> {
        let mut pairs = self.pairs();
        let found = pairs.find(|(new, _)| new.out_detail_no == out_detail_no);
        found.map(|(new, detail)| (&*detail.detail_id, new.amount, detail.status()))
    }

    fn position(&self, out_detail_no: &str) -> Option<usize> {
        let mut details = self.new.details.iter();
        details.position(|detail| detail.out_detail_no == out_detail_no)
    }

    fn pairs(&self) -> impl Iterator<Item = (&NewDetail, &Detail)> {
        self.new.details.iter().zip(&self.details)
    }

    /// Returns how many transfers have this status, and their sum in fen.
    fn count(&self, status: &str) -> (usize, u64) {
        self.pairs()
            .filter(|(_, detail)| detail.status() == status)
            .fold((0, 0), |(count, sum), (new, _)| {
                (count + 1, sum + new.amount)
            })
    }
}

impl Detail {
    fn status(&self) -> &'static str {
        match self.status {
            DetailStatus::Processing => "PROCESSING",
            DetailStatus::Success => "SUCCESS",
            DetailStatus::Fail(_) => "FAIL",
        }
    }
}
