//! What can be asked of the ledger: from the parameters of a query string to the answer as JSON.
//!
//! Over HTTP and on the command line alike, so that both say the same. The JSON is part of the program's interface: names
//! may be added, those here keep their meaning. Amounts are USD with all their decimals, times RFC 3339.
//!
//! ```json
//! {
//!   "period": { "since": "2026-11-23T00:00:00+01:00", "until": null, "timezone": "Europe/Berlin" },
//!   "by": "model", "totals": { "requests": 12, "total_cost_usd": 0.0421 },
//!   "groups": [{ "key": "claude-opus-4-8", "totals": { "requests": 12 } }]
//! }
//! ```
//!
//! `key` is a name (empty when there is none), or the start of an hour, day or month. The sums are those of
//! [`TotalsView`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::error::ApiError;
use crate::admin::params::{Params, wrong};
use crate::claude::price::PriceTable;
use crate::events::{RequestId, State};
use crate::store::civil::Clock;
use crate::store::export::json::{self, GroupView, RequestView, TotalsView};
use crate::store::filter::Filter;
use crate::store::period::Period;
use crate::store::query::{By, Cursor, Key, MAX_PAGE, Reader};

/// Requests of a page when nobody says how many.
pub(in crate::admin) const PAGE: usize = 100;
/// The period of sums when nobody says which.
const PERIOD: &str = "7d";

/// A stretch of time on somebody's clock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeriodView {
    /// The first instant; null for the beginning of all.
    pub since: Option<String>,
    /// The first instant after it; null for an open end.
    pub until: Option<String>,
    /// The clock whose days are meant.
    pub timezone: String,
}

impl PeriodView {
    fn new(period: Period, clock: &Clock, now: Timestamp) -> Self {
        Self {
            since: period.since.map(|at| on(clock, at)),
            until: period.until.map(|at| on(clock, at)),
            timezone: clock.name(now),
        }
    }
}

/// An instant as that clock shows it.
fn on(clock: &Clock, at: Timestamp) -> String {
    at.display_with_offset(clock.zone().to_offset(at)).to_string()
}

/// Sums of a period.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatsView {
    /// When.
    pub period: PeriodView,
    /// What the groups are: `none`, `model`, `endpoint`, `group`, `session`, `hour`, `day` or `month`.
    pub by: String,
    /// All together.
    pub totals: TotalsView,
    /// Told apart: times in order, names by falling cost.
    pub groups: Vec<GroupView>,
}

/// What sums can be told apart by, and its name.
pub const BYS: [(&str, By); 8] = [
    ("none", By::Nothing),
    ("model", By::Model),
    ("endpoint", By::Endpoint),
    ("group", By::Group),
    ("session", By::Session),
    ("hour", By::Hour),
    ("day", By::Day),
    ("month", By::Month),
];

/// `usage/stats`
///
/// # Errors
/// When the parameters make no sense, or the file cannot be read.
pub fn stats(reader: &Reader, mut params: Params) -> Result<String, ApiError> {
    let now = Timestamp::now();
    let (name, by) = match params.word("by")? {
        None => BYS[0],
        Some(text) => *BYS.iter().find(|(name, _)| *name == text).ok_or_else(|| {
            wrong("by", &text, format!("expected {}", BYS.map(|(name, _)| name).join(", ")))
        })?,
    };
    let period = period(&mut params, Some(PERIOD), now, reader.clock())?;
    let state = params.word("state")?.map(|name| state(&name)).transpose()?;
    let filter = Filter { state, ..period.of(columns(&mut params)?) };
    params.finish()?;
    let sums = json::StatsView::of(&reader.stats(&filter, by)?, by, reader.clock());
    text(&StatsView {
        period: PeriodView::new(period, reader.clock(), now),
        by: name.to_owned(),
        totals: sums.totals,
        groups: sums.groups,
    })
}

/// An answer as JSON.
fn text(answer: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(answer).map_err(ApiError::store_failed)
}

/// Sums of the stretches people ask for most.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct SummaryView {
    /// The clock whose days are meant.
    pub timezone: String,
    /// Since midnight.
    pub today: TotalsView,
    /// Today and the six days before.
    #[serde(rename = "7d")]
    pub week: TotalsView,
    /// Today and the 29 days before.
    #[serde(rename = "30d")]
    pub thirty_days: TotalsView,
    /// This month.
    pub month: TotalsView,
}

/// `usage/summary`
///
/// # Errors
/// When there are parameters, or the file cannot be read.
pub fn summary(reader: &Reader, params: Params) -> Result<String, ApiError> {
    params.finish()?;
    let now = Timestamp::now();
    let sums = |name: &str| -> Result<TotalsView, ApiError> {
        let period = Period::parse(name, now, reader.clock()).map_err(ApiError::store_failed)?;
        Ok(TotalsView::from(&reader.stats(&period.of(Filter::default()), By::Nothing)?.totals))
    };
    text(&SummaryView {
        timezone: reader.clock().name(now),
        today: sums("today")?,
        week: sums("7d")?,
        thirty_days: sums("30d")?,
        month: sums("month")?,
    })
}

