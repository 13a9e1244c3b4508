//! The composition root: the only place that makes channels, spawns tasks and orders start and stop.
//!
//! ```text
//! connections --Event--> hub --> store, records, snapshot
//!      |  ^
//!      |  +------ FleetView ---- control <-- probes
//!      +--------- Input -----------^
//!
//! file, SIGHUP --> reload --Config--> everyone, Input::Reload --> control
//! keys, scripts --Command--> deck --> control, queue, reload
//! ```
//!
//! Stop, in this order: accept no more; end the wait of suspended requests; let answers finish for the grace period; cut
//! what is left; close the admin port; end probes and control; close upstream connections; let the hub take the last
//! records; commit them.

mod admin_port;
mod attach;
mod budgets;
mod check;
pub mod client;
mod completions;
pub mod deck;
mod demo;
mod farewell;
mod figures;
mod hangup;
mod init;
mod json;
mod ledger;
mod paint;
mod prices;
mod quote;
mod reach;
pub mod reload;
mod remote;
mod run;
mod screen;
mod table;
mod text;
mod themes;
mod threads;
mod told;
mod usage;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin;
use crate::cli::{Cli, Command};
use crate::config::diff::Report;
use crate::config::watch::Pace;
use crate::config::{Config, Source};
use crate::control::fasttest::FastTests;
use crate::control::{self, Control, probe};
use crate::domain::fleet::{Change, Fleet};
use crate::events::board::{Board, Snapshot};
use crate::events::meters::LinesDropped;
use crate::events::pictures::{self, Pictures};
use crate::events::recent::Recent;
use crate::events::spend::Spend;
use crate::events::{self, RequestRecord, evidence, hub};
use crate::proxy::affinity::SessionTable;
use crate::proxy::dialer::Dialer;
use crate::proxy::intake::Budget;
use crate::proxy::lifecycle::{Mismatches, Reporting};
use crate::proxy::suspended::{self, Queue};
use crate::proxy::transport::Transport;
use crate::proxy::unread::{Keeper, Samples};
use crate::proxy::witness::Witness;
use crate::proxy::{Shared, serve, unread};
use crate::store::{OpenError, Opened, Options, Store};
use admin_port::AdminPort;
use deck::Deck;
use hangup::Hangups;
use reload::{LogTap, Refused, Reloader, Reloads, WebFlags};

/// Does what the command line asks for and returns the exit code.
///
/// # Errors
/// When it failed; the error says what happened and what to do.
pub fn command(cli: &Cli) -> anyhow::Result<u8> {
    match &cli.command {
        None => run::run(&cli.run),
        Some(Command::Demo(args)) => demo::run(args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Attach(args)) => attach::run(args),
        Some(Command::Usage(args)) => usage::usage(args),
        Some(Command::Export(args)) => usage::export(args),
        Some(Command::Status(args)) => remote::status(args),
        Some(Command::Groups(args)) => remote::groups(args),
        Some(Command::Endpoints(args)) => remote::endpoints(args),
        Some(Command::Requests(args)) => remote::requests(args),
        Some(Command::Explain(args)) => remote::explain(args),
        Some(Command::Suspended(args)) => remote::suspended(args),
        Some(Command::Init(args)) => init::run(args),
        Some(Command::Completions(args)) => completions::run(args),
    }
}

