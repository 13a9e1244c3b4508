//! Everything the screens show and remember. [`super::update`] changes it, [`super::view`] draws it, nothing else does
//! either.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tui_input::Input;

use super::export::Exporting;
use super::inquiry::News;
use super::keymap::{Action, Context};
use super::screen::{config, endpoints, logs, overview, requests, suspended, usage};
use super::source::{Edits, Link, LinkState, Selection};
use super::theme::{Depth, Theme};
use super::today;
use crate::config::edit;
use crate::control::command::Command;
use crate::events::board::Snapshot;

/// Fewer cells than this, across or down, show nothing useful.
pub const SMALLEST: (u16, u16) = (60, 16);

/// One of the seven screens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Screen {
    /// All at a glance.
    Overview,
    /// Groups and their endpoints.
    Endpoints,
    /// The request log.
    Requests,
    /// The queue of suspended requests.
    Suspended,
    /// Tokens and money.
    Usage,
    /// The program's own log.
    Logs,
    /// The configuration in effect.
    Config,
}

impl Screen {
    /// In the order of their digits.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Endpoints,
        Self::Requests,
        Self::Suspended,
        Self::Usage,
        Self::Logs,
        Self::Config,
    ];

    /// As its tab says.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Endpoints => "Endpoints",
            Self::Requests => "Requests",
            Self::Suspended => "Suspended",
            Self::Usage => "Usage",
            Self::Logs => "Logs",
            Self::Config => "Config",
        }
    }

    /// As its tab says where there is little room: four letters, or all.
    pub fn short(self) -> &'static str {
        match self {
            Self::Overview => "Over",
            Self::Endpoints => "Endp",
            Self::Requests => "Reqs",
            Self::Suspended => "Susp",
            Self::Usage => "Usage",
            Self::Logs => "Logs",
            Self::Config => "Conf",
        }
    }

    /// The screen so many tabs further.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let count = Self::ALL.len() as isize;
        Self::ALL[(self as isize + by).rem_euclid(count) as usize]
    }
}

/// What the forwarder and the terminal are. A forwarder elsewhere may be another one after it was away.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Version of the forwarder.
    pub version: String,
    /// What clients set as `ANTHROPIC_BASE_URL`.
    pub base_url: String,
    /// Where the configuration is, in words.
    pub config_source: String,
    /// Its file, for the editor.
    pub config_file: Option<std::path::PathBuf>,
    /// Clients need a credential of ours.
    pub auth: bool,
    /// Orders are not taken.
    pub readonly: bool,
    /// The default answer when priority edits are applied: save them.
    pub save_edits: bool,
    /// Characters beyond ASCII can be shown.
    pub unicode: bool,
    /// The terminal's colours.
    pub depth: Depth,
    /// Clocks on screen.
    pub zone: TimeZone,
}

/// Something in front of the screen.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// The keys of this place: what was typed to find one, and the first line shown.
    Help(Input, usize),
    /// The command palette: what was typed, and which row is selected.
    Palette(Input, usize),
    /// A question whose yes does this.
    Confirm(Question),
    /// A line of text for this.
    Prompt(Prompt),
    /// Priority edits, to be applied and saved, or applied only; and the first line shown.
    Review(Review, usize),
}

/// Priority edits as they would be carried out.
#[derive(Clone, PartialEq, Debug)]
pub struct Review {
    /// The edits.
    pub edits: Edits,
    /// What would be written to the file, or why nothing can be.
    pub file: Result<edit::Review, String>,
}

/// A question with yes and no.
#[derive(Clone, Debug)]
pub struct Question {
    /// The question; lines under it explain.
    pub text: Vec<String>,
    /// What yes does.
    pub yes: Intent,
}

