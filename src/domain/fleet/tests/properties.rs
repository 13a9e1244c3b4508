//! What holds for every fleet after every sequence of inputs.

use proptest::prelude::*;

use super::super::super::endpoint::Credential;
use super::super::super::group::GroupState;
use super::super::super::testing::{any_failure, at, secs};
use super::*;

/// One input with the milliseconds that pass before it.
type Timed = (u64, Act);

/// An input over positions instead of names.
#[derive(Clone, Debug)]
enum Act {
    Succeeded(usize, u64),
    Committed(usize, u64),
    Failed(usize, u64, Failure),
    Exhausted(usize, bool),
    Probed(usize, Probed),
    Activate(usize),
    Release,
    Pause(usize, Option<u64>),
    Resume(usize),
    Clear(usize),
    Reload(Settings, Vec<usize>, Vec<Edit>),
    Tick,
}

/// What a person did to one endpoint of the file.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Edit {
    Nothing,
    Url,
    Token,
    Priority(u32),
    Group(u32),
    Disabled,
    Removed,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        5 => Just(Edit::Nothing),
        1 => Just(Edit::Url),
        1 => Just(Edit::Token),
        1 => (0_u32..9).prop_map(Edit::Priority),
        1 => (0_u32..9).prop_map(Edit::Group),
        1 => Just(Edit::Disabled),
        1 => Just(Edit::Removed),
    ]
}

/// The endpoints of [`specs`], but the first, after these edits.
fn edited(sizes: &[usize], edits: &[Edit]) -> Vec<Arc<EndpointSpec>> {
    let mut all = specs(sizes);
    let mut edits = std::iter::once(Edit::Nothing).chain(edits.iter().copied());
    all.retain_mut(|spec| {
        let (edit, spec) = (edits.next().unwrap_or(Edit::Nothing), Arc::make_mut(spec));
        match edit {
            Edit::Nothing | Edit::Removed => {}
            Edit::Url => spec.url.host.push('x'),
            Edit::Token => spec.credential = Credential::None,
            Edit::Priority(n) => spec.priority = n,
            Edit::Group(n) => spec.group_priority = n,
            Edit::Disabled => spec.enabled = false,
        }
        edit != Edit::Removed
    });
    all
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(edit(), 0..24)
}

fn probed() -> impl Strategy<Value = Probed> {
    let latency = secs(0.1);
    prop_oneof![
        any::<bool>().prop_map(move |authenticated| Probed::Up { latency, authenticated }),
        Just(Probed::CredentialRefused { latency }),
        Just(Probed::Down(Kind::Connect)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let (who, age) = (0_usize..24, 0_u64..20_000);
    prop_oneof![
        2 => (who.clone(), age.clone()).prop_map(|(w, a)| Act::Succeeded(w, a)),
        1 => (who.clone(), age.clone()).prop_map(|(w, a)| Act::Committed(w, a)),
        6 => (who.clone(), age, any_failure()).prop_map(|(w, a, f)| Act::Failed(w, a, f)),
        2 => (who.clone(), any::<bool>()).prop_map(|(w, b)| Act::Exhausted(w, b)),
        2 => (who.clone(), probed()).prop_map(|(w, p)| Act::Probed(w, p)),
        1 => who.clone().prop_map(Act::Activate),
        1 => Just(Act::Release),
        1 => (who.clone(), prop::option::of(0_u64..90_000)).prop_map(|(w, t)| Act::Pause(w, t)),
        1 => who.clone().prop_map(Act::Resume),
        1 => who.prop_map(Act::Clear),
        2 => (any_settings(), sizes(), edits()).prop_map(|(s, n, e)| Act::Reload(s, n, e)),
        1 => Just(Act::Tick),
    ]
}

fn timed() -> impl Strategy<Value = Vec<Timed>> {
    let step = prop_oneof![Just(0_u64), 0_u64..3_000, 0_u64..1_000_000];
    prop::collection::vec((step, act()), 0..40)
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..=6, 1..=4)
}

fn any_settings() -> impl Strategy<Value = Settings> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(auto_switch, pin, by_latency)| Settings {
        auto_switch,
        by_latency,
        pinned: pin.then(|| id("a-1")),
        ..settings()
    })
}