/// Between two looks at idle upstream connections.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The forwarder could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The proxy port could not be bound.
    #[error("cannot listen on {address} (server.host, server.port)")]
    Bind {
        /// What was tried.
        address: String,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process has the usage store.
    #[error(transparent)]
    Store(#[from] OpenError),
}

/// A forwarder that runs.
pub struct Running {
    address: SocketAddr,
    control: Control,
    pictures: Pictures,
    transport: Transport,
    stop: CancellationToken,
    abort: CancellationToken,
    quit: CancellationToken,
    connections: TaskTracker,
    background: TaskTracker,
    queue: Queue,
    admin: Option<AdminPort>,
    hub: JoinHandle<Board>,
    keeper: Option<Keeper>,
    store: Option<Store>,
    recent: Recent,
    evidence: evidence::Ring,
    deck: Deck,
}

/// What a caller may listen to beside the snapshot, and what of it follows the configuration.
#[derive(Debug, Default)]
pub struct Taps {
    /// Gets every terminal record.
    pub records: Option<mpsc::UnboundedSender<Arc<RequestRecord>>>,
    /// Gets every change of the fleet.
    pub changes: Option<mpsc::UnboundedSender<Arc<[Change]>>>,
    /// Takes over a new level and new secrets at a reload.
    pub log: Option<LogTap>,
    /// Outranks `web`, in every version of the configuration.
    pub web: WebFlags,
    /// Takes the place of the store that the configuration names: for tests, on a disk that is slow or fails.
    pub store: Option<(Store, Opened)>,
}

/// Starts everything and returns once the port is open.
///
/// # Errors
/// When the proxy port cannot be bound, or another process has the usage store.
pub async fn start(config: Arc<Config>, taps: Taps) -> Result<Running, StartError> {
    let listener = bind(&config).await?;
    let address = listener.local_addr().map_err(|source| bind_error(&config, source))?;
    let store = match taps.store {
        None => ledger::open(&config).await?,
        given => given,
    };
    let (store, opened) = store.unzip();
    let (stop, abort, quit) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let (connections, background) = (TaskTracker::new(), TaskTracker::new());

    let (events, stream) = events::channel();
    let (config_tx, config_rx) = watch::channel(Arc::clone(&config));
    let (clock, now) = (Options::of(&config).clock, jiff::Timestamp::now());
    let spend =
        Spend::new(config_rx.clone(), clock.clone(), budgets::before(store.clone(), &clock, now).await, now);
    let limits = spend.watch();
    let mut fleet = Fleet::new(config.fleet_settings(), &config.endpoints, Instant::now().into_std());
    // What was spent before this start may refuse the first request.
    fleet.apply(budgets::input(&limits.borrow(), &clock), Instant::now().into_std());
    let (control, control_task) = control::new(fleet, events.clone());
    let board = Board::new(jiff::Timestamp::now());
    let empty = board.snapshot(&control.view(), Instant::now().into_std(), now);
    let empty = Snapshot { budgets: spend.statuses(), ..empty };
    let (pictures, maker) = pictures::channel(empty);
    let (prices_tx, prices_rx) = watch::channel(Arc::new(prices::of(&config)));
    let recent = Recent::default();
    let lines = taps.log.as_ref().map(|log| log.handle.clone());
    let outputs = hub::Outputs {
        prices: prices_rx.clone(),
        spend,
        ledger: Some(match &store {
            Some(store) => Box::new(store.intake()),
            None => Box::new(recent.clone()),
        }),
        pictures: maker,
        records: taps.records,
        changes: taps.changes,
        lines_dropped: lines
            .clone()
            .map(|log| -> LinesDropped { Box::new(move || log.dropped_lines() as u64) }),
    };
    let hub = background.spawn(hub::run(stream, control.watch(), outputs, board));

    let transport = Transport::new(Dialer::new(config.outbound.clone(), config.extra_ca.clone()));
    let (reloader, reloads) =
        Reloader::new(config_tx, control.clone(), transport.clone(), taps.log, taps.web);
    let (samples, keeper) = samples(&config, &config_rx);
    let (queue, evidence) = (Queue::default(), evidence::Ring::default());
    let shared = Shared {
        config: config_rx.clone(),
        control: control.clone(),
        transport: transport.clone(),
        reporting: Arc::new(Reporting {
            events,
            control: control.clone(),
            stopping: abort.clone(),
            mismatches: Arc::new(Mismatches::default()),
            samples,
            witness: Witness::new(evidence.clone(), config_rx.clone()),
        }),
        ids: Arc::new(ledger::ids(opened.as_ref())),
        queue: queue.clone(),
        sessions: SessionTable::default(),
        fast_tests: FastTests::new(transport.clone()),
        budget: Budget::new(config.server.max_buffered_bytes),
        ledger_full: store.as_ref().map(Store::full).unwrap_or_default(),
        pictures: pictures.clone(),
    };
    let strategy_of = config_rx.clone();
    let strategy = move || strategy_of.borrow().strategy.kind;
    background.spawn(suspended::run(queue.clone(), control.watch(), strategy, quit.clone()));
    background.spawn(prices::follow(config_rx.clone(), prices_tx, quit.clone()));
    background.spawn(budgets::follow(limits, clock, control.clone(), quit.clone()));
    background.spawn(control::run(control_task, quit.clone()));
    background.spawn(probe::run(
        control.clone(),
        transport.clone(),
        config_rx.clone(),
        queue.population(),
        background.clone(),
        quit.clone(),
    ));
    background.spawn(housekeeping(transport.clone(), config_rx.clone(), quit.clone()));
    background.spawn(reloader.run(quit.clone()));
    background.spawn(told::reloads(reloads.last(), config_rx.clone(), pictures.feed().clone(), quit.clone()));
    let deck = Deck {
        control: control.clone(),
        queue: queue.clone(),
        reloads: reloads.clone(),
        transport: transport.clone(),
        config: config_rx.clone(),
    };
    let admin = AdminPort::open(&config.web, |admin_address| admin::State {
        proxy: address,
        address: admin_address,
        config: config_rx.clone(),
        control: control.clone(),
        pictures: pictures.clone(),
        orders: Arc::new(deck.clone()),
        prices: prices_rx,
        store: store.clone(),
        recent: recent.open(),
        evidence: evidence.open(),
        logs: lines.map(|log| {
            let ring = log.ring();
            background.spawn(told::lines(ring.clone(), pictures.feed().clone(), quit.clone()));
            ring
        }),
    });
    let admin = admin.await;
    background.spawn(serve::run(listener, shared, connections.clone(), stop.clone(), abort.clone()));

    Ok(Running {
        address,
        control,
        pictures,
        transport,
        stop,
        abort,
        quit,
        connections,
        background,
        queue,
        admin,
        hub,
        keeper,
        store,
        recent,
        evidence,
        deck,
    })
}

impl Running {
    /// Where the proxy port listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The way to change it while it runs.
    pub fn deck(&self) -> Deck {
        self.deck.clone()
    }

    /// Where the admin port listens; nothing when it is off, or could not be opened.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(AdminPort::address)
    }

    /// The newest snapshot and its successors, made for as long as the receiver is held; the first may be old.
    pub fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.pictures.follow()
    }

    /// Pictures of what goes on, and events, for whoever looks.
    pub fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// The way to the fleet.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The usage store, when there is one.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Ended requests, when there is no store: from the first time on that somebody asks for them.
    pub fn recent(&self) -> Recent {
        self.recent.open()
    }

    /// Headers of the last requests and the answers that failed them: collected from the first time on that somebody
    /// asks for them.
    pub fn evidence(&self) -> evidence::Ring {
        self.evidence.open()
    }

    /// The suspended requests.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The configuration new requests get.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.deck.config.borrow())
    }

    /// Puts a configuration in the place of the running one; returns once it is in effect.
    ///
    /// # Errors
    /// When it cannot be used; then the running one stays.
    pub async fn reload(&self, config: Config) -> Result<Report, Refused> {
        self.deck.reloads.apply(config).await
    }

    /// The way to reload, and what became of the last time.
    pub fn reloads(&self) -> &Reloads {
        &self.deck.reloads
    }

    /// From now on reloads `source` when it changes or SIGHUP comes. To be called inside a runtime, once.
    ///
    /// # Errors
    /// When the system does not let us listen to SIGHUP.
    pub fn follow(&self, source: Source, pace: Pace) -> io::Result<()> {
        let (hangups, quit) = (Hangups::new()?, self.quit.clone());
        self.background.spawn(reload::follow(source, pace, hangups, self.deck.reloads.clone(), quit));
        Ok(())
    }

    /// Connections to endpoints that are open without a request.
    pub fn idle_upstream_connections(&self) -> usize {
        self.transport.idle_connections()
    }

    /// Client connections that are open.
    pub fn client_connections(&self) -> usize {
        self.connections.len()
    }

    /// Ends everything in order. Answers get the grace period to finish, or until `hurry` resolves.
    pub async fn stop(self, hurry: impl Future<Output = ()>) -> Board {
        self.stop.cancel();
        self.queue.close();
        self.connections.close();
        let grace = self.config().server.shutdown_grace;
        tokio::select! {
            () = self.connections.wait() => {}
            () = tokio::time::sleep(grace) => {}
            () = hurry => {}
        }
        self.abort.cancel();
        self.connections.wait().await;
        // Only now: until the last answer has ended, people may want to see what goes on.
        if let Some(admin) = self.admin {
            admin.close().await;
        }
        self.quit.cancel();
        self.transport.shutdown().await;
        let Self { hub, background, control, keeper, store, .. } = self;
        drop(control);
        background.close();
        background.wait().await;
        if let Some(keeper) = keeper {
            // It does not panic: what fails there is logged.
            let _ = tokio::task::spawn_blocking(|| keeper.stop()).await;
        }
        // The hub task neither panics nor is it aborted; a default board would only lose the closing totals.
        let board = hub.await.unwrap_or_else(|_| Board::new(jiff::Timestamp::now()));
        ledger::close(store).await;
        board
    }
}

