//! What people see of a forwarder, from answers as the admin port gives them.

use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::app::paint::rendered;
use crate::app::text::width;

const AT: &str = "2026-11-23T14:03:22Z";

fn view<T: DeserializeOwned>(answer: Value) -> T {
    serde_json::from_value(answer).unwrap()
}

/// As it is printed without colour; every line fits.
fn text(lines: &[Line]) -> String {
    let text = rendered(lines, false);
    assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
    text
}

fn group(name: &str, state: &str, why: &str) -> Value {
    let allowed = json!({ "activate": null, "force": null, "release": null, "pause": null, "resume": null });
    json!({
        "name": name, "priority": 1, "state": state, "why": why, "for_seconds": 4_000.0, "ends_in": null,
        "activated": false, "allowed": allowed,
    })
}

fn groups() -> Value {
    let mut paused = group("a-group-with-a-very-long-name-that-fits-nowhere", "paused", "paused_by_person");
    paused["ends_in"] = json!(1_700.0);
    let mut active = group("main", "active", "best_rank");
    active["for_seconds"] = Value::Null;
    let cooling = group("evil\u{1b}[2J", "cooling", "failed");
    json!({ "at": AT, "active_group": "main", "groups": [active, paused, cooling] })
}

fn endpoint(name: &str, condition: &str) -> Value {
    json!({
        "name": name, "group": "main", "url": "http://127.0.0.1:9", "priority": 2, "condition": condition,
        "credential_problem": false, "failures_in_a_row": 0, "changes_in": null, "latency_ms": 812.4,
        "in_flight": 3, "budgets": [], "last_error": null, "clear": null,
    })
}

fn endpoints() -> Value {
    let mut resting = endpoint("main-b", "resting");
    resting["changes_in"] = json!(12.5);
    resting["last_error"] = json!("overloaded (529)");
    resting["latency_ms"] = Value::Null;
    json!({ "at": AT, "pinned": "main-a", "endpoints": [endpoint("main-a", "up"), resting] })
}

