//! The main job in its simplest form: one endpoint answers, one endpoint fails and the next one answers.

mod support;

use cc_forwarder::events::State;
use cc_forwarder::simulator::Behaviour;
use support::World;

#[tokio::test]
async fn answers_pass_and_a_failing_endpoint_is_replaced() {
    let mut world = World::pair().await;
    for stream in [false, true] {
        let answer = world.client.messages(stream).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let record = world.record().await;
        assert_eq!((record.state, record.attempts.len()), (State::Completed, 1), "{record:?}");
        assert!(record.usage.output > 0, "{record:?}");
    }
    world.sims[0].set(Behaviour::overloaded());
    for stream in [false, true] {
        let answer = world.client.messages(stream).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let record = world.record().await;
        assert_eq!(record.endpoint.as_ref().unwrap().to_string(), "b", "{record:?}");
    }
    assert!(world.stop().await.is_empty());
}
