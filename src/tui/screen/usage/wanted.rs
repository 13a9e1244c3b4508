//! What the screen of usage is asked to show: a period, what is narrowed to, and what is told apart.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::store::civil::Clock;
use crate::store::filter::Filter;
use crate::store::period::Period;
use crate::store::query::By;
use crate::tui::model::Model;
use crate::tui::source::UsageQuery;

/// Longest period, in seconds, whose chart has hours.
const HOURS_UP_TO: i64 = 49 * 3_600;

/// A period as it is chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// This day.
    Today,
    /// Seven days with this one.
    Week,
    /// Thirty days with this one.
    Month,
    /// Everything there is.
    All,
    /// A text that [`Period::parse`] reads.
    Typed(String),
}

impl Choice {
    /// Those that need not be typed.
    pub const FIXED: [Self; 4] = [Self::Today, Self::Week, Self::Month, Self::All];

    /// As [`Period::parse`] reads it.
    pub fn text(&self) -> &str {
        match self {
            Self::Today => "today",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::All => "all",
            Self::Typed(text) => text,
        }
    }
}

/// Something that was narrowed to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Level {
    /// What was told apart.
    pub by: By,
    /// Which of them.
    pub name: String,
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The period.
    pub choice: Choice,
    /// What is narrowed to, the widest first.
    pub path: Vec<Level>,
    /// What the table tells apart.
    pub by: By,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { choice: Choice::Today, path: Vec::new(), by: By::Model }
    }
}

/// What can be told apart, in the order of the key.
const GROUPINGS: [By; 4] = [By::Model, By::Endpoint, By::Group, By::Session];

impl Wanted {
    /// The next thing to tell apart that is not narrowed to already.
    pub fn next_by(&self) -> By {
        let at = GROUPINGS.iter().position(|by| *by == self.by).unwrap_or(0);
        let next = (1..=GROUPINGS.len()).map(|step| GROUPINGS[(at + step) % GROUPINGS.len()]);
        next.into_iter().find(|by| !self.is_narrowed(*by)).unwrap_or(self.by)
    }

    /// True when something is left to tell apart below the rows of the table.
    pub fn can_narrow(&self) -> bool {
        GROUPINGS.iter().filter(|by| !self.is_narrowed(**by)).count() > 1
    }

    fn is_narrowed(&self, by: By) -> bool {
        self.path.iter().any(|level| level.by == by)
    }

    /// The requests this is about, as of `now` on a clock of `zone`.
    pub fn filter(&self, now: Timestamp, zone: &TimeZone) -> Filter {
        // A typed text was read before it became a choice.
        let period = Period::parse(self.choice.text(), now, &Clock::new(zone.clone())).unwrap_or_default();
        let mut filter = period.of(Filter::default());
        for Level { by, name } in &self.path {
            let place = match by {
                By::Model => &mut filter.model,
                By::Endpoint => &mut filter.endpoint,
                By::Group => &mut filter.group,
                _ => &mut filter.session,
            };
            *place = Some(name.clone());
        }
        filter
    }

    /// What to ask the ledger.
    pub fn query(&self, now: Timestamp, zone: &TimeZone) -> UsageQuery {
        let filter = self.filter(now, zone);
        let length = filter.since.map(|since| filter.until.unwrap_or(now).duration_since(since).as_secs());
        let bars = if length.is_some_and(|s| s <= HOURS_UP_TO) { By::Hour } else { By::Day };
        UsageQuery { filter, by: self.by, bars }
    }
}

/// What is wrong with a period.
///
/// # Errors
/// When it cannot be read; the text says why.
pub fn check_period(model: &Model, text: &str) -> Result<(), String> {
    let clock = Clock::new(model.facts.zone.clone());
    Period::parse(text, model.now, &clock).map(drop).map_err(|error| match error {
        crate::store::period::NotAPeriod::Unknown(text) => format!("`{text}` is no period"),
        error => error.to_string(),
    })
}
