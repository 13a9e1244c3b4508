//! What is answered reads back as the type it was written from, and says the same again.

use cc_forwarder::admin::config::ConfigView;
use cc_forwarder::admin::config::priorities::Saved;
use cc_forwarder::admin::connections::ConnectionsView;
use cc_forwarder::admin::endpoints::EndpointsView;
use cc_forwarder::admin::error::ErrorBody;
use cc_forwarder::admin::groups::GroupsView;
use cc_forwarder::admin::history::HistoryView;
use cc_forwarder::admin::logs::LogsView;
use cc_forwarder::admin::orders::Done;
use cc_forwarder::admin::requests::RequestDetail;
use cc_forwarder::admin::status::Status;
use cc_forwarder::admin::suspended::SuspendedView;
use cc_forwarder::admin::usage::ask::{ModelsView, RequestsView, StatsView, StoryView, SummaryView};
use cc_forwarder::admin::usage::upkeep::RecostView;
use cc_forwarder::config::edit::{Review, Stamp};
use cc_forwarder::control::command::Checked;
use cc_forwarder::domain::budget::BudgetReport;
use cc_forwarder::events::health::Health;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::scene::Scene;

/// Equal but for the last digit of a fraction.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

fn comes_back<T: Serialize + DeserializeOwned>(text: &str) {
    let read: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let written = serde_json::to_string(&read).unwrap();
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(same(&value(text), &value(&written)), "\n{text}\n{written}");
}

#[tokio::test]
async fn every_answer_comes_back_as_it_went() {
    let mut scene = Scene::new().await;
    scene.traffic(3).await;
    let get = async |path: &str| scene.admin.get(path).await.text();
    let view = async |path: &str| get(&format!("/api/v1{path}")).await;
    let order = async |path: &str, body: &str| scene.order(path, body).await.text();
    comes_back::<Health>(&get("/health").await);
    comes_back::<Status>(&view("/status").await);
    comes_back::<EndpointsView>(&view("/endpoints").await);
    comes_back::<GroupsView>(&view("/groups").await);
    comes_back::<ConnectionsView>(&view("/connections").await);
    comes_back::<SuspendedView>(&view("/suspended").await);
    comes_back::<ConfigView>(&view("/config").await);
    comes_back::<HistoryView>(&view("/metrics/history").await);
    comes_back::<RequestsView>(&view("/requests").await);
    let id = scene.view("/requests").await["requests"][0]["request_id"].as_str().unwrap().to_owned();
    comes_back::<RequestDetail>(&view(&format!("/requests/{id}")).await);
    comes_back::<SummaryView>(&view("/usage/summary").await);
    comes_back::<StatsView>(&view("/usage/stats?by=model").await);
    comes_back::<RequestsView>(&view("/usage/requests").await);
    comes_back::<StoryView>(&view(&format!("/usage/requests/{id}")).await);
    comes_back::<ModelsView>(&view("/usage/models").await);
    comes_back::<BudgetReport>(&view("/usage/budget").await);
    comes_back::<RecostView>(&order("/usage/recost", "").await);
    comes_back::<Checked>(&order("/endpoints/a/health-check", "").await);
    comes_back::<Done>(&order("/endpoints/a/disable", "").await);
    comes_back::<ErrorBody>(&view("/logs").await);
    scene.stop().await;
}

#[test]
fn what_was_saved_comes_back() {
    let review = Review { path: "/etc/config.yaml".into(), stamp: Stamp::of("x"), written: Vec::new() };
    let saved = Saved { message: "done".to_owned(), review };
    assert_eq!(serde_json::from_str::<Saved>(&serde_json::to_string(&saved).unwrap()).unwrap(), saved);
    comes_back::<LogsView>(
        r#"{"lines":[{"seq":1,"at":"1970-01-01T00:00:00Z","level":"warn","target":"t","message":"m","fields":{"a":"b"},"request":null}],"next":1,"missed":0}"#,
    );
}
