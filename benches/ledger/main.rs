//! The ledger at a million requests: how fast they are written, summed up, listed and exported, and how large they are.
//!
//! `cargo bench --bench ledger` makes the file once (about a minute) and keeps it under `target/tmp`; it is made anew
//! when the layout of rows changes. `… -- --quick` does the same with few requests, for a look whether it works. The
//! questions are asked of a file that is open, each of a new reader; figures are the median of several times. Peak
//! memory comes from `/proc` and is left out where there is none; redb's cache, which is part of it, is given 64 MiB.

mod rows;
#[path = "../shared/target.rs"]
mod target;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use cc_forwarder::events::State;
use cc_forwarder::store::apply::Batch;
use cc_forwarder::store::civil::Clock;
use cc_forwarder::store::codec::Stored;
use cc_forwarder::store::export::{Format, export};
use cc_forwarder::store::filter::Filter;
use cc_forwarder::store::period::Period;
use cc_forwarder::store::query::{By, Reader};
use cc_forwarder::store::schema::{self, meta};
use jiff::tz::TimeZone;
use redb::{Database, ReadableDatabase, ReadableTableMetadata};
use tokio::time::Instant;

use target::{Target, Wanted, median, say};

/// Rows of a list's first page.
const PAGE: usize = 50;
/// Bytes of redb's cache.
const CACHE: usize = 64 << 20;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|a| a == word);
    // Without `--bench` somebody only wants to see it run: `cargo test --all-targets` does this.
    let quick = has("--quick") || !has("--bench");
    let (count, settled) = if quick { (20_000, 2_560) } else { (1_000_000, 51_200) };
    let clock = Clock::new(TimeZone::get("Europe/Berlin")?);
    say(&format!("{settled} requests settled, then {count} requests over {} days", rows::DAYS));
    let mut targets = vec![settle(settled, &clock)?];
    let path = ledger_of(count, &clock)?;
    let db = Database::builder().set_cache_size(CACHE).open(&path)?;
    let bench = Bench { db, clock, count, rounds: if quick { 1 } else { 11 } };
    targets.extend(bench.sums()?);
    targets.extend(bench.lists()?);
    targets.extend(bench.exports()?);
    targets.push(bench.sizes(&path)?);
    say("\nTargets");
    targets.iter().for_each(Target::print);
    Ok(())
}

/// Writes requests as the writer does under load: full batches, each on the disk before the next.
fn settle(count: u64, clock: &Clock) -> anyhow::Result<Target> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let db = Database::builder().set_cache_size(CACHE).create(folder.path().join("settle.redb"))?;
    let began = Instant::now();
    fill(&db, clock, count, 256)?;
    let rate = count as f64 / began.elapsed().as_secs_f64();
    Ok(at_least("requests settled, batches of 256 on the disk", 5_000.0, "/s", rate))
}

/// The file with so many requests; made when there is none.
fn ledger_of(count: u64, clock: &Clock) -> anyhow::Result<PathBuf> {
    let sample = rows::row(1, count).encode()?.len();
    let name = format!("ledger-{count}-{}-{sample}.redb", schema::LAYOUT);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !path.exists() {
        let new = path.with_extension("new");
        let _ = std::fs::remove_file(&new);
        let mut db = Database::builder().set_cache_size(CACHE).create(&new)?;
        let began = Instant::now();
        fill(&db, clock, count, 10_000)?;
        db.compact()?;
        drop(db);
        std::fs::rename(&new, &path)?;
        say(&format!("  made {} in {:.0} s", path.display(), began.elapsed().as_secs_f64()));
    }
    Ok(path)
}

fn fill(db: &Database, clock: &Clock, count: u64, batch: u64) -> anyhow::Result<()> {
    let txn = db.begin_write()?;
    schema::create(&txn)?;
    // With these the program opens it as a ledger of its own.
    schema::set_fact(&txn, meta::LAYOUT, schema::LAYOUT)?;
    schema::set_fact(&txn, meta::ZONE, &clock.name(rows::end()))?;
    txn.commit()?;
    for first in (0..count).step_by(batch as usize) {
        let txn = db.begin_write()?;
        let mut tables = Batch::new(&txn, clock)?;
        for number in first..(first + batch).min(count) {
            let row = rows::row(number, count);
            tables.put(&row, Some(&rows::story(&row)))?;
        }
        tables.finish()?;
        txn.commit()?;
    }
    Ok(())
}

struct Bench {
    db: Database,
    clock: Clock,
    count: u64,
    rounds: usize,
}

impl Bench {
    fn reader(&self) -> anyhow::Result<Reader> {
        Ok(Reader::new(&self.db, self.clock.clone())?)
    }

