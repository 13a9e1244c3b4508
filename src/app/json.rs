//! JSON for those who asked for it: on more than one line, without reading its numbers, so that amounts keep every digit.

use anyhow::Context;
use serde::de::DeserializeOwned;

use super::run;
use crate::logging::escape::escape_json;

/// Prints it, indented. The text stays as it came, digit for digit.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn print(json: &str) -> anyhow::Result<()> {
    // Line by line, because the escape would take the line ends for dangerous text.
    let lines = indent(json);
    run::print(&lines.lines().map(|line| escape_json(line.to_owned()) + "\n").collect::<String>())
}

/// What a forwarder answered, as a type of ours.
///
/// # Errors
/// When it is something else: then the forwarder is of another version.
pub(super) fn read<T: DeserializeOwned>(answer: &str) -> anyhow::Result<T> {
    serde_json::from_str(answer).context(
        "the answer is not what it should be: is the forwarder of another version than this command?",
    )
}

/// The document, indented by two spaces. Text that is no JSON comes out somehow.
fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut rest = json.chars().filter(|c| !"\r\n".contains(*c)).peekable();
    while let Some(c) = rest.next() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' if rest.next_if(|next| "}]".contains(*next)).is_some() => {
                out.push_str(if c == '{' { "{}" } else { "[]" });
            }
            '{' | '[' => {
                depth += 1;
                out.push(c);
                new_line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_a_value_stays() {
        let json = r#"{"a":[],"b":{},"c":[1.000000000001,{"d":"x, {y}: \"[z]\" \\"}],"e":null}"#;
        let text = indent(json);
        assert_eq!(
            text,
            r#"{
  "a": [],
  "b": {},
  "c": [
    1.000000000001,
    {
      "d": "x, {y}: \"[z]\" \\"
    }
  ],
  "e": null
}"#
        );
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&text), value(json));
    }
}
