//! Reads Rust source just well enough to see what it imports: tokens without comments, literals and test modules.

use std::collections::BTreeSet;

/// One source file, ready to be asked.
pub(crate) struct Source {
    /// Tokens of the production code: words, `::`, and single punctuation characters.
    pub(crate) tokens: Vec<String>,
    /// Tokens of everything, tests included.
    pub(crate) all_tokens: Vec<String>,
    /// Modules declared as `#[cfg(test)] mod name;`.
    pub(crate) test_modules: BTreeSet<String>,
}

impl Source {
    /// Reads a file's text.
    pub(crate) fn read(text: &str) -> Self {
        let all_tokens = tokens(&blank(text));
        let (tokens, test_modules) = without_tests(&all_tokens);
        Self { tokens, all_tokens, test_modules }
    }

    /// Every path in the production code, `{…}` trees spelled out: `use a::{b, c::d};` gives `a::b` and `a::c::d`.
    /// A lone word is a path of one segment.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if is_word(&self.tokens[at]) {
                at = tree(&self.tokens, at, &[], &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }
}

/// Reads one path or tree starting at `at`; returns where it ends.
fn tree(tokens: &[String], mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    loop {
        if !is_word(token(at)) {
            break;
        }
        path.push(tokens[at].clone());
        at += 1;
        if token(at) != "::" {
            break;
        }
        at += 1;
        if token(at) == "{" {
            return branches(tokens, at + 1, &path, paths);
        }
    }
    paths.push(path);
    at
}

/// Reads the inside of `{…}` up to behind its end.
fn branches(tokens: &[String], mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "}" => return at + 1,
            "as" => at += 2,
            word if is_word(word) => at = tree(tokens, at, prefix, paths),
            _ => at += 1,
        }
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The text with comments, strings and character literals replaced by spaces.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end > at {
            out.push(' ');
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Where the comment or literal starting at `at` ends; `at` when none starts there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let starts = |what: &str| what.chars().enumerate().all(|(i, c)| rest.get(i) == Some(&c));
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if starts("//") {
        at + rest.iter().position(|&c| c == '\n').unwrap_or(rest.len())
    } else if starts("/*") {
        at + block_comment(rest)
    } else if starts("\"") {
        at + 1 + quoted(&rest[1..], '"')
    } else if !in_word && (starts("r") || starts("br")) {
        at + raw_string(rest)
    } else if starts("'") {
        at + char_literal(rest)
    } else {
        at
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length up to and with the closing quote, minding backslashes.
fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Length of `r"…"`, `r#"…"#`, `br"…"`; 0 for a word that only begins with `r`.
fn raw_string(rest: &[char]) -> usize {
    let prefix = rest.iter().take_while(|c| matches!(c, 'b' | 'r')).count();
    let hashes = rest[prefix..].iter().take_while(|&&c| c == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        return 0;
    }
    let body = prefix + hashes + 1;
    let closes = |at: &usize| rest[*at] == '"' && (1..=hashes).all(|i| rest.get(at + i) == Some(&'#'));
    (body..rest.len()).find(closes).map_or(rest.len(), |at| at + hashes + 1)
}

/// Length of `'x'` or `'\n'`; 0 for a lifetime.
fn char_literal(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => 1 + quoted(&rest[1..], '\''),
        (Some(_), Some('\'')) => 3,
        _ => 0,
    }
}

fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let word = chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
        let length = match chars[at] {
            _ if word > 0 => word,
            ':' if chars.get(at + 1) == Some(&':') => 2,
            _ => 1,
        };
        if !chars[at].is_whitespace() {
            tokens.push(chars[at..at + length].iter().collect());
        }
        at += length;
    }
    tokens
}

/// The tokens without items under `#[cfg(test)]`, and the names of the test modules kept in other files.
fn without_tests(tokens: &[String]) -> (Vec<String>, BTreeSet<String>) {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut modules = BTreeSet::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().map(String::as_str).take(marker.len()).eq(marker) {
            let end = item_end(tokens, at + marker.len());
            let item = &tokens[at..end];
            if let (Some(position), Some(";")) =
                (item.iter().position(|t| t == "mod"), item.last().map(String::as_str))
            {
                modules.extend(item.get(position + 1).cloned());
            }
            at = end;
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    (kept, modules)
}

/// Behind the `;` or the closing brace that ends the item starting at `at`.
fn item_end(tokens: &[String], at: usize) -> usize {
    let mut depth = 0;
    for (position, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.as_str(), ";" | "}") {
            return position + 1;
        }
    }
    tokens.len()
}
