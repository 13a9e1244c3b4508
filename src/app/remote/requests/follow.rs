//! `requests --follow`: a line for each request as it ends.
//!
//! | what comes over the stream | then |
//! |---|---|
//! | a picture of everything | the last requests in it that were not printed yet are; of the first one only as many as `--limit` asks for |
//! | a request that ended | it is printed, if the filter lets it |
//! | word that events were missed | a picture follows, and closes the gap as far as it reaches |
//! | an end, silence, an error | the stream is opened again behind the last event, every second |
//!
//! Ends with Ctrl-C, or when nobody reads its output any more; both are an end in order. That the first connection
//! fails, or the forwarder refuses, is an error.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use serde::Deserialize;

use super::{question, table};
use crate::admin::params::Params;
use crate::admin::usage::ask;
use crate::app::client::{AskError, Client, Event};
use crate::app::paint::{colour, rendered};
use crate::app::reach::{advise, client, say};
use crate::app::table::Table;
use crate::app::{json, run, threads};
use crate::cli::{EXIT_OK, RequestsArgs};
use crate::events::{RequestId, RequestRecord};
use crate::logging::escape::escape_json;
use crate::store::civil::Clock;
use crate::store::export::json::RequestView;
use crate::store::filter::Filter;
use crate::store::row::Row;

const PATH: &str = "/api/v1/stream";
const KINDS: &str = "events=snapshot,settled";
/// Between two tries to open the stream again.
const PAUSE: Duration = Duration::from_secs(1);
/// Ids remembered as printed: more than a picture holds.
const REMEMBERED: usize = 1_000;
/// Columns of each cell: the lines of a table that has no end cannot wait for the widest.
const WIDTHS: [usize; 8] = [8, 12, 11, 10, 10, 5, 8, 7];

/// Follows requests until it is told to stop.
///
/// # Errors
/// When the forwarder cannot be asked, or refuses.
pub(super) fn run(args: &RequestsArgs) -> anyhow::Result<u8> {
    let client = client(&args.ask.reach)?;
    let mut printer = Printer::new(args)?;
    threads::runtime()?.block_on(async {
        tokio::select! {
            ended = run::interrupted() => Ok(ended?),
            ended = follow(&client, &mut printer) => ended,
        }
    })?;
    Ok(EXIT_OK)
}

/// Returns when nobody reads any more.
async fn follow(client: &Client, printer: &mut Printer) -> anyhow::Result<()> {
    let mut events = client.events(PATH, KINDS, None).await.map_err(advise)?;
    loop {
        let why = match events.next().await {
            Ok(Some(event)) => match printer.take(&event)? {
                true => continue,
                false => return Ok(()),
            },
            Ok(None) => "it has ended the connection".to_owned(),
            Err(error) => error.to_string(),
        };
        say(&format!("{}: {why}; trying again until it answers", client.base()))?;
        let last = events.last_id().map(str::to_owned);
        events = loop {
            match client.events(PATH, KINDS, last.as_deref()).await {
                Ok(events) => break events,
                // Busy, or starting: that passes.
                Err(AskError::Refused { status: 429 | 500.., .. }) => {}
                Err(error @ AskError::Refused { .. }) => return Err(error.into()),
                Err(AskError::Unreachable { .. } | AskError::Broken { .. }) => {}
            }
            tokio::time::sleep(PAUSE).await;
        };
        say(&format!("{}: connected again", client.base()))?;
    }
}

/// The part of a picture that is of interest.
#[derive(Deserialize)]
struct Picture {
    /// Ended, newest first.
    recent: Vec<RequestRecord>,
}

/// Prints each request once.
struct Printer {
    filter: Filter,
    as_json: bool,
    colour: bool,
    table: Table,
    /// How many that had ended before come first; nothing once they have come.
    before: Option<usize>,
    printed: VecDeque<RequestId>,
}

impl Printer {
    fn new(args: &RequestsArgs) -> anyhow::Result<Self> {
        let asked = question(args).query();
        let clock = Clock::new(jiff::tz::TimeZone::system());
        let mut params = Params::of(Some(&asked));
        Ok(Self {
            filter: ask::filter_on(&clock, &mut params)?,
            as_json: args.ask.json,
            colour: colour(),
            table: Table::ruled(&table::COLUMNS, &WIDTHS),
            before: Some(args.limit.map_or(0, |limit| limit as usize)),
            printed: VecDeque::with_capacity(REMEMBERED),
        })
    }

    /// Prints what an event tells; false when nobody reads any more.
    fn take(&mut self, event: &Event) -> anyhow::Result<bool> {
        match event.name.as_str() {
            "snapshot" => self.picture(json::read(&event.data)?),
            "settled" => self.print(json::read(&event.data)?),
            _ => Ok(true),
        }
    }

    fn picture(&mut self, picture: Picture) -> anyhow::Result<bool> {
        let first = self.before.take();
        if first.is_some() && !self.as_json && !self.write(&rendered(&[self.table.heads()], self.colour))? {
            return Ok(false);
        }
        // All of a later picture; of the first as many as were wanted, counted after the filter.
        let mut wanted = first.unwrap_or(usize::MAX);
        let mut news = Vec::new();
        for record in picture.recent {
            match self.fits(&record) && wanted > 0 {
                true => {
                    wanted -= 1;
                    news.push(record);
                }
                false => self.remember(record.id),
            }
        }
        for record in news.into_iter().rev() {
            if !self.print(record)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Prints a request, unless it was or is not wanted.
    fn print(&mut self, record: RequestRecord) -> anyhow::Result<bool> {
        if self.printed.contains(&record.id) || !self.fits(&record) {
            return Ok(true);
        }
        self.remember(record.id);
        let row = row(&record);
        let view = RequestView::from(&row);
        let line = match self.as_json {
            true => escape_json(serde_json::to_string(&view)?) + "\n",
            false => {
                let time = table::zoned(view.start_time, &jiff::tz::TimeZone::system());
                let cells = table::cells(&view, time.strftime("%H:%M:%S").to_string());
                rendered(&[self.table.row(cells)], self.colour)
            }
        };
        Ok(self.write(&line)?)
    }

    fn fits(&self, record: &RequestRecord) -> bool {
        self.filter.matches(&row(record))
    }

    fn remember(&mut self, id: RequestId) {
        if self.printed.len() == REMEMBERED {
            self.printed.pop_front();
        }
        self.printed.push_back(id);
    }

    /// False when nobody reads any more.
    fn write(&self, text: &str) -> io::Result<bool> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            written => written.map(|()| true),
        }
    }
}

/// As the store will keep it.
fn row(record: &RequestRecord) -> Row {
    let took = jiff::SignedDuration::try_from_secs_f64(record.duration_ms / 1e3).unwrap_or_default();
    Row::of_record(record, record.accepted.checked_add(took).unwrap_or(record.accepted))
}
