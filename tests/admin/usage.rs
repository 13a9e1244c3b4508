//! The ledger over HTTP, with real requests in it.

use std::sync::Arc;
use std::time::Duration;

use cc_forwarder::admin::{self, Admin, State};
use cc_forwarder::config::pricing;
use cc_forwarder::domain::pricebook::PriceBook;
use cc_forwarder::events::hub::Ledger;
use cc_forwarder::events::recent::Recent;
use cc_forwarder::events::{RequestId, RequestRecord};
use cc_forwarder::simulator::Behaviour;
use http::{Method, Request};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::door::is_error;
use crate::scene::Scene;
use crate::support::{PATIENCE, QUICK, World};

fn list(view: &Value) -> &Vec<Value> {
    view.as_array().unwrap()
}

#[tokio::test]
async fn every_question_gives_the_same_sums() {
    let mut scene = Scene::new().await;
    scene.traffic(6).await;
    let summary = scene.usage("summary").await;
    assert_eq!(summary["timezone"], "Europe/Berlin");
    for stretch in ["today", "7d", "30d", "month"] {
        assert_eq!(summary[stretch]["requests"], 6, "{stretch}: {summary}");
    }
    let today = &summary["today"];
    assert!(today["input_tokens"].as_u64().unwrap() > 0 && today["total_cost_usd"].as_f64().unwrap() > 0.0);
    for by in ["model", "endpoint", "group", "session", "hour", "day", "month"] {
        let stats = scene.usage(&format!("stats?period=today&by={by}")).await;
        assert_eq!(&stats["totals"], today, "{by}");
        assert_eq!(stats["by"], by);
        let sum: u64 = list(&stats["groups"]).iter().map(|g| g["totals"]["requests"].as_u64().unwrap()).sum();
        assert_eq!(sum, 6, "{by}: {stats}");
    }
    let none = scene.usage("stats?since=2000-01-01&until=2000-01-31").await;
    assert_eq!(
        (&none["totals"]["requests"], &none["period"]["since"]),
        (&0.into(), &"2000-01-01T00:00:00+01:00".into())
    );
    let models = scene.usage("models").await;
    assert_eq!(models["models"][0]["requests"], 6);
    assert!(list(&models["models"]).iter().any(|m| m["requests"] == 0 && m["priced"] == true));
    scene.stop().await;
}

