//! Letting requests in: what is refused at the door, what is answered here, and what goes on.
//!
//! | request | answer |
//! |---|---|
//! | `CONNECT`, `TRACE` | 405 |
//! | a target that is no path (absolute or asterisk form) | 400 |
//! | `Host` or `Origin` of a web page | 403 |
//! | `HEAD /`, `HEAD /api/hello`, `GET /health`, `/health/detailed` | [`super::local`], outside the log |
//! | no or a wrong credential | 401 |
//! | any, while too many records wait for the usage store | 503, without a record |
//! | a body beyond `server.max_body_bytes` | 413 |
//! | no memory for its body | 503 |
//! | anything else | forwarded |

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use http::header::{ACCEPT_ENCODING, EXPECT};
use http::{HeaderValue, Method, Request, Response};
use tracing::Instrument;

use super::inbound::{self, Inbound};
use super::intake::{self, ClientUpload, Intake, IntakeError, NotTaken};
use super::lifecycle::{Ending, Lifecycle};
use super::respond::{self, ClientBody};
use super::{Shared, affinity, auth, forward, keepalive, local};
use crate::claude::request::{Class, Peek, peek};
use crate::config::Config;
use crate::domain::browser::{self, Door};
use crate::domain::outcome::Kind;
use crate::events::{Described, RequestId};

/// Answers one request. Never fails: what cannot be answered otherwise gets an error in the API's shape.
pub async fn handle<B: ClientUpload>(
    shared: Arc<Shared>,
    peer: SocketAddr,
    request: Request<B>,
) -> Response<ClientBody> {
    let config = Arc::clone(&shared.config.borrow());
    let (head, body) = request.into_parts();
    // In a box, because it is large and goes through many hands.
    let mut head = Box::new(head);
    if let Some(answer) = answer_here(&shared, &config, peer, &mut head).await {
        dispose(&head, body).await;
        return answer;
    }
    let id = shared.ids.next_id();
    let carried = carry(&shared, &config, id, peer, head, body);
    match AssertUnwindSafe(carried).catch_unwind().await {
        Ok(response) => response,
        // The record was closed by the unwinding lifecycle.
        Err(_) => respond::error(500, "The forwarder failed on this request; its log says why.", Some(id)),
    }
}

/// Answers that end at the door: refusals, and what is answered locally.
async fn answer_here(
    shared: &Shared,
    config: &Config,
    peer: SocketAddr,
    head: &mut http::request::Parts,
) -> Option<Response<ClientBody>> {
    if let Some((status, message)) = refuse_at_the_door(config, head) {
        log_refusal(peer, head, status, &message);
        return Some(respond::error(status, message, None));
    }
    if let Some(answer) = local::open(shared, head) {
        return Some(answer);
    }
    if let Err(error) = auth::admit(&mut head.headers, config.auth.as_ref()) {
        log_refusal(peer, head, 401, &error.to_string());
        return Some(respond::unauthorized(error.to_string()));
    }
    local::guarded(shared, head).await.or_else(|| refuse_uncounted(shared, peer, head))
}

/// A request that could not be accounted for is not forwarded.
fn refuse_uncounted(
    shared: &Shared,
    peer: SocketAddr,
    head: &http::request::Parts,
) -> Option<Response<ClientBody>> {
    if !shared.ledger_full.load(Ordering::Relaxed) {
        return None;
    }
    let message = "The usage store cannot be written fast enough, and too many records wait in memory: see the log of \
                   the forwarder. Try again in a moment.";
    log_refusal(peer, head, 503, message);
    Some(respond::error(503, message, None))
}

/// Lets a client whose request is not wanted finish sending it, unless it waits for our word before it sends.
async fn dispose<B: ClientUpload>(head: &http::request::Parts, body: B) {
    if !head.headers.contains_key(EXPECT) {
        intake::discard(body).await;
    }
}

/// Who is turned away has no record and no id: this line is all that tells of it.
fn log_refusal(peer: SocketAddr, head: &http::request::Parts, status: u16, reason: &str) {
    tracing::warn!(
        target: "cc_forwarder::ingress",
        client = %peer.ip(), method = %head.method, path = head.uri.path(), status,
        "turned away: {reason}"
    );
}

fn refuse_at_the_door(config: &Config, head: &http::request::Parts) -> Option<(u16, String)> {
    // An endpoint that knows TRACE would show the client the credential we put on.
    if head.method == Method::TRACE {
        return Some((405, "TRACE is not forwarded: its answer would show the endpoint's key.".to_owned()));
    }
    if head.method == Method::CONNECT {
        return Some((405, "CONNECT is not for this port: it forwards API requests.".to_owned()));
    }
    if head.uri.scheme().is_some() || head.uri.authority().is_some() || !head.uri.path().starts_with('/') {
        let message = "The request target must be a path: this is no general HTTP proxy.";
        return Some((400, message.to_owned()));
    }
    let server = &config.server;
    let door = Door {
        section: "server",
        hosts: &server.allowed_hosts,
        origins: &server.allowed_origins,
        own_pages: false,
    };
    browser::check(&head.headers, &door).err().map(|refusal| (403, refusal.to_string()))
}

