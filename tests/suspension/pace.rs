//! The way back after an outage: in order, not all at once, and nobody overtakes.

use cc_forwarder::domain::endpoint::GroupId;
use cc_forwarder::domain::order::Order;
use cc_forwarder::domain::plan::WaitsFor;
use cc_forwarder::events::State;
use tokio::task::JoinHandle;

use super::PATIENT;
use super::gate::Gate;
use crate::support::{Answer, World, endpoint, messages_body};

/// A forwarder before this endpoint alone, whose rests only time ends.
async fn before(gate: &Gate, settings: &str) -> World {
    let base = PATIENT.replace("check_interval: 100ms", "check_interval: 1h");
    let base = base.replace("max_suspended_requests: 100", settings);
    World::over(&format!("{base}\nendpoints:\n{}", endpoint("a", "main", 1, &gate.url())), Vec::new()).await
}

fn ask(world: &World, mark: usize) -> JoinHandle<Answer> {
    let client = world.client.clone();
    let mut request = client.post("/v1/messages", &messages_body(false));
    request.headers_mut().insert("x-mark", mark.into());
    tokio::spawn(async move { client.send(request).await })
}

/// Requests marked in the order in which they joined the queue.
async fn queue(world: &World, marks: std::ops::Range<usize>) -> Vec<JoinHandle<Answer>> {
    let mut clients = Vec::new();
    for mark in marks {
        clients.push(ask(world, mark));
        world.wait_for_queue(mark + 1).await;
    }
    clients
}

async fn all_answered(clients: Vec<JoinHandle<Answer>>) {
    for client in clients {
        let answer = client.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// The marks of each step, sorted: those of one step are on their way together.
fn steps(came: &[String]) -> Vec<Vec<usize>> {
    let mut marks = came.iter().map(|mark| mark.parse().unwrap());
    let mut steps = Vec::new();
    for step in (0..).map(|n| 1_usize << n) {
        let mut of_step: Vec<usize> = marks.by_ref().take(step).collect();
        if of_step.is_empty() {
            break;
        }
        of_step.sort_unstable();
        steps.push(of_step);
    }
    steps
}

fn in_order(sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut next = 0..;
    sizes.iter().map(|size| next.by_ref().take(*size).collect()).collect()
}

async fn order(world: &World, order: Order) {
    world.forwarder.control().order(order).await.unwrap();
}

fn main_group() -> GroupId {
    GroupId::new("main")
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_the_paced_number_is_uncommitted_at_the_endpoint() {
    let gate = Gate::new().await;
    let world = before(&gate, "max_suspended_requests: 100").await;
    let clients = queue(&world, 0..100).await;
    gate.come_up();
    for (through, step) in [(0, 1), (1, 2), (3, 4), (7, 8), (15, 16), (31, 32), (63, 37)] {
        gate.came(through + step).await;
        assert_eq!(world.forwarder.queue().len(), 100 - through - step, "the rest waits");
        gate.answer(step);
    }
    all_answered(clients).await;
    let count = gate.count();
    assert_eq!((count.too_early, count.most, count.answered), (0, 37, 100));
    assert_eq!(steps(&count.came), in_order(&[1, 2, 4, 8, 16, 32, 37]), "first come, first served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_request_overtakes_nobody_and_finds_no_full_queue_in_its_way() {
    let gate = Gate::new().await;
    gate.come_up();
    let mut world = before(&gate, "max_suspended_requests: 4").await;
    order(&world, Order::Pause { group: main_group(), duration: None }).await;
    let mut clients = queue(&world, 0..4).await;
    order(&world, Order::Resume { group: main_group() }).await;
    gate.came(1).await;
    clients.push(ask(&world, 4));
    world.wait_for_queue(4).await;
    let waiting = world.snapshot(|s| s.queue.len() == 4).await;
    assert_eq!(waiting.queue.last().unwrap().wait.waits_for, WaitsFor::Turn);
    assert_eq!(gate.count().came, ["0"], "it waits for its turn");
    // One more than may wait is not refused: an endpoint is there for it.
    clients.push(ask(&world, 9));
    gate.came(2).await;
    assert_eq!(world.forwarder.queue().len(), 4);
    assert_eq!(gate.count().came, ["0", "9"]);
    gate.answer(6);
    all_answered(clients).await;
    let mut turns = 0;
    for _ in 0..6 {
        let record = world.record().await;
        assert_eq!((record.state, record.attempts.len()), (State::Completed, 1));
        let told = cc_forwarder::events::trace::explain(&record);
        turns += usize::from(told.iter().any(|line| line.contains("for its turn")));
    }
    assert_eq!(turns, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_on_the_way_lets_another_one_go() {
    let gate = Gate::new().await;
    gate.come_up();
    let mut world = before(&gate, "max_suspended_requests: 100").await;
    order(&world, Order::Pause { group: main_group(), duration: None }).await;
    let mut clients = queue(&world, 0..5).await;
    order(&world, Order::Resume { group: main_group() }).await;
    for gone in 1..=3 {
        gate.came(gone).await;
        clients.remove(0).abort();
        assert_eq!(world.record().await.state, State::Cancelled);
        gate.came(gone + 1).await;
    }
    gate.answer(9);
    all_answered(clients).await;
    assert_eq!(steps(&gate.count().came), [vec![0], vec![1, 2], vec![3, 4]]);
}
