//! Many at once: one record each, and totals that agree with them.

use std::collections::HashSet;
use std::time::Duration;

use cc_forwarder::claude::usage::Usage;
use cc_forwarder::events::State;
use cc_forwarder::simulator::{Behaviour, Drip, Mark};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::raw::{Raw, messages_request};
use crate::support::{PATIENCE, QUICK, World};

const CROWD: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_mixed_requests() {
    let base = QUICK.replace("max_attempts: 2", "max_attempts: 1").replace("700ms", "20s");
    let mut world = World::with(&base, &[("a", "main"), ("b", "main"), ("c", "spare")]).await;
    for sim in &world.sims {
        sim.cycle(vec![
            Behaviour::healthy(),
            Behaviour::overloaded(),
            Behaviour::healthy().deltas(50, 30),
            Behaviour::drips(4, Drip::Delta, Duration::from_millis(2)),
            Behaviour::close_at(Mark::Events(6)),
            Behaviour::status(400, "invalid_request_error"),
            Behaviour::reset_before_headers(),
        ]);
    }
    let address = world.forwarder.address();
    let mut crowd = JoinSet::new();
    for i in 0..CROWD {
        crowd.spawn(async move {
            let mut raw = Raw::connect(address).await;
            let stream = i % 3 != 0;
            raw.send(messages_request(stream)).await;
            // Every fifth leaves at some point; endless streams are left by everybody.
            if i % 5 == 0 {
                for _ in 0..i {
                    tokio::task::yield_now().await;
                }
                return;
            }
            let leave = timeout(Duration::from_secs(3), raw.answer("POST"));
            let _ = leave.await;
        });
    }
    crowd.join_all().await;
    let control = world.forwarder.control().clone();
    let board =
        timeout(PATIENCE, world.forwarder.stop(std::future::pending())).await.expect("a stop in time");
    let mut records = Vec::new();
    while let Some(record) = world.records.recv().await {
        records.push(record);
    }
    let in_flight: u32 = control.view().endpoints.iter().map(|e| e.permits.in_flight()).sum();
    assert_eq!(in_flight, 0);

    let ids: HashSet<_> = records.iter().map(|r| r.id).collect();
    assert_eq!(ids.len(), records.len(), "ids are unique");
    // A client that leaves before its head is read was never accepted.
    assert!(records.len() <= CROWD && records.len() >= CROWD * 4 / 5, "{}", records.len());
    let count = |state| records.iter().filter(|r| r.state == state).count() as u64;
    let totals = board.totals();
    assert_eq!(totals.accepted, records.len() as u64);
    assert_eq!(
        (totals.completed, totals.failed, totals.cancelled),
        (count(State::Completed), count(State::Failed), count(State::Cancelled))
    );
    assert!(totals.completed > 0 && totals.failed > 0 && totals.cancelled > 0, "a mixture: {totals:?}");
    assert_eq!(totals.attempts, records.iter().map(|r| r.attempts.len() as u64).sum::<u64>());
    assert_eq!(totals.usage, records.iter().map(|r| &r.usage).sum::<Usage>());
}
