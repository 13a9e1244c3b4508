//! What happens to the screen, and what it wants to happen.

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use jiff::Timestamp;

use super::source::{Answer, Ask, Link};
use crate::logging::ring::Line;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(u16, u16),
    /// There is a newer snapshot.
    Snapshot,
    /// A second passed.
    Tick(Timestamp),
    /// Something that was asked for is here.
    Answer(Box<Answer>),
    /// There are newer log lines; the loop fetches them.
    LogNews,
    /// Log lines, the oldest first.
    Logs(Vec<Arc<Line>>),
    /// Something a person should know, and whether something went wrong.
    Notice(String, bool),
    /// The way to the forwarder is another one.
    Link(Link),
    /// The program stops.
    Stop,
}

/// Something the update wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Ask the source.
    Ask(Ask),
    /// Put a text on the clipboard of the person's terminal.
    Copy(String),
    /// Open a file in the person's editor, then go on.
    Edit(std::path::PathBuf),
    /// Put the program to sleep until the shell wakes it.
    Sleep,
    /// Draw every cell anew.
    Redraw,
    /// Leave.
    Quit,
}
