//! The OpenAPI document and the port say the same.

use std::collections::BTreeSet;
use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use crate::scene::{SAMPLES, Sample, Scene};
use crate::schema::{self, DOCUMENT};

#[tokio::test]
async fn it_is_served_as_it_is() {
    let scene = Scene::new().await;
    let served = scene.view("/openapi.json").await;
    assert_eq!(served, *DOCUMENT);
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"), "{}", served["openapi"]);
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
    scene.stop().await;
}

/// The table of samples is what the tests of the door walk: no route may be missing there.
#[test]
fn every_route_has_one_sample_and_every_sample_a_route() {
    let sampled: Vec<(Method, String)> = SAMPLES
        .iter()
        .map(|s| (s.method.clone(), schema::route(&s.method, s.path).unwrap_or_else(|| s.path.to_owned())))
        .collect();
    let in_order = |routes: Vec<(Method, String)>| {
        let mut names: Vec<String> = routes.iter().map(|(method, path)| format!("{method} {path}")).collect();
        names.sort();
        names
    };
    assert_eq!(in_order(sampled), in_order(schema::routes()));
}

/// Whoever registers a route in this way registers it in the document: that is the only way there is.
#[test]
fn no_route_is_registered_beside_the_document() {
    fn visit(path: &Path, found: &mut Vec<String>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                visit(&entry.unwrap().path(), found);
            }
        } else {
            let text = std::fs::read_to_string(path).unwrap();
            let raw = [".route(", ".route_service(", ".nest_service("];
            found.extend(
                raw.iter().filter(|call| text.contains(*call)).map(|call| format!("{path:?}: {call}")),
            );
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    visit(&root.join("admin"), &mut found);
    visit(&root.join("admin.rs"), &mut found);
    assert_eq!(found, [""; 0]);
}

/// The router answers to the methods of the document, and to the paths.
#[tokio::test]
async fn the_router_has_the_routes_of_the_document() {
    let scene = Scene::new().await;
    for Sample { method, path, .. } in SAMPLES {
        let template = schema::route(&method, path).unwrap();
        let answer = scene.ask(&Method::PUT, path, &[]).await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed: BTreeSet<String> =
            answer.headers["allow"].to_str().unwrap().split(',').map(|m| m.trim().to_lowercase()).collect();
        let item = DOCUMENT["paths"][&template].as_object().unwrap();
        let mut documented: BTreeSet<String> = item.keys().cloned().collect();
        if documented.contains("get") {
            documented.insert("head".to_owned());
        }
        assert_eq!(allowed, documented, "{path}");
    }
    scene.stop().await;
}

/// What a route takes is what it says when it is given something else.
#[tokio::test]
async fn every_parameter_is_documented() {
    let scene = Scene::new().await;
    for Sample { method, path, body } in SAMPLES {
        let template = schema::route(&method, path).unwrap();
        let answer = scene.send(&method, &format!("{path}?no_such=1"), &[], body).await;
        let error = answer.json();
        let hint = error["error"]["hint"].as_str().unwrap();
        let taken: BTreeSet<&str> = hint.strip_prefix("this route takes ").unwrap().split(", ").collect();
        let empty = Vec::new();
        let parameters = schema::operation(&method, &template)["parameters"].as_array().unwrap_or(&empty);
        let is = |parameter: &&Value, place: &str| parameter["in"] == place;
        let mut query: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| is(parameter, "query"))
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        if query.is_empty() {
            query.insert("none");
        }
        assert_eq!(taken, query, "{template}");
        let in_path = parameters.iter().filter(|parameter| is(parameter, "path")).count();
        assert_eq!(in_path, template.matches('{').count(), "{template}");
    }
    scene.stop().await;
}

/// Documents are for people, too.
#[test]
fn everything_has_a_word_about_it() {
    for (method, path) in schema::routes() {
        let operation = schema::operation(&method, &path);
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
        assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let said = |key: &str| parameter[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(said("description") || parameter["schema"]["$ref"].is_string(), "{path}: {parameter}");
        }
        for status in ["400", "401", "403", "413"] {
            assert!(operation["responses"][status].is_object(), "{path} {status}");
        }
    }
    assert_eq!(DOCUMENT["components"]["schemas"]["RequestId"]["type"], json!("string"));
}
