//! The list: what was seen of requests, the filter, and the pages of the two parts.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::place::Place;
use crate::admin::error::ApiError;
use crate::admin::params::{Params, wrong};
use crate::admin::usage::ask::{self, PAGE, RequestsView};
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::events::board::{Live, Phase, Snapshot, Stage};
use crate::events::{RequestRecord, State};
use crate::store::StoreError;
use crate::store::civil::Clock;
use crate::store::export::json::RequestView;
use crate::store::filter::{Filter, fits};
use crate::store::key::RowKey;
use crate::store::query::{Cursor, MAX_PAGE, Reader};
use crate::store::row::{OpenRow, Row};

/// Which requests, and how many of them.
pub(super) struct Wanted {
    filter: Filter,
    state: Option<Asked>,
    limit: usize,
    after: Option<Place>,
}

/// What `state` names.
#[derive(Clone, Copy)]
enum Asked {
    Live(Option<Phase>),
    Ended(State),
}

impl Wanted {
    /// Reads the parameters.
    ///
    /// # Errors
    /// When they make no sense.
    pub(super) fn read(mut params: Params, clock: &Clock) -> Result<Self, ApiError> {
        let state = params.word("state")?.map(|name| asked(&name)).transpose()?;
        let filter = ask::filter_besides_state(clock, &mut params)?;
        let limit = params.within("limit", 1..=MAX_PAGE)?.unwrap_or(PAGE);
        let after = params.parsed("cursor")?;
        params.finish()?;
        let filter = match state {
            Some(Asked::Ended(state)) => Filter { state: Some(state), ..filter },
            _ => filter,
        };
        Ok(Self { filter, state, limit, after })
    }

    fn wants_live(&self, live: &Live) -> bool {
        match self.state {
            None | Some(Asked::Live(None)) => true,
            Some(Asked::Live(Some(phase))) => live.phase == phase,
            Some(Asked::Ended(_)) => false,
        }
    }

    fn wants_ended(&self) -> bool {
        !matches!(self.state, Some(Asked::Live(_)))
    }
}

fn asked(name: &str) -> Result<Asked, ApiError> {
    let phase = || Phase::named(name).map(|phase| Asked::Live(Some(phase)));
    let live = || (name == "live").then_some(Asked::Live(None));
    State::named(name).map(Asked::Ended).or_else(phase).or_else(live).ok_or_else(|| {
        let names = "live, pending, forwarding, retrying, suspended, streaming, completed, failed, cancelled or \
                     interrupted";
        wrong("state", name, format!("expected {names}"))
    })
}

/// What there is to be listed.
pub(super) struct Seen<'a> {
    snapshot: &'a Snapshot,
    groups: HashMap<&'a EndpointId, &'a GroupId>,
    /// Ended, and not in the store.
    ended: Vec<Arc<RequestRecord>>,
    store: Option<&'a Reader>,
}

impl<'a> Seen<'a> {
    /// Of a snapshot, ended requests in memory, and a store that was opened after these were taken.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        ended: Vec<Arc<RequestRecord>>,
        store: Option<&'a Reader>,
    ) -> Result<Self, StoreError> {
        let groups = snapshot.endpoints.iter().map(|e| (&e.name, &e.group)).collect();
        let mut seen = Self { snapshot, groups, ended: Vec::new(), store };
        for record in ended {
            if !seen.is_stored(record.id)? {
                seen.ended.push(record);
            }
        }
        Ok(seen)
    }

    fn is_stored(&self, id: crate::events::RequestId) -> Result<bool, StoreError> {
        self.store.map_or(Ok(false), |store| store.knows(id))
    }

    /// A page.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn page(&self, wanted: &Wanted) -> Result<RequestsView, StoreError> {
        let mut live = self.live(wanted)?;
        let running = live.len() as u64;
        match wanted.after {
            Some(Place::Live(cursor)) => live.retain(|(key, _)| *key < cursor.key()),
            Some(Place::Ended(_)) => live.clear(),
            None => {}
        }
        let more_live = live.len() > wanted.limit;
        live.truncate(wanted.limit);
        let (last_live, room) = (live.last().map(|(key, _)| *key), wanted.limit - live.len());
        let ended = self.ended(wanted, room)?;
        let next = match last_live {
            Some(key) if more_live || room == 0 && ended.total > 0 => Some(Place::Live(Cursor::after(key))),
            _ => ended.next.map(Place::Ended),
        };
        let mut requests: Vec<RequestView> = live.into_iter().map(|(_, view)| view).collect();
        requests.extend(ended.rows.iter().map(RequestView::from));
        Ok(RequestsView {
            requests,
            total: running + ended.total,
            limit: wanted.limit,
            next: next.map(|place| place.to_string()),
        })
    }

    /// Those that run, newest first. One that has reached the store meanwhile has ended.
    fn live(&self, wanted: &Wanted) -> Result<Vec<(RowKey, RequestView)>, StoreError> {
        let mut live = Vec::new();
        for running in self.snapshot.live.iter().filter(|live| wanted.wants_live(live)) {
            let row = self.row(running);
            if matches(&wanted.filter, running, &row) && !self.is_stored(running.accepted.id)? {
                live.push((row.key(), view(running, &row, self.snapshot)));
            }
        }
        live.sort_by_key(|(key, _)| Reverse(*key));
        Ok(live)
    }

    /// Those that ended: up to `room` of them.
    fn ended(&self, wanted: &Wanted, room: usize) -> Result<Ended, StoreError> {
        if !wanted.wants_ended() {
            return Ok(Ended::default());
        }
        let after = match wanted.after {
            Some(Place::Ended(cursor)) => Some(cursor),
            _ => None,
        };
        let rows = self.ended.iter().map(|record| Row::of_record(record, self.snapshot.at));
        let mut rows: Vec<Row> = rows.filter(|row| wanted.filter.matches(row)).collect();
        let mut total = rows.len() as u64;
        rows.retain(|row| after.is_none_or(|cursor| row.key() < cursor.key()));
        let mut more = false;
        if let Some(store) = self.store {
            total += store.count(&wanted.filter)?;
            let page = store.page(&wanted.filter, after, room.max(1))?;
            more = page.next.is_some();
            rows.extend(page.rows);
        }
        rows.sort_by_key(|row| Reverse(row.key()));
        more |= rows.len() > room;
        rows.truncate(room);
        let next = rows.last().filter(|_| more).map(|row| Cursor::after(row.key()));
        Ok(Ended { rows, total, next })
    }

    /// A request that runs as the store would keep it, for the filter to look at.
    fn row(&self, live: &Live) -> Row {
        row_of(live, self.snapshot, live.endpoint.as_ref().and_then(|name| self.groups.get(name).copied()))
    }
}

