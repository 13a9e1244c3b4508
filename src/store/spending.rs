//! What this day and this month have cost so far: where budgets go on after a restart.
//!
//! The daily rollups say it. While those are being summed up anew for another time zone, the rows do.

use jiff::Timestamp;
use redb::ReadTransaction;

use super::StoreError;
use super::civil::Clock;
use super::codec::Stored;
use super::key::{BucketKey, RowKey, bucket_floor};
use super::row::Row;
use super::schema::{DAYS, ROWS, fact, meta};
use super::totals::{Part, Totals, parts};
use crate::domain::budget::{Bounds, Budget, BudgetReport, Spent, Sums, statuses};
use crate::domain::endpoint::{EndpointId, GroupId};

/// What was spent in the day and the month of `now`, as far as it has been committed.
///
/// # Errors
/// When the file cannot be read.
pub fn spending(txn: &ReadTransaction, clock: &Clock, now: Timestamp) -> Result<Sums, StoreError> {
    let mut sums = Sums::new(Bounds::at(clock, now));
    if fact(txn, meta::ZONE)?.as_deref() == Some(clock.name(now).as_str()) {
        add_days(txn, &mut sums)?;
    } else {
        add_rows(txn, &mut sums)?;
    }
    Ok(sums)
}

/// Where these limits stand by what has been committed: for those who ask the file, not the running program.
///
/// # Errors
/// When the file cannot be read.
pub fn report(
    txn: &ReadTransaction,
    budgets: &[Budget],
    clock: &Clock,
    now: Timestamp,
) -> Result<BudgetReport, StoreError> {
    Ok(BudgetReport::new(now, statuses(budgets, &spending(txn, clock, now)?)))
}

fn add_days(txn: &ReadTransaction, sums: &mut Sums) -> Result<(), StoreError> {
    let month = u64::try_from(sums.bounds().month.as_second()).unwrap_or(0);
    for entry in txn.open_table(DAYS)?.range(bucket_floor(month).as_slice()..)? {
        let (key, totals) = entry?;
        let Some(BucketKey { start, names: [model, endpoint, group] }) = BucketKey::from_bytes(key.value())
        else {
            continue;
        };
        let at = i64::try_from(start).ok().and_then(|s| Timestamp::from_second(s).ok());
        let part = Part { model, endpoint, group };
        add(sums, at.unwrap_or(Timestamp::MIN), &part, &Totals::decode(totals.value())?);
    }
    Ok(())
}

fn add_rows(txn: &ReadTransaction, sums: &mut Sums) -> Result<(), StoreError> {
    let first = RowKey::first_at(sums.bounds().month).to_bytes();
    for entry in txn.open_table(ROWS)?.range(first..)? {
        let row = Row::decode(entry?.1.value())?;
        for (part, totals) in parts(&row) {
            add(sums, row.accepted(), &part, &totals);
        }
    }
    Ok(())
}

fn add(sums: &mut Sums, at: Timestamp, part: &Part, totals: &Totals) {
    let spent = Spent { cost: totals.cost.total(), unpriced: totals.unpriced };
    let (endpoint, group) = (EndpointId::new(part.endpoint.as_str()), GroupId::new(part.group.as_str()));
    sums.add(at, &endpoint, &group, spent);
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use redb::{Database, ReadableDatabase};

    use super::*;
    use crate::claude::money::PicoUsd;
    use crate::domain::budget::{BudgetScope, Period};
    use crate::store::schema;
    use crate::store::testing::{batch, database, row};

    const NOW: &str = "2026-03-29T12:00:00Z";

    fn berlin() -> Clock {
        Clock::new(TimeZone::get("Europe/Berlin").unwrap())
    }

    /// Rows around the first second of a month, of a day without two o'clock, and of now.
    fn filled(zone: &str) -> Database {
        let (db, clock) = (database(), berlin());
        let txn = db.begin_write().unwrap();
        schema::set_fact(&txn, meta::ZONE, zone).unwrap();
        txn.commit().unwrap();
        batch(&db, &clock, |batch| {
            for (id, (at, endpoint)) in [
                ("2026-02-28T22:59:59Z", "a"),
                ("2026-02-28T23:00:00Z", "a"),
                ("2026-03-28T22:59:59Z", "a"),
                ("2026-03-28T23:00:00Z", "a"),
                ("2026-03-29T11:59:59Z", "b"),
            ]
            .iter()
            .enumerate()
            {
                batch.put(&row(u32::try_from(id).unwrap(), at, "opus", endpoint), None)?;
            }
            Ok(())
        });
        db
    }

    fn of(db: &Database) -> Sums {
        spending(&db.begin_read().unwrap(), &berlin(), NOW.parse().unwrap()).unwrap()
    }

    #[test]
    fn rollups_and_rows_say_the_same_about_day_and_month() {
        let one = row(0, NOW, "opus", "a").cost().total();
        assert!(!one.is_zero(), "the rows of this test cost something");
        let by_days = of(&filled("Europe/Berlin"));
        assert_eq!(by_days, of(&filled("an older zone")));
        let cost = |period, scope: BudgetScope| by_days.of(period, &scope).cost;
        assert_eq!(cost(Period::Day, BudgetScope::All), one.times(2));
        assert_eq!(cost(Period::Month, BudgetScope::All), one.times(4));
        assert_eq!(cost(Period::Month, BudgetScope::Endpoint(EndpointId::new("a"))), one.times(3));
        assert_eq!(cost(Period::Day, BudgetScope::Endpoint(EndpointId::new("b"))), one);
    }

    #[test]
    fn what_has_no_price_is_counted_as_missing() {
        let (db, clock) = (database(), berlin());
        let mut unpriced = row(1, NOW, "opus", "a");
        unpriced.attempts[0].bill = None;
        batch(&db, &clock, |batch| batch.put(&unpriced, None));
        let spent = of(&db).of(Period::Day, &BudgetScope::All);
        assert_eq!(spent, Spent { unpriced: 1, ..Spent::default() });
    }

    #[test]
    fn a_report_tells_whether_a_limit_is_used_up() {
        let (db, clock) = (database(), berlin());
        let mut dear = row(1, NOW, "opus", "a");
        dear.attempts[0].bill.as_mut().unwrap().lines.input = PicoUsd::from_micro_usd(2_000_000);
        batch(&db, &clock, |batch| batch.put(&dear, None));
        let over = |daily: u64| {
            let scope = BudgetScope::All;
            let budget =
                Budget { scope, daily: Some(daily), monthly: None, warn_at_percent: 80, block: false };
            report(&db.begin_read().unwrap(), &[budget], &clock, NOW.parse().unwrap()).unwrap().over
        };
        assert!(over(2_000_000) && !over(3_000_000));
    }

    #[test]
    fn an_empty_store_has_spent_nothing() {
        assert_eq!(of(&database()), Sums::new(Bounds::at(&berlin(), NOW.parse().unwrap())));
    }
}
