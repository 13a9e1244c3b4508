//! Groups: failover inside a request, cooldown, pins, manual mode.

use cc_forwarder::domain::endpoint::GroupId;
use cc_forwarder::domain::fleet::Input;
use cc_forwarder::domain::group::{GroupState, Pause};
use cc_forwarder::simulator::{Behaviour, Simulator};

use crate::support::{QUICK, World, config, endpoint as yaml};
use crate::{asked, by, clear, served, tell};

fn state(world: &World, group: &str) -> GroupState {
    world.forwarder.control().view().group(&GroupId::new(group)).unwrap().state
}

fn active(world: &World) -> Option<String> {
    world.forwarder.control().view().active.as_ref().map(ToString::to_string)
}

async fn two_groups() -> World {
    World::with(QUICK, &[("a", "main"), ("b", "spare")]).await
}

#[tokio::test]
async fn a_failed_group_cools_and_the_same_request_goes_on_elsewhere() {
    let mut world = two_groups().await;
    world.sims[0].set(Behaviour::status(500, "api_error"));
    assert_eq!(by(&mut world).await, "b");
    assert_eq!(asked(&world), [2, 1]);
    assert_eq!((state(&world, "main"), state(&world, "spare")), (GroupState::Cooling, GroupState::Active));
    // It works again, and its rest is over: the cooldown alone keeps requests away.
    world.sims[0].set(Behaviour::healthy());
    clear(&world, "a").await;
    assert_eq!(by(&mut world).await, "b");
    assert_eq!(asked(&world), [2, 2]);
    tell(&world, Input::Resume(GroupId::new("main"))).await;
    assert_eq!(by(&mut world).await, "a");
}

#[tokio::test]
async fn cooldowns_end_by_themselves() {
    let base = QUICK.replace("cooldown: 600s", "cooldown: 300ms");
    let mut world = World::with(&base, &[("a", "main"), ("b", "spare")]).await;
    world.sims[0].script(vec![Behaviour::status(500, "api_error"); 2]);
    assert_eq!(by(&mut world).await, "b");
    clear(&world, "a").await;
    let main = GroupId::new("main");
    world.fleet(|view| view.active.as_ref() == Some(&main)).await;
    assert_eq!(by(&mut world).await, "a");
}

#[tokio::test]
async fn when_every_group_cools_the_endpoints_decide() {
    let mut world = two_groups().await;
    world.sims[0].script(vec![Behaviour::status(500, "api_error"); 2]);
    assert_eq!(by(&mut world).await, "b");
    clear(&world, "a").await;
    world.sims[1].set(Behaviour::status(500, "api_error"));
    assert_eq!(by(&mut world).await, "a", "the same request goes back to the group that cools");
    assert_eq!(active(&world).as_deref(), Some("main"));
    assert_eq!(by(&mut world).await, "a");
    assert_eq!(asked(&world), [4, 3]);
}

#[tokio::test]
async fn overload_cools_no_group() {
    let mut world = two_groups().await;
    world.sims[0].set(Behaviour::overloaded());
    assert_eq!(by(&mut world).await, "b");
    assert_ne!(state(&world, "main"), GroupState::Cooling);
    world.sims[0].set(Behaviour::healthy());
    clear(&world, "a").await;
    assert_eq!(by(&mut world).await, "a");
}

#[tokio::test]
async fn a_paused_group_is_never_asked() {
    let mut world = two_groups().await;
    tell(&world, Input::Pause(GroupId::new("spare"), Pause::ForEver)).await;
    world.sims[0].set(Behaviour::status(500, "api_error"));
    assert_eq!(served(&mut world).await, ("a".to_owned(), 500));
    assert_eq!(asked(&world)[1], 0);
    assert_ne!(state(&world, "main"), GroupState::Cooling, "there is nowhere to go");
}

#[tokio::test]
async fn the_endpoint_of_the_command_line_leads() {
    let mut sims = Vec::new();
    let mut text = format!("{QUICK}endpoints:\n");
    for (name, group, rank) in [("a", "main", 1), ("b", "spare", 2), ("c", "spare", 2)] {
        let sim = Simulator::start(name).await.unwrap();
        text.push_str(&yaml(name, group, rank, &sim.url()));
        sims.push(sim);
    }
    let mut config = config(&text);
    config.pin("c").unwrap();
    let mut world = World::run(config, sims).await;
    assert_eq!(by(&mut world).await, "c");
    for failure in
        [Behaviour::overloaded(), Behaviour::status(500, "api_error"), Behaviour::reset_before_headers()]
    {
        world.sims[2].set(failure);
        assert_eq!(by(&mut world).await, "b", "then its group, then the others");
        world.sims[2].set(Behaviour::healthy());
        clear(&world, "c").await;
        assert_eq!(by(&mut world).await, "c", "the pin never drops");
    }
    assert_eq!(world.snapshot(|s| s.pinned.is_some()).await.pinned.as_ref().unwrap().to_string(), "c");
}

#[tokio::test]
async fn in_manual_mode_only_people_switch() {
    let base = QUICK.replace("cooldown: 600s", "cooldown: 600s, auto_switch_between_groups: false");
    let mut world = World::with(&base, &[("a", "main"), ("b", "main"), ("c", "spare")]).await;
    assert_eq!(by(&mut world).await, "a");
    world.sims[0].set(Behaviour::status(500, "api_error"));
    assert_eq!(by(&mut world).await, "b", "inside the group there is failover");
    world.sims[1].set(Behaviour::status(500, "api_error"));
    assert_eq!(served(&mut world).await.1, 500);
    assert_eq!((active(&world).as_deref(), state(&world, "main")), (Some("main"), GroupState::Active));
    tell(&world, Input::Activate(GroupId::new("spare"))).await;
    assert_eq!(by(&mut world).await, "c");
    tell(&world, Input::Activate(GroupId::new("main"))).await;
    assert_eq!(served(&mut world).await.1, 500);
    assert_eq!(asked(&world)[2], 1);
}
