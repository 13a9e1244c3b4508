//! A request that was let in, as the forward loop carries it.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, Method, Uri};
use tokio::time::Instant;

use super::affinity::Wish;
use super::intake::Intake;
use super::lifecycle::{Lifecycle, Opening};
use super::transport::Payload;
use crate::claude::mapping;
use crate::claude::request::{Class, Peek};
use crate::domain::endpoint::EndpointSpec;
use crate::domain::plan::Replay;
use crate::domain::route::RouteRequest;
use crate::events::RequestId;

/// One request on its way.
pub struct Inbound {
    /// Ours.
    pub id: RequestId,
    /// Its class.
    pub class: Class,
    /// HTTP method.
    pub method: Method,
    /// Path and query as sent.
    pub uri: Uri,
    /// Without the header that let the client in.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Intake,
    /// It asked for a stream.
    pub stream: bool,
    /// The model it asked for.
    pub model: Option<Arc<str>>,
    /// Where that stands in the body.
    pub model_span: Option<Range<usize>>,
    /// The session it belongs to.
    pub session: Option<Arc<str>>,
    /// Where it should rather go.
    pub wish: Wish,
    /// Nothing new is begun after this.
    pub deadline: Instant,
    /// Its record.
    pub lifecycle: Box<Lifecycle>,
}

// Names made once: looking one up by its text reads that text anew.
const AGENT_ID: HeaderName = HeaderName::from_static("x-claude-code-agent-id");
const SESSION_ID: HeaderName = HeaderName::from_static("x-claude-code-session-id");
/// In seconds; see [`deadline`].
const CLIENT_TIMEOUT: HeaderName = HeaderName::from_static("x-stainless-timeout");

/// What a client leaves us for our own answers: it must know of a failure before it gives up itself.
const CLIENT_MARGIN: Duration = Duration::from_secs(20);

impl Inbound {
    /// What routing needs to know.
    pub fn route_request(&self) -> RouteRequest {
        RouteRequest {
            model: self.model.clone(),
            own_credential_only: false,
            counts_tokens: self.class == Class::CountTokens,
            billed: self.class.is_billed(&self.method, self.uri.path()),
            preferred: self.wish.preferred.clone(),
            measured: self.wish.measured.clone(),
        }
    }

    /// The model this endpoint is asked for: what its mapping makes of the one the client asked for.
    pub fn model_for(&self, spec: &EndpointSpec) -> Option<Arc<str>> {
        let asked = self.model.as_ref()?;
        Some(mapping::target(&spec.models, asked).map_or_else(|| Arc::clone(asked), Arc::from))
    }

    /// The body for an attempt at this endpoint; nothing when a streamed one has been sent. The body as it came stays
    /// untouched, for endpoints that map otherwise.
    pub fn payload_for(&mut self, spec: &EndpointSpec) -> Option<Payload> {
        if let (Some(body), Some(span), Some(model)) =
            (self.body.bytes(), &self.model_span, self.model_for(spec))
            && self.model.as_ref() != Some(&model)
        {
            return Some(Payload::Spliced(Box::new(mapping::splice(body, span, &model))));
        }
        self.body.next_payload()
    }

    /// How freely it may be sent again.
    pub fn replay(&self) -> Replay {
        let billed_or_safe =
            matches!(self.class, Class::Messages | Class::CountTokens) || self.method.is_safe();
        match self.body {
            Intake::Once(_) => Replay::Unsent,
            Intake::Whole { .. } if billed_or_safe => Replay::Free,
            Intake::Whole { .. } => Replay::Unprocessed,
        }
    }
}

/// The record's first entries.
pub fn opening(
    id: RequestId,
    class: Class,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    peer: SocketAddr,
) -> Opening {
    Opening {
        id,
        class,
        method: method.as_str().into(),
        path: uri.path().into(),
        client: Some(peer.ip()),
        user_agent: text(headers, USER_AGENT),
        agent: text(headers, AGENT_ID),
    }
}

/// The session a request belongs to: the header, else what its body says.
pub fn session(headers: &HeaderMap, peek: &Peek) -> Option<Arc<str>> {
    text(headers, SESSION_ID).or_else(|| peek.session.as_deref().and_then(cut))
}

/// When nothing new is begun: `patience` from now, or a little before the client says it will give up. SDKs state that
/// in seconds, or say `NOT_GIVEN`, which is no number and states nothing.
pub fn deadline(headers: &HeaderMap, patience: Duration, now: Instant) -> Instant {
    let stated = headers.get(CLIENT_TIMEOUT).and_then(|v| v.to_str().ok()?.trim().parse::<f64>().ok());
    let stated = stated.and_then(|s| Duration::try_from_secs_f64(s).ok());
    let stated = stated.map(|s| s.saturating_sub(CLIENT_MARGIN));
    now + stated.map_or(patience, |s| s.min(patience))
}

/// A header as text, cut to what a record should hold.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<Arc<str>> {
    cut(headers.get(name)?.to_str().ok()?)
}

fn cut(value: &str) -> Option<Arc<str>> {
    const MOST: usize = 256;
    let end = match value.len() {
        // So many bytes are no more characters than that.
        ..=MOST => value.len(),
        _ => value.char_indices().nth(MOST).map_or(value.len(), |(end, _)| end),
    };
    (end > 0).then(|| value[..end].into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_is_ours_or_a_little_before_the_clients() {
        let now = Instant::now();
        for (stated, expected) in [
            ("600", 280.0),
            ("300", 280.0),
            ("60", 40.0),
            (" 60 ", 40.0),
            ("60.5", 40.5),
            ("20", 0.0),
            ("3", 0.0),
            ("0", 0.0),
            ("NOT_GIVEN", 280.0),
            ("", 280.0),
            ("-1", 280.0),
            ("NaN", 280.0),
            ("inf", 280.0),
            ("1e300", 280.0),
            ("600s", 280.0),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("x-stainless-timeout"),
                http::HeaderValue::from_str(stated).unwrap(),
            )]);
            let left = deadline(&headers, Duration::from_secs(280), now) - now;
            assert_eq!(left.as_secs_f64(), expected, "{stated}");
        }
        assert_eq!(deadline(&HeaderMap::new(), Duration::from_secs(9), now) - now, Duration::from_secs(9));
    }
}
