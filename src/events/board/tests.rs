//! The board's picture of endpoints and of the queue.

mod wire;

use super::*;
use crate::domain::fleet::{Fleet, Input};
use crate::domain::group::Pause;
use crate::domain::plan::WaitsFor;
use crate::domain::testing::{at, settings, specs};
use crate::events::record::testing;

fn accepted(number: u32, second: i64) -> Arc<Accepted> {
    testing::accepted(number, Timestamp::from_second(second).unwrap())
}

fn snapshot(board: &Board) -> Snapshot {
    let fleet = Fleet::new(settings(), &specs(&[1, 1]), at(0.0));
    board.snapshot(&fleet.view(at(1.0)), at(1.0), Timestamp::from_second(100).unwrap())
}

fn suspend(id: u32) -> Event {
    let (since, deadline) = (Timestamp::from_second(50).unwrap(), Timestamp::from_second(200).unwrap());
    let wait = Wait { since, deadline, waits_for: WaitsFor::Resume, skipped: Arc::from([]) };
    Event::Suspended { id: RequestId::from_number(id), wait }
}

#[test]
fn the_queue_is_in_order_of_acceptance() {
    let mut board = Board::new(Timestamp::UNIX_EPOCH);
    for (id, second) in [(1, 30), (2, 10), (3, 20)] {
        board.apply(Event::Accepted(accepted(id, second)));
    }
    board.apply(suspend(1));
    board.apply(suspend(2));
    let positions = |board: &Board| -> Vec<_> {
        snapshot(board).queue.iter().map(|q| (q.id.number(), q.position)).collect()
    };
    assert_eq!(positions(&board), [(2, 1), (1, 2)]);
    board.apply(Event::Resumed { id: RequestId::from_number(2) });
    assert_eq!(positions(&board), [(1, 1)]);
    assert!(snapshot(&board).live[0].wait.is_none());
}

#[test]
fn an_answer_that_begins_is_measured_at_once() {
    let mut board = Board::new(Timestamp::UNIX_EPOCH);
    let id = RequestId::from_number(1);
    board.apply(Event::Accepted(accepted(1, 10)));
    let (endpoint, group) = (EndpointId::new("a-1"), GroupId::new("a"));
    board.apply(Event::AttemptStarted { id, number: 1, endpoint, group });
    let committed = |status, ttfb_ms| {
        let progress = Arc::default();
        Event::Committed { id, status, ttfb_ms, after_ms: ttfb_ms, progress }
    };
    board.apply(committed(400, 5.0));
    let stats = |board: &Board| snapshot(board).endpoints[0].stats.clone().unwrap();
    assert_eq!(stats(&board).first_byte_p50_ms, None, "an error is no first byte of an answer");
    board.apply(committed(200, 1_234.0));
    assert_eq!(stats(&board).first_byte_p50_ms, Some(1_234.0));
}

#[test]
fn a_pause_for_ever_has_no_end_though_a_cooldown_goes_on_below_it() {
    let mut fleet = Fleet::new(settings(), &specs(&[1, 1]), at(0.0));
    let ends_in =
        |fleet: &Fleet| group_status(&fleet.view(at(2.0)), &fleet.view(at(2.0)).groups[0], at(2.0)).ends_in;
    fleet.apply(Input::GroupExhausted { group: GroupId::new("a"), blamed: true }, at(1.0));
    assert_eq!(ends_in(&fleet), Some(599.0));
    fleet.apply(Input::Pause(GroupId::new("a"), Pause::ForEver), at(1.0));
    assert_eq!(ends_in(&fleet), None);
    fleet.apply(Input::Pause(GroupId::new("a"), Pause::Until(at(7.0))), at(1.0));
    assert_eq!(ends_in(&fleet), Some(5.0));
}