fn input(act: Act, view: &FleetView, now: Instant) -> Input {
    let endpoint = |n: usize| view.endpoints[n % view.endpoints.len()].spec.id.clone();
    let group = |n: usize| view.groups[n % view.groups.len()].id.clone();
    let before = |ms: u64| now - Duration::from_millis(ms);
    match act {
        Act::Succeeded(n, age) => {
            Input::Succeeded { endpoint: endpoint(n), model: None, started: before(age) }
        }
        Act::Committed(n, age) => {
            Input::Committed { endpoint: endpoint(n), started: before(age), ttfb: secs(0.1) }
        }
        Act::Failed(n, age, failure) => {
            Input::Failed { endpoint: endpoint(n), model: None, started: before(age), failure }
        }
        Act::Exhausted(n, blamed) => Input::GroupExhausted { group: group(n), blamed },
        Act::Probed(n, result) => Input::Probed { endpoint: endpoint(n), started: now, result },
        Act::Activate(n) => Input::Activate(group(n)),
        Act::Release => Input::Release,
        Act::Pause(n, None) => Input::Pause(group(n), Pause::ForEver),
        Act::Pause(n, Some(ms)) => Input::Pause(group(n), Pause::Until(now + Duration::from_millis(ms))),
        Act::Resume(n) => Input::Resume(group(n)),
        Act::Clear(n) => Input::Clear(endpoint(n)),
        Act::Reload(settings, sizes, edits) => Input::Reload { settings, specs: edited(&sizes, &edits) },
        Act::Tick => Input::Tick,
    }
}

/// The changes between two views of what is in both.
fn difference(old: (&FleetView, Instant), new: (&FleetView, Instant)) -> Vec<Change> {
    let active = Change::Active { from: old.0.active.clone(), to: new.0.active.clone() };
    let groups = new.0.groups.iter().filter_map(|g| {
        let from = old.0.group(&g.id)?.state;
        (from != g.state).then(|| Change::Group { id: g.id.clone(), from, to: g.state })
    });
    let endpoints = new.0.endpoints.iter().filter_map(|e| {
        let (from, to) = (old.0.endpoint(&e.spec.id)?.condition(old.1), e.condition(new.1));
        (from != to).then(|| Change::Endpoint { id: e.spec.id.clone(), from, to })
    });
    let active = (old.0.active != new.0.active).then_some(active);
    active.into_iter().chain(groups).chain(endpoints).collect()
}

fn check_invariants(view: &FleetView) {
    let active: Vec<_> = view.groups.iter().filter(|g| g.state == GroupState::Active).collect();
    assert!(active.len() <= 1);
    assert_eq!(view.active.as_ref(), active.first().map(|g| &g.id), "a paused group is never active");
    assert!(view.activated.iter().all(|id| view.group(id).is_some()), "a group that is gone holds nobody");
    let all_paused = view.groups.iter().all(|g| g.state == GroupState::Paused);
    if view.auto_switch {
        assert_eq!(view.active.is_none(), all_paused);
    } else {
        assert!(view.groups.iter().all(|g| g.state != GroupState::Cooling), "manual mode never cools");
    }
}

/// Applies the inputs, ticking at every announced instant on the way, and checks every step.
fn run(fleet: &mut Fleet, inputs: Vec<Timed>, tick: bool) -> Instant {
    let mut now = at(100.0);
    let mut old = (fleet.view(now), now);
    for (ms, act) in inputs {
        let then = now + Duration::from_millis(ms);
        while let Some(next) = fleet.next_change(now).filter(|next| tick && *next <= then) {
            now = now.max(next);
            step(fleet, Input::Tick, now, &mut old);
        }
        now = then;
        let input = input(act, &old.0, now);
        step(fleet, input, now, &mut old);
    }
    now
}

fn step(fleet: &mut Fleet, input: Input, now: Instant, old: &mut (FleetView, Instant)) {
    let applied = fleet.apply(input, now);
    let new = fleet.view(now);
    assert_eq!(new.revision, old.0.revision + u64::from(applied.dirty));
    check_invariants(&new);
    if applied.dirty {
        assert_eq!(applied.changes, difference((&old.0, old.1), (&new, now)));
        *old = (new, now);
    } else {
        assert_eq!(applied.changes, []);
        let same = difference((&old.0, now), (&new, now));
        let only_time = same.iter().all(|c| !matches!(c, Change::Endpoint { .. }));
        assert!(only_time, "an input that is not dirty changed {same:?}");
    }
}

