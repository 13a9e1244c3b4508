//! Theme files: `base: NAME` and a style per role.
//!
//! ```yaml
//! base: dark            # roles that are not given come from here; another shipped theme, or left out
//! ok: "#a6e3a1"         # a colour: #rrggbb, a name (red, light-blue, gray), a number 0-255, or default
//! error: { fg: red, bg: default, bold: true, dim: false, underline: false, reverse: false, italic: false }
//! ```

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::{Role, Theme};

/// A theme that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Not the YAML of a theme.
    #[error("theme \"{name}\": {source}")]
    Yaml {
        /// Which.
        name: String,
        /// What is wrong, with the line.
        source: serde_yaml::Error,
    },
    /// A role that does not exist.
    #[error("theme \"{name}\": there is no role `{role}`; roles are: {}", roles())]
    UnknownRole {
        /// Which theme.
        name: String,
        /// What it says.
        role: String,
    },
    /// A base that does not exist.
    #[error("theme \"{name}\": its base \"{base}\" is no theme of the program")]
    UnknownBase {
        /// Which theme.
        name: String,
        /// What it says.
        base: String,
    },
    /// A colour nobody knows.
    #[error(
        "theme \"{name}\": `{role}`: \"{color}\" is no colour; write #rrggbb, a name such as red or light-blue, a number \
         from 0 to 255, or default"
    )]
    Color {
        /// Which theme.
        name: String,
        /// Which role.
        role: String,
        /// What it says.
        color: String,
    },
}

fn roles() -> String {
    Role::ALL.map(|(_, name)| name).join(", ")
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(u8),
    Text(String),
    Style(Detailed),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Detailed {
    fg: Option<Hue>,
    bg: Option<Hue>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Hue {
    Number(u8),
    Text(String),
}

/// Reads a theme. `bases` are themes it may build on.
///
/// # Errors
/// When it is no theme; the error names the theme and the place.
pub fn parse(name: &str, text: &str, bases: &[Theme]) -> Result<Theme, ThemeError> {
    let yaml = |source| ThemeError::Yaml { name: name.to_owned(), source };
    let values: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_str(text).map_err(yaml)?;
    let mut styles = [Style::new(); Role::ALL.len()];
    if let Some(base) = values.get("base").and_then(|v| v.as_str()) {
        let unknown = || ThemeError::UnknownBase { name: name.to_owned(), base: base.to_owned() };
        styles = bases.iter().find(|t| t.name == base).ok_or_else(unknown)?.styles;
    }
    for (role, value) in values.iter().filter(|(key, _)| *key != "base") {
        let known = Role::ALL.iter().find(|(_, known)| known == role);
        let unknown = || ThemeError::UnknownRole { name: name.to_owned(), role: role.clone() };
        let index = known.ok_or_else(unknown)?.0 as usize;
        let value = serde_yaml::from_value(value.clone()).map_err(yaml)?;
        let no_color = |color| ThemeError::Color { name: name.to_owned(), role: role.clone(), color };
        styles[index] = style(value).map_err(no_color)?;
    }
    Ok(Theme { name: name.to_owned(), styles })
}

fn style(value: Value) -> Result<Style, String> {
    Ok(match value {
        Value::Number(index) => Style::new().fg(Color::Indexed(index)),
        Value::Text(text) => Style::new().fg(color(Hue::Text(text))?),
        Value::Style(detailed) => {
            let flags = [
                (detailed.bold, Modifier::BOLD),
                (detailed.dim, Modifier::DIM),
                (detailed.italic, Modifier::ITALIC),
                (detailed.underline, Modifier::UNDERLINED),
                (detailed.reverse, Modifier::REVERSED),
            ];
            let on = flags.into_iter().filter(|(on, _)| *on).map(|(_, modifier)| modifier).collect();
            let fg = detailed.fg.map(color).transpose()?;
            let bg = detailed.bg.map(color).transpose()?;
            Style { fg, bg, ..Style::new().add_modifier(on) }
        }
    })
}

fn color(hue: Hue) -> Result<Color, String> {
    match hue {
        Hue::Number(index) => Ok(Color::Indexed(index)),
        Hue::Text(text) if text == "default" => Ok(Color::Reset),
        Hue::Text(text) => text.parse().map_err(|_| text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::shipped;

    #[test]
    fn errors_name_theme_role_and_colour() {
        let message = |text| parse("mine", text, shipped()).unwrap_err().to_string();
        assert!(message("okay: red").contains("no role `okay`; roles are: text, muted"));
        assert!(message("ok: reddish").contains("`ok`: \"reddish\" is no colour"));
        assert!(message("base: solar").contains("\"solar\" is no theme"));
        assert!(message("ok: { fg: red, bolt: true }").starts_with("theme \"mine\":"));
    }

    #[test]
    fn a_base_gives_what_is_not_said() {
        let mine = parse("mine", "base: dark\nok: 42", shipped()).unwrap();
        assert_eq!(mine.style(Role::Ok), Style::new().fg(Color::Indexed(42)));
        assert_eq!(mine.style(Role::Error), shipped()[0].style(Role::Error));
    }
}
