//! The effective configuration as a list of keys, each with its value, its origin, and whether a change of it needs a
//! restart. Secrets are masked as in [`Config::redacted`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Config;
use super::diff::needs_restart;
use super::origin::Origin;

/// One key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ConfigEntry)]
pub struct Entry {
    /// Its path, endpoints by name: `endpoints[main-a].url`.
    pub key: String,
    /// Its value as one line; nothing when it is unset.
    pub value: Option<String>,
    /// Where the value came from.
    #[serde(flatten)]
    pub origin: Origin,
    /// A new value takes effect at the next start.
    pub restart: bool,
}

/// What an endpoint may have from one before it.
const INHERITED: [&str; 6] = ["group", "group-priority", "timeout", "token", "api-key", "headers"];

/// A place in the list and in the file.
#[derive(Clone, Default)]
struct Place {
    /// `endpoints[main-a].url`
    key: String,
    /// `endpoints[0].url`
    path: String,
}

impl Place {
    fn child(&self, key: &str) -> Self {
        Self { key: super::yaml::join(&self.key, key), path: super::yaml::join(&self.path, key) }
    }

    fn item(&self, name: Option<&str>, index: usize) -> Self {
        let shown = name.map_or(index.to_string(), str::to_owned);
        Self { key: format!("{}[{shown}]", self.key), path: format!("{}[{index}]", self.path) }
    }
}

impl Config {
    /// Every key of the effective configuration, by section, both in the order of their names; endpoints in file order.
    pub fn entries(&self) -> Vec<Entry> {
        let mut list = List { config: self, entries: Vec::new() };
        if let Some(pinned) = &self.pinned {
            let value = Some(pinned.to_string());
            let origin = Origin::Flag { name: "-p".into() };
            list.entries.push(Entry { key: "(pinned endpoint)".to_owned(), value, origin, restart: true });
        }
        if let Value::Object(sections) = self.redacted() {
            for (key, value) in &sections {
                list.add(&Place::default().child(key), value);
            }
        }
        list.entries
    }
}

struct List<'c> {
    config: &'c Config,
    entries: Vec<Entry>,
}

impl List<'_> {
    fn add(&mut self, place: &Place, value: &Value) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                entries.iter().for_each(|(key, value)| self.add(&place.child(key), value));
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                items.iter().enumerate().for_each(|(index, item)| self.item(place, index, item));
            }
            value => self.leaf(place, value),
        }
    }

    /// Items are named as the file names them: by what stands in them, or as keys of a mapping.
    fn item(&mut self, place: &Place, index: usize, item: &Value) {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        if let (Some(model), Some(prices)) = (text("model"), item.get("prices")) {
            return self.add(&place.child(model), prices);
        }
        if let (Some(pattern), Some(target)) = (text("pattern"), item.get("target")) {
            return self.add(&place.child(pattern), target);
        }
        self.add(&place.item(text("name"), index), item);
    }

    fn leaf(&mut self, place: &Place, value: &Value) {
        let value = shown(value);
        let mut origin = self.config.origins.of(&place.key, &place.path);
        if origin == Origin::Default && value.is_some() && self.is_inherited(&place.path) {
            origin = Origin::Inherited;
        }
        let restart = needs_restart(&place.key);
        self.entries.push(Entry { key: place.key.clone(), value, origin, restart });
    }

    /// True when an endpoint before it in the file says what this one has.
    fn is_inherited(&self, path: &str) -> bool {
        let Some((index, key)) = path.strip_prefix("endpoints[").and_then(|rest| rest.split_once("]."))
        else {
            return false;
        };
        let before = match key {
            // From the first endpoint of the file alone.
            "timeout" => 1,
            _ => index.parse().unwrap_or(0),
        };
        let said = |at: usize| self.config.origins.line(&format!("endpoints[{at}].{key}")).is_some();
        INHERITED.contains(&key.split('.').next().unwrap_or_default()) && (0..before).any(said)
    }
}

/// A value as one line; nothing for what is unset.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(items.iter().filter_map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => None,
        value => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests;
