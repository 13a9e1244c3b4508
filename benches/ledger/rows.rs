//! Requests as a month of several people's work leaves them: the same ones in every run.

use cc_forwarder::claude::money::PicoUsd;
use cc_forwarder::claude::price::CostLines;
use cc_forwarder::claude::request::Class;
use cc_forwarder::events::State;
use cc_forwarder::store::row::{AttemptRow, BillRow, Row, Tokens};
use jiff::Timestamp;

/// Days the requests are spread over.
pub(crate) const DAYS: u64 = 30;
/// A model that none of them is about.
pub(crate) const UNSEEN: &str = "claude-nobody";
/// Requests of a session.
const SESSION: u64 = 40;

const MODELS: [&str; 4] =
    ["claude-opus-5-1", "claude-sonnet-5-5", "claude-haiku-5-20260801", "claude-sonnet-5-5-20261007"];
const ENDPOINTS: [(&str, &str); 3] = [("primary", "main"), ("second-account", "main"), ("relay", "fallback")];

/// The instant after the last request.
pub(crate) fn end() -> Timestamp {
    Timestamp::constant(1_795_437_296, 0)
}

/// The session of a request.
pub(crate) fn session(number: u64) -> String {
    let n = number / SESSION;
    format!("{:08x}-52a1-4c3e-9d01-{:012x}", (n as u32).wrapping_mul(0x9e37_79b9), n)
}

/// The request with this number of so many.
pub(crate) fn row(number: u64, of: u64) -> Row {
    let mut random = fastrand::Rng::with_seed(number);
    let span = DAYS * 86_400 * 1_000_000;
    let accepted_us = end().as_microsecond() as u64 - span + span / of * number;
    let (endpoint, group) = ENDPOINTS[random.usize(..10).saturating_sub(7)];
    let model = MODELS[random.usize(..MODELS.len())];
    let mut attempts = Vec::new();
    if random.u8(..20) == 0 {
        attempts.push(failed(&mut random));
    }
    let state = match random.u8(..50) {
        0 => State::Failed,
        1..=3 => State::Cancelled,
        _ => State::Completed,
    };
    let completed = state == State::Completed;
    attempts.push(if state == State::Failed { failed(&mut random) } else { answered(&mut random) });
    let last = attempts.last_mut();
    last.into_iter().for_each(|last| (last.endpoint, last.group) = (endpoint.to_owned(), group.to_owned()));
    Row {
        id: random.u32(..),
        upstream_id: Some(format!("req_011CV{:019x}", random.u64(..))),
        accepted_us,
        updated_us: accepted_us + 31_000_000,
        first_byte_us: Some(random.u64(400_000..4_000_000)),
        duration_us: random.u64(4_000_000..60_000_000),
        suspended_us: 0,
        client: Some([127, 0, 0, 1].into()),
        user_agent: Some("claude-cli/2.1.14 (external, cli)".to_owned()),
        method: "POST".to_owned(),
        path: "/v1/messages".to_owned(),
        class: Class::Messages,
        model: Some(model.to_owned()),
        served_model: completed.then(|| model.to_owned()),
        session: Some(session(number)),
        agent: None,
        stream: true,
        endpoint: Some(endpoint.to_owned()),
        group: Some(group.to_owned()),
        route: Some("session".to_owned()),
        status: Some(if state == State::Failed { 529 } else { 200 }),
        state,
        failure: (state == State::Failed).then(|| "overloaded".to_owned()),
        error: (state == State::Failed).then(|| "every endpoint is overloaded: primary said 529".to_owned()),
        cancel_reason: (state == State::Cancelled).then(|| "the client closed the connection".to_owned()),
        bytes_in: random.u64(100_000..900_000),
        bytes_out: random.u64(2_000..80_000),
        price_revision: Some("2026-11-01+operator".to_owned()),
        attempts,
    }
}

/// What is told about a request.
pub(crate) fn story(row: &Row) -> Vec<String> {
    let endpoint = row.endpoint.as_deref().unwrap_or_default();
    let mut story = vec![format!("0 ms: chose {endpoint} (session) of primary, second-account, relay")];
    story.extend(row.attempts.iter().map(|a| {
        let end = a.failure.as_deref().unwrap_or("answered");
        format!("{} ms: #1 {}: {} {end}, {} ms", a.start_us / 1_000, a.endpoint, 200, a.duration_us / 1_000)
    }));
    story.push(format!("{} ms: {}", row.duration_us / 1_000, row.state.as_str()));
    story
}

fn answered(random: &mut fastrand::Rng) -> AttemptRow {
    let tokens = Tokens {
        input: random.u64(2..400),
        output: random.u64(20..4_000),
        cache_read: random.u64(10_000..180_000),
        cache_write_5m: random.u64(200..9_000),
        ..Tokens::default()
    };
    let cost = |count: u64, micro: u128| PicoUsd::from_pico(u128::from(count) * micro);
    let lines = CostLines {
        input: cost(tokens.input, 3_000_000),
        output: cost(tokens.output, 15_000_000),
        cache_write_5m: cost(tokens.cache_write_5m, 3_750_000),
        cache_read: cost(tokens.cache_read, 300_000),
        ..CostLines::default()
    };
    let bill = BillRow {
        lines,
        cache_saved: cost(tokens.cache_read, 2_700_000),
        cache_premium: cost(tokens.cache_write_5m, 750_000),
        cache_missed: cost(tokens.input + tokens.cache_write_5m, 3_000_000),
        rule: "claude-sonnet-5-5 from 2026-10-07".to_owned(),
    };
    let service_tier = Some("standard".to_owned());
    AttemptRow { status: Some(200), failure: None, tokens, service_tier, bill: Some(bill), ..failed(random) }
}

fn failed(random: &mut fastrand::Rng) -> AttemptRow {
    AttemptRow {
        endpoint: "primary".to_owned(),
        group: "main".to_owned(),
        model_sent: None,
        model_served: None,
        start_us: random.u64(100..900),
        connect_us: None,
        first_byte_us: Some(random.u64(300_000..3_000_000)),
        duration_us: random.u64(1_000_000..50_000_000),
        status: Some(529),
        failure: Some("overloaded".to_owned()),
        cancelled: false,
        tokens: Tokens::default(),
        estimated: false,
        service_tier: None,
        inference_geo: None,
        bill: None,
    }
}
