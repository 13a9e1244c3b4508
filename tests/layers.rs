//! Holds the dependency direction and the house rules that the compiler does not check.
//!
//! | rule | where |
//! |---|---|
//! | a module imports only what [`LAYERS`] allows it | all of `src`, tests aside |
//! | pure modules touch no clock, dice, file, socket or runtime ([`IMPURE`]) | [`PURE`], tests aside |
//! | a file has at most [`LONGEST_FILE`] lines | all of `src` and `tests` |
//! | nothing is left undone or silenced ([`UNFINISHED`]) | all of `src` and `tests` |
//!
//! Every rule is a function from a file to its violations, so that the tests at the end can show that it fails.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like the tests")]

#[path = "layers/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use source::Source;

/// Module, and what it may import besides itself and what is below it. The longest row that fits a module counts; a
/// row for `a::b` does not inherit what `a` may do, nor may it import `a`.
const LAYERS: &[(&str, &[&str])] = &[
    // Starts everything and is seen by nobody.
    ("main", &["app", "cli", "check", "demo", "logging"]),
    ("app", &[ANYTHING]),
    ("cli", &["config"]),
    ("check", &["config", "domain", "proxy", "control", "events", "logging", "cli"]),
    (
        "demo",
        &["config", "domain", "claude", "proxy", "control", "events", "logging", "cli", "app", "simulator"],
    ),
    // Imported by `demo`, tests and benches only.
    ("simulator", &[]),
    // The data path. Its lower half, which probes use too, knows nothing of requests and fleets.
    ("proxy", &["domain", "claude", "config", "control", "events", "files"]),
    ("proxy::transport", WIRE),
    ("proxy::dialer", WIRE),
    ("proxy::pool", WIRE),
    ("proxy::headers", WIRE),
    ("control", &["domain", "config", "events", "proxy::transport", "proxy::headers"]),
    // Observers: they see facts, never the data path.
    ("events", &["domain", "claude", "config"]),
    ("store", &["domain", "claude", "config", "events", "files"]),
    ("admin", &["domain", "claude", "config", "control", "events", "store", "logging::ring"]),
    // The ledger's sums, filters and periods are shown as they are; who asks the file is `app`.
    (
        "tui",
        &["domain", "claude", "config", "control", "events", "store", "logging::ring", "logging::escape"],
    ),
    ("logging", &["config", "domain", "files"]),
    // The floor.
    ("config", &["domain", "claude", "files"]),
    ("files", &[]),
    ("domain", &["claude"]),
    ("claude", &[]),
];

const WIRE: &[&str] =
    &["domain", "config", "proxy::transport", "proxy::dialer", "proxy::pool", "proxy::headers"];

/// In a row of [`LAYERS`]: no limit.
const ANYTHING: &str = "*";

/// Modules that decide and do not act.
const PURE: &[&str] = &["domain", "claude"];

/// Path pieces that have no place in [`PURE`] modules.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio_util",
    "hyper",
    "hyper_util",
    "fastrand",
    "tracing",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
];

/// The ceiling, in lines.
const LONGEST_FILE: usize = 500;

/// Token sequences of unfinished code and of tests that do not run.
const UNFINISHED: &[&[&str]] = &[&["todo", "!"], &["unimplemented", "!"], &["#", "[", "ignore"]];

/// Lints that may not be switched off.
const LOUD_LINTS: &[&str] = &["dead_code", "unused"];

/// A file to check.
struct File {
    /// As shown in messages.
    name: String,
    /// Its module path; empty for `lib.rs` and for tests.
    module: Vec<String>,
    text: String,
}

fn files(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no source files under {}", root.display());
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(&root).unwrap();
        let module = if folder == "src" { module_of(inside) } else { Vec::new() };
        let name = format!("{folder}/{}", inside.display());
        File { name, module, text: std::fs::read_to_string(&path).unwrap() }
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn module_of(path: &Path) -> Vec<String> {
    let path = path.with_extension("");
    let mut parts: Vec<String> = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") || parts == ["lib"] {
        parts.pop();
    }
    parts
}

/// Files of `src` that are part of the program: not those behind a `#[cfg(test)] mod name;`.
fn production() -> Vec<File> {
    let files = files("src");
    let tests: BTreeSet<Vec<String>> = files
        .iter()
        .flat_map(|file| {
            let names = Source::read(&file.text).test_modules;
            names.into_iter().map(|name| [file.module.as_slice(), &[name]].concat())
        })
        .collect();
    let is_test = |file: &File| (1..=file.module.len()).any(|n| tests.contains(&file.module[..n]));
    files.into_iter().filter(|file| !is_test(file)).collect()
}

fn begins_with(path: &[String], prefix: &str) -> bool {
    let mut segments = path.iter();
    prefix.split("::").all(|wanted| segments.next().is_some_and(|have| have == wanted))
}

fn row_of(module: &[String]) -> Option<&'static (&'static str, &'static [&'static str])> {
    LAYERS.iter().filter(|(name, _)| begins_with(module, name)).max_by_key(|(name, _)| name.len())
}

