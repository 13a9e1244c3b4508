//! What survives a reload, told as scenes.

use super::*;
use crate::domain::endpoint::{Credential, EndpointId};
use crate::domain::fleet::{Applied, Condition, Input};
use crate::domain::group::{GroupState, Pause};
use crate::domain::outcome::{Failure, Kind};
use crate::domain::secret::Secret;
use crate::domain::standing::Probed;
use crate::domain::testing::{at, group, id, secs, settings, spec, specs, status};

fn fleet() -> Fleet {
    Fleet::new(settings(), &specs(&[2, 1]), at(0.0))
}

/// The usual endpoints with one of them edited.
fn with(name: &str, edit: impl FnOnce(&mut EndpointSpec)) -> Vec<Arc<EndpointSpec>> {
    let mut all = specs(&[2, 1]);
    edit(Arc::make_mut(all.iter_mut().find(|s| *s.id.0 == *name).unwrap()));
    all
}

fn reload(fleet: &mut Fleet, specs: Vec<Arc<EndpointSpec>>, now: f64) -> Applied {
    fleet.apply(Input::Reload { settings: settings(), specs }, at(now))
}

fn fail(fleet: &mut Fleet, name: &str, code: u16, started: f64, now: f64) {
    let (endpoint, started) = (id(name), at(started));
    let failure = status(code);
    fleet.apply(Input::Failed { endpoint, model: None, started, failure }, at(now));
}

fn condition(fleet: &Fleet, name: &str, now: f64) -> Condition {
    fleet.view(at(now)).endpoint(&id(name)).unwrap().condition(at(now))
}

#[test]
fn another_credential_or_header_ends_the_set_aside_and_older_attempts_cannot_bring_it_back() {
    let token = |s: &mut EndpointSpec| {
        s.credential = Credential::Own { token: Some(Secret::new("tok-next")), api_key: None };
    };
    let header = |s: &mut EndpointSpec| s.headers.push((http::header::COOKIE, "x".parse().unwrap()));
    let edits: [fn(&mut EndpointSpec); 2] = [token, header];
    for edit in edits {
        let mut fleet = fleet();
        fail(&mut fleet, "a-1", 401, 1.0, 2.0);
        fail(&mut fleet, "a-1", 500, 2.0, 3.0);
        reload(&mut fleet, specs(&[2, 1]), 3.1);
        assert_eq!(condition(&fleet, "a-1", 3.2), Condition::Credential, "the same file changes nothing");
        reload(&mut fleet, with("a-1", edit), 3.3);
        assert_eq!(condition(&fleet, "a-1", 3.4), Condition::Resting, "the 500 has nothing to do with it");
        fail(&mut fleet, "a-1", 401, 3.2, 3.5);
        let (endpoint, result) = (id("a-1"), Probed::CredentialRefused { latency: secs(0.1) });
        fleet.apply(Input::Probed { endpoint, started: at(3.2), result }, at(3.6));
        assert_eq!(condition(&fleet, "a-1", 5.0), Condition::Unknown);
        assert!(!fleet.view(at(5.0)).endpoint(&id("a-1")).unwrap().standing.credential_problem);
        fail(&mut fleet, "a-1", 401, 5.0, 6.0);
        assert_eq!(
            condition(&fleet, "a-1", 6.1),
            Condition::Credential,
            "the new one is judged by its own answers"
        );
    }
}

#[test]
fn another_url_is_another_server() {
    let mut fleet = fleet();
    let probe = |result| Input::Probed { endpoint: id("a-1"), started: at(0.5), result };
    fleet.apply(probe(Probed::Up { latency: secs(0.2), authenticated: true }), at(1.0));
    fail(&mut fleet, "a-1", 500, 1.0, 2.0);
    let applied = reload(&mut fleet, with("a-1", |s| s.url.port = 444), 2.1);
    let shown: Vec<String> = applied.changes.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["endpoint a-1: resting -> unknown"]);
    fail(&mut fleet, "a-1", 500, 2.0, 3.0);
    fleet.apply(probe(Probed::Down(Kind::Connect)), at(3.0));
    let view = fleet.view(at(3.1));
    let standing = &view.endpoint(&id("a-1")).unwrap().standing;
    assert_eq!((standing.latency_ms, standing.streak), (None, 0), "attempts of the old one say nothing");
    assert_eq!(condition(&fleet, "a-1", 3.1), Condition::Unknown);
}

#[test]
fn pauses_cooldowns_and_the_activated_group_survive_and_go_with_their_group() {
    let mut fleet = fleet();
    fleet.apply(Input::Activate(group("b")), at(1.0));
    fleet.apply(Input::Pause(group("a"), Pause::Until(at(50.0))), at(2.0));
    reload(&mut fleet, with("a-2", |s| s.priority = 0), 3.0);
    let view = fleet.view(at(4.0));
    assert_eq!(view.activated, Some(group("b")));
    assert_eq!(view.group(&group("a")).unwrap().paused_until, Some(at(50.0)));
    reload(&mut fleet, specs(&[2]), 5.0);
    assert_eq!(fleet.view(at(6.0)).activated, None);
    assert_eq!(fleet.view(at(6.0)).active, None, "a pause is never ignored");
    reload(&mut fleet, specs(&[2, 1]), 7.0);
    let view = fleet.view(at(8.0));
    assert_eq!((view.active, view.activated), (Some(group("b")), None), "what came back is new");
}

