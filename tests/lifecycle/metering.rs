//! Tokens in the record are those the endpoints told, attempt by attempt.

use cc_forwarder::claude::usage::Usage;
use cc_forwarder::config::Level;
use cc_forwarder::events::State;
use cc_forwarder::logging::Capture;
use cc_forwarder::simulator::{self, Behaviour, Mark};

use crate::support::World;
use crate::support::raw::messages_request;

fn assert_told(counted: &Usage, told: simulator::Usage) {
    let counted = simulator::Usage {
        input: counted.input,
        cache_write_5m: counted.cache_write_5m,
        cache_write_1h: counted.cache_write_1h,
        cache_read: counted.cache_read,
        output: counted.output,
        web_searches: counted.web_search,
        web_fetches: counted.web_fetch,
        code_executions: counted.code_execution,
    };
    assert_eq!(counted, told);
}

#[tokio::test]
async fn whole_answers() {
    let mut world = World::pair().await;
    for behaviour in [Behaviour::healthy(), Behaviour::relay_usage(), Behaviour::large(300_000)] {
        for stream in [false, true] {
            world.sims[0].set(behaviour.clone());
            assert_eq!(world.client.messages(stream).await.status, 200);
            let record = world.record().await;
            assert!(record.usage.output > 0 && !record.usage.estimated, "{record:?}");
            assert_told(&record.usage, world.sims[0].messages().last().unwrap().told);
            assert_eq!(record.usage, record.attempts[0].usage);
            assert_eq!(record.served_model.as_deref(), record.model.as_deref());
        }
    }
}

#[tokio::test]
async fn failed_attempts_count_too_and_the_record_has_the_sum() {
    let mut world = World::pair().await;
    world.sims[0].set(Behaviour::error_event(1, "overloaded_error"));
    assert_eq!(world.client.messages(true).await.status, 200);
    let record = world.record().await;
    assert_eq!(record.state, State::Completed);
    let sum: Usage = record.attempts.iter().map(|a| &a.usage).sum();
    assert_eq!(record.usage, sum);
    for (sim, name) in world.sims.iter().zip(["a", "b"]) {
        let here: Usage =
            record.attempts.iter().filter(|a| a.endpoint.to_string() == name).map(|a| &a.usage).sum();
        assert_told(&here, sim.reported_usage());
        assert!(here.input > 0, "{record:?}");
    }
}

#[tokio::test]
async fn cuts_and_cancels_keep_what_was_told() {
    let mut world = World::pair().await;
    world.sims[0].set(Behaviour::close_at(Mark::Events(6)));
    world.client.messages(true).await;
    let record = world.record().await;
    assert_eq!(record.state, State::Failed);
    assert!(record.usage.estimated && record.usage.input > 0, "{record:?}");
    assert_eq!(record.usage.input, world.sims[0].reported_usage().input);

    world.sims[1].set(Behaviour::silent_from(Mark::Events(6)));
    let mut raw = world.raw().await;
    raw.send(messages_request(true)).await;
    raw.until("content_block_delta").await;
    drop(raw);
    let record = world.record().await;
    assert_eq!(record.state, State::Cancelled);
    assert!(record.usage.estimated && record.usage.input > 0, "{record:?}");
    assert_eq!(record.usage.input, world.sims[1].reported_usage().input);
}

#[tokio::test]
async fn another_model_is_recorded_and_said_once() {
    let capture = Capture::start(Level::Warn, Default::default());
    let mut world = World::pair().await;
    let other = |c: &mut simulator::Content| c.model = Some("claude-other-1".into());
    world.sims[0].set(Behaviour::healthy().content(other));
    for stream in [true, false, true] {
        world.client.messages(stream).await;
        assert_eq!(world.record().await.served_model.as_deref(), Some("claude-other-1"));
    }
    assert_eq!(capture.text().matches("another model answered").count(), 1, "{}", capture.text());
}