/// What a path means, from the root of the crate; `None` for paths out of the crate or within the file.
fn inside_crate(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|segment| *segment == "super").count();
    let (base, rest) = match path.first()?.as_str() {
        "crate" | "cc_forwarder" => (&[][..], &path[1..]),
        "super" => (&module[..module.len().checked_sub(ups)?], &path[ups..]),
        _ => return None,
    };
    let target = [base, rest].concat();
    let known = |name: &str| LAYERS.iter().any(|(row, _)| *row == name);
    // An item of the file itself, named from an inner module.
    let local = path[0] == "super" && !target.first().is_some_and(|first| known(first));
    (!local && !target.is_empty()).then_some(target)
}

fn forbidden_imports(file: &File) -> Vec<String> {
    if file.module.is_empty() {
        return Vec::new();
    }
    let Some((own, allowed)) = row_of(&file.module) else {
        return vec![format!("{}: its module has no row in LAYERS", file.name)];
    };
    let fine = |target: &[String]| {
        begins_with(target, own) || allowed.iter().any(|a| *a == ANYTHING || begins_with(target, a))
    };
    let targets = Source::read(&file.text).paths().into_iter().filter_map(|p| inside_crate(&p, &file.module));
    let bad: BTreeSet<_> = targets.filter(|target| !fine(target)).map(|target| target.join("::")).collect();
    bad.into_iter().map(|target| format!("{}: '{own}' may not import {target}", file.name)).collect()
}

fn impure_paths(file: &File) -> Vec<String> {
    if !PURE.iter().any(|pure| begins_with(&file.module, pure)) {
        return Vec::new();
    }
    let paths = Source::read(&file.text).paths();
    let found = |impure: &str| {
        let pieces: Vec<&str> = impure.split("::").collect();
        paths.iter().any(|path| path.windows(pieces.len()).any(|window| window == pieces))
    };
    IMPURE
        .iter()
        .filter(|impure| found(impure))
        .map(|impure| format!("{}: pure code may not use {impure}", file.name))
        .collect()
}

fn too_long(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= LONGEST_FILE {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines, {LONGEST_FILE} are the most", file.name)]
}

fn unfinished(file: &File) -> Vec<String> {
    let tokens = Source::read(&file.text).all_tokens;
    let has = |words: &[&str]| tokens.windows(words.len()).any(|window| window == words);
    let mut found: Vec<String> =
        UNFINISHED.iter().filter(|words| has(words)).map(|words| words.concat()).collect();
    // Compiled into every test binary, each of which uses its own part of it.
    if file.name != "tests/support/mod.rs" {
        found.extend(silenced(&tokens).into_iter().map(|lint| format!("allow({lint})")));
    }
    found.into_iter().map(|what| format!("{}: {what}", file.name)).collect()
}

/// The loud lints inside any `allow(…)` or `expect(…)` attribute.
fn silenced(tokens: &[String]) -> Vec<&'static str> {
    let opens = |at: usize| {
        let before = at.checked_sub(2).map(|from| (tokens[from].as_str(), tokens[at - 1].as_str()));
        matches!(tokens[at].as_str(), "allow" | "expect") && before.is_some_and(|(_, last)| last == "[")
    };
    let inside = |at: usize| tokens[at..].iter().take_while(|token| *token != "]");
    let attributes = (0..tokens.len()).filter(|&at| opens(at));
    attributes
        .flat_map(|at| LOUD_LINTS.iter().copied().filter(move |lint| inside(at).any(|token| token == lint)))
        .collect()
}