#[test]
fn order_and_ranks_are_those_of_the_new_file() {
    let mut fleet = fleet();
    assert_eq!(fleet.view(at(1.0)).active, Some(group("a")));
    let mut next = with("b-1", |s| s.group_priority = 0);
    next.reverse();
    next.push(Arc::new(spec("c-1", "c", 1, 9)));
    let applied = reload(&mut fleet, next, 2.0);
    assert_eq!(applied.changes.first().unwrap().to_string(), "active group: a -> b");
    let view = fleet.view(at(3.0));
    let names: Vec<EndpointId> = view.endpoints.iter().map(|e| e.spec.id.clone()).collect();
    assert_eq!(names, ["b-1", "a-2", "a-1", "c-1"].map(EndpointId::new));
    let groups: Vec<_> = view.groups.iter().map(|g| g.id.clone()).collect();
    assert_eq!(groups, ["b", "a", "c"].map(GroupId::new));
}

#[test]
fn a_permit_that_is_out_stays_out_and_an_outcome_of_what_is_gone_goes_nowhere() {
    let mut fleet = fleet();
    let view = fleet.view(at(1.0));
    let permit = view.endpoint(&id("a-1")).unwrap().permits.try_half_open();
    reload(&mut fleet, with("a-1", |s| s.url.port = 444), 2.0);
    assert!(fleet.view(at(2.0)).endpoint(&id("a-1")).unwrap().permits.half_open_taken());
    drop(permit);
    assert!(!fleet.view(at(2.0)).endpoint(&id("a-1")).unwrap().permits.half_open_taken());
    reload(&mut fleet, specs(&[0, 1]), 3.0);
    fail(&mut fleet, "a-1", 500, 2.0, 4.0);
    assert_eq!(fleet.view(at(5.0)).endpoints.len(), 1);
}

#[test]
fn manual_mode_starts_with_what_is_active_and_keeps_it() {
    let mut fleet = fleet();
    fleet.apply(Input::Activate(group("b")), at(1.0));
    let manual = Settings { auto_switch: false, ..settings() };
    fleet.apply(Input::Reload { settings: manual.clone(), specs: specs(&[2, 1]) }, at(2.0));
    fleet.apply(Input::Release, at(3.0));
    fleet.apply(Input::Reload { settings: manual, specs: with("b-1", |s| s.group_priority = 9) }, at(4.0));
    assert_eq!(fleet.view(at(5.0)).active, Some(group("b")));
    assert_eq!(fleet.view(at(5.0)).group(&group("a")).unwrap().state, GroupState::Standby);
    reload(&mut fleet, specs(&[2, 1]), 6.0);
    assert_eq!(fleet.view(at(7.0)).active, Some(group("a")), "automatic again");
}

#[test]
fn a_missing_count_tokens_is_forgotten() {
    let mut fleet = fleet();
    let failure = Failure { kind: Kind::NoCountTokens, ..status(404) };
    fleet.apply(Input::Failed { endpoint: id("a-1"), model: None, started: at(1.0), failure }, at(2.0));
    let counts = |fleet: &Fleet| fleet.view(at(3.0)).endpoint(&id("a-1")).unwrap().may_count_tokens(at(3.0));
    assert!(!counts(&fleet));
    reload(&mut fleet, specs(&[2, 1]), 3.0);
    assert!(counts(&fleet));
}

#[test]
fn sessions_are_bound_anew_when_the_order_of_endpoints_changes_and_only_then() {
    let orders_after = |specs: Vec<Arc<EndpointSpec>>| {
        let mut fleet = fleet();
        reload(&mut fleet, specs, 1.0);
        fleet.view(at(1.0)).orders
    };
    assert_eq!(orders_after(specs(&[2, 1])), 0, "the same file");
    assert_eq!(orders_after(with("a-1", |s| s.http2 = true)), 0);
    assert_eq!(orders_after(with("a-1", |s| s.credential = Credential::Pass)), 0);
    assert_eq!(orders_after(with("a-1", |s| s.timeout = secs(1.0))), 0);
    let mut first = specs(&[2, 1]);
    first.insert(0, Arc::new(spec("a-0", "a", 0, 1)));
    assert_eq!(orders_after(first), 0, "a new one, even before all others");
    assert_eq!(orders_after(specs(&[3, 1, 1])), 0, "more endpoints");
    assert_eq!(orders_after(specs(&[1, 1])), 0, "fewer");
    assert_eq!(orders_after(with("a-1", |s| s.priority = 9)), 1);
    assert_eq!(orders_after(with("b-1", |s| s.group_priority = 0)), 1);
    assert_eq!(orders_after(with("a-2", |s| s.enabled = false)), 1);
    assert_eq!(orders_after(specs(&[2, 1]).into_iter().rev().collect()), 1, "file order decides ties");
}
