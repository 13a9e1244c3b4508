//! Everything the ledger can be asked must agree with what was told, and with everything else it says.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use cc_forwarder::claude::money::PicoUsd;
use cc_forwarder::events::State;
use cc_forwarder::store::civil::Clock;
use cc_forwarder::store::filter::Filter;
use cc_forwarder::store::query::{By, Key, Reader};
use cc_forwarder::store::row::Row;
use cc_forwarder::store::totals::Totals;
use jiff::tz::TimeZone;
use redb::{ReadOnlyDatabase, ReadableDatabase};

use crate::case;
use crate::expected::{Prices, Told};
use crate::lines::Line;
use crate::sums::{self, Part, Sum};

const BYS: [By; 8] =
    [By::Nothing, By::Model, By::Endpoint, By::Group, By::Session, By::Hour, By::Day, By::Month];

/// An estimate has to stay near what was sent: no cut stream of the mix had more text than this many tokens.
const MOST_ESTIMATED: u64 = 400;

pub(crate) fn clock() -> Clock {
    Clock::new(TimeZone::get("Asia/Kathmandu").unwrap())
}

/// Reads the store of a program that has ended.
pub(crate) fn read<T>(path: &Path, look: impl FnOnce(&Reader) -> T) -> T {
    let db = ReadOnlyDatabase::open(path).unwrap();
    look(&Reader::of(&db.begin_read().unwrap(), clock()).unwrap())
}

/// All rows, by pages of an odd size.
pub(crate) fn rows(reader: &Reader) -> Vec<Row> {
    pages(reader, &Filter::default())
}

fn pages(reader: &Reader, filter: &Filter) -> Vec<Row> {
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let page = reader.page(filter, cursor, 97).unwrap();
        rows.extend(page.rows);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return rows,
        }
    }
}

/// Each request has one row, with the end its client saw and the attempts that endpoints know of.
pub(crate) fn parts<'a>(
    rows: &'a [Row],
    seen: &HashMap<usize, State>,
    told: &'a HashMap<usize, Vec<Told>>,
) -> Vec<Part<'a>> {
    let mut numbers = HashMap::new();
    let mut parts = Vec::new();
    for row in rows {
        let number = case::number(row.user_agent.as_deref().unwrap()).unwrap();
        let kind = case::case(number).kind;
        assert_eq!(numbers.insert(number, ()), None, "{number}, {kind}: a second row");
        assert_eq!(row.state, seen[&number], "{number}, {kind}: {row:?}");
        let told = told.get(&number).map(Vec::as_slice).unwrap_or_default();
        let answered: Vec<_> = row.attempts.iter().filter(|attempt| attempt.status.is_some()).collect();
        assert_eq!(answered.len(), told.len(), "{number}, {kind}: {row:?}\n{told:?}");
        assert!(row.attempts.iter().all(|a| a.status.is_some() || a.tokens.is_empty()), "{row:?}");
        parts.extend(answered.into_iter().zip(told).map(|(attempt, told)| Part { row, attempt, told }));
    }
    assert_eq!(numbers.len(), seen.len(), "requests without a row");
    parts
}

/// Each attempt is billed once: what it told, where it was told, at that endpoint's prices.
pub(crate) fn attempts(parts: &[Part<'_>], prices: &Prices) {
    for part in parts {
        let (attempt, told) = (part.attempt, part.told);
        let what = || format!("{}: {told:?}\n{:?}", case_of(part.row), part.row);
        assert_eq!(attempt.endpoint, told.endpoint, "{}", what());
        let mut counted = Totals { tokens: attempt.tokens.clone(), ..Totals::default() };
        counted.estimated = u64::from(attempt.estimated);
        counted.unpriced = u64::from(attempt.bill.is_none() && !attempt.tokens.is_empty());
        counted.cost = attempt.bill.as_ref().map(|bill| bill.lines).unwrap_or_default();
        assert_eq!(Sum::of(&counted), part.sum(prices), "{}", what());
        if !attempt.tokens.is_empty() {
            assert_eq!(attempt.billed_model(part.row), told.model, "{}", what());
        }
        if !told.exact {
            let possible = told.usage.output..=MOST_ESTIMATED;
            assert!(possible.contains(&attempt.tokens.output), "{}", what());
        }
    }
}

fn case_of(row: &Row) -> &'static str {
    case::case(case::number(row.user_agent.as_deref().unwrap()).unwrap()).kind
}

