//! The keys.

use crossterm::event::KeyCode::{
    BackTab, Char, Down, End, Enter, Esc, F, Home, Left, PageDown, PageUp, Right, Tab, Up,
};

use super::{Action, Binding, Chord, Context};
use crate::tui::model::Screen;

const fn key(
    context: Context,
    chords: &'static [Chord],
    action: Action,
    label: &'static str,
    footer: u8,
) -> Binding {
    Binding { context, chords, action, label, danger: false, footer }
}

const fn danger(
    context: Context,
    chords: &'static [Chord],
    action: Action,
    label: &'static str,
    footer: u8,
) -> Binding {
    Binding { context, chords, action, label, danger: true, footer }
}

macro_rules! chords {
    ($($chord:expr),+ $(,)?) => { &[$($chord),+] };
}

const fn c(letter: char) -> Chord {
    Chord::plain(Char(letter))
}

const G: Context = Context::Global;
const L: Context = Context::List;
const OVERVIEW: Context = Context::Screen(Screen::Overview);
const ENDPOINTS: Context = Context::Screen(Screen::Endpoints);
const EDIT: Context = Context::PriorityEdit;
const REQUESTS: Context = Context::Screen(Screen::Requests);
const DETAIL: Context = Context::Detail;
const LINE: Context = Context::LogLine;
const SUSPENDED: Context = Context::Screen(Screen::Suspended);
const USAGE: Context = Context::Screen(Screen::Usage);
const LOGS: Context = Context::Screen(Screen::Logs);
const CONFIG: Context = Context::Screen(Screen::Config);

