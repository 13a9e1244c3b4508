//! What arrives at each kind of endpoint, from real requests and from probes.

use cc_forwarder::simulator::{Behaviour, Class, Received, Simulator};

use crate::support::raw::post;
use crate::support::{QUICK, World, messages_body};

/// The client shows everything a client can show.
const CLIENT: &str = "Authorization: Bearer client-bearer\r\nX-Api-Key: client-key\r\n\
                      X-Cc-Forwarder-Token: client-forwarder\r\nProxy-Authorization: Basic client-proxy\r\n";

fn value<'a>(request: &'a Received, name: &str) -> Option<&'a str> {
    request.headers.get(name)
}

/// Everything in a request that came from the client's own secrets.
fn leaks(request: &Received) -> bool {
    format!("{:?} {}", request.headers, String::from_utf8_lossy(&request.body)).contains("client-")
}

/// One endpoint a line, each in a group of its own unless its YAML says otherwise; all but the first `failing` answer.
async fn over(base: &str, endpoints: &[&str], failing: usize) -> World {
    let mut yaml = format!("{base}\nendpoints:\n");
    let mut sims = Vec::new();
    for (i, endpoint) in endpoints.iter().enumerate() {
        let sim = Simulator::start(format!("e{i}")).await.unwrap();
        yaml.push_str(&format!("  - {{ name: e{i}, url: \"{}\", {endpoint} }}\n", sim.url()));
        if i < failing {
            sim.set(Behaviour::overloaded());
        }
        sims.push(sim);
    }
    World::over(&yaml, sims).await
}

async fn ask(world: &mut World, headers: &str) -> u16 {
    let status = world.raw().await.ask(post("/v1/messages", &messages_body(true), headers)).await.status;
    world.record().await;
    status
}

fn only(world: &World, index: usize) -> Received {
    world.sims[index].messages().last().cloned().expect("a request")
}

#[tokio::test]
async fn each_kind_of_credential_has_its_header() {
    let mut world = over(
        QUICK,
        &[
            "group: g, token: own-token",
            "group: g, api-key: own-key",
            "group: g, token: both-token, api-key: both-key",
            "group: g, token: t, headers: { x-api-key: from-headers, authorization: Custom thing, x-extra: yes }",
            "group: other, group-priority: 9, headers: { x-only: header }",
        ],
        4,
    )
    .await;
    assert_eq!(ask(&mut world, CLIENT).await, 200);
    let expected = [
        (Some("Bearer own-token"), None),
        (None, Some("own-key")),
        (Some("Bearer both-token"), Some("both-key")),
        (Some("Custom thing"), Some("from-headers")),
        (None, None),
    ];
    for (i, (authorization, key)) in expected.into_iter().enumerate() {
        let probes = world.sims[i].log(|log| log.of(Class::Models).next().cloned()).expect("a probe");
        for request in [only(&world, i), probes] {
            assert_eq!(value(&request, "authorization"), authorization, "e{i}");
            assert_eq!(value(&request, "x-api-key"), key, "e{i}");
            assert!(!leaks(&request), "e{i}: {:?}", request.headers);
        }
    }
    assert_eq!(value(&only(&world, 3), "x-extra"), Some("yes"));
    assert_eq!(value(&only(&world, 4), "x-only"), Some("header"));
}

#[tokio::test]
async fn credentials_are_inherited_inside_a_group_and_never_across() {
    let mut world = over(
        QUICK,
        &[
            "group: one, group-priority: 1, token: one-token, headers: { x-of-one: secret }",
            "group: one",
            "group: two, group-priority: 2",
            "group: two, api-key: two-key",
            "group: three, group-priority: 3",
        ],
        4,
    )
    .await;
    assert_eq!(ask(&mut world, CLIENT).await, 200);
    let seen: Vec<_> = (0..5)
        .map(|i| {
            let request = only(&world, i);
            assert!(!leaks(&request), "e{i}");
            let text = |name| value(&request, name).unwrap_or("-").to_owned();
            (text("authorization"), text("x-api-key"), text("x-of-one"))
        })
        .collect();
    let of = |a: &str, k: &str, h: &str| (a.to_owned(), k.to_owned(), h.to_owned());
    let one = of("Bearer one-token", "-", "secret");
    let two = of("-", "two-key", "-");
    assert_eq!(seen, [one.clone(), one, two.clone(), two, of("-", "-", "-")]);
}

#[tokio::test]
async fn pass_passes_what_the_client_showed_and_nothing_of_ours() {
    let mut world = over(QUICK, &["credential: pass"], 0).await;
    assert_eq!(ask(&mut world, CLIENT).await, 200);
    let request = only(&world, 0);
    assert_eq!(value(&request, "authorization"), Some("Bearer client-bearer"));
    assert_eq!(value(&request, "x-api-key"), Some("client-key"));
    assert_eq!(value(&request, "x-cc-forwarder-token"), None);
    assert_eq!(value(&request, "proxy-authorization"), None);
}

#[tokio::test]
async fn the_header_that_let_the_client_in_stays_here() {
    let base = format!("{QUICK}auth: {{ enabled: true, token: client-door }}\n");
    let mut world = over(&base, &["credential: pass"], 0).await;
    for (shown, authorization, key) in [
        ("Authorization: Bearer client-door\r\nX-Api-Key: own\r\n", None, Some("own")),
        ("X-Api-Key: client-door\r\nAuthorization: Bearer own\r\n", Some("Bearer own"), None),
        ("X-Cc-Forwarder-Token: client-door\r\nAuthorization: Bearer own\r\n", Some("Bearer own"), None),
        ("Authorization: Bearer client-door\r\nX-Api-Key: client-door\r\n", None, None),
    ] {
        assert_eq!(ask(&mut world, shown).await, 200, "{shown}");
        let request = only(&world, 0);
        assert_eq!((value(&request, "authorization"), value(&request, "x-api-key")), (authorization, key));
        assert!(!leaks(&request), "{:?}", request.headers);
    }
}

#[tokio::test]
async fn endpoints_that_pass_are_probed_only_while_they_fail_and_without_credential() {
    let base = QUICK.replace("check_interval: 1h", "check_interval: 20ms");
    let mut world =
        over(&base, &["group: p, credential: pass", "group: q, group-priority: 2, token: own"], 0).await;
    assert_eq!(ask(&mut world, CLIENT).await, 200);
    // Many rounds of probes have been at the other one.
    world.sims[1].wait_for(|log| log.of(Class::Models).count() >= 5).await.unwrap();
    assert_eq!(world.sims[0].log(|log| log.of(Class::Models).count()), 0);
    world.sims[0].set(Behaviour::reset_before_headers());
    world.sims[0].set_for(Class::Models, Behaviour::status(401, "authentication_error"));
    ask(&mut world, CLIENT).await;
    world.sims[0].wait_for(|log| log.of(Class::Models).count() >= 1).await.unwrap();
    let probe = world.sims[0].log(|log| log.of(Class::Models).next().cloned()).unwrap();
    assert_eq!((value(&probe, "authorization"), value(&probe, "x-api-key")), (None, None));
    assert!(!world.forwarder.control().view().endpoints[0].standing.credential_problem, "401 is up here");
}
