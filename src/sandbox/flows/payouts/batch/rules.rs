//! What happens to a batch: the money, the timers and the notification that go with each state.

use super::{Batch, Detail, DetailStatus, NewBatch, Status};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::{
        payments::pay::engine::fen,
        payouts::payout::{
            NUMBER_USED, ended_notice, freeze_and_keep, not_found, repeated, wrong_state,
        },
    },
    state::{
        account::{Entry, EntryKind},
        timers::Timer,
        world::{Store, World},
    },
};

/// Accepts a batch and freezes its money. The same request again returns the first one.
///
/// # Errors
/// Refuses a number that a different request used, and more than the merchant has.
pub(crate) fn create(world: &mut World, new: NewBatch, now: u64) -> Result<Batch, Refusal> {
    let (mchid, number) = (new.mchid.clone(), new.out_batch_no.clone());
    let known = world.store(&mchid).batch.batches.get(&number);
    if let Some(batch) = repeated(known, |batch| &batch.new, &new, NUMBER_USED)? {
        return Ok(batch);
    }
    // As real ones: 39 digits each.
    let batch_id = world.number("1310", 39);
    let mut details = Vec::new();
    for _ in &new.details {
        details.push(Detail {
            detail_id: world.number("1320", 39),
            updated_at: now,
            status: DetailStatus::Processing,
        });
    }
    let batch = Batch {
        batch_id,
        details,
        created_at: now,
        updated_at: now,
        status: Status::Accepted,
        new,
    };
    let Store {
        account,
        batch: tables,
        ..
    } = world.store(&mchid);
    freeze_and_keep(account, batch.new.total, "商户账户资金不足", || {
        let batches = &mut tables.batches;
        batches.keep(number.clone(), batch.clone(), Batch::has_ended, "batches")
    })?;
    let timer = Timer {
        mchid,
        key: number,
        fire: |world, _, timer, now| finish(world, &timer.mchid, &timer.key, now),
    };
    world.settle_later(now, timer);
    Ok(batch)
}

/// Pays all users of a batch who were not paid yet, and finishes it.
///
/// # Errors
/// Refuses a batch that has ended.
pub(crate) fn finish(
    world: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<(), Refusal> {
    let store = world.store(mchid);
    let batch = store.batch.batches.get_mut(number).ok_or_else(not_found)?;
    if batch.has_ended() {
        return Err(wrong_state(batch.status()));
    }
    store.account.unfreeze(batch.count("PROCESSING").1)?;
    let mut paid = Vec::new();
    for (new, detail) in batch.new.details.iter().zip(&mut batch.details) {
        if detail.status == DetailStatus::Processing {
            detail.status = DetailStatus::Success;
            detail.updated_at = now;
            paid.push(Entry {
                at: now,
                kind: EntryKind::Transfer,
                id: detail.detail_id.clone(),
                out_no: new.out_detail_no.clone(),
                fen: -fen(new.amount),
            });
        }
    }
    for entry in paid {
        store.account.post(entry)?;
    }
    end(world, mchid, number, Status::Finished, now)
}

/// Fails one transfer of a batch that is under way, for a reason such as `NAME_NOT_CORRECT`. The batch
/// finishes with its last transfer.
///
/// # Errors
/// Refuses a transfer that has ended.
pub(crate) fn fail_detail(
    world: &mut World,
    mchid: &str,
    out_detail_no: &str,
    reason: &str,
    now: u64,
) -> Result<(), Refusal> {
    let store = world.store(mchid);
    let batches = &mut store.batch.batches;
    let waits = |batch: &Batch| !batch.has_ended() && batch.has_detail(out_detail_no);
    let batch = batches.find_mut(waits).ok_or_else(not_found)?;
    let index = batch.position(out_detail_no).ok_or_else(not_found)?;
    let (Some(new), Some(detail)) = (batch.new.details.get(index), batch.details.get_mut(index))
    else {
        return Err(not_found());
    };
    if detail.status != DetailStatus::Processing {
        return Err(wrong_state(detail.status()));
    }
    store.account.unfreeze(new.amount)?;
    detail.status = DetailStatus::Fail(reason.to_owned());
    detail.updated_at = now;
    batch.status = Status::Processing;
    batch.updated_at = now;
    if batch.count("PROCESSING").0 > 0 {
        return Ok(());
    }
    let number = batch.new.out_batch_no.clone();
    end(world, mchid, &number, Status::Finished, now)
}

/// Closes a batch of which no user was paid, for a reason such as `OVERDUE_CLOSE`.
///
/// # Errors
/// Refuses a batch that is being processed or has ended.
pub(crate) fn close(
    world: &mut World,
    mchid: &str,
    number: &str,
    reason: &str,
    now: u64,
) -> Result<(), Refusal> {
    let store = world.store(mchid);
    let batch = store.batch.batches.get_mut(number).ok_or_else(not_found)?;
    if batch.status != Status::Accepted {
        return Err(wrong_state(batch.status()));
    }
    store.account.unfreeze(batch.new.total)?;
    for detail in &mut batch.details {
        detail.status = DetailStatus::Fail(reason.to_owned());
        detail.updated_at = now;
    }
    end(world, mchid, number, Status::Closed(reason.to_owned()), now)
}

fn end(
    world: &mut World,
    mchid: &str,
    number: &str,
    status: Status,
    now: u64,
) -> Result<(), Refusal> {
    let batches = &mut world.store(mchid).batch.batches;
    let batch = batches.get_mut(number).ok_or_else(not_found)?;
    batch.status = status;
    batch.updated_at = now;
    let Some(url) = batch.new.notify_url.clone() else {
        return Ok(());
    };
    let (event_type, summary) = match batch.status {
        Status::Closed(_) => ("MCHTRANSFER.BATCH.CLOSED", "转账批次单关闭通知"),
        _ => ("MCHTRANSFER.BATCH.FINISHED", "转账批次单完成通知"),
    };
    let notice = ended_notice(mchid, &url, event_type, summary, batch.resource());
    world.notify(notice);
    Ok(())
}
