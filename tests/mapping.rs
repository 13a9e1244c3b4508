//! Model names per endpoint, and statuses that mean "busy" at one endpoint, end to end.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like the tests")]

mod support;

use cc_forwarder::domain::fleet::Input;
use cc_forwarder::events::RequestRecord;
use cc_forwarder::simulator::{Behaviour, Class, Received, Simulator};
use serde_json::json;
use support::{QUICK, World};

/// Bodies with the model first, last and in the middle, plain and pretty, with look-alikes inside.
const SHAPES: [(&str, &str); 3] = [
    (
        "{\"model\":",
        ",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":STREAM}",
    ),
    (
        "{\n  \"max_tokens\": 50,\n  \"m\\u006fdel\" : ",
        "  ,\n  \"messages\": [{\"role\":\"user\",\"content\":\"\\\"model\\\": \\\"asked\\\"\"}],\n  \"stream\": STREAM\n}\n",
    ),
    (
        "{\"stream\":STREAM,\"max_tokens\":50,\"tools\":[{\"name\":\"t\",\"input_schema\":{\"properties\":{\"model\":{\"enum\":[\"asked\"]}}}}],\"messages\":[{\"role\":\"user\",\"content\":\"\u{e9}\\ud83e\\udd80\"}],\"model\":",
        "}",
    ),
];

const ASKED: &str = "claude-haiku-4-5";

/// Endpoints of one group, each with further settings in YAML.
async fn world(endpoints: &[(&str, &str)]) -> World {
    let mut yaml = format!("{QUICK}\nendpoints:\n");
    let mut sims = Vec::new();
    for (name, settings) in endpoints {
        let sim = Simulator::start(*name).await.unwrap();
        yaml += &format!(
            "  - {{ name: {name}, url: \"{}\", group: main, token: tok-{name}, {settings} }}\n",
            sim.url()
        );
        sims.push(sim);
    }
    World::over(&yaml, sims).await.settled().await
}

fn bodies(sim: &Simulator, class: Class) -> Vec<String> {
    let text = |r: &Received| String::from_utf8(r.body.to_vec()).unwrap();
    sim.log(|log| log.of(class).map(text).collect())
}

fn sent(record: &RequestRecord) -> Vec<(&str, Option<&str>)> {
    record.attempts.iter().map(|a| (&*a.endpoint.0, a.model_sent.as_deref())).collect()
}

/// Ends the rests that failures have earned.
async fn clear(world: &World) {
    for endpoint in &world.forwarder.control().view().endpoints {
        let input = Input::Clear(endpoint.spec.id.clone());
        world.forwarder.control().tell_awaited(input).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_gets_its_own_name_and_every_other_byte_as_it_came() {
    let mut world = world(&[
        ("a", "models: { \"claude-haiku-*\": relay-a, \"*\": wrong }"),
        ("b", "models: { \"other\": wrong, \"claude-*\": \"relay \\\"b\\\"\" }"),
        ("c", ""),
    ])
    .await;
    for sim in &world.sims[..2] {
        sim.set(Behaviour::status(503, "api_error"));
    }
    for (before, after) in SHAPES {
        for stream in [true, false] {
            let with = |model: &str| {
                format!("{before}{}{after}", json!(model)).replace("STREAM", &stream.to_string())
            };
            let answer = world.client.send(world.client.post("/v1/messages", &with(ASKED))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.text().contains(ASKED), "{}", answer.text());
            for (sim, name) in world.sims.iter().zip(["relay-a", "relay \"b\"", ASKED]) {
                assert_eq!(bodies(sim, Class::Messages).last(), Some(&with(name)));
            }
            let record = world.record().await;
            assert_eq!(record.model.as_deref(), Some(ASKED));
            let last = sent(&record).last().copied();
            assert_eq!(last, Some(("c", Some(ASKED))));
            assert!(sent(&record).contains(&("a", Some("relay-a"))));
            assert!(sent(&record).contains(&("b", Some("relay \"b\""))));
            clear(&world).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_names_the_model_that_served_it() {
    let mut world = world(&[("a", "models: { \"*\": relay-a }")]).await;
    for stream in [true, false] {
        let answer = world.client.messages(stream).await;
        assert!(answer.text().contains("relay-a"), "{}", answer.text());
        let record = world.record().await;
        assert_eq!(record.model.as_deref(), Some("claude-sonnet-5-5"));
        assert_eq!(record.served_model.as_deref(), Some("relay-a"));
        assert_eq!(sent(&record), [("a", Some("relay-a"))]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_maps_too_and_what_has_no_model_passes_untouched() {
    let mut world = world(&[("a", "models: { \"*\": relay-a }")]).await;
    let path = "/v1/messages/count_tokens";
    for (body, expected, model) in [
        ("{\"model\":\"m\",\"messages\":[]}", "{\"model\":\"relay-a\",\"messages\":[]}", Some("relay-a")),
        ("{\"model\":7,\"messages\":[]}", "{\"model\":7,\"messages\":[]}", None),
        ("{\"messages\":[]}", "{\"messages\":[]}", None),
        ("not JSON", "not JSON", None),
    ] {
        world.client.send(world.client.post(path, body)).await;
        assert_eq!(bodies(&world.sims[0], Class::CountTokens).last().map(String::as_str), Some(expected));
        assert_eq!(sent(&*world.record().await), [("a", model)]);
    }
    // Other routes are not looked into, whatever their body says.
    world.client.send(world.client.post("/v1/complete", "{\"model\":\"m\"}")).await;
    assert_eq!(bodies(&world.sims[0], Class::Other), ["{\"model\":\"m\"}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stated_rest_is_about_the_model_asked_for() {
    let mut world = world(&[("a", "models: { \"*\": relay-a }"), ("b", "")]).await;
    world.sims[0].rule(|r| r.body_bytes.gt(&0).then(|| Behaviour::retry_after(60)));
    let body = |model: &str| json!({"model": model, "max_tokens": 9, "messages": []}).to_string();
    let mut ask = async |model: &str| {
        world.client.send(world.client.post("/v1/messages", &body(model))).await;
        let record = world.record().await;
        record.attempts.iter().map(|a| a.endpoint.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ask("one").await, ["a", "b"]);
    assert_eq!(ask("one").await, ["b"]);
    assert_eq!(ask("two").await, ["a", "b"], "the other model has a budget of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_throttles_with_400_fails_over_only_where_it_says_so() {
    for (setting, statuses, status) in
        [("retry_statuses: [400]", vec![Some(400), Some(400), None], 200), ("", vec![Some(400)], 400)]
    {
        let mut world = world(&[("a", setting), ("b", "")]).await;
        world.sims[0].set(Behaviour::status(400, "invalid_request_error"));
        for stream in [true, false] {
            let answer = world.client.messages(stream).await;
            assert_eq!(answer.status, status, "{}", answer.text());
            let record = world.record().await;
            let refused: Vec<_> =
                record.attempts.iter().map(|a| a.status.filter(|_| a.failure.is_some())).collect();
            assert_eq!(refused, statuses, "{setting}");
            clear(&world).await;
        }
        let asked = world.sims[1].messages().len();
        assert_eq!(asked > 0, status == 200, "b is asked only by failover");
    }
}