/// What a yes or an entered text leads to.
#[derive(Clone, PartialEq, Debug)]
pub enum Intent {
    /// Send this.
    Command(Command),
    /// Leave the program.
    Quit,
    /// Put it to sleep.
    Sleep,
    /// Pause this group for the time that was entered.
    PauseFor(crate::domain::endpoint::GroupId),
    /// Filter the log of requests.
    FilterRequests,
    /// Filter the log lines.
    FilterLogs,
    /// Filter the configuration.
    FilterConfig,
    /// Show the usage of the period that was entered.
    UsagePeriod,
    /// Export these to the file that was entered.
    Export(Box<Selection>),
    /// Forget the priority edits.
    DiscardPriorities,
    /// Make the group that was entered the active one.
    ActivateGroup,
}

/// A line of text that is asked for.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What is asked for.
    pub title: String,
    /// What it has to look like.
    pub hint: String,
    /// What was typed.
    pub input: Input,
    /// What is wrong with it.
    pub error: Option<String>,
    /// What it is for.
    pub then: Intent,
}

/// A message that goes away by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Toast {
    /// What to say.
    pub text: String,
    /// Something went wrong.
    pub error: bool,
    /// Until when it is shown.
    pub until: Timestamp,
}

/// Characters of a message that are read in a second, rather few.
const READ_PER_SECOND: usize = 12;

/// See the module.
pub struct Model {
    /// What the forwarder and the terminal are.
    pub facts: Facts,
    /// The time on screen, to which ages belong: it stands at the last word while the connection is lost.
    pub now: Timestamp,
    /// The time that always goes on; messages come and go by it.
    pub clock: Timestamp,
    /// Cells across and down.
    pub size: (u16, u16),
    /// What is live.
    pub snapshot: Arc<Snapshot>,
    /// The way to the forwarder, where it is another process: it goes on when this screen closes.
    pub link: Option<Link>,
    /// The screen in front.
    pub screen: Screen,
    /// What stands before it, the newest last.
    pub overlays: Vec<Overlay>,
    /// The message at the bottom.
    pub toast: Option<Toast>,
    /// News that came while an error was shown; it is said after it.
    waiting: Option<String>,
    /// Every theme there is, as this terminal shows it.
    pub themes: Vec<Theme>,
    /// Which of them.
    pub theme: usize,
    /// Hosts, addresses and paths are masked.
    pub privacy: bool,
    /// Something on screen is not as it was drawn.
    pub dirty: bool,
    /// What is heard of the ledger.
    pub news: News,
    /// What was used today.
    pub today: today::State,
    /// The export that runs, or the one that ended last.
    pub exporting: Option<Exporting>,
    /// Each screen's own.
    pub overview: overview::State,
    /// Likewise.
    pub endpoints: endpoints::State,
    /// Likewise.
    pub requests: requests::State,
    /// Likewise.
    pub suspended: suspended::State,
    /// Likewise.
    pub usage: usage::State,
    /// Likewise.
    pub logs: logs::State,
    /// Likewise.
    pub config: config::State,
}

impl Model {
    /// The model of a screen that is about to open.
    pub fn new(
        facts: Facts,
        snapshot: Arc<Snapshot>,
        themes: Vec<Theme>,
        theme: usize,
        now: Timestamp,
    ) -> Self {
        let mut model = Self {
            facts,
            now,
            clock: now,
            size: (80, 24),
            snapshot,
            link: None,
            screen: Screen::Overview,
            overlays: Vec::new(),
            toast: None,
            waiting: None,
            themes,
            theme,
            privacy: false,
            dirty: true,
            news: News::default(),
            today: Default::default(),
            exporting: None,
            overview: Default::default(),
            endpoints: Default::default(),
            requests: Default::default(),
            suspended: Default::default(),
            usage: Default::default(),
            logs: Default::default(),
            config: Default::default(),
        };
        super::update::snapshot_changed(&mut model);
        model
    }

    /// The theme in use.
    pub fn theme(&self) -> &Theme {
        &self.themes[self.theme.min(self.themes.len() - 1)]
    }

