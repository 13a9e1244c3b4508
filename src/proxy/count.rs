//! The answer to count_tokens when no endpoint has one: an estimate of ours, marked as such.
//!
//! | last word of the endpoints | with `token_counting.enabled` | without |
//! |---|---|---|
//! | none may be asked | estimate | our 404 (or why else not) |
//! | 404, 405, 501: does not count | estimate | that answer, unchanged |
//! | no answer, or a 5xx | estimate | as for every request |
//! | another 4xx | that answer: the client or the person has to know | the same |

use http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::time::Instant;

use super::inbound::Inbound;
use super::lifecycle::Ending;
use super::respond::{self, ClientBody};
use crate::claude::estimate;
use crate::claude::request::Class;
use crate::config::TokenCounting;
use crate::domain::outcome::Kind;

/// Marks an answer as an estimate; its value is `true`.
pub const ESTIMATION_HEADER: HeaderName = HeaderName::from_static("x-token-estimation");

/// The tokens to answer this request with, if an estimate is what it gets. `decided` is the failure that the endpoints'
/// last word was.
pub fn estimate(config: &TokenCounting, inbound: &Inbound, decided: Option<Kind>) -> Option<u64> {
    let wanted = config.enabled && inbound.class == Class::CountTokens && !decided.is_some_and(must_be_known);
    let body = inbound.body.bytes().filter(|_| wanted)?;
    estimate::tokens(body, config.estimation_ratio)
}

/// Refusals that an estimate would hide.
fn must_be_known(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ClientError
            | Kind::NotFound
            | Kind::Credential
            | Kind::ClientCredential
            | Kind::RateLimited
            | Kind::Throttled
            | Kind::Upload
            | Kind::Budget
            | Kind::Local
    )
}

/// Answers with an estimate.
pub fn answer(inbound: Box<Inbound>, tokens: u64) -> Response<ClientBody> {
    let Inbound { id, mut lifecycle, .. } = *inbound;
    let body = format!("{{\"input_tokens\":{tokens}}}");
    lifecycle.committed(StatusCode::OK.as_u16(), Instant::now());
    lifecycle.sent(body.len() as u64);
    lifecycle.settle(Ending::Completed, None);
    let mut response = respond::full(StatusCode::OK, "application/json", body);
    response.headers_mut().insert(ESTIMATION_HEADER, HeaderValue::from_static("true"));
    respond::with_id(response, Some(id))
}