/// A page of requests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestsView {
    /// Newest first; those that have not ended, where they are told, before those that have.
    pub requests: Vec<RequestView>,
    /// How many the filter matches on all pages.
    pub total: u64,
    /// The most a page holds.
    pub limit: usize,
    /// The `cursor` of the next page; null on the last.
    pub next: Option<String>,
}

/// `usage/requests`
///
/// # Errors
/// When the parameters make no sense, or the file cannot be read.
pub fn requests(reader: &Reader, mut params: Params) -> Result<String, ApiError> {
    let filter = filter(reader, &mut params)?;
    let limit = params.within("limit", 1..=MAX_PAGE)?.unwrap_or(PAGE);
    let cursor = params.parsed::<Cursor>("cursor")?;
    params.finish()?;
    let page = reader.page(&filter, cursor, limit)?;
    text(&RequestsView {
        requests: page.rows.iter().map(RequestView::from).collect(),
        total: reader.count(&filter)?,
        limit,
        next: page.next.map(|cursor| cursor.to_string()),
    })
}

/// One request and what happened to it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoryView {
    /// As in a list.
    pub request: RequestView,
    /// The decisions, a line each.
    pub story: Vec<String>,
}

/// `usage/requests/{id}`
///
/// # Errors
/// When the id is none or unknown, there are parameters, or the file cannot be read.
pub fn request(reader: &Reader, params: Params, id: &str) -> Result<String, ApiError> {
    params.finish()?;
    let id: RequestId = id.parse().map_err(|error| wrong("id", id, error))?;
    let (row, story) = reader.row(id)?.ok_or_else(|| {
        ApiError::not_found(format!("no request {id} is recorded"))
            .hint("one that has not ended is not there yet; old ones go after usage_tracking.retention_days")
    })?;
    text(&StoryView { request: RequestView::from(&row), story })
}

/// The models there are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelsView {
    /// Seen ones first, by falling cost; then those that only have a price.
    pub models: Vec<ModelView>,
    /// Which prices these are.
    pub price_revision: String,
}

/// A model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelView {
    /// As answers or requests name it.
    pub model: String,
    /// A price is known for it.
    pub priced: bool,
    /// Requests recorded; a request that more than one model answered counts for the last.
    pub requests: u64,
}

/// `usage/models`
///
/// # Errors
/// When there are parameters, or the file cannot be read.
pub fn models(reader: &Reader, params: Params, prices: &PriceTable) -> Result<String, ApiError> {
    params.finish()?;
    let seen = reader.stats(&Filter::default(), By::Model)?.groups;
    let mut models: Vec<ModelView> = Vec::new();
    for (key, totals) in seen {
        if let Key::Name(model) = key
            && !model.is_empty()
        {
            models.push(ModelView { priced: prices.knows(&model), model, requests: totals.requests });
        }
    }
    for name in prices.recognised_models() {
        if !models.iter().any(|known| known.model == name) {
            models.push(ModelView { model: name.to_owned(), priced: true, requests: 0 });
        }
    }
    text(&ModelsView { models, price_revision: prices.revision().to_string() })
}

/// The filter of a list or an export, its times included.
///
/// # Errors
/// When the parameters make no sense.
pub fn filter(reader: &Reader, params: &mut Params) -> Result<Filter, ApiError> {
    filter_on(reader.clock(), params)
}

/// As [`filter`], with the days of this clock.
///
/// # Errors
/// When the parameters make no sense.
pub fn filter_on(clock: &Clock, params: &mut Params) -> Result<Filter, ApiError> {
    let state = params.word("state")?.map(|name| state(&name)).transpose()?;
    Ok(Filter { state, ..filter_besides_state(clock, params)? })
}

/// As [`filter_on`], for those who read `state` otherwise.
///
/// # Errors
/// When the parameters make no sense.
pub fn filter_besides_state(clock: &Clock, params: &mut Params) -> Result<Filter, ApiError> {
    let period = period(params, None, Timestamp::now(), clock)?;
    Ok(period.of(columns(params)?))
}

/// `period`, or `since` and `until`; else `default`, else everything.
fn period(
    params: &mut Params,
    default: Option<&str>,
    now: Timestamp,
    clock: &Clock,
) -> Result<Period, ApiError> {
    let (named, since, until) = (params.text("period")?, params.text("since")?, params.text("until")?);
    let stated = since.is_some() || until.is_some();
    if named.is_some() && stated {
        return Err(ApiError::bad_request(
            "`period` stands beside `since` or `until`: give one or the other",
        ));
    }
    let read = match named.as_deref().or(default.filter(|_| !stated)) {
        Some(name) => Period::parse(name, now, clock),
        None => Period::between(since.as_deref(), until.as_deref(), now, clock),
    };
    read.map_err(|error| ApiError::bad_request(error.to_string()))
}

fn columns(params: &mut Params) -> Result<Filter, ApiError> {
    Ok(Filter {
        since: None,
        until: None,
        model: params.text("model")?,
        endpoint: params.text("endpoint")?,
        group: params.text("group")?,
        session: params.text("session")?,
        state: None,
        status: params.parsed("status")?,
        text: params.text("search")?,
    })
}

fn state(name: &str) -> Result<State, ApiError> {
    let unknown = || wrong("state", name, "expected completed, failed, cancelled or interrupted");
    State::named(name).ok_or_else(unknown)
}
