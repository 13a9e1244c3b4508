//! How requests end while their client stays.

use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::events::State;
use cc_forwarder::events::trace::What;
use cc_forwarder::simulator::{Behaviour, Class, Mark};
use http::Request;

use crate::support::{QUICK, World};

#[tokio::test]
async fn an_answer_completes() {
    let mut world = World::pair().await;
    for stream in [false, true] {
        let answer = world.client.messages(stream).await;
        let record = world.record().await;
        assert_eq!((record.state, record.status, record.stream), (State::Completed, Some(200), stream));
        assert_eq!((record.failure, &record.error, &record.cancel_reason), (None, &None, &None));
        assert_eq!(record.endpoint.as_ref().unwrap().to_string(), "a");
        assert_eq!(record.group.as_ref().unwrap().to_string(), "main");
        assert_eq!(record.bytes_out, answer.body.len() as u64);
        assert!(record.bytes_in > 50 && record.first_byte_ms.unwrap() <= record.duration_ms, "{record:?}");
        let [attempt] = record.attempts.as_slice() else { panic!("{record:?}") };
        assert_eq!(
            (attempt.number, attempt.status, attempt.failure, attempt.cancelled),
            (1, Some(200), None, false)
        );
    }
    assert!(world.stop().await.is_empty());
}

/// Their answers have no body, so nobody ever asks for its end.
#[tokio::test]
async fn answers_without_a_body_complete() {
    let mut world = World::pair().await;
    world.sims[0].set_for(Class::Other, Behaviour::fixed(204, "", ""));
    for (method, path, status) in [("HEAD", "/v1/models", 200), ("DELETE", "/v1/files/1", 204)] {
        let mut raw = world.raw().await;
        for _ in 0..3 {
            raw.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
            assert_eq!(raw.answer("HEAD").await.status, status, "{method} {path}");
            let record = world.record().await;
            assert_eq!((record.state, record.status), (State::Completed, Some(status)), "{record:?}");
            assert!(record.attempts.iter().all(|a| !a.cancelled && a.failure.is_none()), "{record:?}");
        }
    }
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn refusals_of_an_endpoint_are_recorded_as_they_were() {
    let mut world = World::pair().await;
    world.sims[0].set(Behaviour::status(400, "invalid_request_error"));
    let answer = world.client.messages(true).await;
    assert_eq!(answer.status, 400);
    let record = world.record().await;
    assert_eq!((record.state, record.status), (State::Failed, Some(400)), "{record:?}");
    assert_eq!(record.failure, Some(Kind::ClientError));
    assert_eq!(record.attempts.len(), 1);
    let view = world.forwarder.control().view();
    assert!(view.endpoints.iter().all(|e| e.standing.streak == 0), "the client's fault is nobody else's");
}

#[tokio::test]
async fn upstreams_that_vanish_are_recorded_attempt_by_attempt() {
    let mut world = World::pair().await;
    world.sims[0].set(Behaviour::reset_before_headers());
    world.sims[1].down().await.unwrap();
    let answer = world.client.messages(false).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let record = world.record().await;
    assert_eq!((record.state, record.status), (State::Failed, Some(502)), "{record:?}");
    let told: Vec<_> = record.attempts.iter().map(|a| (a.endpoint.to_string(), a.failure.unwrap())).collect();
    assert!(told.contains(&("a".to_owned(), Kind::Reset)), "{told:?}");
    assert_eq!(told.last().unwrap(), &("b".to_owned(), Kind::Connect), "{told:?}");
    let numbers: Vec<u32> = record.attempts.iter().map(|a| a.number).collect();
    assert_eq!(numbers, (1..=told.len() as u32).collect::<Vec<_>>());
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_fails_and_the_endpoint_rests() {
    let mut world = World::pair().await;
    world.sims[0].set(Behaviour::close_at(Mark::Events(6)));
    let answer = world.client.messages(true).await;
    assert!(answer.text().contains("event: error"), "{}", answer.text());
    // The client has its answer's end, so the fleet must know already.
    assert_eq!(world.forwarder.control().view().endpoints[0].standing.streak, 1);
    let record = world.record().await;
    assert_eq!((record.state, record.status, record.failure), (State::Failed, Some(200), Some(Kind::Cut)));
    assert_eq!(record.attempts.len(), 1, "nothing is retried after the commit");
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn other_classes_are_recorded_too() {
    let mut world = World::pair().await;
    for path in ["/v1/models", "/v1/models/claude-sonnet-5-5", "/v1/anything?x=1"] {
        let request = Request::get(world.client.url(path)).body(http_body_util::Full::default()).unwrap();
        let answer = world.client.send(request).await;
        let record = world.record().await;
        assert_eq!(record.status, Some(answer.status.as_u16()));
        assert_eq!(&*record.path, path.split('?').next().unwrap());
    }
    assert!(world.stop().await.is_empty());
}

#[tokio::test]
async fn every_pause_before_another_try_is_told_at_its_own_time() {
    let thrice = QUICK.replace("max_attempts: 2", "max_attempts: 3");
    let mut world = World::with(&thrice, &[("a", "main")]).await.settled().await;
    world.sims[0].set(Behaviour::status(500, "api_error"));
    assert_eq!(world.client.messages(false).await.status, 500);
    let record = world.record().await;
    let pauses: Vec<f64> = record
        .trace
        .iter()
        .filter(|step| matches!(step.what, What::BackedOff { .. }))
        .map(|step| step.at_ms)
        .collect();
    let tries: Vec<f64> = record.attempts.iter().map(|attempt| attempt.start_ms).collect();
    assert_eq!((pauses.len(), tries.len()), (2, 3), "{record:?}");
    assert!(tries[0] <= pauses[0] && pauses[0] <= tries[1], "{pauses:?} between {tries:?}");
    assert!(tries[1] <= pauses[1] && pauses[1] <= tries[2], "{pauses:?} between {tries:?}");
}