    /// Nothing but that there is too little room is shown.
    pub fn is_too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }

    /// The question whether to leave is in front.
    pub fn asks_to_quit(&self) -> bool {
        matches!(self.overlays.last(), Some(Overlay::Confirm(question)) if question.yes == Intent::Quit)
    }

    /// Where a key means something now, innermost first.
    pub fn contexts(&self) -> Vec<Context> {
        match self.overlays.last() {
            Some(Overlay::Help(..)) => vec![Context::Help],
            Some(Overlay::Palette(..)) => vec![Context::Palette],
            Some(Overlay::Confirm(_)) => vec![Context::Confirm],
            Some(Overlay::Prompt(_)) => vec![Context::Input],
            Some(Overlay::Review(..)) => vec![Context::Review],
            None => self.screen_contexts(),
        }
    }

    /// Where a key means something when nothing stands before the screen, innermost first.
    pub fn screen_contexts(&self) -> Vec<Context> {
        let screen = Context::Screen(self.screen);
        match self.screen {
            Screen::Endpoints if self.endpoints.is_editing() => vec![Context::PriorityEdit],
            Screen::Requests if self.requests.shows_detail() => vec![Context::Detail, Context::Global],
            Screen::Logs if self.logs.whole().is_some() => vec![Context::LogLine, Context::Global],
            _ => vec![screen, Context::List, Context::Global],
        }
    }

    /// Why an action cannot be taken now; nothing when it can.
    pub fn why_not(&self, action: Action) -> Option<String> {
        super::update::why_not(self, action)
    }

    /// Why what is shown is how it was, not how it is; nothing while it is up to date.
    pub fn lost(&self) -> Option<&str> {
        match &self.link.as_ref()?.state {
            LinkState::Up { .. } => None,
            LinkState::Lost { why, .. } => Some(why),
        }
    }

    /// It is this late. What is shown stays as it was while the connection is lost: nobody knows how it went on.
    pub fn pass(&mut self, clock: Timestamp) {
        self.clock = clock;
        self.now = match self.link.as_ref().map(|link| &link.state) {
            Some(LinkState::Lost { since, .. }) => *since,
            _ => clock,
        };
    }

    /// Shows a message for a while: the longer it is, the longer. An error stays its time whatever comes after it, unless
    /// that is an error too.
    pub fn say(&mut self, text: impl Into<String>, error: bool) {
        self.dirty = true;
        if !error && self.toast.as_ref().is_some_and(|shown| shown.error && shown.until > self.clock) {
            self.waiting = Some(text.into());
            return;
        }
        let text = text.into();
        let least = if error { 8 } else { 4 };
        let seconds = least.max((text.chars().count() / READ_PER_SECOND) as i64);
        let until = self.clock + jiff::SignedDuration::from_secs(seconds);
        self.toast = Some(Toast { text, error, until });
    }

    /// Takes a message away once its time is over, or at once where it was `read`; what waited behind it follows.
    pub fn hush(&mut self, read: bool) {
        let now = self.clock;
        self.toast.take_if(|shown| read || shown.until <= now);
        if self.toast.is_none()
            && let Some(text) = self.waiting.take()
        {
            self.say(text, false);
        }
    }

    /// What is left by now of a time that the snapshot states; nothing when it is over.
    pub fn remaining(&self, seconds: Option<f64>) -> Option<f64> {
        let passed = super::format::between(self.snapshot.at, self.now).as_secs_f64();
        seconds.map(|seconds| seconds - passed).filter(|left| *left > 0.0)
    }

    /// A name that may tell something about a person, masked in privacy mode.
    pub fn private(&self, text: &str) -> String {
        if self.privacy { "•".repeat(text.chars().count().min(8)) } else { super::format::harmless(text) }
    }

    /// A sentence from elsewhere, its hosts, addresses and paths masked in privacy mode.
    pub fn public(&self, text: &str) -> String {
        let text = super::format::harmless(text);
        if self.privacy { super::format::masked(&text) } else { text }
    }
}
