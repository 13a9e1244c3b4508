//! The models the simulator offers: `GET /v1/models` and `GET /v1/models/{id}`.

/// Id and display name; any other id with "claude" in it exists too when asked for by name.
const MODELS: [(&str, &str); 4] = [
    ("claude-opus-4-8", "Claude Opus 4.8"),
    ("claude-sonnet-5-5", "Claude Sonnet 5.5"),
    ("claude-haiku-5-5", "Claude Haiku 5.5"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
];

/// The JSON answer to a models path; `None` when there is no such model.
pub(super) fn answer(path: &str) -> Option<String> {
    match path.strip_prefix("/v1/models")?.strip_prefix('/') {
        None => Some(list()),
        Some(id) => {
            let known = MODELS.iter().find(|(have, _)| *have == id).map(|(id, name)| model(id, name));
            known.or_else(|| id.contains("claude").then(|| model(id, id)))
        }
    }
}

fn list() -> String {
    let models: Vec<_> = MODELS.iter().map(|(id, name)| model(id, name)).collect();
    let (data, first, last) = (models.join(","), MODELS[0].0, MODELS[MODELS.len() - 1].0);
    format!(r#"{{"data":[{data}],"has_more":false,"first_id":"{first}","last_id":"{last}"}}"#)
}

fn model(id: &str, name: &str) -> String {
    let (id, name) = (super::render::quoted(id), super::render::quoted(name));
    format!(r#"{{"type":"model","id":{id},"display_name":{name},"created_at":"2026-01-01T00:00:00Z"}}"#)
}
