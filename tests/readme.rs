//! The README promises only what is there: its command lines parse, its configurations load, its links lead somewhere.

#![allow(clippy::unwrap_used, reason = "what a helper cannot do fails the test")]

use std::ffi::OsString;
use std::path::Path;

use cc_forwarder::cli;
use cc_forwarder::config::{Source, System, load};

const README: &str = include_str!("../README.md");

/// The fenced blocks of this language.
fn blocks(language: &str) -> Vec<String> {
    let opening = format!("```{language}");
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        if line == opening {
            blocks.push(lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n"));
        }
    }
    blocks
}

/// Lines of shell blocks and `code` in running text and tables that begin with these words, without comments.
fn commands(first: &str) -> Vec<String> {
    let shell = blocks("sh");
    let in_blocks = shell.iter().flat_map(|block| block.lines());
    let in_text = README.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    in_blocks
        .chain(in_text)
        .map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned())
        .filter(|line| line == first || line.starts_with(&format!("{first} ")))
        .collect()
}

fn parses(line: &str) -> bool {
    cli::parse(line.split_whitespace().map(OsString::from)).is_ok()
}

#[test]
fn every_command_line_parses() {
    let commands = commands("cc-forwarder");
    assert!(commands.len() >= 8, "{commands:?}");
    for line in commands {
        assert!(parses(&line), "{line}");
    }
    assert!(!parses("cc-forwarder tui"), "this test can fail");
}

#[test]
fn cargo_commands_name_what_there_is() {
    let commands = commands("cargo");
    for wanted in ["cargo run --release -- demo", "cargo test"] {
        assert!(commands.iter().any(|line| line == wanted), "{wanted} in {commands:?}");
    }
    let manifest = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    for line in &commands {
        if let Some(arguments) = line.strip_prefix("cargo run --release -- ") {
            assert!(parses(&format!("cc-forwarder {arguments}")), "{line}");
        }
        if let Some(bench) = line.strip_prefix("cargo bench --bench ") {
            assert!(manifest.contains(&format!("name = \"{bench}\"")), "{line}");
        }
    }
}

#[test]
fn every_configuration_loads_without_a_warning() {
    let blocks = blocks("yaml");
    assert!(blocks.len() >= 2, "{blocks:?}");
    for yaml in blocks {
        let loaded = load::parse(&yaml, Source::BuiltIn, &System).unwrap_or_else(|p| panic!("{p}\n{yaml}"));
        assert!(loaded.warnings.is_empty(), "{}\n{yaml}", loaded.warnings);
    }
}

#[test]
fn every_link_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links: Vec<&str> = README.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(!links.is_empty());
    for link in links.iter().filter(|link| !link.contains("://")) {
        assert!(root.join(link).is_file(), "{link}");
    }
}

/// What stands between the two comments about keys.
fn keys(readme: &str) -> Option<std::ops::Range<usize>> {
    let opening = readme.find("<!-- keys")?;
    let start = opening + readme[opening..].find("-->\n")? + "-->\n".len();
    Some(start..start + readme[start..].find("<!-- end of keys -->")?)
}

#[test]
fn the_table_of_keys_is_the_program_s_own() {
    let table = cc_forwarder::tui::keymap::markdown();
    let place = keys(README).unwrap();
    if std::env::var_os("README_KEYS").is_some_and(|value| value == "write") {
        let mut readme = README.to_owned();
        readme.replace_range(place, &table);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        return std::fs::write(path, readme).unwrap();
    }
    assert_eq!(&README[place], table, "run it with README_KEYS=write");
}
