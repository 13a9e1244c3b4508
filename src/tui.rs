//! The terminal interface: what happens becomes a message, messages change the model, the model is drawn.
//!
//! ```text
//! keys, mouse --+
//! snapshots ----+--> Msg --> update(model) --> Effect --> source, clipboard, editor
//! ticks --------+               |
//! answers ------+               +--> view(model) at most 30 times a second, and only when something changed
//! ```
//!
//! It runs on a thread of its own and shares nothing with the data path but channels that keep the newest value: a terminal
//! that stands still holds up this thread and nothing else. The terminal is given back whatever happens.
//!
//! | file | what is in it |
//! |---|---|
//! | [`model`] | all that is shown and remembered |
//! | [`update`] | what messages do to it |
//! | [`keymap`] | the one table of keys |
//! | [`screen`] | each screen's state and actions |
//! | [`today`], [`export`] | what several screens share: the day's sums, a file that is written |
//! | [`view`] | each screen's drawing |
//! | [`theme`] | colours by role |
//! | [`source`] | where data comes from and orders go |
//! | [`terminal`] | taking the terminal and giving it back |

pub mod clipboard;
pub mod export;
pub mod filter;
pub mod format;
pub mod inquiry;
pub mod keymap;
pub mod model;
mod mouse;
pub mod msg;
pub mod request;
pub mod screen;
pub mod source;
mod tail;
pub mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub mod theme;
pub mod today;
pub mod update;
pub mod view;

use std::io;
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::events::board::Snapshot;
use model::{Facts, Model};
use msg::{Effect, Msg};
use source::{Coming, Link, Source};
use tail::Tail;
use terminal::Screen;
use theme::Theme;

/// The name of the thread the screen runs on.
pub const THREAD: &str = "screen";
/// Least time between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// How often the input thread looks whether it should stand aside.
const INPUT_POLL: Duration = Duration::from_millis(250);

/// Ways into a running screen from outside; cheap to clone.
#[derive(Clone)]
pub struct Remote(Sender<Msg>);

impl Remote {
    /// Shows a message for a while.
    pub fn say(&self, text: impl Into<String>) {
        self.notice(text.into(), false);
    }

    /// Shows that something went wrong.
    pub fn complain(&self, text: impl Into<String>) {
        self.notice(text.into(), true);
    }

    fn notice(&self, text: String, error: bool) {
        // A screen that is closed already shows none.
        let _ = self.0.send(Msg::Notice(text, error));
    }

    /// Asks the screen to close.
    pub fn stop(&self) {
        // A screen that is closed already needs no asking.
        let _ = self.0.send(Msg::Stop);
    }
}

/// Runs something in the background.
pub type Spawn = Box<dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send>;

/// What the screen is opened with.
pub struct Options {
    /// What the forwarder and the terminal are.
    pub facts: Facts,
    /// Every theme, as written.
    pub themes: Vec<Theme>,
    /// The one to begin with.
    pub theme: usize,
    /// What a person should know at the beginning.
    pub notices: Vec<String>,
    /// Between two ticks of the clock.
    pub tick: Duration,
    /// Runs what a source gives to wait for.
    pub spawn: Spawn,
}

/// A screen that is about to open.
pub struct Tui {
    source: Arc<dyn Source>,
    options: Options,
    tx: Sender<Msg>,
    rx: Receiver<Msg>,
}

impl Tui {
    /// A screen over this source.
    pub fn new(source: Arc<dyn Source>, options: Options) -> Self {
        let (tx, rx) = channel();
        Self { source, options, tx, rx }
    }

    /// A way in from outside.
    pub fn remote(&self) -> Remote {
        Remote(self.tx.clone())
    }