    /// Milliseconds of a question to a new reader: the median round.
    fn time(&self, what: &str, question: impl Fn(&Reader) -> anyhow::Result<u64>) -> anyhow::Result<f64> {
        let (mut times, mut answer) = (Vec::new(), 0);
        for _ in 0..self.rounds {
            let began = Instant::now();
            answer = question(&self.reader()?)?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let time = median(times);
        say(&format!("  {what:58}{time:>12.3} ms{answer:>12}"));
        Ok(time)
    }

    fn sums(&self) -> anyhow::Result<Vec<Target>> {
        say(&format!("\nSums {:>67}{:>13}", "", "requests"));
        let month = Period::parse("30d", rows::end(), &self.clock)?.of(Filter::default());
        let to_now = Filter { until: Some(rows::end()), ..month.clone() };
        let of_session = Filter { session: Some(rows::session(self.count / 2)), ..month.clone() };
        let ask = |filter: &Filter, by| {
            let filter = filter.clone();
            move |reader: &Reader| Ok(reader.stats(&filter, by)?.totals.requests)
        };
        let summary = self.time("30 days", ask(&month, By::Nothing))?;
        for (what, filter, by) in [
            ("30 days by model", &month, By::Model),
            ("30 days by day", &month, By::Day),
            ("30 days by hour", &month, By::Hour),
            ("30 days by session", &month, By::Session),
            ("30 days up to this second", &to_now, By::Nothing),
            ("30 days of one session", &of_session, By::Nothing),
        ] {
            self.time(what, ask(filter, by))?;
        }
        Ok(vec![at_most("summary of 30 days", 5.0, "ms", summary)])
    }

    fn lists(&self) -> anyhow::Result<Vec<Target>> {
        say("\nFirst pages and counts");
        let all = Filter::default;
        let session = Some(rows::session(self.count / 100));
        let filters = [
            ("no filter", all()),
            ("an endpoint", Filter { endpoint: Some("relay".to_owned()), ..all() }),
            ("models by a pattern", Filter { model: Some("claude-haiku*".to_owned()), ..all() }),
            (
                "failed ones of a model",
                Filter { model: Some("claude-opus-5-1".to_owned()), state: Some(State::Failed), ..all() },
            ),
            ("a session", Filter { session, ..all() }),
            ("a model that is nowhere", Filter { model: Some(rows::UNSEEN.to_owned()), ..all() }),
        ];
        let mut slowest = 0_f64;
        for (what, filter) in &filters {
            let page = self.time(what, |reader| Ok(reader.page(filter, None, PAGE)?.rows.len() as u64))?;
            self.time("  count", |reader| Ok(reader.count(filter)?))?;
            slowest = slowest.max(page);
        }
        let text = Filter { text: Some("appears nowhere".to_owned()), ..all() };
        let scan =
            self.time("a text that is nowhere", |r| Ok(r.page(&text, None, PAGE)?.rows.len() as u64))?;
        Ok(vec![
            at_most("first page of a filtered list, the slowest of these", 10.0, "ms", slowest),
            at_least("rows looked through for a text", 2e6, "/s", self.count as f64 / scan * 1e3),
        ])
    }

    fn exports(&self) -> anyhow::Result<Vec<Target>> {
        say("\nExports");
        let mut targets = Vec::new();
        for (what, format) in [("export as CSV", Format::Csv), ("export as JSON", Format::Json)] {
            let began = Instant::now();
            let mut out = BufWriter::with_capacity(64 << 10, Counted::default());
            let rows = export(&self.reader()?, &Filter::default(), format, &mut out, |_, _| {})?;
            let rate = rows as f64 / began.elapsed().as_secs_f64();
            let megabytes = out.get_ref().bytes >> 20;
            say(&format!("  {what:58}{rows:>12} rows, {megabytes} MiB, peak memory {}", peak_memory()));
            targets.push(at_least(what, 100_000.0, "rows/s", rate));
        }
        Ok(targets)
    }

    fn sizes(&self, path: &Path) -> anyhow::Result<Target> {
        say("\nBytes a record");
        let txn = self.db.begin_read()?;
        let each = |name: &str, bytes: u64| {
            say(&format!("  {name:20}{:>8.1}", bytes as f64 / self.count as f64));
        };
        let of = |stats: redb::TableStats| {
            stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes()
        };
        each("rows", of(txn.open_table(schema::ROWS)?.stats()?));
        each("stories", of(txn.open_table(schema::STORIES)?.stats()?));
        each("ids", of(txn.open_table(schema::IDS)?.stats()?));
        each("hours", of(txn.open_table(schema::HOURS)?.stats()?));
        each("days", of(txn.open_table(schema::DAYS)?.stats()?));
        each("session days", of(txn.open_table(schema::SESSION_DAYS)?.stats()?));
        let file = std::fs::metadata(path)?.len() as f64 / self.count as f64;
        Ok(at_most("file, after it was compacted", 800.0, "bytes/record", file))
    }
}

fn at_most(what: &'static str, bound: f64, unit: &'static str, reached: f64) -> Target {
    Target { what, wanted: Wanted::AtMost(bound), unit, reached: Some(reached) }
}

fn at_least(what: &'static str, bound: f64, unit: &'static str, reached: f64) -> Target {
    Target { what, wanted: Wanted::AtLeast(bound), unit, reached: Some(reached) }
}

/// Counts what is written and forgets it.
#[derive(Default)]
struct Counted {
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most memory this process ever had; a dash where the system does not tell.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "-".to_owned(), |size| size.trim().to_owned())
}
