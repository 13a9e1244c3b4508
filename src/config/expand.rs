//! `${ENV_NAME}` and `${file:/path}` inside values.
//!
//! | written | becomes |
//! |---|---|
//! | `${NAME}` | the environment variable; unset is an error, empty is empty |
//! | `${file:/path}` | the file's text without its last line break |
//! | `$${` | a literal `${` |
//! | any other `$` | itself |
//!
//! What was put in is treated as secret, whatever the key: it goes to the redactor and is never quoted in a problem.

use std::path::Path;

use super::env::{Env, read_text};

/// Larger files are no credentials.
const LONGEST_SECRET_FILE: u64 = 64 * 1024;

/// A value after expansion.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The whole value.
    pub(super) text: String,
    /// What was put in, piece by piece; empty when the value was literal.
    pub(super) inserted: Vec<String>,
}

/// Expands every reference in `text`.
///
/// # Errors
/// One message for each reference that cannot be resolved; none contains a value.
pub(super) fn expand(text: &str, env: &dyn Env) -> Result<Expanded, Vec<String>> {
    let mut out = Expanded { text: String::with_capacity(text.len()), inserted: Vec::new() };
    let mut errors = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if let Some(before) = rest[..start].strip_suffix('$') {
            out.text.push_str(before);
            out.text.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        out.text.push_str(&rest[..start]);
        let Some(len) = rest[start..].find('}') else {
            errors.push("`${` without `}`: close it, or write `$${` for a literal `${`".to_owned());
            return Err(errors);
        };
        match resolve(&rest[start + 2..start + len], env) {
            Ok(value) => {
                out.text.push_str(&value);
                out.inserted.push(value);
            }
            Err(error) => errors.push(error),
        }
        rest = &rest[start + len + 1..];
    }
    out.text.push_str(rest);
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}

fn resolve(reference: &str, env: &dyn Env) -> Result<String, String> {
    if let Some(path) = reference.strip_prefix("file:") {
        return read_text(env, Path::new(path), LONGEST_SECRET_FILE)
            .map(|text| without_last_break(&text).to_owned())
            .map_err(|e| format!("cannot read the file of `${{file:{path}}}`: {e}"));
    }
    if !is_variable_name(reference) {
        return Err(
            "what stands in `${...}` is neither a variable name (letters, digits, `_`) nor `file:/path`; \
                    write `$${` for a literal `${`"
                .to_owned(),
        );
    }
    env.var(reference)
        .ok_or_else(|| format!("environment variable `{reference}` is not set: set it and start again"))
}

fn without_last_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    struct Fake;

    impl Env for Fake {
        fn var(&self, name: &str) -> Option<String> {
            match name {
                "KEY" => Some("k-1".into()),
                "EMPTY" => Some(String::new()),
                _ => None,
            }
        }
        fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
            match path.to_str() {
                Some("/secret") => Ok(b"from file\r\n".to_vec()),
                Some("/endless") => Ok(vec![b'x'; usize::try_from(limit).unwrap()]),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        }
        fn is_file(&self, _: &Path) -> bool {
            false
        }
    }

    fn text(input: &str) -> String {
        expand(input, &Fake).unwrap().text
    }

    #[test]
    fn references_become_their_values() {
        assert_eq!(text("plain $5 and $ {x}"), "plain $5 and $ {x}");
        assert_eq!(text("Bearer ${KEY}/${KEY}!"), "Bearer k-1/k-1!");
        assert_eq!(text("${EMPTY}"), "");
        assert_eq!(text("${file:/secret}"), "from file");
        assert_eq!(text("$${KEY} costs"), "${KEY} costs");
        assert_eq!(expand("a${KEY}b", &Fake).unwrap().inserted, ["k-1"]);
        assert!(expand("literal", &Fake).unwrap().inserted.is_empty());
    }

    #[test]
    fn every_unresolved_reference_is_reported() {
        let errors = expand("${NO} ${file:/gone} ${KEY:-x} ${", &Fake).unwrap_err();
        assert_eq!(errors.len(), 4, "{errors:#?}");
        assert!(errors[0].starts_with("environment variable `NO` is not set"));
        assert!(errors[1].starts_with("cannot read the file of `${file:/gone}`"));
        assert!(errors[2].contains("neither a variable name"));
        assert!(errors[3].starts_with("`${` without `}`"));
    }

    #[test]
    fn an_endless_file_is_refused() {
        let errors = expand("${file:/endless}", &Fake).unwrap_err();
        assert!(errors[0].ends_with("it is longer than 65536 bytes"), "{errors:?}");
    }
}