async fn carry<B: ClientUpload>(
    shared: &Arc<Shared>,
    config: &Arc<Config>,
    id: RequestId,
    peer: SocketAddr,
    head: Box<http::request::Parts>,
    body: B,
) -> Response<ClientBody> {
    let class = Class::of(&head.method, head.uri.path());
    let opening = inbound::opening(id, class, &head.method, &head.uri, &head.headers, peer);
    let mut lifecycle = Lifecycle::open(opening, Arc::clone(&shared.reporting));
    lifecycle.came_with(&head.headers, &config.redactor);
    let span = lifecycle.span().clone();
    let deadline = inbound::deadline(&head.headers, config.suspend.timeout, lifecycle.accepted());
    let may_stream = !matches!(class, Class::Messages | Class::CountTokens);
    async {
        let limit = config.server.max_body_bytes;
        let body = match intake::collect(body, limit, may_stream, &shared.budget).await {
            Ok(body) => body,
            Err(NotTaken { error, rest }) => {
                let refusal = refuse_body(error, limit, id, lifecycle);
                dispose(&head, rest).await;
                return refusal;
            }
        };
        let seen = look(class, &body);
        let model = seen.model.as_deref().map(clip);
        let session = inbound::session(&head.headers, &seen);
        lifecycle.note(|r| r.one_token = seen.max_tokens == Some(1));
        lifecycle.described(Described {
            model: model.clone(),
            session: session.clone(),
            stream: seen.stream,
            bytes_in: body.bytes().map_or(0, |b| b.len() as u64),
        });
        let wish = affinity::wish(shared, config, session.as_deref(), model.as_deref()).await;
        let http::request::Parts { method, uri, headers, .. } = *head;
        let inbound = Box::new(Inbound {
            id,
            class,
            method,
            uri,
            headers,
            body,
            stream: seen.stream && class == Class::Messages,
            model,
            model_span: seen.model_span,
            session,
            wish,
            deadline,
            lifecycle,
        });
        answer(shared, config, inbound).await
    }
    .instrument(span)
    .await
}

async fn answer(
    shared: &Arc<Shared>,
    config: &Arc<Config>,
    mut inbound: Box<Inbound>,
) -> Response<ClientBody> {
    let accompanied = config.suspend.enabled && config.suspend.keepalive && inbound.stream;
    if !accompanied {
        return Box::pin(forward::run(shared, config, inbound)).await;
    }
    // The head may go out before the endpoint's is known, so its answer has to be uncoded.
    // Without the header any coding would be welcome.
    inbound.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let (shared, config, id) = (Arc::clone(shared), Arc::clone(config), inbound.id);
    let (suspended, pace) = (Arc::default(), config.streaming.heartbeat_interval);
    inbound.lifecycle.announce_suspension(Arc::clone(&suspended));
    let span = inbound.lifecycle.span().clone();
    let answering = async move { forward::run(&shared, &config, inbound).await }.instrument(span);
    keepalive::accompany(Box::pin(answering), suspended, pace, id).await
}

/// Only these bodies mean something to us.
fn look(class: Class, body: &Intake) -> Peek {
    match (class, body.bytes()) {
        (Class::Messages | Class::CountTokens, Some(bytes)) => peek(bytes),
        _ => Peek::default(),
    }
}

/// Model names are recorded and shown; a client may send anything.
fn clip(model: &str) -> Arc<str> {
    match model.char_indices().nth(200) {
        Some((end, _)) => Arc::from(&model[..end]),
        None => Arc::from(model),
    }
}

fn refuse_body(
    error: IntakeError,
    limit: u64,
    id: RequestId,
    mut lifecycle: Box<Lifecycle>,
) -> Response<ClientBody> {
    let (status, message) = match error {
        IntakeError::TooLarge => {
            (413, format!("The request body is larger than server.max_body_bytes ({limit} bytes)."))
        }
        IntakeError::NoRoom => (
            503,
            "The request bodies in flight use up server.max_buffered_bytes. Try again in a moment."
                .to_owned(),
        ),
        IntakeError::Stalled => (408, "The request body did not arrive in time.".to_owned()),
        IntakeError::Unreadable => {
            lifecycle.settle(Ending::Cancelled("client stopped sending its request"), None);
            return respond::error(400, "The request body could not be read.", Some(id));
        }
    };
    lifecycle.settle(Ending::Failed(Kind::Local, message.clone()), Some(status));
    respond::error(status, message, Some(id))
}