proptest! {
    #[test]
    fn every_step_keeps_the_invariants_and_reports_what_it_changed(
        settings in any_settings(), sizes in sizes(), inputs in timed(), tick in any::<bool>(),
    ) {
        let mut fleet = Fleet::new(settings, &specs(&sizes), at(100.0));
        run(&mut fleet, inputs, tick);
    }

    #[test]
    fn between_announced_instants_nothing_changes_by_time(
        settings in any_settings(), sizes in sizes(), inputs in timed(), ms in 0_u64..2_000_000,
    ) {
        let mut fleet = Fleet::new(settings, &specs(&sizes), at(100.0));
        let now = run(&mut fleet, inputs, true);
        fleet.apply(Input::Tick, now);
        let last = fleet.next_change(now).map(|next| next - Duration::from_nanos(1));
        let later = now + Duration::from_millis(ms);
        let later = last.map_or(later, |last| last.min(later));
        let (view, then) = (fleet.view(now), fleet.view(later));
        prop_assert_eq!(difference((&view, now), (&then, later)), []);
    }

    #[test]
    fn left_alone_every_rest_and_cooldown_ends(
        settings in any_settings(), sizes in sizes(), inputs in timed(),
    ) {
        let mut fleet = Fleet::new(settings, &specs(&sizes), at(100.0));
        let mut now = run(&mut fleet, inputs, false);
        let mut ticks = 0;
        while let Some(next) = fleet.next_change(now) {
            now = now.max(next);
            fleet.apply(Input::Tick, now);
            ticks += 1;
            prop_assert!(ticks < 1000, "no fixed point");
        }
        let view = fleet.view(now);
        for e in &view.endpoints {
            let done =
                [Condition::Unknown, Condition::Up, Condition::Down, Condition::HalfOpen, Condition::Disabled];
            prop_assert!(done.contains(&e.condition(now)), "{:?}", e.condition(now));
        }
        prop_assert!(view.groups.iter().all(|g| g.cooling_until.is_none() && g.paused_until.is_none()));
        let (changes, revision) = (fleet.apply(Input::Tick, now).changes, fleet.view(now).revision);
        prop_assert_eq!((changes, revision), (vec![], view.revision + 1));
    }

    #[test]
    fn a_reload_keeps_what_is_known_of_everything_that_stays(
        settings in any_settings(), sizes in sizes(), inputs in timed(), new in any_settings(), edits in edits(),
    ) {
        let mut fleet = Fleet::new(settings, &specs(&sizes), at(100.0));
        let now = run(&mut fleet, inputs, true);
        let (specs, old) = (edited(&sizes, &edits), fleet.view(now));
        fleet.apply(Input::Reload { settings: new, specs: specs.clone() }, now);
        let view = fleet.view(now);
        check_invariants(&view);
        prop_assert!(view.endpoints.iter().map(|e| &e.spec).eq(&specs), "as in the file");
        for e in &view.endpoints {
            let Some(before) = old.endpoint(&e.spec.id) else {
                prop_assert_eq!(&e.standing, &Standing::default());
                continue;
            };
            prop_assert!(Arc::ptr_eq(&e.permits, &before.permits));
            if before.spec.url != e.spec.url {
                prop_assert_eq!(&e.standing, &Standing::default());
            } else if before.spec.credential == e.spec.credential {
                prop_assert_eq!(&e.standing, &before.standing);
            }
        }
        for g in &view.groups {
            let before = old.group(&g.id);
            let cooling = |b: &GroupView| b.cooling_until.filter(|_| view.auto_switch);
            let known = before.map(|b| (b.paused_until, cooling(b), b.state == GroupState::Paused));
            let now = (g.paused_until, g.cooling_until, g.state == GroupState::Paused);
            prop_assert_eq!(now, known.unwrap_or_default());
        }
        prop_assert_eq!(view.activated, old.activated.filter(|id| specs.iter().any(|s| s.group == *id)));
    }
}