#[test]
fn groups_read_like_this() {
    assert_eq!(
        text(&groups::render(&view(groups()))),
        "\
GROUP                    RANK  STATE       FOR  ENDS IN  WHY
main                        1  active        -        -  best rank a…able groups
a-group-wit…its-nowhere     1  paused   66 min   28 min  paused by a person
evil\\u{1b}[2J               1  cooling  66 min        -  every endpo…d a request
"
    );
}

#[test]
fn endpoints_read_like_this() {
    assert_eq!(
        text(&endpoints::render(&view(endpoints()))),
        "\
ENDPOINT  GROUP  PRIO  STATE    ENDS IN    TTFB  OK  NOW  FAILURE
main-a    main     -p  up             -  812 ms   -    3  -
main-b    main      2  resting     12 s       -   -    3  overloaded (529)
"
    );
    let none = json!({ "at": AT, "pinned": null, "endpoints": [] });
    assert_eq!(text(&endpoints::render(&view(none))), "No endpoints.\n");
}

#[test]
fn requests_that_wait_read_like_this() {
    let waiting = json!({
        "id": "req-0000000a", "position": 1, "accepted": AT, "since": AT, "deadline": "2026-11-23T14:08:02Z",
        "waits_for": "recovery", "skipped": [],
        "described": { "model": "claude-sonnet-5-5", "session": null, "stream": true, "bytes_in": 10 },
        "last_failure": ["main-a", "overloaded"],
    });
    let answer = |queue: Value, enabled: bool| json!({ "at": "2026-11-23T14:04:02Z", "enabled": enabled, "capacity": 100, "queue": queue });
    assert_eq!(
        text(&suspended::render(&view(answer(json!([waiting]), true)))),
        "\
#  REQUEST       MODEL       WAITED   LEFT  WAITS FOR               FAILURE
1  req-0000000a  sonnet-5-5    40 s  4 min  an endpoint to recover  main-a…oaded
1 of 100 places taken.
"
    );
    assert_eq!(text(&suspended::render(&view(answer(json!([]), true)))), "No request waits.\n");
    assert!(text(&suspended::render(&view(answer(json!([]), false)))).contains("request_suspend.enabled"));
}

fn status() -> Value {
    json!({
        "at": AT, "status": "running", "version": "0.1.0", "pid": 4711, "started": AT, "uptime_seconds": 7_300,
        "listen": { "proxy": "127.0.0.1:8088", "admin": "127.0.0.1:8010" },
        "config": { "source": "file", "path": "/home/somebody/a-rather-long/path/to/my.yaml" },
        "strategy": "priority", "auth_enabled": false, "proxy_enabled": false,
        "timezone": "Europe/Berlin", "save_priority_edits": false,
        "store": { "path": "data/usage.redb", "unsaved": 0, "oldest_age": null, "failing": null, "last_commit": null },
    })
}

fn connections() -> Value {
    let totals = crate::events::board::Totals {
        accepted: 1_234,
        completed: 1_220,
        rescued: 7,
        failed: 3,
        cancelled: 1,
        ..Default::default()
    };
    json!({
        "at": AT, "totals": totals, "active": 10, "suspended": 2, "streaming": 3, "live": [], "per_endpoint": [],
    })
}

#[test]
fn a_forwarder_reads_like_this() {
    let shown = |status: Value, healthy: bool| {
        let (groups, endpoints, connections) = (view(groups()), view(endpoints()), view(connections()));
        text(&status::render(&view(status), healthy, &groups, &endpoints, &connections))
    };
    assert_eq!(
        shown(status(), true),
        "\
cc-forwarder 0.1.0, running for 2 h (process 4711)

Health         can serve
Clients        http://127.0.0.1:8088
Admin port     http://127.0.0.1:8010
Configuration  /home/somebody/a-rather-long/path/to/my.yaml
Active group   main (best rank among the usable groups)
Endpoints      1 of 2 up; main-a first (-p)
Requests       8 running, 2 suspended; since the start 1,234: completed 1,220 (7
               after a failover or retry), failed 3, cancelled 1
Store          data/usage.redb: all is saved

ENDPOINT  GROUP  PRIO  STATE    ENDS IN    TTFB  OK  NOW  FAILURE
main-a    main     -p  up             -  812 ms   -    3  -
main-b    main      2  resting     12 s       -   -    3  overloaded (529)
"
    );
    let mut troubled = status();
    troubled["store"]["unsaved"] = json!(5);
    troubled["store"]["failing"] = json!("the disk is full");
    let text = shown(troubled, false);
    assert!(text.contains("nothing can serve a request now"), "{text}");
    assert!(text.contains("5 records cannot be written: the disk is full"), "{text}");
    let mut none = status();
    none["store"] = Value::Null;
    assert!(shown(none, true).contains("nothing is recorded"));
}

mod requests_and_stories {
    use super::*;
    use crate::admin::requests::RequestDetail;
    use crate::admin::usage::ask::RequestsView;
    use crate::events::State;
    use crate::events::board::{Phase, Stage};
    use crate::store::export::json::RequestView;

    fn request(id: u32) -> RequestView {
        RequestView {
            start_time: AT.parse().unwrap(),
            duration_ms: Some(1_700.0),
            first_byte_ms: Some(712.0),
            endpoint_name: Some("main-b".to_owned()),
            group_name: Some("main".to_owned()),
            model_name: Some("claude-opus-4-8".to_owned()),
            requested_model: Some("claude-opus-4-8".to_owned()),
            served_model: None,
            status: Stage::Ended(State::Completed),
            http_status_code: Some(200),
            retry_count: 1,
            input_tokens: 4_000,
            cache_creation_tokens: 0,
            cache_read_tokens: 500,
            output_tokens: 88,
            total_cost_usd: Some("0.0123".parse().unwrap()),
            unpriced_attempts: 0,
            suspended_ms: 0.0,
            session_id: None,
            error: None,
            ..RequestView::from(&crate::store::testing::row(id, AT, "m", "e"))
        }
    }

    fn page(requests: Vec<RequestView>, total: u64) -> RequestsView {
        RequestsView { requests, total, limit: 20, next: None }
    }

    fn shown(view: &RequestsView, now: &str) -> String {
        text(&requests::table::render(view, &now.parse().unwrap()))
    }

    #[test]
    fn requests_read_like_this() {
        let failed = RequestView {
            status: Stage::Ended(State::Failed),
            http_status_code: Some(529),
            retry_count: 0,
            total_cost_usd: None,
            unpriced_attempts: 1,
            ..request(11)
        };
        let live = RequestView {
            live: true,
            status: Stage::Live(Phase::Streaming),
            duration_ms: None,
            retry_count: 0,
            http_status_code: None,
            ..request(12)
        };
        let view = page(vec![live, request(10), failed], 1_234);
        assert_eq!(
            shown(&view, "2026-11-23T15:00:00+01:00[Europe/Berlin]"),
            "\
TIME      REQUEST       MODEL     ENDPOINT  RESULT      TOOK   TOKENS      COST
15:03:22  req-0000000c  opus-4-8  main-b    streaming      -  4.5k+88   $0.0123
15:03:22  req-0000000a  opus-4-8  main-b    200 +1     1.7 s  4.5k+88   $0.0123
15:03:22  req-0000000b  opus-4-8  main-b    529        1.7 s  4.5k+88  unpriced
3 of 1,234 (--limit)
"
        );
        assert!(shown(&view, "2026-11-24T15:00:00+01:00[Europe/Berlin]").contains("\n11-23 15:03  req-"));
        assert_eq!(shown(&page(Vec::new(), 0), "2026-11-24T15:00:00+01:00[Europe/Berlin]"), "No requests.\n");
    }

    #[test]
    fn a_story_reads_like_this() {
        let explain = ["0 ms: chose main-a (best priority) of main-a, main-b", "12 ms: \u{1b}[2Jboom"];
        let detail = RequestDetail {
            request: RequestView {
                served_model: Some("claude-opus-4-8-large".to_owned()),
                suspended_ms: 400.0,
                ..request(10)
            },
            live: None,
            trace: None,
            explain: explain.map(str::to_owned).to_vec(),
            evidence: None,
        };
        let told = text(&explain::render(&detail, &TimeZone::UTC));
        assert!(told.starts_with("req-0000000a  200 +1\n"), "{told}");
        for line in [
            "Accepted       2026-11-23 14:03:22 UTC",
            "Model          claude-opus-4-8, answered by claude-opus-4-8-large",
            "Endpoint       main-b (group main)",
            "Time           712 ms to the first byte, 1.7 s in all, 400 ms of it waiting",
            "Cost           $0.0123",
            "0 ms: chose main-a (best priority) of main-a, main-b",
            r"12 ms: \u{1b}[2Jboom",
        ] {
            assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        }
    }
}

#[test]
fn ids_may_be_short() {
    assert_eq!(request_id("12345678").unwrap().to_string(), "req-12345678");
    assert_eq!(request_id("req-12345678").unwrap().to_string(), "req-12345678");
    assert!(request_id("req-\u{7}").unwrap_err().0.starts_with(r#""req-\u{7}" is not a request id"#));
}
