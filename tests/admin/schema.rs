//! The OpenAPI document as a judge: which route a request went to, and whether its answer is what the document says.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cc_forwarder::admin::openapi;
use http::Method;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::support::Answer;

/// The document, as it is served.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(openapi::document()).expect("JSON"));

/// Its schemas, with no more properties allowed than they name: what is answered has to be documented.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let mut schemas = DOCUMENT["components"]["schemas"].clone();
    let mut parts = BTreeSet::new();
    parts_of_others(&DOCUMENT["components"]["schemas"], &mut parts);
    for (name, schema) in schemas.as_object_mut().unwrap() {
        close(schema, !parts.contains(name));
    }
    schemas
});

/// Names of schemas that stand inside an `allOf`: the rest of such an object is somewhere else.
fn parts_of_others(schema: &Value, found: &mut BTreeSet<String>) {
    let children: Vec<&Value> = match schema {
        Value::Object(object) => {
            let parts = object.get("allOf").and_then(Value::as_array);
            let names = parts.into_iter().flatten().filter_map(|part| part["$ref"].as_str());
            found.extend(names.filter_map(|name| name.rsplit('/').next()).map(str::to_owned));
            object.values().collect()
        }
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    children.into_iter().for_each(|child| parts_of_others(child, found));
}

/// Forbids properties beside the known ones, here and in all that is inside.
fn close(schema: &mut Value, here: bool) {
    let Value::Object(object) = schema else { return };
    let is_object = object.get("properties").is_some() || object.get("allOf").is_some();
    for (key, child) in object.iter_mut() {
        match (key.as_str(), child) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|property| close(property, true));
            }
            ("oneOf" | "anyOf", Value::Array(variants)) => {
                variants.iter_mut().for_each(|variant| close(variant, here && !is_object));
            }
            // Together they are the object.
            ("allOf", Value::Array(parts)) => parts.iter_mut().for_each(|part| close(part, false)),
            ("items", items) => close(items, true),
            _ => {}
        }
    }
    if here && is_object {
        object.insert("unevaluatedProperties".to_owned(), json!(false));
    }
}

/// Every route of the document.
pub(crate) fn routes() -> Vec<(Method, String)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let methods = |(path, item): (&String, &Value)| -> Vec<(Method, String)> {
        let item = item.as_object().unwrap();
        item.keys().map(|method| (method.to_uppercase().parse().unwrap(), path.clone())).collect()
    };
    paths.iter().flat_map(methods).collect()
}

/// The route that a request goes to, as the document names it.
pub(crate) fn route(method: &Method, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (have, want) = (path.split('/'), template.split('/'));
        have.clone().count() == want.clone().count()
            && have.zip(want).all(|(have, want)| want.starts_with('{') && !have.is_empty() || have == want)
    };
    let mut routes = routes().into_iter().filter(|(m, template)| m == method && fits(template));
    // A literal path outranks one with a name in it.
    let first = routes.next()?;
    let best = routes.fold(first, |best, next| if best.1.contains('{') { next } else { best });
    Some(best.1)
}

/// The operation of the document.
pub(crate) fn operation<'d>(method: &Method, template: &str) -> &'d Value {
    &DOCUMENT["paths"][template][method.as_str().to_lowercase()]
}

/// The answer is one that the document has for this request.
pub(crate) fn judge(method: &Method, path: &str, answer: &Answer) {
    let Some(template) = route(method, path) else {
        assert!(answer.status.is_client_error(), "{method} {path} is not documented: {}", answer.status);
        return check(&json!({ "$ref": "#/components/schemas/ErrorBody" }), &answer.text(), path);
    };
    let response = &operation(method, &template)["responses"][answer.status.as_str()];
    assert!(
        response.is_object(),
        "{method} {template} does not document {}: {}",
        answer.status,
        answer.text()
    );
    let kind = answer.headers["content-type"].to_str().unwrap().split(';').next().unwrap();
    let content = &response["content"][kind];
    assert!(content.is_object(), "{method} {template} does not document {kind} for {}", answer.status);
    if kind == "application/json" {
        check(&content["schema"], &answer.text(), &format!("{method} {path} {}", answer.status));
    }
}

fn check(schema: &Value, text: &str, what: &str) {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{what}: {error}: {text}"));
    let errors: Vec<String> = validator(schema)
        .iter_errors(&value)
        .map(|error| {
            format!(
                "{} at {}",
                error.to_string().chars().take(300).collect::<String>(),
                error.instance_path()
            )
        })
        .collect();
    assert!(
        errors.is_empty(),
        "{what}\n{}\n{}",
        errors.join("\n"),
        text.chars().take(2_000).collect::<String>()
    );
}

/// Each is made once: that takes longer than all it is used for.
fn validator(schema: &Value) -> Arc<Validator> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(made.entry(schema.to_string()).or_insert_with(|| Arc::new(new_validator(schema))))
}

fn new_validator(schema: &Value) -> Validator {
    let mut root = Map::new();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("allOf".to_owned(), json!([schema]));
    root.insert("components".to_owned(), json!({ "schemas": *SCHEMAS }));
    jsonschema::validator_for(&Value::Object(root)).expect("a schema")
}
