//! What `check` prints: widths, words, and that nothing dangerous or secret gets through.

use std::time::Duration;

use super::*;
use crate::app::text::{WIDTH, width};
use crate::config::Source;
use crate::domain::outcome::Kind;
use crate::domain::standing::Probed;

const CONFIG: &str = r#"
endpoints:
  - { name: spare, url: "http://127.0.0.1:9", group: spare, group-priority: 2, token: canary-token }
  - { name: main-b, url: "https://relay.example/base", group: main, group-priority: 1, priority: 2, api-key: k }
  - { name: main-a, url: "https://api.anthropic.com", group: main, group-priority: 1, priority: 1, credential: pass }
  - { name: off, url: "https://off.example", group: spare, enabled: false }
"#;

fn config() -> Config {
    load::parse(CONFIG, Source::File("my.yaml".into()), &System).unwrap().config
}

fn no_problems() -> Problems {
    Problems { file: "my.yaml".to_owned(), list: Vec::new() }
}

fn probed(result: Probed, status: Option<u16>, error: Option<&str>) -> probe::Report {
    probe::Report { result, status, error: error.map(str::to_owned), took: Duration::from_micros(41_230) }
}

fn findings(config: &Config) -> Vec<Finding> {
    let took = Duration::from_millis(41);
    let up = Probed::Up { latency: took, authenticated: false };
    let refused = Probed::CredentialRefused { latency: took };
    let lost = probed(Probed::Down(Kind::Connect), None, Some("refused by canary-token\u{1b}[2J"));
    let found = |spec: &Arc<EndpointSpec>| match &*spec.id.0 {
        "main-a" => Finding::of(spec, &probed(up.clone(), Some(401), None)),
        "main-b" => Finding::of(spec, &probed(refused.clone(), Some(403), None)),
        "spare" => Finding::of(spec, &lost),
        _ => Finding::unasked(spec),
    };
    in_routing_order(config).iter().map(|spec| found(spec).scrubbed(&config.redactor)).collect()
}

fn report() -> Report {
    let config = config();
    Report::valid(&config, no_problems(), true, findings(&config))
}

#[test]
fn the_table() {
    let expected = "\
Configuration: my.yaml

ENDPOINT  GROUP  RANK  HOST               HTTP  LATENCY  RESULT
main-a    main    1.1  api.anthropic.com   401    41 ms  up
main-b    main    1.2  relay.example       403    41 ms  credential refused
spare     spare   2.0  127.0.0.1:9           -        -  down
off       spare   2.0  off.example           -        -  disabled

main-a: asked without a credential, because clients bring their own
main-b: correct its token, api-key or headers
spare: refused by ***\\u{1b}[2J
Of 3 endpoints 1 down, 1 refused the credential.
";
    assert_eq!(table::render(&report()), expected);
    assert!(!report().ok());
}

#[test]
fn every_line_fits_whatever_names_there_are() {
    let mut report = report();
    for finding in &mut report.findings {
        finding.name = "n".repeat(70);
        finding.group = "a group with a long name".to_owned();
        finding.url = format!("https://{}.example/x", "h".repeat(90));
        finding.note = Some("word ".repeat(60));
    }
    report.config = "/very/long".repeat(20);
    let text = table::render(&report);
    assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
    assert!(text.contains("credential refused"), "{text}");
}

#[test]
fn the_json_keeps_its_shape() {
    let json = report().json();
    let main = serde_json::json!({
        "name": "main-a", "group": "main", "group_priority": 1, "priority": 1,
        "url": "https://api.anthropic.com", "enabled": true, "result": "up", "status": 401,
        "latency_ms": 41.2, "note": "asked without a credential, because clients bring their own",
    });
    assert_eq!(json["endpoints"][0], main);
    let results: Vec<_> =
        json["endpoints"].as_array().unwrap().iter().map(|e| e["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["up", "credential_refused", "down", "disabled"]);
    assert_eq!((&json["ok"], &json["valid"], &json["probed"]), (&false.into(), &true.into(), &true.into()));
    assert!(!json.to_string().contains("canary"), "{json}");
}

#[test]
fn without_a_probe_nothing_can_be_down() {
    let config = config();
    let findings = config.endpoints.iter().map(|spec| Finding::unasked(spec)).collect();
    let report = Report::valid(&config, no_problems(), false, findings);
    assert!(report.ok());
    assert!(table::render(&report).ends_with("valid: 3 endpoints. Nothing was sent (--no-probe).\n"));
}