/// Some of those that ended.
#[derive(Default)]
struct Ended {
    rows: Vec<Row>,
    /// On all pages.
    total: u64,
    next: Option<Cursor>,
}

fn row_of(live: &Live, snapshot: &Snapshot, group: Option<&GroupId>) -> Row {
    let mut open = OpenRow::from(&*live.accepted);
    open.describe(&live.described);
    Row {
        endpoint: live.endpoint.as_ref().map(ToString::to_string),
        group: group.map(ToString::to_string),
        served_model: live.model().filter(|_| live.streaming_since.is_some()).map(str::to_owned),
        bytes_in: live.described.bytes_in,
        ..Row::interrupted(&open, snapshot.at)
    }
}

/// The predicate of the ledger; the model that counts is the one that answers.
fn matches(filter: &Filter, live: &Live, row: &Row) -> bool {
    let model = live.model().unwrap_or_default();
    filter.model.as_deref().is_none_or(|pattern| fits(pattern, model.as_bytes()))
        && Filter { model: None, ..filter.clone() }.matches(row)
}

/// A request that runs, as far as it is known.
pub(super) fn view(live: &Live, row: &Row, snapshot: &Snapshot) -> RequestView {
    let ms = |since: jiff::Timestamp, until: jiff::Timestamp| until.duration_since(since).as_secs_f64() * 1e3;
    RequestView {
        live: true,
        status: Stage::Live(live.phase),
        model_name: live.model().map(str::to_owned),
        retry_count: u64::from(live.attempts.saturating_sub(1)),
        attempt_count: u64::from(live.attempts),
        first_byte_ms: live.streaming_since.map(|at| ms(live.accepted.at, at)),
        suspended_ms: live.wait.as_ref().map_or(0.0, |wait| ms(wait.since, snapshot.at)),
        input_tokens: live.usage.input,
        output_tokens: live.usage.output,
        cache_creation_tokens: live.usage.cache_write_5m + live.usage.cache_write_1h,
        cache_creation_5m_tokens: live.usage.cache_write_5m,
        cache_creation_1h_tokens: live.usage.cache_write_1h,
        cache_read_tokens: live.usage.cache_read,
        input_cost_usd: None,
        output_cost_usd: None,
        cache_creation_cost_usd: None,
        cache_read_cost_usd: None,
        tool_cost_usd: None,
        cache_saved_usd: None,
        cache_premium_usd: None,
        cache_missed_usd: None,
        total_cost_usd: live.cost,
        ..RequestView::from(row)
    }
}

/// The request of this id, if it runs.
pub(super) fn find(snapshot: &Snapshot, id: crate::events::RequestId) -> Option<(Live, RequestView)> {
    let live = snapshot.live.iter().find(|live| live.accepted.id == id)?;
    let endpoint = snapshot.endpoints.iter().find(|e| Some(&e.name) == live.endpoint.as_ref());
    let row = row_of(live, snapshot, endpoint.map(|e| &e.group));
    Some((live.clone(), view(live, &row, snapshot)))
}