/// Every key there is.
pub const KEYMAP: &[Binding] = &[
    key(EDIT, chords![c('+'), Chord::plain(Right), c('=')], Action::Increase, "later (higher number)", 2),
    key(EDIT, chords![c('-'), Chord::plain(Left)], Action::Decrease, "sooner (lower number)", 3),
    key(EDIT, chords![Chord::plain(Up)], Action::Up, "endpoint above", 0),
    key(EDIT, chords![Chord::plain(Down), Chord::plain(Enter)], Action::Down, "endpoint below", 0),
    danger(EDIT, chords![Chord::ctrl('s')], Action::Save, "review, apply, save", 1),
    key(EDIT, chords![Chord::plain(Esc)], Action::Discard, "discard edits", 4),
    key(Context::Review, chords![Chord::plain(Enter)], Action::Yes, "the marked answer", 1),
    danger(Context::Review, chords![c('y')], Action::ApplyAndSave, "apply and save", 2),
    danger(Context::Review, chords![c('a')], Action::ApplyOnly, "apply only", 3),
    key(Context::Review, chords![Chord::plain(Esc), c('n')], Action::Back, "back to editing", 4),
    key(Context::Review, chords![c('k'), Chord::plain(Up)], Action::Up, "scroll up", 0),
    key(Context::Review, chords![c('j'), Chord::plain(Down)], Action::Down, "scroll down", 0),
    key(ENDPOINTS, chords![Chord::plain(Enter)], Action::EditPriority, "edit priority", 1),
    key(ENDPOINTS, chords![c('d')], Action::Details, "details", 2),
    danger(ENDPOINTS, chords![c('a')], Action::Activate, "activate group", 3),
    danger(ENDPOINTS, chords![c('A')], Action::Force, "force group", 0),
    danger(ENDPOINTS, chords![c('l')], Action::Release, "release group", 0),
    danger(ENDPOINTS, chords![c('p')], Action::Pause, "pause group", 4),
    danger(ENDPOINTS, chords![c('r')], Action::Resume, "resume group", 5),
    key(ENDPOINTS, chords![c('t')], Action::Probe, "probe now", 6),
    danger(ENDPOINTS, chords![c('e')], Action::ToggleEnabled, "enable or disable", 7),
    danger(ENDPOINTS, chords![c('c')], Action::Clear, "clear its rest", 0),
    danger(OVERVIEW, chords![c('a')], Action::Activate, "activate group", 3),
    danger(OVERVIEW, chords![c('p')], Action::Pause, "pause group", 4),
    key(DETAIL, chords![Chord::plain(Esc), Chord::plain(Enter)], Action::Back, "back", 1),
    key(DETAIL, chords![c('y')], Action::Copy, "copy id", 2),
    key(DETAIL, chords![c('o')], Action::Jump, "its log lines", 3),
    key(DETAIL, chords![c('k'), Chord::plain(Up)], Action::Up, "scroll up", 0),
    key(DETAIL, chords![c('j'), Chord::plain(Down)], Action::Down, "scroll down", 0),
    key(DETAIL, chords![Chord::plain(PageUp)], Action::PageUp, "page up", 0),
    key(DETAIL, chords![Chord::plain(PageDown), c(' ')], Action::PageDown, "page down", 0),
    key(REQUESTS, chords![c('/')], Action::Filter, "filter", 1),
    key(REQUESTS, chords![c('s')], Action::Sort, "sort", 3),
    key(REQUESTS, chords![c('S')], Action::SortReverse, "reverse sort", 0),
    key(REQUESTS, chords![c(' ')], Action::Freeze, "freeze", 4),
    key(REQUESTS, chords![c('y')], Action::Copy, "copy id", 5),
    key(REQUESTS, chords![c('o')], Action::Jump, "its log lines", 0),
    danger(REQUESTS, chords![c('x')], Action::Export, "export", 0),
    danger(SUSPENDED, chords![c('r')], Action::ResumeOne, "resume", 1),
    danger(SUSPENDED, chords![c('R')], Action::ResumeAll, "resume all", 2),
    danger(SUSPENDED, chords![c('x')], Action::Cancel, "cancel", 3),
    danger(SUSPENDED, chords![c('a')], Action::Activate, "activate a group", 4),
    key(USAGE, chords![Chord::plain(Right), c(']')], Action::NextPeriod, "next period", 1),
    key(USAGE, chords![Chord::plain(Left), c('[')], Action::PreviousPeriod, "previous period", 0),
    key(USAGE, chords![c('c')], Action::CustomPeriod, "type a period", 3),
    key(USAGE, chords![c('b')], Action::NextGrouping, "group by", 2),
    danger(USAGE, chords![c('x')], Action::Export, "export", 4),
    key(USAGE, chords![Chord::plain(Enter)], Action::Open, "narrow to it", 5),
    key(LOGS, chords![c('/')], Action::Filter, "filter", 1),
    key(LOGS, chords![c('v')], Action::Level, "level", 2),
    key(LOGS, chords![c('f')], Action::Follow, "follow", 3),
    key(LOGS, chords![c('o')], Action::Jump, "its request", 4),
    key(LINE, chords![Chord::plain(Esc), Chord::plain(Enter)], Action::Back, "back", 1),
    key(LINE, chords![c('o')], Action::Jump, "its request", 2),
    key(LINE, chords![c('k'), Chord::plain(Up)], Action::Up, "scroll up", 0),
    key(LINE, chords![c('j'), Chord::plain(Down)], Action::Down, "scroll down", 0),
    key(LINE, chords![Chord::plain(PageUp)], Action::PageUp, "page up", 0),
    key(LINE, chords![Chord::plain(PageDown), c(' ')], Action::PageDown, "page down", 0),
    danger(CONFIG, chords![c('r')], Action::Reload, "reload", 1),
    key(CONFIG, chords![c('e')], Action::Editor, "edit in $EDITOR", 2),
    key(CONFIG, chords![c('/')], Action::Filter, "filter", 3),
    key(L, chords![c('k'), Chord::plain(Up)], Action::Up, "up", 0),
    key(L, chords![c('j'), Chord::plain(Down)], Action::Down, "down", 0),
    key(L, chords![Chord::plain(PageUp), Chord::ctrl('b')], Action::PageUp, "page up", 0),
    key(L, chords![Chord::plain(PageDown), Chord::ctrl('f')], Action::PageDown, "page down", 0),
    key(L, chords![c('g'), Chord::plain(Home)], Action::First, "first", 0),
    key(L, chords![c('G'), Chord::plain(End)], Action::Last, "last", 0),
    key(L, chords![Chord::plain(Enter)], Action::Open, "details", 2),
    key(Context::Input, chords![Chord::plain(Enter)], Action::Yes, "apply", 1),
    key(Context::Input, chords![Chord::plain(Esc)], Action::Back, "cancel", 2),
    key(Context::Confirm, chords![c('y'), Chord::plain(Enter)], Action::Yes, "yes", 1),
    key(Context::Confirm, chords![c('n'), Chord::plain(Esc)], Action::No, "no", 2),
    key(Context::Help, chords![Chord::plain(Esc), c('?')], Action::Back, "close", 1),
    key(Context::Help, chords![Chord::plain(Up)], Action::Up, "up", 2),
    key(Context::Help, chords![Chord::plain(Down)], Action::Down, "down", 3),
    key(Context::Help, chords![Chord::plain(PageUp)], Action::PageUp, "page up", 0),
    key(Context::Help, chords![Chord::plain(PageDown)], Action::PageDown, "page down", 0),
    key(Context::Palette, chords![Chord::plain(Up), Chord::ctrl('p')], Action::Up, "up", 0),
    key(Context::Palette, chords![Chord::plain(Down), Chord::ctrl('n')], Action::Down, "down", 0),
    key(Context::Palette, chords![Chord::plain(Enter)], Action::Yes, "do it", 1),
    key(Context::Palette, chords![Chord::plain(Esc)], Action::Back, "close", 2),
    key(G, chords![c('?'), Chord::plain(F(1))], Action::Help, "help", 90),
    key(G, chords![c(':')], Action::Palette, "command", 91),
    key(G, chords![Chord::plain(Tab)], Action::NextScreen, "next screen", 93),
    key(G, chords![Chord::plain(BackTab)], Action::PreviousScreen, "previous screen", 0),
    key(G, chords![c('1')], Action::Go(Screen::Overview), "overview", 0),
    key(G, chords![c('2')], Action::Go(Screen::Endpoints), "endpoints", 0),
    key(G, chords![c('3')], Action::Go(Screen::Requests), "requests", 0),
    key(G, chords![c('4')], Action::Go(Screen::Suspended), "suspended", 0),
    key(G, chords![c('5')], Action::Go(Screen::Usage), "usage", 0),
    key(G, chords![c('6')], Action::Go(Screen::Logs), "logs", 0),
    key(G, chords![c('7')], Action::Go(Screen::Config), "config", 0),
    key(G, chords![Chord::plain(Esc)], Action::Back, "back", 0),
    key(G, chords![c('T')], Action::NextTheme, "next theme", 0),
    key(G, chords![c('P')], Action::Privacy, "privacy", 0),
    key(G, chords![Chord::ctrl('l')], Action::Redraw, "redraw", 0),
    danger(G, chords![Chord::ctrl('z')], Action::Sleep, "put to sleep", 0),
    danger(G, chords![c('q'), Chord::ctrl('c')], Action::Quit, "quit", 92),
];