/// Sums by everything, from rollups and from rows.
pub(crate) fn statistics(reader: &Reader, rows: &[Row], parts: &[Part<'_>], prices: &Prices) {
    let all = sums::all(parts.iter(), prices);
    for by in BYS {
        let expected = sums::by(parts.iter(), by, &clock(), prices);
        let rolled = reader.stats(&Filter::default(), by).unwrap();
        // A text in every row is nothing that rollups know of.
        let everywhere = Filter { text: Some("PROBE/".into()), ..Filter::default() };
        let scanned = reader.stats(&everywhere, by).unwrap();
        assert_eq!(rolled, scanned, "{by:?}");
        assert_eq!(Sum::of(&rolled.totals), all, "{by:?}");
        let t = &rolled.totals;
        let states = [t.completed, t.failed, t.cancelled, t.interrupted];
        let ended = [State::Completed, State::Failed, State::Cancelled, State::Interrupted];
        assert_eq!(states, ended.map(|state| sums::ended(rows, state)), "{by:?}");
        assert_eq!(t.requests, rows.len() as u64);
        if by != By::Nothing {
            assert_eq!(rolled.groups.iter().map(|(_, t)| t.requests).sum::<u64>(), t.requests, "{by:?}");
            let told: BTreeMap<Key, Sum> =
                rolled.groups.iter().map(|(k, t)| (k.clone(), Sum::of(t))).collect();
            let used: BTreeMap<_, _> = told.into_iter().filter(|(_, sum)| *sum != Sum::default()).collect();
            assert_eq!(used, expected, "{by:?}");
        }
    }
}

/// Lists and counts have the same idea of what a filter means, and sums of what was used have it as well.
pub(crate) fn filters(reader: &Reader, rows: &[Row], parts: &[Part<'_>], prices: &Prices) {
    let none = Filter::default;
    let (middle, end) = (rows[rows.len() / 2].accepted(), rows[3].accepted());
    let mut filters = vec![none(), Filter { since: Some(middle), until: Some(end), ..none() }];
    filters.extend(case::MODELS.map(|m| Filter { model: Some(m.into()), ..none() }));
    filters.extend(["a", "c", "e"].map(|e| Filter { endpoint: Some(e.into()), ..none() }));
    filters.extend(["main", "backup"].map(|g| Filter { group: Some(g.into()), ..none() }));
    filters.push(Filter { session: Some(case::session(5)), ..none() });
    filters.push(Filter { state: Some(State::Cancelled), ..none() });
    filters.push(Filter { status: Some(400), ..none() });
    filters.push(Filter { model: Some("probe-*".into()), state: Some(State::Failed), ..none() });
    for filter in filters {
        let listed = pages(reader, &filter);
        let expected: Vec<_> = rows.iter().filter(|row| filter.matches(row)).cloned().collect();
        assert_eq!(listed, expected, "{filter:?}");
        let narrows = !listed.is_empty() && listed.len() < rows.len();
        assert!(narrows || filter == none(), "{filter:?} matches {} of {}", listed.len(), rows.len());
        assert_eq!(reader.count(&filter).unwrap(), listed.len() as u64, "{filter:?}");
        let stats = reader.stats(&filter, By::Nothing).unwrap();
        let meant = parts.iter().filter(|part| is_meant(&filter, part));
        assert_eq!(Sum::of(&stats.totals), sums::all(meant, prices), "{filter:?}");
    }
}

/// Whether the sums of a filter have this attempt in them.
fn is_meant(filter: &Filter, part: &Part<'_>) -> bool {
    let of_row = Filter { model: None, endpoint: None, group: None, ..filter.clone() };
    let is = |wanted: &Option<String>, have: &str| {
        wanted.as_ref().is_none_or(|w| w.strip_suffix('*').map_or(w == have, |start| have.starts_with(start)))
    };
    of_row.matches(part.row)
        && is(&filter.model, &part.told.model)
        && is(&filter.endpoint, &part.told.endpoint)
        && is(&filter.group, if part.told.endpoint == "e" { "backup" } else { "main" })
}

/// A file of requests says of each what its row says, and adds up to what was told.
pub(crate) fn lines(lines: &[Line], rows: &[Row], all: &Sum) {
    let expected: BTreeMap<String, Line> =
        rows.iter().map(|row| (row.request_id().to_string(), Line::of(row))).collect();
    let told: BTreeMap<String, Line> = lines.iter().map(|line| (line.id.clone(), line.clone())).collect();
    assert_eq!(told.len(), lines.len(), "a request twice");
    assert_eq!(told, expected);
    let cost: PicoUsd = lines.iter().filter_map(|line| line.cost).sum();
    assert_eq!(cost.pico(), all.total_cost());
    let tokens = |of: fn(&Line) -> u64| lines.iter().map(of).sum::<u64>();
    assert_eq!(
        [tokens(|l| l.input), tokens(|l| l.output), tokens(|l| l.read)],
        [all.tokens[0], all.tokens[1], all.tokens[4]]
    );
    assert_eq!(tokens(|l| l.written), all.tokens[2] + all.tokens[3]);
}
