//! `demo`: the forwarder at work, without account, configuration or network.
//!
//! ```text
//! 4 clients --> forwarder --> 4 simulated endpoints in 2 groups, failing on schedule
//!     \--------------------> 1 endpoint that never fails: what the answers are compared with
//! ```
//!
//! On a terminal it opens the terminal interface and goes on until a person quits. Otherwise it prints a line for each
//! finished request, for each change of the fleet and for each thing that goes wrong, and ends by itself. Both sum up at
//! the end; the exit code is 0 only if every client got every answer whole.
//!
//! | file | for |
//! |---|---|
//! | `scenario` | who is there and what goes wrong when, as data |
//! | `stage` | the simulated endpoints, and performing the scenario |
//! | `prompts`, `client`, `verify` | what clients ask, how they ask, when an answer is whole |
//! | `account`, `summary`, `paint` | what is printed |

mod account;
mod client;
mod prompts;
mod scenario;
mod scratch;
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
use self::prompts::CAST;
use self::scratch::Scratch;
use self::stage::Stage;
use self::summary::Tally;
use super::paint::{self, Line};
use super::screen::{self, Closed, Face, Window, Wish};
use super::{Running, Taps, run, start, threads};
use crate::cli::{DemoArgs, EXIT_FAILED, EXIT_OK};
use crate::domain::fleet::Change;
use crate::events::RequestRecord;
use crate::logging::{self, Console};
use crate::tui::Remote;

/// Runs the demo.
///
/// # Errors
/// When a port or a thread cannot be had, or the output cannot be written.
pub(super) fn run(args: &DemoArgs) -> anyhow::Result<u8> {
    threads::runtime()?.block_on(Box::pin(show(args)))
}

/// How long the show goes on without a terminal interface, seconds.
const SECONDS: u32 = 20;
/// Longer than anybody looks at a screen.
const DAYS: Duration = Duration::from_secs(30 * 24 * 3600);

async fn show(args: &DemoArgs) -> anyhow::Result<u8> {
    let stage = Stage::set().await?;
    let mut config = stage.config()?;
    let wish = Wish { no_tui: args.no_tui, tui: false, theme: args.theme.as_deref() };
    let mut face = screen::face(wish, &config)?;
    let _log = match &mut face {
        Face::Screen(plan) => {
            let guard = logging::init(&config.logging, Console::None, config.redactor.clone())?;
            plan.logs = Some(guard.ring());
            Some(guard)
        }
        Face::Headless(_) => None,
    };
    // The account of a headless show is its output; a screen asks a ledger.
    let scratch = matches!(face, Face::Screen(_)).then(Scratch::new).transpose()?;
    scratch.iter().for_each(|scratch| scratch.keep_ledger_of(&mut config));
    let (taps, sources) = taps();
    let forwarder = start(Arc::new(config), taps).await?;
    let mut window = match face {
        Face::Screen(plan) => Some(Window::open(&forwarder, plan)?),
        Face::Headless(_) => None,
    };
    let seconds = args.seconds.unwrap_or(SECONDS);
    let time = match (&window, args.seconds) {
        (Some(_), None) => DAYS,
        _ => Duration::from_secs(u64::from(seconds)),
    };
    let remote = window.as_ref().map(Window::remote);
    let printer = Printer { start: Instant::now(), colour: paint::colour(), remote };
    if window.is_none() {
        let mut opening = summary::header(forwarder.address(), CAST.len(), &stage.bill(), seconds);
        opening.push(account::heads());
        printer.print(&opening)?;
    }
    let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
    let account = tasks.spawn(printer.clone().account(sources.records, sources.changes));
    let clients = clients(&forwarder, &stage, &tasks, &end);
    let seen = tokio::select! {
        never = printer.perform(&stage, time) => match never {},
        seen = until_done(clients, &end, time, &mut window) => seen?,
    };
    let tells = match window {
        Some(window) => window.close().await,
        None => true,
    };
    forwarder.stop(std::future::pending()).await;
    stage.clear().await;
    let tally = account.await??;
    if tells {
        printer.print(&summary::closing(&tally, &seen))?;
    }
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

/// Lets the clients work for `time`, or until Ctrl-C or a person closes the screen, then waits for the answers they are
/// still owed. A second Ctrl-C does not wait.
async fn until_done(
    clients: Vec<JoinHandle<Seen>>,
    end: &CancellationToken,
    time: Duration,
    window: &mut Option<Window>,
) -> anyhow::Result<Seen> {
    let closed = async {
        match window {
            Some(window) => window.closed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        pressed = run::interrupted() => pressed?,
        closed = closed => if let Closed::Failed(why) = closed {
            anyhow::bail!("the terminal interface failed: {why}");
        }
    }
    end.cancel();
    if let Some(window) = window {
        window.remote().stop();
    }
    tokio::select! {
        seen = futures_util::future::try_join_all(clients) => Ok(seen?.into_iter().fold(Seen::default(), Seen::and)),
        pressed = run::interrupted() => {
            pressed?;
            anyhow::bail!("interrupted before the last answers were there")
        }
    }
}

/// Writes lines to standard output, or tells an open screen what goes wrong next.
#[derive(Clone)]
struct Printer {
    start: Instant,
    colour: bool,
    remote: Option<Remote>,
}

impl Printer {
    fn print(&self, lines: &[Line]) -> anyhow::Result<()> {
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
            if self.remote.is_none() {
                self.print(&lines)?;
            }
        }
    }

    /// Performs the scenario. That a line of it cannot be written is left to the account to find out.
    fn perform(&self, stage: &Stage, time: Duration) -> impl Future<Output = Infallible> {
        stage.perform(self.start, time, move |cue| match &self.remote {
            Some(remote) => remote.say(format!("simulated: {} {}", cue.who, cue.says)),
            None => {
                let _ = self.print(&account::cue(cue.who, cue.says, self.start.elapsed()));
            }
        })
    }
}
