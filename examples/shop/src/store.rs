//! Orders and refunds in SQLite.
//!
//! The database decides what happens once: each change of a state is one statement that names the states
//! it may come from, so that a notification, a query and a click that arrive together count once.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::Result;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS orders (
        number TEXT PRIMARY KEY,
        description TEXT NOT NULL,
        total INTEGER NOT NULL,
        state TEXT NOT NULL,
        code_url TEXT,
        transaction_id TEXT,
        created INTEGER NOT NULL,
        paid_on TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS refunds (
        number TEXT PRIMARY KEY,
        order_number TEXT NOT NULL REFERENCES orders (number),
        fen INTEGER NOT NULL,
        state TEXT NOT NULL
    ) STRICT;
";

/// The shop's database. A clone is the same one.
#[derive(Clone)]
pub struct Store(Arc<Mutex<Connection>>);

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// `out_trade_no`.
    pub number: String,
    /// What was ordered.
    pub description: String,
    /// The price, in fen.
    pub total: i64,
    /// How far it is.
    pub state: OrderState,
    /// What the customer scans. `None` until WeChat Pay accepted the order.
    pub code_url: Option<String>,
    /// WeChat Pay's number. `None` until it is paid.
    pub transaction_id: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created: i64,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Stored. WeChat Pay may not know it yet.
    New,
    /// Paid.
    Paid,
    /// Closed: it will not be paid.
    Closed,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// `out_refund_no`.
    pub number: String,
    /// The order that it returns.
    pub order_number: String,
    /// The amount.
    pub fen: i64,
    /// A state of WeChat Pay: `NEW` until it accepted the refund, then one of `refund_status`.
    pub state: String,
}

impl Store {
    /// Opens or creates a database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Self::with(connection)
    }

    /// Returns a database that ends with the process.
    pub fn in_memory() -> Result<Self> {
        Self::with(Connection::open_in_memory()?)
    }

    fn with(connection: Connection) -> Result<Self> {
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Adds an order, before WeChat Pay hears of it.
    pub fn add_order(&self, order: &Order) -> Result<()> {
        self.lock().execute(
            "INSERT INTO orders (number, description, total, state, created) VALUES (?1, ?2, ?3, 'NEW', ?4)",
            params![order.number, order.description, order.total, order.created],
        )?;
        Ok(())
    }

    /// Stores what the customer scans.
    pub fn set_code_url(&self, number: &str, code_url: &str) -> Result<()> {
        self.lock().execute(
            "UPDATE orders SET code_url = ?2 WHERE number = ?1",
            [number, code_url],
        )?;
        Ok(())
    }

    /// Marks an order as paid, if its amount is right. Returns whether this call did it.
    pub fn mark_paid(
        &self,
        number: &str,
        total: i64,
        transaction_id: &str,
        day: &str,
    ) -> Result<bool> {
        let changed = self.lock().execute(
            "UPDATE orders SET state = 'PAID', transaction_id = ?3, paid_on = ?4
             WHERE number = ?1 AND total = ?2 AND state <> 'PAID'",
            params![number, total, transaction_id, day],
        )?;
        Ok(changed == 1)
    }

    /// Marks an order as closed, unless it was paid.
    pub fn mark_closed(&self, number: &str) -> Result<()> {
        self.lock().execute(
            "UPDATE orders SET state = 'CLOSED' WHERE number = ?1 AND state = 'NEW'",
            [number],
        )?;
        Ok(())
    }

    /// Returns an order.
    pub fn order(&self, number: &str) -> Result<Option<Order>> {
        let lock = self.lock();
        let mut found = lock.prepare_cached(
            "SELECT number, description, total, state, code_url, transaction_id, created
             FROM orders WHERE number = ?1",
        )?;
        Ok(found.query_row([number], order).optional()?)
    }

    /// Returns the newest orders first, at most 100.
    pub fn orders(&self) -> Result<Vec<Order>> {
        let lock = self.lock();
        let mut all = lock.prepare_cached(
            "SELECT number, description, total, state, code_url, transaction_id, created
             FROM orders ORDER BY created DESC, number DESC LIMIT 100",
        )?;
        let rows = all.query_map([], order)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the orders that wait for their payment and were created before a time.
    pub fn waiting(&self, before: i64) -> Result<Vec<Order>> {
        let lock = self.lock();
        let mut waiting = lock.prepare_cached(
            "SELECT number, description, total, state, code_url, transaction_id, created
             FROM orders WHERE state = 'NEW' AND created < ?1 ORDER BY created LIMIT 1000",
        )?;
        let rows = waiting.query_map([before], order)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns number and price of the orders that were paid on a day of Beijing.
    pub fn paid_on(&self, day: &str) -> Result<Vec<(String, i64)>> {
        let lock = self.lock();
        let mut paid =
            lock.prepare_cached("SELECT number, total FROM orders WHERE paid_on = ?1")?;
        let rows = paid.query_map([day], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds a refund, if the order is paid and enough of it is left. Returns whether it is.
    pub fn add_refund(&self, refund: &Refund) -> Result<bool> {
        // One statement: two clerks cannot refund the same fen.
        let added = self.lock().execute(
            "INSERT INTO refunds (number, order_number, fen, state)
             SELECT ?1, ?2, ?3, 'NEW' FROM orders WHERE number = ?2 AND state = 'PAID' AND ?3 > 0
             AND total - ?3 >= (SELECT coalesce(sum(fen), 0) FROM refunds
                                WHERE order_number = ?2 AND state <> 'CLOSED')",
            params![refund.number, refund.order_number, refund.fen],
        )?;
        Ok(added == 1)
    }

    /// Stores the state that WeChat Pay reported. A final state stays.
    pub fn set_refund_state(&self, number: &str, state: &str) -> Result<()> {
        self.lock().execute(
            "UPDATE refunds SET state = ?2 WHERE number = ?1 AND state NOT IN ('SUCCESS', 'CLOSED')",
            [number, state],
        )?;
        Ok(())
    }

    /// Returns the refunds of an order.
    pub fn refunds(&self, order_number: &str) -> Result<Vec<Refund>> {
        let lock = self.lock();
        let mut refunds = lock.prepare_cached(
            "SELECT number, order_number, fen, state FROM refunds WHERE order_number = ?1 ORDER BY rowid",
        )?;
        let rows = refunds.query_map([order_number], refund)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the refunds whose end is not known, at most 1,000.
    pub fn open_refunds(&self) -> Result<Vec<Refund>> {
        let lock = self.lock();
        let mut open = lock.prepare_cached(
            "SELECT number, order_number, fen, state FROM refunds
             WHERE state NOT IN ('SUCCESS', 'CLOSED') LIMIT 1000",
        )?;
        let rows = open.query_map([], refund)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    // A panic while the lock is held leaves the database as it was: SQLite rolls back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let state: String = row.get(3)?;
    Ok(Order {
        number: row.get(0)?,
        description: row.get(1)?,
        total: row.get(2)?,
        state: match state.as_str() {
            "PAID" => OrderState::Paid,
            "CLOSED" => OrderState::Closed,
            _ => OrderState::New,
        },
        code_url: row.get(4)?,
        transaction_id: row.get(5)?,
        created: row.get(6)?,
    })
}

fn refund(row: &Row<'_>) -> rusqlite::Result<Refund> {
    Ok(Refund {
        number: row.get(0)?,
        order_number: row.get(1)?,
        fen: row.get(2)?,
        state: row.get(3)?,
    })
}
