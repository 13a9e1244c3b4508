//! count_tokens: forwarded in routing order, remembered where it is not supported, estimated where nobody can.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like the tests")]

mod support;

use cc_forwarder::domain::fleet::Input;
use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::domain::route::SkipReason;
use cc_forwarder::domain::standing::{Breaker, Health};
use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Class, Simulator};
use futures_util::future::join_all;
use serde_json::{Value, json};
use support::{Answer, QUICK, World};

const PATH: &str = "/v1/messages/count_tokens?beta=true";
const ESTIMATE: &str = "token_counting: { enabled: true }";

/// What endpoints without count_tokens answer.
const UNSUPPORTED: [(u16, &str); 3] =
    [(404, "not_found_error"), (405, "invalid_request_error"), (501, "api_error")];

/// Endpoints of one group, each with further settings in YAML; `settings` stands before them.
async fn world(settings: &str, endpoints: &[(&str, &str)]) -> World {
    let mut yaml = format!("{QUICK}{settings}\nendpoints:\n");
    let mut sims = Vec::new();
    for (name, more) in endpoints {
        let sim = Simulator::start(*name).await.unwrap();
        yaml += &format!("  - {{ name: {name}, url: \"{}\", group: main, token: t, {more} }}\n", sim.url());
        sims.push(sim);
    }
    World::over(&yaml, sims).await.settled().await
}

/// A request as Claude Code sends it for `/context`.
fn body() -> String {
    let text = "You are an interactive tool that helps with software engineering tasks. ".repeat(60);
    json!({
        "model": "claude-opus-4-8",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Read the file, please. ".repeat(40)}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "I should read it. ".repeat(40), "signature": "Ab+/".repeat(50)},
                {"type": "tool_use", "id": "toolu_01", "name": "Read", "input": {"file_path": "/src/lib.rs"}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01",
                "content": [{"type": "text", "text": "fn main() {\n    run();\n}\n".repeat(100)}]}]},
        ],
        "system": [{"type": "text", "text": text}],
        "tools": [{"name": "Read", "description": text, "input_schema": {"type": "object", "properties": {
            "file_path": {"type": "string", "description": "The absolute path"}}}}],
    })
    .to_string()
}

async fn count(world: &World) -> Answer {
    world.client.send(world.client.post(PATH, &body())).await
}

fn counted(sim: &Simulator) -> usize {
    sim.log(|log| log.of(Class::CountTokens).count())
}

