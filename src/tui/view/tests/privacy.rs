//! In privacy mode no screen shows a host, an address, a path or a key. Without it most of these can be seen, which shows
//! that the test looks in the right places.

use std::sync::Arc;

use super::*;

/// Parts of hosts, addresses and paths of the fixture.
const CANARIES: [&str; 8] =
    ["canary", "example", "192.0.2", "127.0.0.1", "/home/", "/v1/messages", "http://", "https://"];

fn with_canaries(model: &mut Model) {
    let snapshot = Arc::make_mut(&mut model.snapshot);
    for endpoint in &mut snapshot.endpoints {
        endpoint.url = format!("https://canary-host.example/{}", endpoint.name);
    }
    model.facts.config_source = "/home/canary/config.yaml".to_owned();
    model.facts.base_url = "http://127.0.0.1:8088".to_owned();
}

#[test]
fn it_hides_what_tells_about_a_person() {
    for (name, mut model) in screens() {
        with_canaries(&mut model);
        model.privacy = true;
        let text = text(&mut model);
        let seen: Vec<&str> = CANARIES.into_iter().filter(|canary| text.contains(canary)).collect();
        assert!(seen.is_empty(), "{name} shows {seen:?}:\n{text}");
    }
}

#[test]
fn without_it_they_are_seen() {
    let all: String = screens()
        .into_iter()
        .map(|(_, mut model)| {
            with_canaries(&mut model);
            text(&mut model)
        })
        .collect();
    for canary in ["canary-host", "/home/canary", "http://127.0.0.1:8088"] {
        assert!(all.contains(canary), "{canary} is on no screen");
    }
    assert!(!all.contains("canary-token") && !all.contains("canary-header") && !all.contains("canary-auth"));
}

#[test]
fn every_line_of_the_configuration_is_masked() {
    let mut model = opened(Screen::Config);
    model.privacy = true;
    for _ in 0..model.config.rows().len() {
        let text = drawn(&mut model, 120, 40).to_string();
        let seen = CANARIES.into_iter().find(|canary| text.contains(canary));
        assert!(seen.is_none(), "{seen:?}:\n{text}");
        perform(&mut model, Action::Down);
    }
}

#[test]
fn messages_lose_paths_and_hosts_too() {
    let mut model = opened(Screen::Usage);
    let texts = [
        "the running configuration stays: /home/canary/config.yaml:12: retry.max_attempts: must be at least 1",
        "main-a is down: https://canary-host.example/v1: connection refused",
        r"cannot write C:\Users\canary\x.csv: no room",
        "exported 3 requests to ~/canary.csv",
        "no route to 192.0.2.7:443 or canary-host.example:443",
    ];
    for text in texts {
        model.privacy = true;
        model.say(text, true);
        let shown = drawn(&mut model, 120, 24).to_string();
        let seen = CANARIES.into_iter().find(|canary| shown.contains(canary));
        assert!(seen.is_none(), "{seen:?}:\n{shown}");
        model.privacy = false;
        assert!(drawn(&mut model, 120, 24).to_string().contains(&text[..20]));
    }
}
