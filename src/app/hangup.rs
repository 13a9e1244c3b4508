//! SIGHUP, which has two meanings: "read the configuration anew", and "your terminal is gone".
//!
//! The system sends it when a terminal window is closed. A forwarder that was started in that window must not live on
//! unseen and keep its port, so it stops; one that was started without a terminal (a service, `nohup`) only ever
//! reloads. Where there are no signals nothing here ever happens.

use std::io;

/// Hears SIGHUP from the moment it is made.
pub(super) struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
    #[cfg(unix)]
    had_terminal: bool,
}

#[cfg(unix)]
impl Hangups {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signal: signal(SignalKind::hangup())?, had_terminal: has_terminal() })
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        if self.signal.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Resolves when the terminal that there was is gone.
    pub(super) async fn terminal_gone(&mut self) {
        loop {
            self.next().await;
            if self.had_terminal && !has_terminal() {
                return;
            }
        }
    }
}

/// A terminal that was closed is none any more: asking it anything fails.
#[cfg(unix)]
fn has_terminal() -> bool {
    use std::io::IsTerminal;
    io::stderr().is_terminal()
}

#[cfg(not(unix))]
impl Hangups {
    /// Listens to nothing.
    ///
    /// # Errors
    /// Never.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Never comes.
    pub(super) async fn next(&mut self) {
        std::future::pending::<()>().await;
    }

    /// Never happens.
    pub(super) async fn terminal_gone(&mut self) {
        self.next().await;
    }
}
