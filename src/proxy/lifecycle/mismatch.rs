//! Endpoints that answer with another model than they were asked for: told to people once, not at every request.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::claude::mapping::is_same_model;
use crate::domain::endpoint::EndpointId;

/// Pairs of a model sent to an endpoint and another one that served it, as far as people have been told.
#[derive(Debug, Default)]
pub struct Mismatches(Mutex<HashSet<(String, String, String)>>);

/// Pairs remembered; beyond that nothing new is reported.
const MAX_MISMATCHES: usize = 1_000;

impl Mismatches {
    /// Warns if `served` is another model than `sent`, and nobody was told of it yet.
    pub(super) fn tell(&self, endpoint: &EndpointId, sent: &str, served: &str) {
        if !is_same_model(sent, served) && self.is_new(endpoint, sent, served) {
            tracing::warn!(
                target: "cc_forwarder::request",
                %endpoint, sent, served,
                "another model answered than the endpoint was asked for"
            );
        }
    }

    fn is_new(&self, endpoint: &EndpointId, sent: &str, served: &str) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < MAX_MISMATCHES && seen.insert((endpoint.to_string(), sent.to_owned(), served.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Level;
    use crate::domain::secret::Redactor;
    use crate::logging::Capture;

    /// Log lines of this thread while `act` runs.
    fn logged(act: impl FnOnce()) -> String {
        let capture = Capture::start(Level::Info, Redactor::default());
        act();
        capture.text()
    }

    #[test]
    fn another_model_is_told_once_and_a_dated_name_is_none() {
        let (known, a) = (Mismatches::default(), EndpointId::new("a"));
        let lines = logged(|| {
            known.tell(&a, "haiku-4-5", "haiku-4-5-20251001");
            known.tell(&a, "opus", "opus");
            for _ in 0..3 {
                known.tell(&a, "opus", "haiku");
            }
        });
        assert_eq!(lines.lines().count(), 1, "{lines}");
        for part in ["WARN", "endpoint=a", "sent=opus", "served=haiku"] {
            assert!(lines.contains(part), "{part}: {lines}");
        }
    }

    #[test]
    fn every_pair_is_new_once_and_at_each_endpoint() {
        let (known, a) = (Mismatches::default(), EndpointId::new("a"));
        assert!(known.is_new(&a, "opus", "haiku"));
        assert!(!known.is_new(&a, "opus", "haiku"));
        assert!(known.is_new(&a, "haiku", "opus"));
        assert!(known.is_new(&EndpointId::new("b"), "opus", "haiku"));
    }

    #[test]
    fn memory_is_bounded() {
        let (known, a) = (Mismatches::default(), EndpointId::new("a"));
        let told = (0..MAX_MISMATCHES + 5).filter(|n| known.is_new(&a, &n.to_string(), "x")).count();
        assert_eq!(told, MAX_MISMATCHES);
    }
}
