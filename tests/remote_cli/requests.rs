//! `requests` and `explain`: from the forwarder, and from the store when none runs.

use cc_forwarder::simulator::Behaviour;

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_and_explained_with_a_forwarder_and_without() {
    let mut scene = Scene::new("enabled: true").await;
    scene.world.sims[0].script(vec![Behaviour::overloaded(), Behaviour::overloaded()]);
    for stream in [false, true] {
        assert_eq!(scene.world.client.messages(stream).await.status, 200);
        scene.world.record().await;
    }
    scene.world.saved().await;
    let table = scene.well("requests").await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("TIME      REQUEST       MODEL"), "{table}");
    assert!(lines[2].contains(" b ") && lines[2].contains("200 +"), "the first one failed over: {table}");
    let listed = scene.json("requests --limit 1").await;
    assert_eq!((listed["requests"].as_array().unwrap().len(), &listed["total"]), (1, &2.into()));
    assert!(scene.well("requests --limit 1").await.ends_with("1 of 2 (--limit)\n"));
    assert_eq!(scene.well("requests --endpoint a --status 500").await, "No requests.\n");
    assert_eq!(scene.well("requests --search sonnet --period today").await, table);
    scene.refused("requests --state gone", "expected live, pending").await;
    let all = scene.json("requests").await;
    let id = all["requests"][1]["request_id"].as_str().unwrap();
    let explain = format!("explain {id}");
    let story = scene.well(&explain).await;
    assert!(story.contains("chose a ") && story.contains("529") && story.contains("chose b "), "{story}");
    let mut told = scene.json(&explain).await;
    assert_eq!(told["request"]["endpoint_name"], "b");
    scene.refused("explain req-00000001", "nothing is known of req-00000001").await;
    scene.world.stop().await;
    let folder = scene.folder;
    let run = async |line: &str| {
        let words: Vec<&str> = line.split_whitespace().chain(["--config", "my.yaml"]).collect();
        super::run(folder.path(), &words).await
    };
    assert_eq!(run("requests").await.well("requests"), table, "the store says the same");
    assert_eq!(run(&explain).await.well(&explain), story);
    let stored = run(&format!("{explain} --json")).await.well("explain");
    let mut stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
    for detail in [&mut told, &mut stored] {
        // When it reached the store, which differs from when it ended.
        detail["request"]["updated_at"].take();
    }
    assert_eq!((&stored["request"], &stored["explain"]), (&told["request"], &told["explain"]));
    assert_eq!(stored["live"], serde_json::Value::Null);
    let unknown = run("explain req-00000001").await;
    assert!(unknown.code == 1 && unknown.err.contains("no request req-00000001 is recorded"), "{unknown:?}");
    let wrong = run("explain nonsense").await;
    assert!(wrong.code == 2 && wrong.err.contains("not a request id"), "{wrong:?}");
}
