//! Every command over a real forwarder and simulated endpoints.

use std::time::Duration;

use super::*;
use crate::app::{Running, Taps, start};
use crate::config::{System, load};
use crate::domain::endpoint::GroupId;
use crate::domain::fleet::Condition;
use crate::domain::group::GroupState;
use crate::domain::order::Order;
use crate::simulator::Simulator;

/// Two endpoints of one group: `a` before `b`.
async fn scene() -> (Running, Simulator) {
    let sim = Simulator::start("sim").await.unwrap();
    let url = sim.url();
    let yaml = format!(
        "server: {{ port: 0 }}\nusage_tracking: {{ enabled: false }}\nhealth: {{ check_interval: 1h }}\nendpoints:\n  - {{ name: \
         a, url: \"{url}\", priority: 1, group: main }}\n  - {{ name: b, url: \"http://127.0.0.1:1\", priority: 2 }}\n"
    );
    let config = load::parse(&yaml, Source::BuiltIn, &System).unwrap().config;
    (start(Arc::new(config), Taps::default()).await.unwrap(), sim)
}

async fn end(running: Running, sim: Simulator) {
    running.stop(std::future::ready(())).await;
    sim.shutdown().await;
}

fn priorities(running: &Running) -> (Vec<u32>, Vec<u32>) {
    let fleet = running.control().view().endpoints.iter().map(|e| e.spec.priority).collect();
    (running.config().endpoints.iter().map(|e| e.priority).collect(), fleet)
}

#[tokio::test]
async fn priorities_change_in_the_fleet_and_in_the_configuration() {
    let (running, sim) = scene().await;
    let deck = running.deck();
    let edits = vec![(EndpointId::new("a"), 7), (EndpointId::new("b"), 3)];
    assert_eq!(deck.carry_out(Command::SetPriorities(edits)).await, Ok(String::new()));
    assert_eq!(priorities(&running), (vec![7, 3], vec![7, 3]));
    assert!(running.reloads().last().borrow().is_none(), "a reload is of a file");
    let edits = vec![(EndpointId::new("a"), 1), (EndpointId::new("x"), 3)];
    let refused = deck.carry_out(Command::SetPriorities(edits)).await.unwrap_err();
    assert_eq!(refused, Refusal::NotFound("there is no endpoint \"x\"; there is: a, b".to_owned()));
    assert_eq!(priorities(&running), (vec![7, 3], vec![7, 3]), "all or none");
    end(running, sim).await;
}

#[tokio::test]
async fn a_disabled_endpoint_is_left_out_until_it_is_enabled() {
    let (running, sim) = scene().await;
    let deck = running.deck();
    let condition =
        || running.control().view().endpoints[0].condition(tokio::time::Instant::now().into_std());
    for (enabled, expected) in [(false, true), (true, false)] {
        let command = Command::SetEnabled(EndpointId::new("a"), enabled);
        assert_eq!(deck.carry_out(command).await, Ok(String::new()));
        assert_eq!(condition() == Condition::Disabled, expected);
        assert_eq!(running.config().endpoints[0].enabled, enabled);
    }
    end(running, sim).await;
}

#[tokio::test]
async fn a_probe_says_what_it_found_and_the_fleet_knows() {
    let (running, sim) = scene().await;
    let deck = running.deck();
    let up = deck.carry_out(Command::Probe(EndpointId::new("a"))).await.unwrap();
    assert!(up.starts_with("a is up: 200 in "), "{up}");
    let down = deck.carry_out(Command::Probe(EndpointId::new("b"))).await.unwrap_err();
    assert!(matches!(&down, Refusal::Failed(why) if why.starts_with("b is down: ")), "{down:?}");
    let now = tokio::time::Instant::now().into_std();
    let conditions: Vec<_> = running.control().view().endpoints.iter().map(|e| e.condition(now)).collect();
    assert_eq!(conditions, [Condition::Up, Condition::Down]);
    let unknown = deck.carry_out(Command::Probe(EndpointId::new("x"))).await.unwrap_err();
    assert!(matches!(unknown, Refusal::NotFound(_)), "{unknown:?}");
    end(running, sim).await;
}

#[tokio::test]
async fn orders_and_the_queue_answer_with_reasons() {
    let (running, sim) = scene().await;
    let deck = running.deck();
    let pause = Command::pause(GroupId::new("main"), Some(Duration::from_secs(60)));
    assert_eq!(deck.carry_out(pause).await, Ok(String::new()));
    assert_eq!(running.control().view().groups[0].state, GroupState::Paused);
    let refused = deck.carry_out(Command::Order(Order::Release)).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Conflict(why) if why.contains("nothing to release")), "{refused:?}");
    let activate = Command::Order(Order::Activate { group: GroupId::new("x"), force: true });
    let unknown = deck.carry_out(activate).await.unwrap_err();
    assert!(matches!(unknown, Refusal::NotFound(_)), "{unknown:?}");
    let id: RequestId = "req-00000001".parse().unwrap();
    for command in [Command::ResumeRequest(id), Command::CancelRequest(id)] {
        let gone = Refusal::NotFound("req-00000001 does not wait any more".to_owned());
        assert_eq!(deck.carry_out(command).await, Err(gone));
    }
    let nobody = Refusal::Conflict("no request is suspended".to_owned());
    assert_eq!(deck.carry_out(Command::ResumeAll).await, Err(nobody));
    let refused = deck.carry_out(Command::Reload).await.unwrap_err();
    assert!(
        matches!(&refused, Refusal::Conflict(why) if why.contains("no configuration file")),
        "{refused:?}"
    );
    end(running, sim).await;
}

#[tokio::test]
async fn a_reload_reads_the_file_and_ends_what_was_changed_by_hand() {
    let (running, sim) = scene().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let text = "server: { port: 0 }\nusage_tracking: { enabled: false }\nendpoints:\n  - { name: a, url: \"http://127.0.0.1:1\" }\n";
    std::fs::write(&file, text).unwrap();
    let config = load::load(Source::File(file.clone()), &System).unwrap().config;
    running.reload(config).await.unwrap();
    let deck = running.deck();
    let edits = vec![(EndpointId::new("a"), 9)];
    deck.carry_out(Command::SetPriorities(edits)).await.unwrap();
    let reloaded = deck.carry_out(Command::Reload).await.unwrap();
    assert_eq!(reloaded, "reloaded: applied: endpoints[a].priority");
    std::fs::write(&file, "endpoints: 1").unwrap();
    let refused = deck.carry_out(Command::Reload).await.unwrap_err();
    assert!(
        matches!(&refused, Refusal::Failed(why) if why.starts_with("the running configuration stays: ")),
        "{refused:?}"
    );
    end(running, sim).await;
}
