//! Where a request has been, in one line: `main-a 529 529 -> main-b`.

use crate::domain::endpoint::EndpointId;
use crate::domain::outcome::Kind;
use crate::events::RequestRecord;
use crate::events::board::Live;

/// The story of a request that has ended.
pub fn of_record(record: &RequestRecord) -> String {
    let attempts = record.attempts.iter().map(|a| (&a.endpoint, a.failure.map(|kind| (kind, a.status))));
    let told = tell(attempts);
    if told.is_empty() { record.endpoint.as_ref().map_or("-".to_owned(), ToString::to_string) } else { told }
}

/// The story of a request so far.
pub fn of_live(live: &Live) -> String {
    let failed = live.tried.iter().map(|t| (&t.endpoint, Some((t.kind, t.status))));
    let current = live.endpoint.as_ref().filter(|_| live.tried.len() < live.attempts as usize);
    let told = tell(failed.chain(current.map(|endpoint| (endpoint, None))));
    if told.is_empty() { "-".to_owned() } else { told }
}

/// Each endpoint with what its attempts came to; an attempt without a failure says nothing more.
fn tell<'a>(attempts: impl Iterator<Item = (&'a EndpointId, Option<(Kind, Option<u16>)>)>) -> String {
    let mut text = String::new();
    let mut before = None;
    for (endpoint, failure) in attempts {
        if before != Some(endpoint) {
            text.push_str(if before.is_some() { " -> " } else { "" });
            text.push_str(&endpoint.to_string());
            before = Some(endpoint);
        }
        if let Some((kind, status)) = failure {
            text.push(' ');
            text.push_str(&kind.brief(status));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_at_one_endpoint_stand_together() {
        let (a, b) = (EndpointId::new("main-a"), EndpointId::new("main-b"));
        let overloaded = Some((Kind::Overloaded, Some(529)));
        let cut = Some((Kind::Cut, Some(200)));
        let text = tell([(&a, overloaded), (&a, overloaded), (&b, cut), (&a, None)].into_iter());
        assert_eq!(text, "main-a 529 529 -> main-b cut -> main-a");
        assert_eq!(tell(std::iter::empty()), "");
    }
}
