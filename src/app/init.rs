//! `init`: a configuration to begin with, and what to do next. Asks nothing, overwrites nothing.
//!
//! The file goes where `--config` says, or into the user's configuration directory, and is readable by its owner only:
//! people write tokens into it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::quote::quoted;
use super::run;
use crate::cli::{EXIT_OK, InitArgs};
use crate::config::{Source, System, load};
use crate::files;

/// What is written.
const START: &str = include_str!("../../config/start.yaml");

/// Writes the file and says how to use it.
///
/// # Errors
/// When there is such a file already, it cannot be written, or nobody knows where it should go.
pub(super) fn run(args: &InitArgs) -> anyhow::Result<u8> {
    let path = match &args.config {
        Some(path) => path.clone(),
        None => own()?,
    };
    write(&path)?;
    let found = run::locate(None)? == Source::File(path.clone());
    run::print(&told(&path, found))?;
    Ok(EXIT_OK)
}

/// The place in the user's configuration directory.
fn own() -> anyhow::Result<PathBuf> {
    load::user_file(&System)
        .context("there is no home directory to write into: give a place with --config PATH")
}

fn write(path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    let mut file = match files::create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!(
                "{} is there already and stays as it is; give another place with --config PATH",
                path.display()
            )
        }
        opened => opened.with_context(cannot)?,
    };
    file.write_all(START.as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)
}

/// What to do next. `found`: the program finds the file by itself.
fn told(path: &Path, found: bool) -> String {
    let option =
        if found { String::new() } else { format!(" --config {}", quoted(&path.display().to_string())) };
    let claude = match cfg!(windows) {
        true => "$env:ANTHROPIC_BASE_URL=\"http://localhost:8088\"; claude",
        false => "ANTHROPIC_BASE_URL=http://localhost:8088 claude",
    };
    format!(
        "\
Wrote {}

1. Put your endpoints into it, and see whether they answer:
     cc-forwarder check{option}
2. Start the forwarder:
     cc-forwarder{option}
3. Use Claude Code through it, in a second terminal:
     {claude}
   or for good, in ~/.claude/settings.json:
     {{ \"env\": {{ \"ANTHROPIC_BASE_URL\": \"http://localhost:8088\" }} }}
",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Source};

    #[test]
    fn the_file_does_what_no_file_does() {
        let loaded = load::parse(START, Source::BuiltIn, &System).unwrap();
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        let (ours, built_in) = (loaded.config, Config::built_in());
        for (ours, built_in) in ours.endpoints.iter().zip(&built_in.endpoints) {
            assert_eq!((&ours.url, &ours.credential), (&built_in.url, &built_in.credential));
        }
        assert_eq!(ours.endpoints.len(), 1);
        assert_eq!((&ours.server.host, ours.server.port), (&built_in.server.host, built_in.server.port));
        assert_eq!((&ours.web.host, ours.web.port), (&built_in.web.host, built_in.web.port));
        assert_eq!(ours.usage.retention_days, built_in.usage.retention_days);
    }

    /// The settings that may be switched on are real ones: without the `#` the file loads, too.
    #[test]
    fn what_may_be_switched_on_can_be() {
        let on: String = START
            .lines()
            .map(|line| match line.trim_start().strip_prefix('#') {
                Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => {
                    line.replacen('#', "", 1).replace("${RELAY_TOKEN}", "x") + "\n"
                }
                _ => format!("{line}\n"),
            })
            .collect::<String>()
            .replace("${CC_FORWARDER_TOKEN}", "a-token")
            .replace("${CC_FORWARDER_ADMIN_TOKEN}", "another-token");
        let loaded = load::parse(&on, Source::BuiltIn, &System).unwrap_or_else(|why| panic!("{why}\n{on}"));
        assert_eq!(loaded.config.endpoints.len(), 2);
        assert!(loaded.config.auth.is_some() && !loaded.config.usage.budgets.is_empty());
    }

    #[test]
    fn paths_are_quoted_where_they_must_be() {
        assert!(told(Path::new("/a/b.yaml"), true).contains("cc-forwarder check\n"));
        assert!(told(Path::new("/a/b.yaml"), false).contains("check --config /a/b.yaml\n"));
        let odd = Path::new("/a b/it's $1.yaml");
        let typed = if cfg!(windows) { "'/a b/it''s $1.yaml'" } else { r"'/a b/it'\''s $1.yaml'" };
        assert!(
            told(odd, false).contains(&format!("cc-forwarder --config {typed}\n")),
            "{}",
            told(odd, false)
        );
    }
}