#[tokio::test]
async fn pages_and_their_total_have_one_predicate() {
    let mut scene = Scene::new().await;
    scene.traffic(5).await;
    for sim in &scene.world.sims {
        sim.set(Behaviour::status(400, ""));
    }
    assert_eq!(scene.world.client.messages(false).await.status, 400);
    scene.saved(6).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = scene.usage(&format!("requests?limit=2&state=completed{cursor}")).await;
        assert_eq!((&page["total"], &page["limit"]), (&5.into(), &2.into()));
        seen.extend(list(&page["requests"]).iter().map(|row| row["request_id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    let failed = scene.usage("requests?state=failed&status=400").await;
    assert_eq!((&failed["total"], list(&failed["requests"]).len()), (&1.into(), 1));
    assert_eq!(scene.usage("requests?endpoint=nobody").await["total"], 0);
    let one = scene.usage(&format!("requests/{}", seen[0])).await;
    assert_eq!(one["request"]["request_id"], seen[0].as_str());
    assert!(one["request"]["attempts"][0]["endpoint_name"].is_string(), "{one}");
    assert!(one["story"].is_array());
    scene.stop().await;
}

#[tokio::test]
async fn questions_that_make_no_sense_are_400_and_say_why() {
    let scene = Scene::new().await;
    for (question, named) in [
        ("stats?by=colour", "model, endpoint"),
        ("stats?period=soon", "soon"),
        ("stats?period=7d&since=1d", "since"),
        ("stats?since=2026-11-02&until=2026-11-01", "later"),
        ("stats?model=a&model=b", "more than once"),
        ("requests?limit=0", "1 to 1000"),
        ("requests?limit=1001", "1 to 1000"),
        ("requests?cursor=x", "cursor"),
        ("requests?state=happy", "interrupted"),
        ("requests?status=abc", "status"),
        ("requests/nonsense", "eight hex digits"),
        ("export?format=xml", "ndjson"),
    ] {
        let answer = scene.admin.get(&format!("/api/v1/usage/{question}")).await;
        is_error(&answer, 400, "bad_request");
        assert!(answer.text().contains(named), "{question}: {}", answer.text());
    }
    is_error(&scene.admin.get("/api/v1/usage/requests/req-00000000").await, 404, "not_found");
    scene.stop().await;
}

#[tokio::test]
async fn exports_are_files_with_every_request() {
    let mut scene = Scene::new().await;
    let empty = scene.admin.get("/api/v1/usage/export?format=json").await;
    assert_eq!(empty.json(), serde_json::json!([]));
    scene.traffic(4).await;
    for (format, kind) in
        [("csv", "text/csv"), ("json", "application/json"), ("ndjson", "application/x-ndjson")]
    {
        let answer = scene.admin.get(&format!("/api/v1/usage/export?format={format}")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with(kind));
        let name = answer.headers["content-disposition"].to_str().unwrap();
        assert!(
            name.starts_with("attachment; filename=\"usage_export_20")
                && name.ends_with(&format!(".{format}\""))
        );
        let text = answer.text();
        match format {
            "csv" => {
                assert!(
                    text.starts_with("request_id,client_ip,user_agent,method,path,start_time,"),
                    "{text}"
                );
                assert_eq!(text.lines().count(), 5);
            }
            "json" => assert_eq!(list(&answer.json()).len(), 4),
            _ => assert!(text.lines().filter(|l| serde_json::from_str::<Value>(l).is_ok()).count() == 4),
        }
    }
    let none = scene.admin.get("/api/v1/usage/export?endpoint=nobody").await.text();
    assert_eq!(none.lines().count(), 1, "the header: {none}");
    scene.stop().await;
}

/// The same port without sockets, whose buffers would take a whole export from a client that reads nothing.
fn port(scene: &Scene) -> TowerToHyperService<axum::Router> {
    let forwarder = &scene.world.forwarder;
    let book = PriceBook::new(pricing::table(&forwarder.config().usage), []);
    let state = State {
        proxy: forwarder.address(),
        address: forwarder.admin_address().unwrap(),
        config: watch::channel(forwarder.config()).1,
        control: forwarder.control().clone(),
        pictures: forwarder.pictures().clone(),
        orders: Arc::new(forwarder.deck()),
        prices: watch::channel(Arc::new(book)).1,
        store: forwarder.store().cloned(),
        recent: Recent::default(),
        evidence: Default::default(),
        logs: None,
    };
    TowerToHyperService::new(admin::router(Admin::new(state)))
}

#[tokio::test]
async fn exports_that_nobody_reads_are_limited_and_end_with_their_client() {
    const ROWS: u32 = 3_000;
    let mut scene = Scene::new().await;
    assert_eq!(scene.world.client.messages(false).await.status, 200);
    let record = scene.world.record().await;
    let mut intake = scene.world.forwarder.store().unwrap().intake();
    for n in 1..ROWS {
        let id = RequestId::from_number(record.id.number().wrapping_add(n));
        intake.settled(&Arc::new(RequestRecord { id, ..(*record).clone() }));
    }
    scene.saved(ROWS.into()).await;
    let port = port(&scene);
    let ask = async || {
        let request = Request::get("/api/v1/usage/export?format=json").header("host", "localhost");
        timeout(PATIENCE, port.call(request.body(String::new()).unwrap()))
            .await
            .expect("a head in time")
            .unwrap()
    };
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    let third = ask().await;
    assert_eq!(third.status(), 429);
    let refused = timeout(PATIENCE, third.into_body().collect()).await.unwrap().unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&refused).unwrap()["error"]["code"], "busy");
    assert_eq!(scene.admin.get("/api/v1/usage/summary").await.status, 200, "questions have their own places");
    drop(first);
    let again = async {
        loop {
            let answer = ask().await;
            if answer.status() == 200 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let again = timeout(PATIENCE, again).await.expect("the place of a client that left is free in time");
    for answer in [second, again] {
        let whole = timeout(PATIENCE, answer.into_body().collect()).await.unwrap().unwrap().to_bytes();
        assert_eq!(list(&serde_json::from_slice(&whole).unwrap()).len(), ROWS as usize);
    }
    scene.stop().await;
}

async fn backup(scene: &Scene, body: &str) -> crate::support::Answer {
    scene.order("/usage/backup", body).await
}

#[tokio::test]
async fn a_copy_is_a_store_in_the_same_folder() {
    let mut scene = Scene::new().await;
    scene.traffic(3).await;
    let answer = backup(&scene, r#"{"path":"copy.redb"}"#).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["records"]), (200, &3.into()), "{}", answer.text());
    let copy = scene.folder.path().join("copy.redb");
    assert_eq!(answer.json()["path"], copy.display().to_string());
    assert_eq!(answer.json()["bytes"], std::fs::metadata(&copy).unwrap().len());
    is_error(&backup(&scene, r#"{"path":"copy.redb"}"#).await, 409, "conflict");
    is_error(&backup(&scene, r#"{"path":"usage.redb"}"#).await, 409, "conflict");
    for bad in [
        "",
        "{}",
        r#"{"path":""}"#,
        r#"{"path":"../x"}"#,
        r#"{"path":"/tmp/x"}"#,
        r#"{"path":".x"}"#,
        r#"{"path":"x","more":1}"#,
    ] {
        is_error(&backup(&scene, bad).await, 400, "bad_request");
    }
    let files = std::fs::read_dir(scene.folder.path()).unwrap().count();
    assert_eq!(files, 2, "the store and its copy");
    let db = redb::ReadOnlyDatabase::open(&copy).unwrap();
    let clock = cc_forwarder::store::civil::Clock::new(jiff::tz::TimeZone::UTC);
    let reader = cc_forwarder::store::query::Reader::new(&db, clock).unwrap();
    assert_eq!(reader.count(&cc_forwarder::store::filter::Filter::default()).unwrap(), 3);
    scene.stop().await;
}

#[tokio::test]
async fn history_is_priced_again() {
    let mut scene = Scene::new().await;
    scene.traffic(2).await;
    let before = scene.usage("summary").await;
    let recost = |query: &str| {
        let path = format!("/api/v1/usage/recost{query}");
        let scene = &scene;
        async move { scene.ask(&Method::POST, &path, &[]).await }
    };
    let made = recost("").await.json();
    assert_eq!((&made["records"], &made["changed"], &made["unpriced"]), (&2.into(), &0.into(), &0.into()));
    assert!(made["price_revision"].as_str().is_some_and(|revision| revision.starts_with("20")), "{made}");
    assert_eq!(recost("?since=2999-01-01").await.json()["records"], 0);
    is_error(&recost("?since=never").await, 400, "bad_request");
    assert_eq!(scene.usage("summary").await, before);
    scene.stop().await;
}

#[tokio::test]
async fn without_budgets_nothing_is_used_up() {
    let scene = Scene::new().await;
    let none = scene.usage("budget").await;
    assert_eq!((&none["over"], list(&none["budgets"]).len()), (&false.into(), 0), "{none}");
    scene.stop().await;
}

#[tokio::test]
async fn budgets_need_no_store() {
    let limits = "budgets: [{ daily: 20 }, { group: main, monthly: 0.0001, block: true }]";
    let base = QUICK.replace("web: { enabled: false }", "web: { port: 0 }").replace(
        "usage_tracking: { enabled: false }",
        &format!("usage_tracking: {{ enabled: false, {limits} }}\ntimezone: UTC"),
    );
    let mut world = World::with(&base, &[("a", "main")]).await.settled().await;
    let admin = crate::scene::client(&world);
    assert_eq!(world.client.messages(false).await.status, 200);
    let cost = world.record().await.cost;
    let spent = |snapshot: &std::sync::Arc<cc_forwarder::events::board::Snapshot>| {
        snapshot.budgets.iter().all(|budget| budget.spent == cost.total())
    };
    world.snapshot(spent).await;
    let report = admin.get("/api/v1/usage/budget").await.json();
    assert_eq!(report["over"], true, "{report}");
    let [day, month] = &list(&report["budgets"])[..] else { panic!("{report}") };
    assert_eq!(
        (&day["scope"]["kind"], &day["period"], &day["state"]),
        (&"all".into(), &"day".into(), &"ok".into())
    );
    assert_eq!((&month["scope"]["name"], &month["state"]), (&"main".into(), &"over".into()));
    assert_eq!((&month["block"], &month["limit"]), (&true.into(), &serde_json::json!(0.0001)));
    is_error(&admin.get("/api/v1/usage/budget?x=1").await, 400, "bad_request");
    drop(admin);
    world.stop().await;
}
