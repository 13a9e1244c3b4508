//! The tables of the file.
//!
//! | table | key | value |
//! |---|---|---|
//! | `rows` | [`super::key::RowKey`] | [`super::row::Row`] |
//! | `ids` | request id, acceptance in microseconds | nothing: finds a row by its id |
//! | `stories` | as `rows` | the decision trace as lines of text |
//! | `open` | as `rows` | [`super::row::OpenRow`] of a request that has not ended |
//! | `hours`, `days` | [`super::key::BucketKey`] of model, endpoint, group | [`super::totals::Totals`] |
//! | `session_days` | [`super::key::BucketKey`] of the session | [`super::totals::Totals`] |
//! | `meta` | a name | a text, see [`meta`] |
//!
//! The rollups always equal the sums of the rows: whatever changes a row changes them in the same transaction.

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::key::RowKey;

/// Bytes of a row's key.
pub type RowKeyBytes = [u8; RowKey::LEN];

/// Ended requests.
pub const ROWS: TableDefinition<'_, RowKeyBytes, &[u8]> = TableDefinition::new("rows");
/// Where the row of an id is. Ids repeat after four billion requests, and across runs by chance.
pub const IDS: TableDefinition<'_, (u32, u64), ()> = TableDefinition::new("ids");
/// Decision traces.
pub const STORIES: TableDefinition<'_, RowKeyBytes, &[u8]> = TableDefinition::new("stories");
/// Requests that have not ended.
pub const OPEN: TableDefinition<'_, RowKeyBytes, &[u8]> = TableDefinition::new("open");
/// Sums per hour of model, endpoint and group.
pub const HOURS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("hours");
/// Sums per day of model, endpoint and group.
pub const DAYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("days");
/// Sums per day of a session.
pub const SESSION_DAYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("session_days");
/// Facts about the file.
pub const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");

/// Names in the table of facts.
pub mod meta {
    /// The layout of the file as a whole: [`super::LAYOUT`].
    pub const LAYOUT: &str = "layout";
    /// The program that made the file.
    pub const MADE_BY: &str = "made_by";
    /// The time zone whose hours and days the rollups are.
    pub const ZONE: &str = "zone";
}

/// The tables and keys described above. A change that older programs cannot read has another number.
pub const LAYOUT: &str = "1";

/// Makes every table, so that readers find them.
///
/// # Errors
/// When the file cannot be written.
pub fn create(txn: &WriteTransaction) -> Result<(), TableError> {
    txn.open_table(ROWS)?;
    txn.open_table(IDS)?;
    txn.open_table(STORIES)?;
    txn.open_table(OPEN)?;
    txn.open_table(HOURS)?;
    txn.open_table(DAYS)?;
    txn.open_table(SESSION_DAYS)?;
    txn.open_table(META)?;
    Ok(())
}

/// A fact about the file.
///
/// # Errors
/// When the file cannot be read.
pub fn fact(txn: &ReadTransaction, name: &str) -> Result<Option<String>, super::StoreError> {
    let table = txn.open_table(META)?;
    Ok(table.get(name)?.map(|text| text.value().to_owned()))
}

/// A fact as this transaction sees it.
///
/// # Errors
/// When the file cannot be read.
pub fn written_fact(txn: &WriteTransaction, name: &str) -> Result<Option<String>, super::StoreError> {
    let table = txn.open_table(META)?;
    let text = table.get(name)?.map(|text| text.value().to_owned());
    Ok(text)
}

/// Writes a fact.
///
/// # Errors
/// When the file cannot be written.
pub fn set_fact(txn: &WriteTransaction, name: &str, text: &str) -> Result<(), super::StoreError> {
    txn.open_table(META)?.insert(name, text)?;
    Ok(())
}
