//! What is in the way is said, and what to do about it.

use super::support::command::run;
use super::{Scene, TempDir};

const COMMANDS: [&str; 7] = [
    "status",
    "groups",
    "endpoints probe a",
    "suspended",
    "requests --follow",
    "groups pause main",
    "suspended resume --all",
];

async fn refused(folder: &TempDir, line: &str, why: &[&str]) {
    let said = run(folder.path(), &line.split_whitespace().collect::<Vec<_>>()).await;
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{line}: {said:?}");
    for why in why {
        assert!(said.err.contains(why), "{why} in {line}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let write = |web: &str| {
        let yaml = format!("web: {{ {web} }}\nendpoints: [{{ name: a, url: \"http://x\" }}]\n");
        std::fs::write(folder.path().join("my.yaml"), yaml).unwrap();
    };
    write("port: 1");
    for line in COMMANDS {
        let line = format!("{line} --config my.yaml");
        refused(&folder, &line, &["http://127.0.0.1:1", "`cc-forwarder` starts it", "--url"]).await;
    }
    write("enabled: false");
    refused(&folder, "status --config my.yaml", &["web.enabled", "my.yaml", "--url"]).await;
    write("port: 0");
    refused(&folder, "status --config my.yaml", &["web.port: 0", "--url"]).await;
    refused(&folder, "status --url https://x", &["expected http://HOST:PORT"]).await;
    refused(&folder, "status --config none.yaml", &["none.yaml"]).await;
    // Credentials that this shell lacks do not matter.
    write("port: 1, token: \"${CANARY_UNSET}\"");
    refused(&folder, "status --config my.yaml", &["nobody answers"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_and_not_given_to_strangers() {
    let scene = Scene::new("token: canary-admin").await;
    let url = format!("--url http://{}", scene.world.forwarder.admin_address().unwrap());
    scene.well("status").await;
    for line in COMMANDS {
        let line = format!("{line} {url}");
        refused(&scene.folder, &line, &["--token", "CC_FORWARDER_ADMIN_TOKEN"]).await;
    }
    let told = scene.run(&format!("status {url}")).await;
    assert!(told.code == 1 && !told.err.contains("canary"), "{told:?}");
    scene.well(&format!("status {url} --token canary-admin")).await;
    let proxy = format!("groups --url http://{}", scene.world.forwarder.address());
    refused(&scene.folder, &proxy, &["no admin port"]).await;
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_bad_usage() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        "groups pause main 30",
        "groups activate",
        "suspended resume",
        "suspended cancel x",
        "explain",
        "requests --limit 0",
        "requests --follow --period today",
        "endpoints priority a -1",
        "completions fish bash",
    ] {
        let said = run(folder.path(), &line.split_whitespace().collect::<Vec<_>>()).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{line}: {said:?}");
    }
}