    /// Opens the screen; returns when a person or [`Remote::stop`] closes it. To be called on a thread named [`THREAD`].
    ///
    /// # Errors
    /// When the terminal is none, or is lost.
    pub fn run(self) -> io::Result<()> {
        let mut screen = Screen::open()?;
        let aside = Arc::new(AtomicBool::new(false));
        spawn_input(self.tx.clone(), Arc::downgrade(&aside))?;
        let snapshots = self.source.snapshots();
        let news = Arc::new(AtomicBool::new(false));
        (self.options.spawn)(Box::pin(tell_of_snapshots(
            snapshots.clone(),
            self.tx.clone(),
            Arc::clone(&news),
        )));
        let Options { facts, themes, theme, notices, tick, spawn } = self.options;
        let themes = themes.iter().map(|theme| theme.on(facts.depth)).collect();
        let first = Arc::clone(&snapshots.borrow());
        let mut model = Model::new(facts, first, themes, theme, self.source.now());
        if let Some(link) = self.source.link() {
            model.link = Some(link.borrow().clone());
            spawn(Box::pin(tell_of_link(link, self.tx.clone())));
        }
        let tail = self.source.logs().map(|ring| Tail::start(ring, &self.tx, &spawn));
        let mut running = Loop {
            tail,
            model,
            snapshots,
            facts: self.source.facts(),
            news,
            aside,
            source: self.source,
            spawn,
            tx: self.tx,
        };
        running.model.size = screen.size()?;
        running.model.logs.available = running.tail.is_some();
        if !notices.is_empty() {
            running.model.say(notices.join("\n"), true);
        }
        running.run(&mut screen, &self.rx, tick)
    }
}

struct Loop {
    model: Model,
    /// The program's own log lines, where they can be had.
    tail: Option<Tail>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What the forwarder is, where that may change. Looked at with every message: a tick is never far.
    facts: Option<watch::Receiver<Facts>>,
    /// A message about a snapshot is on its way.
    news: Arc<AtomicBool>,
    /// The input thread stands aside: somebody else reads the terminal.
    aside: Arc<AtomicBool>,
    source: Arc<dyn Source>,
    spawn: Spawn,
    tx: Sender<Msg>,
}

