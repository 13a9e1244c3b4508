//! `demo`: the forwarder at work, without account, configuration or network.
//!
//! ```text
//! 4 clients --> forwarder --> 4 simulated endpoints in 2 groups, failing on schedule
//!     \--------------------> 1 endpoint that never fails: what the answers are compared with
//! ```
//!
//! It prints a line for each finished request, for each change of the fleet and for each thing that goes wrong, ends by
//! itself, and sums up. The exit code is 0 only if every client got every answer whole.
//!
//! | file | for |
//! |---|---|
//! | `scenario` | who is there and what goes wrong when, as data |
//! | `stage` | the simulated endpoints, and performing the scenario |
//! | `prompts`, `client`, `verify` | what clients ask, how they ask, when an answer is whole |
//! | `account`, `summary`, `paint` | what is printed |

mod account;
mod client;
mod paint;
mod prompts;
mod scenario;
mod stage;
mod summary;
mod verify;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::client::{Client, Seen};
use self::paint::Line;
use self::prompts::CAST;
use self::stage::Stage;
use self::summary::Tally;
use super::{Running, Taps, run, start};
use crate::cli::{DemoArgs, EXIT_FAILED, EXIT_OK};
use crate::domain::fleet::Change;
use crate::events::RequestRecord;

/// Runs the demo.
///
/// # Errors
/// When a port or a thread cannot be had, or the output cannot be written.
pub(super) fn run(args: &DemoArgs) -> anyhow::Result<u8> {
    run::runtime()?.block_on(Box::pin(show(args.seconds)))
}

async fn show(seconds: u32) -> anyhow::Result<u8> {
    let stage = Stage::set().await?;
    let (taps, sources) = taps();
    let forwarder = start(Arc::new(stage.config()?), taps).await?;
    let printer = Printer { start: Instant::now(), colour: paint::colour() };
    let mut opening = summary::header(forwarder.address(), CAST.len(), &stage.bill(), seconds);
    opening.push(account::heads());
    printer.print(&opening)?;

    let tasks = TaskTracker::new();
    let end = CancellationToken::new();
    let account = tasks.spawn(printer.account(sources.records, sources.changes));
    let clients = clients(&forwarder, &stage, &tasks, &end);
    let time = Duration::from_secs(u64::from(seconds));
    let seen = tokio::select! {
        never = printer.perform(&stage, time) => match never {},
        seen = until_done(clients, &end, time) => seen?,
    };
    forwarder.stop(std::future::pending()).await;
    stage.clear().await;
    let tally = account.await??;
    printer.print(&summary::closing(&tally, &seen))?;
    Ok(if summary::is_success(&tally, &seen) { EXIT_OK } else { EXIT_FAILED })
}

/// Where the account hears of things.
struct Sources {
    records: mpsc::UnboundedReceiver<Arc<RequestRecord>>,
    changes: mpsc::UnboundedReceiver<Arc<[Change]>>,
}

fn taps() -> (Taps, Sources) {
    let (records_tx, records) = mpsc::unbounded_channel();
    let (changes_tx, changes) = mpsc::unbounded_channel();
    (
        Taps { records: Some(records_tx), changes: Some(changes_tx), ..Taps::default() },
        Sources { records, changes },
    )
}

fn clients(
    forwarder: &Running,
    stage: &Stage,
    tasks: &TaskTracker,
    end: &CancellationToken,
) -> Vec<JoinHandle<Seen>> {
    let client = |persona| Client {
        persona,
        forwarder: format!("http://{}", forwarder.address()),
        untroubled: stage.untroubled.url(),
    };
    CAST.iter().map(|persona| tasks.spawn(client(persona).work(end.clone()))).collect()
}

/// Lets the clients work for `time` or until Ctrl-C, then waits for the answers they are still owed. A second Ctrl-C
/// does not wait.
async fn until_done(
    clients: Vec<JoinHandle<Seen>>,
    end: &CancellationToken,
    time: Duration,
) -> anyhow::Result<Seen> {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        pressed = run::interrupted() => pressed?,
    }
    end.cancel();
    tokio::select! {
        seen = futures_util::future::try_join_all(clients) => Ok(seen?.into_iter().fold(Seen::default(), Seen::and)),
        pressed = run::interrupted() => {
            pressed?;
            anyhow::bail!("interrupted before the last answers were there")
        }
    }
}

/// Writes lines to standard output.
#[derive(Clone, Copy)]
struct Printer {
    start: Instant,
    colour: bool,
}

impl Printer {
    fn print(self, lines: &[Line]) -> anyhow::Result<()> {
        run::print(&paint::rendered(lines, self.colour))
    }

    /// Prints what the forwarder tells until it has ended, and adds it up.
    async fn account(
        self,
        mut records: mpsc::UnboundedReceiver<Arc<RequestRecord>>,
        mut changes: mpsc::UnboundedReceiver<Arc<[Change]>>,
    ) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        loop {
            let lines = tokio::select! {
                Some(record) = records.recv() => {
                    tally.add(&record);
                    account::request(&record, self.start.elapsed())
                }
                Some(changes) = changes.recv() => {
                    changes.iter().flat_map(|change| account::change(change, self.start.elapsed())).collect()
                }
                else => return Ok(tally),
            };
            self.print(&lines)?;
        }
    }

    /// Performs the scenario. That a line of it cannot be written is left to the account to find out.
    fn perform(self, stage: &Stage, time: Duration) -> impl Future<Output = Infallible> {
        stage.perform(self.start, time, move |cue| {
            let _ = self.print(&account::cue(cue.who, cue.says, self.start.elapsed()));
        })
    }
}
