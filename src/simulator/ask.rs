//! What a request asks for, as far as an answer depends on it.
//!
//! Reads leniently: unknown fields, roles and block kinds are fine; only a body that is no JSON object is refused. The
//! answer to equal bodies is equal, so everything here follows from the bytes alone (see [`Ask::seed`]).

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// A messages or count_tokens request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) max_tokens: u64,
    pub(super) thinking: bool,
    /// `output_config.format.schema`: the text must be a JSON document of this shape.
    pub(super) schema: Option<Value>,
    /// The call the last message asks for.
    pub(super) asked_call: Option<ToolCall>,
    /// A call that could be made unasked: of the first tool, unless the last message brings a tool's result.
    pub(super) possible_call: Option<ToolCall>,
    /// A hash of the body: the seed of ids and text.
    pub(super) seed: u64,
    /// Size of the body in bytes.
    pub(super) body_bytes: usize,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ToolCall {
    pub(super) name: String,
    pub(super) input: Value,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(borrow, default)]
    messages: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    tools: Vec<&'a RawValue>,
    #[serde(default)]
    thinking: Value,
    #[serde(default)]
    output_config: Value,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    #[serde(default)]
    input_schema: Value,
}

impl Ask {
    /// Reads a request body; `None` when it is not a JSON object of the known shape.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        // Serde would take an array for a struct, too.
        let fields: Fields<'_> = match body.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(body).ok()?,
            _ => return None,
        };
        let format = &fields.output_config["format"];
        let last = last_user_content(&fields.messages);
        let text = last.as_ref().and_then(last_text);
        Some(Self {
            model: fields.model.unwrap_or_default(),
            stream: fields.stream.unwrap_or(false),
            max_tokens: fields.max_tokens.unwrap_or(u64::MAX),
            thinking: matches!(fields.thinking["type"].as_str(), Some("enabled" | "adaptive")),
            schema: (format["type"] == "json_schema").then(|| format["schema"].clone()),
            asked_call: text.and_then(|text| asked_call(text, &fields.tools)),
            possible_call: text
                .and(fields.tools.first())
                .and_then(|raw| tool(raw))
                .map(|tool| tool.call(None)),
            seed: seed(body),
            body_bytes: body.len(),
        })
    }
}

/// FNV-1a, 64 bits.
pub(super) fn seed(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The call asked for by `use the tool [name] [input object]`, if such a tool is offered.
fn asked_call(text: &str, tools: &[&RawValue]) -> Option<ToolCall> {
    let rest = text.split_once("use the tool")?.1.trim_start();
    let name = rest.split(|c: char| c.is_whitespace() || ".,:{".contains(c)).next().unwrap_or_default();
    let mut offered: Vec<Tool> = tools.iter().filter_map(|raw| tool(raw)).collect();
    let named = offered.iter().position(|tool| tool.name == name).unwrap_or(0);
    let input = rest.find('{').and_then(|at| first_object(rest.get(at..)?));
    (named < offered.len()).then(|| offered.swap_remove(named).call(input))
}

fn tool(raw: &RawValue) -> Option<Tool> {
    serde_json::from_str(raw.get()).ok()
}

impl Tool {
    fn call(self, input: Option<Value>) -> ToolCall {
        ToolCall { input: input.unwrap_or_else(|| example(&self.input_schema)), name: self.name }
    }
}

fn last_user_content(messages: &[&RawValue]) -> Option<Value> {
    messages.iter().rev().find_map(|raw| {
        let message: Message = serde_json::from_str(raw.get()).ok()?;
        (message.role == "user").then_some(message.content)
    })
}

/// The last text; none when a tool's result is among it, because then the call was made already.
fn last_text(content: &Value) -> Option<&str> {
    match content {
        Value::String(text) => Some(text),
        Value::Array(blocks) if blocks.iter().any(|block| block["type"] == "tool_result") => None,
        Value::Array(blocks) => blocks.iter().rev().find_map(|block| block["text"].as_str()),
        _ => None,
    }
}

fn first_object(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

/// A small value that fits a JSON schema: required properties of objects, the first of an enum, one plain scalar else.
pub(super) fn example(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => Value::Object(example_object(schema)),
        Some("array") => json!([]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        _ => json!("Simulated answer"),
    }
}

fn example_object(schema: &Value) -> Map<String, Value> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = required.iter().filter_map(Value::as_str);
    names.map(|name| (name.to_owned(), example(&schema["properties"][name]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(body: Value) -> Ask {
        Ask::read(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn only_the_top_level_stream_field_counts() {
        let nested = json!({"model": "m", "messages": [{"role": "user", "content": "\"stream\": true"}], "metadata": {"stream": true}});
        assert!(!ask(nested).stream);
        assert!(ask(json!({"model": "m", "messages": [], "stream": true})).stream);
        assert!(Ask::read(b"[]").is_none());
        assert!(Ask::read(b"{\"model\":").is_none());
    }

    #[test]
    fn the_last_user_text_picks_tool_and_input() {
        let tools = json!([
            {"name": "Read", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}},
            {"name": "Bash", "input_schema": {"type": "object"}},
        ]);
        let with = |text: &str| {
            let last = json!({"role": "user", "content": [{"type": "text", "text": "context"}, {"type": "text", "text": text}]});
            ask(json!({"messages": [last, {"role": "system", "content": "x"}], "tools": tools})).asked_call
        };
        assert_eq!(with("hello"), None);
        assert_eq!(with("please use the tool.").unwrap().input, json!({"path": "Simulated answer"}));
        let named = with("use the tool Bash {\"command\": \"ls {}\"} now").unwrap();
        assert_eq!((named.name.as_str(), named.input), ("Bash", json!({"command": "ls {}"})));
    }

    #[test]
    fn a_tool_result_ends_the_round_trip() {
        let content = json!([{"type": "tool_result", "tool_use_id": "t", "content": "use the tool"}]);
        let request =
            json!({"messages": [{"role": "user", "content": content}], "tools": [{"name": "Read"}]});
        assert_eq!((ask(request.clone()).asked_call, ask(request).possible_call), (None, None));
    }

    #[test]
    fn a_json_schema_is_answered_with_a_fitting_value() {
        let schema = json!({"type": "object", "required": ["title", "n"], "properties": {"title": {"type": "string"}, "n": {"type": "integer"}}});
        let format = json!({"format": {"type": "json_schema", "schema": schema}});
        let asked = ask(json!({"messages": [], "output_config": format}));
        assert_eq!(example(&asked.schema.unwrap()), json!({"title": "Simulated answer", "n": 1}));
    }
}