fn unsupported(sim: &Simulator, (status, kind): (u16, &'static str)) {
    sim.set_for(Class::CountTokens, Behaviour::status(status, kind));
}

fn tokens(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["input_tokens"].as_u64().unwrap()
}

fn is_estimate(answer: &Answer) -> bool {
    answer.headers.get("x-token-estimation").is_some_and(|v| v == "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_endpoint_that_counts_answers() {
    let mut world = world(ESTIMATE, &[("a", "supports_count_tokens: false"), ("b", ""), ("c", "")]).await;
    let answer = count(&world).await;
    assert!(tokens(&answer) > 0 && !is_estimate(&answer));
    let asked = world.sims.iter().map(counted).collect::<Vec<_>>();
    assert_eq!(asked, [0, 1, 0]);
    world.sims[1].log(|log| {
        let received = log.of(Class::CountTokens).next().unwrap();
        assert_eq!((received.target.as_str(), &*received.body), (PATH, body().as_bytes()));
    });
    let record = world.record().await;
    assert_eq!((record.state, record.attempts.len()), (State::Completed, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_supported_is_remembered_and_the_next_is_asked() {
    for refusal in UNSUPPORTED {
        let mut world = world("", &[("a", ""), ("b", "")]).await;
        unsupported(&world.sims[0], refusal);
        for _ in 0..3 {
            assert!(tokens(&count(&world).await) > 0);
        }
        assert_eq!((counted(&world.sims[0]), counted(&world.sims[1])), (1, 3), "{refusal:?}");
        let first = world.record().await;
        assert_eq!(first.attempts[0].failure, Some(Kind::NoCountTokens));
        assert_eq!(first.attempts[0].status, Some(refusal.0));
        // Nothing of that says anything about messages.
        let view = world.forwarder.control().view();
        let now = tokio::time::Instant::now().into_std();
        assert_eq!(view.endpoints[0].breaker(now), Breaker::Closed);
        assert_eq!(view.endpoints[0].standing.health, Health::Up);
        assert_eq!(view.endpoints[0].standing.rest_until, None);
        assert_eq!(world.client.messages(false).await.status, 200);
        assert_eq!(world.sims[0].messages().len(), 1);
        // A person who clears the endpoint makes it be asked again.
        let input = Input::Clear(view.endpoints[0].spec.id.clone());
        world.forwarder.control().tell_awaited(input).await.unwrap();
        count(&world).await;
        assert_eq!(counted(&world.sims[0]), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_estimates_the_last_answer_passes_and_then_ours() {
    for refusal in UNSUPPORTED {
        let mut world = world("", &[("a", ""), ("b", "supports_count_tokens: false")]).await;
        let (_, kind) = refusal;
        let error = json!({"type": "error", "error": {"type": kind, "message": "no such route"}, "mark": 7});
        let reply = Behaviour::fixed(refusal.0, "application/json", error.to_string());
        world.sims[0].set_for(Class::CountTokens, reply);
        let answer = count(&world).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (refusal.0, error));
        let answer = count(&world).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert_eq!(answer.json()["error"]["type"], "not_found_error");
        assert_eq!(counted(&world.sims[0]), 1);
        world.record().await;
        let record = world.record().await;
        assert_eq!(record.skipped.len(), 2);
        assert!(record.skipped.iter().all(|s| s.reason == SkipReason::NoCountTokens));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_none_can_the_estimate_is_near_what_an_endpoint_counts() {
    let mut world = world(ESTIMATE, &[("a", ""), ("b", "")]).await;
    let real = tokens(&count(&world).await);
    for sim in &world.sims {
        unsupported(sim, UNSUPPORTED[0]);
    }
    for asked in [1, 0] {
        let before: usize = world.sims.iter().map(counted).sum();
        let answer = count(&world).await;
        assert!(is_estimate(&answer));
        assert_eq!(answer.json().as_object().map(|o| o.len()), Some(1), "{}", answer.text());
        let off = tokens(&answer) as f64 / real as f64 - 1.0;
        assert!(off.abs() < 0.25, "{} for {real}", tokens(&answer));
        let asked_now = world.sims.iter().map(counted).sum::<usize>() - before;
        assert_eq!(asked_now, 2 * asked);
    }
    for _ in 0..3 {
        let record = world.record().await;
        assert_eq!((record.state, record.status), (State::Completed, Some(200)));
        assert!(record.bytes_out > 0);
    }
}

/// Bodies that consist mostly of one kind of block. Images and PDFs are not among them: endpoints count their pixels and
/// pages, the simulator their bytes.
fn fixtures() -> Vec<(&'static str, Value)> {
    let text = "Wer lesen kann, ist im Vorteil; so says the manual, page 12. ".repeat(60);
    let prose = json!({"type": "text", "text": text});
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    let said = |content: Value| json!([{"role": "user", "content": "Go on."}, {"role": "assistant", "content": content}]);
    let of = |messages: Value| json!({"model": "claude-opus-4-8", "messages": messages});
    let result =
        |content: Value| json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": content}]);
    let document = |source: Value| json!([{"type": "document", "title": "Manual", "source": source}]);
    let source = json!({"type": "content", "content": [prose, prose]});
    let tool = json!({"name": "Read", "description": text, "input_schema": {"type": "object", "properties": {
        "path": {"type": "string", "description": text}}}});
    let search = json!([
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "manual"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
            {"type": "web_search_result", "title": "M", "url": "https://m.invalid", "encrypted_content": text}]},
    ]);
    vec![
        ("plain string", of(user(json!(text)))),
        ("text", of(user(json!([prose])))),
        ("thinking", of(said(json!([{"type": "thinking", "thinking": text, "signature": "Ab+/"}])))),
        (
            "tool_use",
            of(said(json!([{"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {
            "path": "/src/lib.rs", "content": text}}]))),
        ),
        ("tool_result of text", of(user(result(json!(text))))),
        ("tool_result of blocks", of(user(result(json!([prose, prose]))))),
        ("tool_result of a document", of(user(result(document(source.clone()))))),
        (
            "text document",
            of(user(document(json!({"type": "text", "media_type": "text/plain", "data": text})))),
        ),
        ("document of blocks", of(user(document(source)))),
        ("server tool", of(said(search))),
        ("system string", json!({"model": "claude-opus-4-8", "system": text, "messages": []})),
        ("system blocks", json!({"model": "claude-opus-4-8", "system": [prose, prose], "messages": []})),
        ("tools", json!({"model": "claude-opus-4-8", "tools": [tool, tool], "messages": user(json!("Go."))})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_block_is_estimated_within_a_quarter_of_what_an_endpoint_counts() {
    let counts = world(ESTIMATE, &[("a", "")]).await;
    let guesses = world(ESTIMATE, &[("a", "supports_count_tokens: false")]).await;
    for (name, body) in fixtures() {
        let ask = async |world: &World| world.client.send(world.client.post(PATH, &body.to_string())).await;
        let (counted, guessed) = (ask(&counts).await, ask(&guesses).await);
        assert_eq!((is_estimate(&counted), is_estimate(&guessed)), (false, true), "{name}");
        let off = tokens(&guessed) as f64 / tokens(&counted) as f64 - 1.0;
        assert!(off.abs() < 0.25, "{name}: {} for {}", tokens(&guessed), tokens(&counted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_are_down_are_estimated_for() {
    for behaviour in [Behaviour::status(503, "api_error"), Behaviour::reset_before_headers()] {
        let world = world(ESTIMATE, &[("a", ""), ("b", "")]).await;
        for sim in &world.sims {
            sim.set_for(Class::CountTokens, behaviour.clone());
        }
        let answer = count(&world).await;
        assert!(tokens(&answer) > 0 && is_estimate(&answer));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_refusals_pass_in_spite_of_estimates() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
    ] {
        let world = world(ESTIMATE, &[("a", "")]).await;
        world.sims[0].set_for(Class::CountTokens, Behaviour::status(status, kind));
        for _ in 0..2 {
            let answer = count(&world).await;
            assert_eq!((answer.status.as_u16(), is_estimate(&answer)), (status, false), "{}", answer.text());
            assert_eq!(answer.json()["error"]["type"], kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_answered_in_full() {
    let world = world(ESTIMATE, &[("a", ""), ("b", ""), ("c", "")]).await;
    unsupported(&world.sims[0], UNSUPPORTED[0]);
    let answers = join_all((0..13).map(|_| count(&world))).await;
    assert!(answers.iter().all(|a| tokens(a) > 0 && !is_estimate(a)));
    assert_eq!(counted(&world.sims[1]), 13);
    assert_eq!(counted(&world.sims[2]), 0);
    unsupported(&world.sims[1], UNSUPPORTED[1]);
    unsupported(&world.sims[2], UNSUPPORTED[2]);
    let answers = join_all((0..50).map(|_| count(&world))).await;
    assert!(answers.iter().all(|a| tokens(a) > 0 && is_estimate(a)));
    assert_eq!(world.client.messages(true).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_not_estimated() {
    let world = world(ESTIMATE, &[("a", "supports_count_tokens: false")]).await;
    let answer = world.client.send(world.client.post(PATH, "[]")).await;
    assert_eq!((answer.status.as_u16(), is_estimate(&answer)), (404, false), "{}", answer.text());
    let odd: Value = world.client.send(world.client.post(PATH, "{}")).await.json();
    assert!(odd["input_tokens"].as_u64().is_some());
}
