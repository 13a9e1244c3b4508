//! Taking the terminal, and giving it back whatever happens: end, panic, sleep, editor.
//!
//! Entered: raw mode, alternate screen, mouse, bracketed paste. Left: all of that, cursor shown. Leaving twice is harmless.

use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// True while the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, given back on drop.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it is none, or does not do as told.
    pub fn open() -> io::Result<Self> {
        // Taken by halves it is given back, too.
        let open = || enter().and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        let terminal = open().inspect_err(|_| leave())?;
        Ok(Self { terminal })
    }

    /// Draws one frame, as a whole for terminals that know how.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        if !TAKEN.load(Ordering::Acquire) {
            // It was given back from outside: the program ends by a panic.
            return Ok(());
        }
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(view)?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    /// Forgets what is on screen, so that the next frame draws every cell.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        // Not `clear`, which asks the terminal for its cursor: the thread that reads keys would get the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Gives the terminal back while `during` runs, and takes it again.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn without<T>(&mut self, during: impl FnOnce() -> T) -> io::Result<T> {
        leave();
        let result = during();
        enter()?;
        self.forget()?;
        Ok(result)
    }

    /// Width and height in cells.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::Release);
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)
}

/// Gives the terminal back, if it is ours.
pub fn leave() {
    if !TAKEN.swap(false, Ordering::AcqRel) {
        return;
    }
    // Nothing is left to do when the terminal is gone.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}

/// Lets go of a terminal that stands still: nothing can be written to it, but its line mode can be set.
pub fn abandon() {
    if TAKEN.swap(false, Ordering::AcqRel) {
        let _ = disable_raw_mode();
    }
}

/// From now on a panic that ends the screen or the program gives the terminal back before it is reported. One in a task
/// does not: it ends that task alone, and the screen goes on.
pub fn leave_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if matches!(std::thread::current().name(), Some(super::THREAD | "main")) {
            leave();
        }
        report(info);
    }));
}
