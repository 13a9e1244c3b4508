//! Log lines in memory, for tests of other modules.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use super::render::{Shape, Style};
use super::subscriber::{Logger, Output, Shared, Sink};
use crate::config::Level;
use crate::domain::secret::Redactor;

/// Collects what is logged on this thread until it is dropped, and on others through [`Capture::dispatch`].
///
/// ```
/// use cc_forwarder::config::Level;
/// use cc_forwarder::logging::Capture;
///
/// let capture = Capture::start(Level::Info, Default::default());
/// tracing::warn!(target: "cc_forwarder::example", status = 529, "overloaded");
/// assert!(capture.text().contains("WARN example: overloaded status=529"));
/// ```
pub struct Capture {
    lines: Arc<Mutex<Vec<u8>>>,
    dispatch: Dispatch,
    _installed: DefaultGuard,
}

impl Capture {
    /// Starts collecting at this level, as uncoloured text without a limit.
    pub fn start(level: Level, redactor: Redactor) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let style = Style { shape: Shape::Text { colour: false }, limit: None };
        let sinks = vec![Sink { style, output: Output::Memory(Arc::clone(&lines)), console: false }];
        let shared = Arc::new(Shared::new(level, redactor, false));
        let dispatch = Dispatch::new(Logger { shared, sinks });
        let installed = tracing::dispatcher::set_default(&dispatch);
        Self { lines, dispatch, _installed: installed }
    }

    /// Everything so far, a line each.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// For `with_subscriber` on tasks that run on other threads.
    pub fn dispatch(&self) -> Dispatch {
        self.dispatch.clone()
    }
}
