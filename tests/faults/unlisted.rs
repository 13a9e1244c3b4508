//! Failures that need no simulator's doing, and failures of different kinds together.

use cc_forwarder::domain::outcome::Kind;
use cc_forwarder::events::{RequestRecord, State};
use cc_forwarder::simulator::{Behaviour, Mark, Simulator};

use crate::support::{Answer, QUICK, World, endpoint};

/// A forwarder over one endpoint at this URL.
async fn lone(url: &str) -> World {
    let yaml = format!("{QUICK}\nendpoints:\n{}", endpoint("a", "main", 1, url));
    World::over(&yaml, Vec::new()).await
}

fn message(answer: &Answer) -> String {
    answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
}

fn asked(record: &RequestRecord) -> Vec<String> {
    record.attempts.iter().map(|a| a.endpoint.to_string()).collect()
}

/// The connection is tried once more, and the client gets a 502 that names the endpoint and no address.
async fn assert_unreachable(url: &str, kind: Kind) {
    let mut world = lone(url).await;
    let answer = world.client.messages(true).await;
    assert_eq!(answer.status, 502, "{kind:?}: {}", answer.text());
    assert_eq!(answer.json()["error"]["type"], "api_error", "{kind:?}");
    assert!(message(&answer).contains(&format!("a: {}", kind.words())), "{kind:?}: {}", answer.text());
    assert!(!answer.text().contains("127.0.0.1") && !answer.text().contains("invalid"), "{}", answer.text());
    let record = world.record().await;
    assert_eq!((record.state, record.failure), (State::Failed, Some(kind)), "{record:?}");
    assert_eq!(asked(&record), ["a", "a"], "{kind:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_refused_connection() {
    let sim = Simulator::start("a").await.unwrap();
    sim.down().await.unwrap();
    assert_unreachable(&sim.url(), Kind::Connect).await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    assert_unreachable("http://nowhere.invalid", Kind::Dns).await;
}

#[tokio::test]
async fn no_tls_at_the_other_end() {
    let sim = Simulator::start("a").await.unwrap();
    sim.set(Behaviour::close_at(Mark::Accept));
    assert_unreachable(&sim.url().replace("http:", "https:"), Kind::Tls).await;
}

#[tokio::test]
async fn a_refused_connection_beside_a_healthy_endpoint() {
    let mut world = World::pair().await.settled().await;
    world.sims[0].down().await.unwrap();
    let answer = world.client.messages(true).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["x-served-by"]), (200, &"b".parse().unwrap()));
    let record = world.record().await;
    let stale = usize::from(record.attempts[0].failure == Some(Kind::Stale));
    assert_eq!(asked(&record)[stale..], ["a", "a", "b"], "{record:?}");
    world.stop().await;
}

/// One behaviour for each endpoint of one group: the answer, who was asked, and the record.
async fn mixed(behaviours: &[Behaviour]) -> (Answer, Vec<String>, World) {
    let names: Vec<String> = ["a", "b", "c"].iter().take(behaviours.len()).map(ToString::to_string).collect();
    let endpoints: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "main")).collect();
    let mut world = World::with(QUICK, &endpoints).await.settled().await;
    for (sim, behaviour) in world.sims.iter().zip(behaviours) {
        sim.set(behaviour.clone());
    }
    let answer = world.client.messages(false).await;
    let record = world.record().await;
    (answer, asked(&record), world)
}

fn not_found() -> Behaviour {
    Behaviour::status(404, "not_found_error")
}

fn server_error() -> Behaviour {
    Behaviour::status(500, "api_error")
}

#[tokio::test]
async fn a_404_behind_a_failure_does_not_decide() {
    let (answer, asked, _world) = mixed(&[server_error(), not_found()]).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["x-served-by"]), (500, &"a".parse().unwrap()));
    assert_eq!(asked, ["a", "a", "b"]);
}

#[tokio::test]
async fn a_404_behind_a_failure_does_not_end_the_search() {
    let (answer, asked, _world) = mixed(&[server_error(), not_found(), Behaviour::healthy()]).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["x-served-by"]), (200, &"c".parse().unwrap()));
    assert_eq!(asked, ["a", "a", "b", "c"]);
}

#[tokio::test]
async fn a_404_behind_a_refused_credential_is_the_clients() {
    let refused = Behaviour::status(401, "authentication_error");
    let (answer, asked, _world) = mixed(&[refused, not_found(), Behaviour::healthy()]).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["x-served-by"]), (404, &"b".parse().unwrap()));
    assert_eq!(asked, ["a", "b"]);
}

#[tokio::test]
async fn a_client_error_behind_failures_is_the_answer() {
    let broken = Behaviour::status(400, "invalid_request_error");
    let (answer, asked, _world) = mixed(&[Behaviour::overloaded(), broken, Behaviour::healthy()]).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["x-served-by"]), (400, &"b".parse().unwrap()));
    assert_eq!(asked, ["a", "a", "b"]);
}

#[tokio::test]
async fn the_last_word_of_several_decides() {
    let refused = || Behaviour::status(401, "authentication_error");
    for (behaviours, status, words) in [
        ([Behaviour::overloaded(), refused()], 503, Some("a: 529, b: 401")),
        ([refused(), Behaviour::overloaded()], 503, Some("a: 401, b: 529")),
        ([server_error(), Behaviour::overloaded()], 503, Some("a: 500, b: 529")),
        ([Behaviour::reset_before_headers(), refused()], 503, Some("a: connection lost, b: 401")),
        ([Behaviour::overloaded(), Behaviour::html(502)], 502, Some("a: 529, b: 502")),
        (
            [Behaviour::overloaded(), Behaviour::html(200)],
            502,
            Some("a: 529, b: web page instead of an answer"),
        ),
        ([Behaviour::overloaded(), Behaviour::retry_after(30)], 429, None),
        ([Behaviour::retry_after(30), server_error()], 500, None),
    ] {
        let (answer, asked, _world) = mixed(&behaviours).await;
        assert_eq!(answer.status, status, "{asked:?}: {}", answer.text());
        match words {
            Some(words) => assert!(message(&answer).contains(words), "{words}: {}", answer.text()),
            None => assert_eq!(answer.headers["x-served-by"], "b", "{asked:?}"),
        }
        assert!(!answer.text().contains("overloaded_error"), "{asked:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_short_stated_wait_is_sat_out() {
    let mut world = World::with(QUICK, &[("a", "main")]).await.settled().await;
    world.sims[0].script(vec![Behaviour::retry_after(1)]);
    let started = tokio::time::Instant::now();
    let answer = world.client.messages(true).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(started.elapsed().as_millis() >= 1000, "{:?}", started.elapsed());
    assert_eq!(asked(&*world.record().await), ["a", "a"]);
    world.stop().await;
}

#[tokio::test]
async fn all_attempts_together_are_limited() {
    let base = QUICK.replace("max_attempts: 2", "max_attempts: 3, max_total_attempts: 4");
    let mut world = World::with(&base, &[("a", "main"), ("b", "main")]).await.settled().await;
    world.sims.iter().for_each(|sim| sim.set(server_error()));
    let answer = world.client.messages(false).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["x-served-by"]), (500, &"b".parse().unwrap()));
    assert_eq!(asked(&*world.record().await), ["a", "a", "a", "b"]);
    world.stop().await;
}