impl Loop {
    fn run(&mut self, screen: &mut Screen, rx: &Receiver<Msg>, tick: Duration) -> io::Result<()> {
        let (mut drawn, mut due) = (Instant::now() - FRAME, Instant::now() + tick);
        loop {
            let now = Instant::now();
            if self.model.dirty && now.duration_since(drawn) >= FRAME {
                self.model.dirty = false;
                screen.draw(|frame| view::draw(&self.model, frame))?;
                drawn = now;
            }
            let wake = if self.model.dirty { due.min(drawn + FRAME) } else { due };
            let msg = match rx.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(msg) => msg,
                Err(RecvTimeoutError::Timeout) if Instant::now() >= due => {
                    due = Instant::now() + tick;
                    Msg::Tick(self.source.now())
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            for msg in std::iter::once(msg).chain(rx.try_iter()) {
                if self.take(msg, screen)? {
                    return Ok(());
                }
            }
        }
    }

    /// Takes over what the forwarder is now, if that is news.
    fn look_at_facts(&mut self) {
        let Some(facts) = &mut self.facts else { return };
        // An error means that nobody tells any more.
        if facts.has_changed().unwrap_or(false) {
            self.model.facts = facts.borrow_and_update().clone();
            self.model.dirty = true;
        }
    }

    /// True when the screen is to close.
    fn take(&mut self, msg: Msg, screen: &mut Screen) -> io::Result<bool> {
        self.look_at_facts();
        let snapshots = &self.snapshots;
        let news = &self.news;
        let latest = || {
            news.store(false, Ordering::Release);
            Arc::clone(&snapshots.borrow())
        };
        if matches!(msg, Msg::Key(_) | Msg::Snapshot) {
            self.model.pass(self.source.now());
        }
        let msg = match &mut self.tail {
            Some(tail) if matches!(msg, Msg::LogNews) => Msg::Logs(tail.fetch()),
            _ => msg,
        };
        for effect in update::update(&mut self.model, msg, latest) {
            if matches!(effect, Effect::Quit) {
                return Ok(true);
            }
            self.perform(effect, screen)?;
        }
        Ok(false)
    }

    fn perform(&mut self, effect: Effect, screen: &mut Screen) -> io::Result<()> {
        match effect {
            Effect::Ask(ask) => {
                let (coming, tx): (Coming, _) = (self.source.ask(ask), self.tx.clone());
                (self.spawn)(Box::pin(async move {
                    // A screen that has closed meanwhile wants no answer.
                    let _ = tx.send(Msg::Answer(Box::new(coming.await)));
                }));
            }
            Effect::Copy(text) => clipboard::copy(&text)?,
            Effect::Edit(file) => self.edit(&file, screen)?,
            Effect::Sleep => self.sleep(screen)?,
            Effect::Redraw => screen.forget()?,
            Effect::Quit => {}
        }
        self.model.dirty = true;
        Ok(())
    }

    fn sleep(&mut self, screen: &mut Screen) -> io::Result<()> {
        if let Err(error) = screen.without(stop)? {
            self.model.say(format!("cannot be put to sleep: {error}"), true);
        }
        Ok(())
    }

    fn edit(&mut self, file: &std::path::Path, screen: &mut Screen) -> io::Result<()> {
        let editor =
            ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        let editor = editor.unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
        self.aside.store(true, Ordering::Release);
        std::thread::sleep(INPUT_POLL);
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or_default().to_owned();
        let ended = screen.without(|| Command::new(&program).args(words).arg(file).status())?;
        self.aside.store(false, Ordering::Release);
        match ended {
            Ok(status) if status.success() => self.model.say("back from the editor", false),
            Ok(status) => self.model.say(format!("the editor ({editor}) ended with {status}"), true),
            Err(error) => {
                self.model.say(format!("cannot start the editor ({editor}): {error}; set EDITOR"), true)
            }
        }
        Ok(())
    }
}

/// Stops this process and whatever shares its place in the shell, as the terminal's own key would, and goes on when the
/// shell wakes them.
#[cfg(unix)]
fn stop() -> io::Result<()> {
    // SIGSTOP, not SIGTSTP: the latter may be thrown away for a process without a shell above it. To the whole group:
    // the shell that sends it stops too, so that waiting for it ends only when all are awake again. Its own `kill`, as
    // small systems have no program of that name.
    let ended = Command::new("sh").args(["-c", "kill -STOP 0"]).status()?;
    if ended.success() { Ok(()) } else { Err(io::Error::other(format!("kill ended with {ended}"))) }
}

#[cfg(not(unix))]
fn stop() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads the terminal until the screen, which holds `aside`, is gone.
fn spawn_input(tx: Sender<Msg>, aside: Weak<AtomicBool>) -> io::Result<()> {
    let read = move || {
        while let Some(aside) = aside.upgrade() {
            let stands_aside = aside.load(Ordering::Acquire);
            drop(aside);
            let Ok(ready) = (if stands_aside { pause() } else { crossterm::event::poll(INPUT_POLL) }) else {
                break;
            };
            if !ready {
                continue;
            }
            let Ok(event) = crossterm::event::read() else { break };
            let msg = match event {
                crossterm::event::Event::Key(key) => Msg::Key(key),
                crossterm::event::Event::Mouse(mouse) if !is_move(mouse.kind) => Msg::Mouse(mouse),
                crossterm::event::Event::Paste(text) => Msg::Paste(text),
                crossterm::event::Event::Resize(width, height) => Msg::Resize(width, height),
                _ => continue,
            };
            if tx.send(msg).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new().name("keys".to_owned()).spawn(read).map(drop)
}

fn pause() -> io::Result<bool> {
    std::thread::sleep(INPUT_POLL);
    Ok(false)
}

fn is_move(kind: crossterm::event::MouseEventKind) -> bool {
    matches!(kind, crossterm::event::MouseEventKind::Moved | crossterm::event::MouseEventKind::Drag(_))
}

/// Tells how the way to the forwarder is, whenever that changes.
async fn tell_of_link(mut link: watch::Receiver<Link>, tx: Sender<Msg>) {
    while link.changed().await.is_ok() {
        let now = link.borrow_and_update().clone();
        if tx.send(Msg::Link(now)).is_err() {
            break;
        }
    }
}

/// Says that there is a newer snapshot, at most once until it was looked at.
async fn tell_of_snapshots(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    tx: Sender<Msg>,
    news: Arc<AtomicBool>,
) {
    while snapshots.changed().await.is_ok() {
        if !news.swap(true, Ordering::AcqRel) && tx.send(Msg::Snapshot).is_err() {
            break;
        }
    }
}
