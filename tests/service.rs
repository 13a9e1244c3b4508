//! The files for running it as a service fit the program: its flags are real, its paths are there, its log is JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a helper cannot do fails the test")]

mod support;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use cc_forwarder::cli;
use cc_forwarder::config::Config;
use serde_json::Value;
use support::program::program;

const UNIT: &str = include_str!("../config/cc-forwarder.service");
const CONTAINER: &str = include_str!("../config/Containerfile");

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// The words of a command line of ours, program first.
fn accepted<'w>(words: impl IntoIterator<Item = &'w str>) -> bool {
    cli::parse(words.into_iter().map(OsString::from)).is_ok()
}

/// `KEY=value` of a section, in order.
fn settings(section: &str) -> Vec<(&'static str, &'static str)> {
    let from = UNIT.find(&format!("\n[{section}]\n")).unwrap_or_else(|| panic!("no [{section}]"));
    let lines = UNIT[from + 1..].lines().skip(1).take_while(|line| !line.starts_with('['));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line}"))).collect()
}

fn setting(section: &str, key: &str) -> &'static str {
    let found = settings(section).into_iter().find(|(name, _)| *name == key);
    found.unwrap_or_else(|| panic!("no {key} in [{section}]")).1
}

#[test]
fn the_unit_starts_reloads_and_stops_the_program() {
    for key in ["ExecStart", "ExecStartPost"] {
        let line = setting("Service", key).trim_start_matches('-');
        let (path, arguments) = line.split_once(' ').unwrap();
        assert_eq!(path, "/usr/local/bin/cc-forwarder", "{key}");
        assert!(accepted(std::iter::once("cc-forwarder").chain(arguments.split(' '))), "{key}: {arguments}");
    }
    assert!(!accepted(["cc-forwarder", "--no-such"]), "this test can fail");
    assert!(setting("Service", "ExecStart").contains("--no-tui --log-format json"));
    assert!(setting("Service", "ExecStartPost").contains(" status --wait "));
    assert_eq!(setting("Service", "ExecReload"), "/bin/kill -s HUP $MAINPID");
    let patience: u64 = setting("Service", "TimeoutStopSec").parse().unwrap();
    assert!(Duration::from_secs(patience) > Config::built_in().server.shutdown_grace);
    assert_eq!(setting("Service", "Environment"), "CC_FORWARDER_CONFIG=/etc/cc-forwarder/config.yaml");
    assert_eq!(setting("Install", "WantedBy"), "multi-user.target");
    assert_eq!(setting("Unit", "After"), "network-online.target");
}

#[test]
fn the_unit_is_hardened() {
    assert_ne!(setting("Service", "User"), "root");
    for (key, value) in [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("CapabilityBoundingSet", ""),
        ("RestrictSUIDSGID", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("UMask", "0077"),
    ] {
        assert_eq!(setting("Service", key), value, "{key}");
    }
}

/// Instructions with their arguments, continued lines joined.
fn instructions() -> Vec<(String, String)> {
    let text: String =
        CONTAINER.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| line.split_once(' ').unwrap_or_else(|| panic!("{line}")))
        .map(|(name, arguments)| (name.to_owned(), arguments.trim().to_owned()))
        .collect()
}

/// The JSON array at the end of an instruction.
fn words(arguments: &str) -> Vec<String> {
    serde_json::from_str(&arguments[arguments.find('[').unwrap()..]).unwrap()
}

#[test]
fn the_image_runs_the_program_without_root() {
    let all = instructions();
    let known = [
        "FROM",
        "RUN",
        "COPY",
        "WORKDIR",
        "USER",
        "VOLUME",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    ];
    assert!(all.iter().all(|(name, _)| known.contains(&name.as_str())), "{all:?}");
    let last_stage = all.iter().rposition(|(name, _)| name == "FROM").unwrap();
    assert!(last_stage > 0, "the compiler stays behind");
    let one = |wanted: &str| {
        let found: Vec<&String> =
            all[last_stage..].iter().filter(|(name, _)| name == wanted).map(|(_, rest)| rest).collect();
        assert_eq!(found.len(), 1, "{wanted}");
        found[0].clone()
    };
    assert_eq!(one("USER"), "10001:10001");
    assert_eq!(words(&one("ENTRYPOINT")), ["cc-forwarder"]);
    for line in [words(&one("CMD")), words(&one("HEALTHCHECK")).split_off(1)] {
        assert!(accepted(std::iter::once("cc-forwarder").chain(line.iter().map(String::as_str))), "{line:?}");
    }
    assert_eq!(one("EXPOSE"), Config::built_in().server.port.to_string());
    assert_eq!(one("ENV"), "CC_FORWARDER_CONFIG=/etc/cc-forwarder/config.yaml");
}

/// What the build needs is copied: the manifest's files, and every file that the source includes.
#[test]
fn the_image_has_what_the_build_needs() {
    let copied: Vec<String> = instructions()
        .into_iter()
        .filter(|(name, arguments)| name == "COPY" && !arguments.contains("--from"))
        .flat_map(|(_, arguments)| {
            let words: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
            words[..words.len() - 1].to_vec()
        })
        .collect();
    for path in ["Cargo.toml", "Cargo.lock", "src", "benches"] {
        assert!(copied.iter().any(|copied| copied == path), "{path} in {copied:?}");
    }
    assert!(copied.iter().all(|path| root().join(path).exists()), "{copied:?}");
    let mut included = Vec::new();
    collect(&root().join("src"), &mut included);
    assert!(included.len() > 3, "{included:?}");
    for path in included {
        assert!(
            path.exists() && copied.iter().any(|copied| path.starts_with(root().join(copied))),
            "{path:?}"
        );
    }
}

/// Files that the sources below `folder` include as text.
fn collect(folder: &Path, included: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, included);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let names = text.split("include_str!(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        included.extend(names.map(|name| normal(&path.with_file_name(name))));
    }
}

/// Without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            component => path.push(component),
        }
        path
    })
}

#[test]
fn headless_lines_are_json_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "server: { port: 0 }\nweb: { port: 0 }\nusage_tracking: { enabled: false }\n\
                endpoints: [{ name: a, url: \"http://127.0.0.1:9\", token: canary-token }]\n";
    std::fs::write(folder.path().join("my.yaml"), yaml).unwrap();
    let in_file = format!("{yaml}logging: {{ format: json }}\n");
    std::fs::write(folder.path().join("json.yaml"), in_file).unwrap();
    for arguments in [&["--config", "my.yaml", "--log-format", "json"][..], &["--config", "json.yaml"]] {
        let mut child = program(folder.path()).arg("--no-tui").args(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = lines.find(|line| {
            let line = line.as_ref().unwrap();
            let record: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
            assert!(record["level"].is_string() && !line.contains("canary"), "{line}");
            line.contains("ANTHROPIC_BASE_URL")
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(listening.is_some(), "{arguments:?}");
    }
}
