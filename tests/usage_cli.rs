//! `usage` and `export` of the real binary: from the file, and from the forwarder that has it open, with the same words.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a helper cannot do fails the test")]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::command::Said;
use support::{QUICK, World};
use tempfile::TempDir;

/// A folder with a configuration, and in it the store.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What a forwarder and the command line have in common.
    fn store(&self) -> String {
        format!(
            "usage_tracking: {{ database_path: '{}', flush_interval: 10ms }}\ntimezone: Europe/Berlin\n",
            self.path("data/usage.redb").display()
        )
    }

    fn configure(&self, web: &str) {
        let yaml = format!(
            "{}web: {{ {web} }}\nendpoints:\n  - {{ name: a, url: \"http://127.0.0.1:9\" }}\n",
            self.store()
        );
        std::fs::write(self.path("my.yaml"), yaml).unwrap();
    }

    /// A forwarder with so many requests in its store.
    async fn forwarder(&self, web: &str, requests: u64) -> World {
        let base = QUICK
            .replace("web: { enabled: false }", &format!("web: {{ {web} }}"))
            .replace("usage_tracking: { enabled: false }\n", &self.store());
        let mut world = World::with(&base, &[("a", "main"), ("b", "main")]).await.settled().await;
        for n in 0..requests {
            assert_eq!(world.client.messages(n % 2 == 0).await.status, 200);
            world.record().await;
        }
        world.saved().await;
        world
    }

    async fn run(&self, arguments: &str) -> Said {
        support::command::run(self.0.path(), &arguments.split_whitespace().collect::<Vec<_>>()).await
    }
}

fn port(world: &World) -> u16 {
    world.forwarder.admin_address().unwrap().port()
}