fn assert_none(files: &[File], rule: impl Fn(&File) -> Vec<String>) {
    let violations: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn modules_import_only_what_lies_below_them() {
    assert_none(&production(), forbidden_imports);
}

#[test]
fn pure_modules_stay_pure() {
    assert_none(&production(), impure_paths);
}

#[test]
fn no_file_is_too_long() {
    assert_none(&files("src"), too_long);
    assert_none(&files("tests"), too_long);
}

#[test]
fn nothing_is_unfinished_or_silenced() {
    assert_none(&files("src"), unfinished);
    assert_none(&files("tests"), unfinished);
}

// --- the rules can fail -----------------------------------------------------------------------------------------

fn file(module: &str, text: &str) -> File {
    let module = module.split("::").map(str::to_owned).collect();
    File { name: "x.rs".into(), module, text: text.into() }
}

fn imports(module: &str, text: &str) -> Vec<String> {
    let prefix = "may not import ";
    let violations = forbidden_imports(&file(module, text));
    violations
        .iter()
        .map(|v| v.split_once(prefix).map_or(v.as_str(), |(_, target)| target).to_owned())
        .collect()
}

#[test]
fn a_forbidden_import_is_seen_in_every_spelling() {
    for text in [
        "use crate::proxy::forward;",
        "use crate::{config::Config, proxy::{self, forward}};",
        "pub use super::super::proxy::forward as f;",
        "fn f() -> crate::proxy::forward::X { g::<crate::proxy::forward::X>() }",
        "use cc_forwarder::proxy::forward::*;",
        "/* no // end */ use crate::proxy /* x */ :: forward;",
        "const A: char = '\"'; use crate::proxy::forward; const B: char = '\"';",
        "const A: &str = r#\"a\"b\"#; fn f<'a>(x: &'a str) { crate::proxy::forward::f(x) }",
        "#[cfg(test)] mod tests; use crate::proxy::forward;",
        "#[cfg(test)] #[allow(x)] fn f() { { } } use crate::proxy::forward;",
    ] {
        let found = imports("tui::view", text);
        assert!(found.iter().any(|target| target.starts_with("proxy::forward")), "{text}: {found:?}");
    }
}

#[test]
fn what_only_looks_like_an_import_is_not() {
    for text in [
        "//! use crate::proxy::forward;\n/// [`crate::proxy`]\nfn f() {}",
        "const S: &str = \"use crate::proxy::forward; \\\" crate::proxy\";",
        "const S: &[u8] = br##\"crate::proxy\"# \"##;",
        "#[cfg(test)]\nmod tests { use crate::proxy::forward; fn f() { loop {} } }",
        "#[cfg(test)] use crate::proxy::forward;",
        "use std::proxy; use self::proxy::x; mod proxy {}",
        "mod inner { use super::Thing; }",
    ] {
        assert_eq!(imports("tui", text), [""; 0], "{text}");
    }
}

#[test]
fn the_table_draws_the_lines_where_the_design_does() {
    let allowed = |module: &str, target: &str| imports(module, &format!("use crate::{target};")).is_empty();
    for (module, target) in [
        ("app", "tui::run"),
        ("demo", "simulator::Script"),
        ("proxy::forward", "control::Handle"),
        ("proxy::forward", "proxy::transport::send"),
        ("proxy::pool", "proxy::dialer::dial"),
        ("control::probe", "proxy::headers::probe"),
        ("config::load", "domain::endpoint::EndpointSpec"),
        ("domain::outcome", "claude::gate::GateFailure"),
    ] {
        assert!(allowed(module, target), "{module} -> {target}");
    }
    for (module, target) in [
        ("domain::plan", "config::Retry"),
        ("claude::sse", "domain::secret::Secret"),
        ("config::load", "logging"),
        ("proxy::forward", "app::App"),
        ("proxy::forward", "simulator::Script"),
        ("check", "simulator::Script"),
        ("proxy::transport", "control::Handle"),
        ("proxy::headers", "proxy::forward"),
        ("control", "proxy"),
        ("control", "proxy::forward::run"),
        ("admin::groups", "proxy::headers"),
        ("events", "control::Command"),
        ("logging", "events::Event"),
    ] {
        assert!(!allowed(module, target), "{module} -> {target}");
    }
    assert!(imports("newcomer", "")[0].contains("no row"), "a module without a row is refused");
}

#[test]
fn clocks_dice_and_io_are_seen_in_pure_modules_only() {
    for text in [
        "use std::{fs, io};",
        "use std::net::IpAddr;",
        "fn f() { std::time::Instant::now(); }",
        "fn f() { Instant::now(); }",
        "use std::time::{Duration, SystemTime};",
        "fn f() { tokio::time::sleep(x).await }",
        "fn f() -> u8 { fastrand::u8(..) }",
        "use jiff; fn f() { jiff::Timestamp::now() }",
    ] {
        assert_eq!(impure_paths(&file("domain::plan", text)).len(), 1, "{text}");
        assert_eq!(impure_paths(&file("proxy::forward", text)), [""; 0], "{text}");
    }
    let fine =
        "use std::time::{Duration, Instant}; fn f(now: Instant) { now.elapsed_since(x) } // tokio::spawn";
    assert_eq!(impure_paths(&file("claude::sse", fine)), [""; 0]);
}

#[test]
fn long_and_unfinished_files_are_seen() {
    assert_eq!(too_long(&file("app", &"\n".repeat(LONGEST_FILE))), [""; 0]);
    assert_eq!(too_long(&file("app", &"\n".repeat(LONGEST_FILE + 1))).len(), 1);
    for text in [
        "fn f() { todo!() }",
        "fn f() { unimplemented!(\"later\") }",
        "#[allow(dead_code)] fn f() {}",
        "#![allow(clippy::x, dead_code, reason = \"\")]",
        "#[expect(unused)] fn f() {}",
        "#[cfg(test)] mod tests { #[test] #[ignore = \"slow\"] fn f() {} }",
    ] {
        assert_eq!(unfinished(&file("app", text)).len(), 1, "{text}");
    }
    let fine =
        "// todo!()\n#[allow(clippy::x)] fn todo() { ignore(\"#[ignore]\"); allow(dead_code); x[allow] }";
    assert_eq!(unfinished(&file("app", fine)), [""; 0]);
}
