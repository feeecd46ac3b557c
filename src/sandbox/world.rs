//! What one sandbox knows: its keys, its time, its orders and its log.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::StatusCode;

use super::{
    answer::Answer,
    bill::{FILES, File},
    clock::Clock,
    fault::Faults,
    fields::Fields,
    keys::{self, Keys, PlatformKey},
    nonces::Nonces,
    record::Requests,
    service_order::ServiceOrder,
    store::{ORDERS, Store},
    transaction::Transaction,
};
use crate::error::cause::Result;

pub(super) struct World {
    pub(super) keys: Keys,
    pub(super) clock: Clock,
    pub(super) address: SocketAddr,
    mchid: String,
    appid: String,
    ledger: Mutex<Ledger>,
    nonces: Mutex<Nonces>,
    requests: Mutex<Requests>,
    faults: Mutex<Faults>,
}

/// The orders. One lock over all, so that each change is whole.
pub(super) struct Ledger {
    pub(super) service_orders: Store<ServiceOrder>,
    pub(super) transactions: Store<Transaction>,
    /// Bills, by the token in their URL.
    pub(super) files: Store<File>,
}

impl World {
    pub(super) fn new(keys: Keys, address: SocketAddr, mchid: String, appid: String) -> Self {
        Self {
            keys,
            clock: Clock::default(),
            address,
            mchid,
            appid,
            ledger: Mutex::new(Ledger {
                service_orders: Store::new(ORDERS),
                transactions: Store::new(ORDERS),
                files: Store::new(FILES),
            }),
            nonces: Mutex::default(),
            requests: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    pub(super) fn mchid(&self) -> &str {
        &self.mchid
    }

    pub(super) fn appid(&self) -> &str {
        &self.appid
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub(super) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        lock(&self.nonces)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Requests> {
        lock(&self.requests)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// The platform's key of this id.
    pub(super) fn platform_key(&self, id: &str) -> Option<&PlatformKey> {
        Some(&self.keys.platform).filter(|key| key.id == id)
    }

    /// The app must be bound to the merchant.
    pub(super) fn check_appid(&self, fields: &Fields<'_>) -> std::result::Result<(), Answer> {
        let appid = fields.text("appid", 32)?;
        if appid == self.appid {
            return Ok(());
        }
        Err(Answer::error(
            StatusCode::BAD_REQUEST,
            "APPID_MCHID_NOT_MATCH",
            &format!(
                "商户号和appid没有绑定关系: {} is bound to {}, not to {appid}",
                self.mchid, self.appid
            ),
        ))
    }

    /// A number of `length` digits that begins with `head`.
    pub(super) fn draw_number(
        &self,
        head: &str,
        length: usize,
    ) -> std::result::Result<String, Answer> {
        drawn(keys::digits(length.saturating_sub(head.len()))).map(|rest| format!("{head}{rest}"))
    }

    /// Letters and digits.
    pub(super) fn draw_token(&self, length: usize) -> std::result::Result<String, Answer> {
        drawn(keys::token(length))
    }
}

fn drawn(result: Result<String>) -> std::result::Result<String, Answer> {
    result.map_err(|_| {
        Answer::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SYSTEM_ERROR",
            "系统错误: no random numbers",
        )
    })
}

/// A handler that panicked leaves its lock poisoned; the others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