const QUESTIONS: [&str; 9] = [
    "usage --config my.yaml",
    "usage --config my.yaml --json",
    "usage --config my.yaml --period 7d --by day",
    "usage --config my.yaml --since 2026-01-01 --by endpoint --json",
    "usage --config my.yaml --period all --by session",
    "usage --config my.yaml --period all --by model --endpoint nobody",
    "export --config my.yaml",
    "export --config my.yaml --format json --state completed",
    "export --config my.yaml --format ndjson --since 30d --model claude-*",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_file_and_the_forwarder_say_the_same() {
    let place = Place::new();
    let world = place.forwarder("port: 0", 5).await;
    place.configure(&format!("port: {}", port(&world)));
    let mut asked = Vec::new();
    for question in QUESTIONS {
        let said = place.run(question).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{question}: {said:?}");
        asked.push(said);
    }
    world.stop().await;
    for (question, asked) in QUESTIONS.iter().zip(asked) {
        assert_eq!(place.run(question).await, asked, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_can_be_read() {
    let place = Place::new();
    place.forwarder("enabled: false", 3).await.stop().await;
    place.configure("enabled: false");
    let table = place.run("usage --config my.yaml").await.out;
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("Requests  3   completed 3") && table.contains("MODEL"), "{table}");
    assert!(table.contains("claude-sonnet-5-5") && table.contains('$'), "{table}");
    let json: Value = serde_json::from_str(&place.run("usage --config my.yaml --json").await.out).unwrap();
    assert_eq!((&json["totals"]["requests"], &json["by"]), (&3.into(), &"model".into()));
    assert_eq!(json["groups"][0]["totals"], json["totals"], "one model");
    let csv = place.run("export --config my.yaml").await.out;
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let rows: Value =
        serde_json::from_str(&place.run("export --config my.yaml --format json").await.out).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_into_a_file_is_whole_and_replaces() {
    let place = Place::new();
    place.forwarder("enabled: false", 2).await.stop().await;
    place.configure("enabled: false");
    std::fs::write(place.path("out.csv"), "old").unwrap();
    let said = place.run("export --config my.yaml -o out.csv").await;
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    assert!(said.err.contains("wrote out.csv ("), "{said:?}");
    let written = std::fs::read_to_string(place.path("out.csv")).unwrap();
    assert_eq!(written, place.run("export --config my.yaml").await.out);
    let failed = place.run("export --config my.yaml -o out.csv --since never").await;
    assert_eq!(failed.code, 1);
    assert_eq!(std::fs::read_to_string(place.path("out.csv")).unwrap(), written, "what was there stays");
    let names = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
    assert_eq!(names(place.0.path()), 3, "nothing half is left: configuration, store, export");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_created_by_looking() {
    let place = Place::new();
    place.configure("enabled: false");
    let said = place.run("usage --config my.yaml").await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("No requests.") && said.err.contains("nothing recorded yet"), "{said:?}");
    assert_eq!(place.run("export --config my.yaml --format json").await.out.trim(), "[]");
    assert_eq!(place.run("usage recost --config my.yaml").await.code, 0);
    assert_eq!(place.run("usage backup --config my.yaml copy.redb").await.code, 1);
    assert_eq!(std::fs::read_dir(place.0.path()).unwrap().count(), 1, "the configuration alone");
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/usage.redb"), "no store").unwrap();
    for command in ["usage", "export", "usage recost", "usage backup x.redb"] {
        let said = place.run(&format!("{command} --config my.yaml")).await;
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{command}: {said:?}");
        assert!(said.err.contains("cannot read the usage store"), "{command}: {said:?}");
    }
    assert_eq!(std::fs::read_to_string(place.path("data/usage.redb")).unwrap(), "no store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_that_cannot_be_asked_is_named() {
    let place = Place::new();
    let world = place.forwarder("enabled: false", 1).await;
    place.configure("enabled: false");
    let said = place.run("usage --config my.yaml").await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("in use") && said.err.contains("web.enabled: true"), "{said:?}");
    place.configure("port: 1");
    let said = place.run("usage --config my.yaml").await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("http://127.0.0.1:1") && said.err.contains("--url"), "{said:?}");
    let proxy = place.run(&format!("usage --url http://{}", world.forwarder.address())).await;
    assert_eq!(proxy.code, 1);
    assert!(proxy.err.contains("no admin port"), "{proxy:?}");
    for url in ["ftp://x", "https://x", "http://", "http://x/path"] {
        let said = place.run(&format!("usage --url {url}")).await;
        assert_eq!(said.code, 1);
        assert!(said.err.contains("expected http://HOST:PORT"), "{said:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_along_but_not_to_strangers() {
    let place = Place::new();
    let world = place.forwarder("port: 0, token: canary-admin", 1).await;
    place.configure(&format!("port: {}, token: canary-admin", port(&world)));
    assert_eq!(place.run("usage --config my.yaml").await.code, 0);
    let url = format!("--url http://127.0.0.1:{}", port(&world));
    let stranger = place.run(&format!("usage --config my.yaml {url}")).await;
    assert_eq!(stranger.code, 1);
    assert!(stranger.err.contains("web.token") && !stranger.err.contains("canary"), "{stranger:?}");
    assert_eq!(place.run(&format!("usage {url} --token canary-admin")).await.code, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repricing_and_copies_work_both_ways() {
    let place = Place::new();
    let world = place.forwarder("port: 0", 3).await;
    place.configure(&format!("port: {}", port(&world)));
    let recost = place.run("usage recost --config my.yaml").await;
    assert!(recost.out.starts_with("Priced 3 requests: 0 changed. Prices: 20"), "{recost:?}");
    let there = place.run("usage backup --config my.yaml there.redb").await;
    assert_eq!(there.code, 0, "{there:?}");
    assert!(there.out.contains("there.redb: 3 requests, "), "{there:?}");
    assert_eq!(std::fs::read_dir(place.path("data")).unwrap().count(), 1, "moved, not copied");
    assert_eq!(place.run("usage backup --config my.yaml there.redb").await.code, 1, "never overwritten");
    world.stop().await;
    assert_eq!(place.run("usage recost --config my.yaml").await, recost);
    let here = place.run("usage backup --config my.yaml here.redb --json").await;
    let made: Value = serde_json::from_str(&here.out).unwrap();
    assert_eq!(made["records"], 3);
    for copy in ["there.redb", "here.redb"] {
        let yaml = std::fs::read_to_string(place.path("my.yaml")).unwrap();
        std::fs::write(place.path("copy.yaml"), yaml.replace("data/usage.redb", copy)).unwrap();
        let said = place.run("usage --config copy.yaml").await;
        assert!(said.out.contains("Requests  3 "), "{copy}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_used_up_is_exit_code_1_both_ways() {
    let place = Place::new();
    let limited = |limits: &str| {
        let store = place.store().replace(" }\n", &format!(", budgets: [{limits}] }}\n"));
        store + "endpoints:\n  - { name: a, url: \"http://127.0.0.1:9\", group: main }\n"
    };
    let over = "{ daily: 1000 }, { group: main, monthly: 0.000001 }";
    let base = QUICK
        .replace("web: { enabled: false }", "web: { port: 0 }")
        .replace("usage_tracking: { enabled: false }\n", limited(over).split("endpoints:").next().unwrap());
    let mut world = World::with(&base, &[("a", "main")]).await.settled().await;
    assert_eq!(world.client.messages(true).await.status, 200);
    world.record().await;
    world.snapshot(|s| s.budgets.iter().all(|b| !b.spent.is_zero())).await;
    let web = format!("web: {{ port: {} }}\n", port(&world));
    std::fs::write(place.path("over.yaml"), web.clone() + &limited(over)).unwrap();
    std::fs::write(place.path("fine.yaml"), web.clone() + &limited("{ daily: 1000 }")).unwrap();
    std::fs::write(place.path("none.yaml"), web + &limited("")).unwrap();
    let there = place.run("usage --config over.yaml --check-budget").await;
    assert_eq!((there.code, there.err.as_str()), (1, ""), "{there:?}");
    assert!(there.out.contains("daily") && there.out.contains("group main, monthly"), "{there:?}");
    world.stop().await;
    assert_eq!(place.run("usage --config over.yaml --check-budget").await, there, "as the forwarder said");
    let json = place.run("usage --config over.yaml --check-budget --json").await;
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &report["over"]), (1, &true.into()), "{json:?}");
    assert_eq!(report["budgets"][1]["state"], "over", "{report}");
    assert_eq!(place.run("usage --config fine.yaml --check-budget").await.code, 0);
    let none = place.run("usage --config none.yaml --check-budget").await;
    assert!(none.code == 0 && none.out.contains("No budgets are set"), "{none:?}");
    assert_eq!(place.run("usage --check-budget --by day").await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_this_shell_lacks_do_not_matter_to_those_who_look() {
    let place = Place::new();
    place.forwarder("enabled: false", 2).await.stop().await;
    let yaml = |more: &str| {
        format!(
            "{}{more}auth: {{ enabled: true, token: \"${{CANARY_UNSET}}\" }}\n\
             web: {{ enabled: false, token: \"${{CANARY_UNSET}}\" }}\n\
             endpoints:\n  - {{ name: a, url: \"http://127.0.0.1:9\", token: \"${{CANARY_UNSET}}\" }}\n",
            place.store()
        )
    };
    std::fs::write(place.path("my.yaml"), yaml("")).unwrap();
    let said = place.run("usage --config my.yaml").await;
    assert!(said.code == 0 && said.out.contains("Requests  2 "), "{said:?}");
    assert_eq!(place.run("export --config my.yaml").await.out.lines().count(), 3);
    assert_eq!(place.run("usage --config my.yaml --check-budget").await.code, 0);
    for strict in ["usage recost --config my.yaml", "check --no-probe --config my.yaml"] {
        let said = place.run(strict).await;
        assert!(said.code == 1 && said.err.contains("CANARY_UNSET"), "{strict}: {said:?}");
    }
    std::fs::write(place.path("my.yaml"), yaml("usage_traking: {}\n")).unwrap();
    let said = place.run("usage --config my.yaml").await;
    assert!(said.code == 1 && said.err.contains("did you mean `usage_tracking`"), "{said:?}");
}