/// Answers whose usage cannot be read are kept if that is wanted. What cannot be kept is no reason not to run.
fn samples(config: &Config, follow: &watch::Receiver<Arc<Config>>) -> (Samples, Option<Keeper>) {
    let started = config.logging.token_debug.as_ref().map(|settings| unread::start(settings, follow.clone()));
    match started.transpose() {
        Ok(started) => started.map_or_else(Default::default, |(samples, keeper)| (samples, Some(keeper))),
        Err(error) => {
            tracing::error!(target: "cc_forwarder::tokens", "logging.token_debug is off: {error}");
            Default::default()
        }
    }
}

async fn bind(config: &Config) -> Result<TcpListener, StartError> {
    let host = config.server.host.trim_matches(['[', ']']);
    TcpListener::bind((host, config.server.port)).await.map_err(|source| bind_error(config, source))
}

fn bind_error(config: &Config, source: io::Error) -> StartError {
    StartError::Bind { address: format!("{}:{}", config.server.host, config.server.port), source }
}

/// Closes upstream connections that have been idle for too long, and those that an attempt at an endpoint which is gone
/// by now has left behind.
async fn housekeeping(transport: Transport, config: watch::Receiver<Arc<Config>>, quit: CancellationToken) {
    loop {
        tokio::select! {
            () = quit.cancelled() => break,
            () = tokio::time::sleep(SWEEP_INTERVAL) => {
                transport.sweep(Instant::now());
                transport.reconfigure(None, &config.borrow().endpoints);
            }
        }
    }
}
