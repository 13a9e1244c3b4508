//! Command lines people write, and the help they get.

use clap::CommandFactory;
use clap::error::ErrorKind;
use std::time::Duration;

use super::*;

fn args(line: &str) -> Vec<OsString> {
    std::iter::once("cc-forwarder").chain(line.split_whitespace()).map(OsString::from).collect()
}

fn parsed(line: &str) -> Cli {
    parse(args(line)).unwrap()
}

fn failure(line: &str) -> clap::Error {
    parse(args(line)).unwrap_err()
}

fn run(run: RunArgs) -> Cli {
    Cli { command: None, run }
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn nothing_means_run() {
    assert_eq!(parsed(""), run(RunArgs::default()));
}

#[test]
fn run_takes_its_options() {
    let all = run(RunArgs {
        config: Some("a.yaml".into()),
        pin: Some("backup".into()),
        log_level: Some(Level::Debug),
        log_format: Some(LogFormat::Json),
        no_tui: true,
        theme: None,
        tui: false,
        web: true,
        web_port: Some(8011),
    });
    let modern =
        "--config a.yaml --pin backup --log-level debug --log-format json --no-tui --web --web-port 8011";
    let legacy = "-config a.yaml -p backup --log-level=debug -log-format json -no-tui -web -web-port 8011";
    let joined = "-config=a.yaml -pin=backup -log-level=debug -log-format=json -no-tui -web -web-port=8011";
    for line in [modern, legacy, joined] {
        assert_eq!(parsed(line), all, "{line}");
    }
}

#[test]
fn sub_commands_take_theirs() {
    assert_eq!(
        parsed("demo --seconds 6").command,
        Some(Command::Demo(DemoArgs { seconds: Some(6), no_tui: false, theme: None }))
    );
    let check = CheckArgs { config: Some("b.yaml".into()), json: true, no_probe: true };
    assert_eq!(parsed("check -config b.yaml --json --no-probe").command, Some(Command::Check(check)));
}

#[test]
fn the_ledger_is_asked_like_this() {
    let usage = |line: &str| match parsed(line).command {
        Some(Command::Usage(args)) => *args,
        other => panic!("{line}: {other:?}"),
    };
    let plain = usage("usage");
    assert_eq!((plain.by, plain.period, plain.json), (By::Model, None, false));
    let asked = usage("usage -config c.yaml --since 2026-11-01 --until 7d --by day --group main --json");
    assert_eq!(asked.reach.config, Some("c.yaml".into()));
    assert_eq!((asked.span.since.as_deref(), asked.span.until.as_deref()), (Some("2026-11-01"), Some("7d")));
    assert_eq!((asked.by, asked.which.group.as_deref(), asked.json), (By::Day, Some("main"), true));
    let recost = RecostArgs { since: Some("30d".into()), ..RecostArgs::default() };
    assert_eq!(usage("usage recost --since 30d").command, Some(UsageCommand::Recost(recost)));
    let Some(UsageCommand::Backup(backup)) = usage("usage backup --url http://[::1]:1 copy.redb").command
    else {
        panic!("a backup");
    };
    assert_eq!((backup.file, backup.reach.url.as_deref()), ("copy.redb".into(), Some("http://[::1]:1")));
    let Some(Command::Export(export)) =
        parsed("export --format ndjson -o x --model claude-* --state failed").command
    else {
        panic!("an export");
    };
    assert_eq!((export.format, export.output), (ExportFormat::Ndjson, Some("x".into())));
    for line in ["usage --period 7d --since 1d", "usage --by colour", "export --format xml", "usage backup"] {
        assert_eq!(failure(line).exit_code(), i32::from(EXIT_USAGE), "{line}");
    }
}

#[test]
fn a_forwarder_is_steered_like_this() {
    let ask = Ask { reach: Reach { config: Some("c.yaml".into()), ..Reach::default() }, json: true };
    let pause = PauseArgs { name: "main".into(), duration: Some(Duration::from_mins(90)), ask: ask.clone() };
    let pause = GroupsArgs { command: Some(GroupsCommand::Pause(pause)), ask: Ask::default() };
    assert_eq!(
        parsed("groups pause main 1h30m --config c.yaml --json").command,
        Some(Command::Groups(pause))
    );
    let all = ResumeArgs { id: None, all: true, ask: Ask::default() };
    let all = SuspendedArgs { command: Some(SuspendedCommand::Resume(all)), ask: Ask::default() };
    assert_eq!(parsed("suspended resume --all").command, Some(Command::Suspended(all)));
    let Some(Command::Requests(follow)) = parsed("requests -f -n 5 --state failed --status 529").command
    else {
        panic!("requests");
    };
    assert_eq!((follow.follow, follow.limit, follow.status), (true, Some(5), Some(529)));
    let status = StatusArgs { check: true, wait: Some(30), ask };
    assert_eq!(
        parsed("status --check --wait 30 -config c.yaml --json").command,
        Some(Command::Status(status))
    );
    for line in [
        "groups activate main --force",
        "groups release main",
        "endpoints priority a 2 --save --url http://[::1]:1 --token x",
        "endpoints --group main",
        "endpoints probe a",
        "explain req-12345678",
        "suspended cancel req-12345678",
        "init --config new.yaml",
        "completions zsh",
    ] {
        parsed(line);
    }
}

#[test]
fn only_whole_legacy_names_are_rewritten() {
    let rewritten = |line: &str| {
        let words = normalise(args(line));
        words.iter().skip(1).map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(rewritten("-version -tui -help"), "--version --tui --help");
    for same in ["-p config -c x -configs -h -V - --config -", "-- -config x", "config=-config", "-webport"] {
        assert_eq!(rewritten(same), same);
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf8_survives() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(b"-config=\xff.yaml".to_vec());
    let cli = parse([OsString::from("cc-forwarder"), odd]).unwrap();
    assert_eq!(cli.run.config.unwrap().into_os_string().into_vec(), b"\xff.yaml");
}

#[test]
fn bad_usage_is_exit_code_2_and_names_the_word() {
    for (line, named) in [
        ("--no-such", "--no-such"),
        ("-web-port 70000", "70000"),
        ("--log-level loud", "loud"),
        ("demo --seconds 0", "0"),
        ("start", "start"),
        ("groups pause main 30", "unit"),
        ("groups activate", "NAME"),
        ("suspended resume", "--all"),
        ("suspended resume req-00000001 --all", "--all"),
        ("requests --follow --since 1d", "--since"),
        ("requests --limit 1001", "1001"),
        ("completions cmd", "cmd"),
        ("--no-tui check", "check"),
        ("--config", "--config"),
    ] {
        let error = failure(line);
        assert_eq!(error.exit_code(), i32::from(EXIT_USAGE), "{line}");
        assert!(error.to_string().contains(named), "{line}: {error}");
    }
}

#[test]
fn version_and_help_are_no_failures() {
    let version_error = failure("-version");
    assert_eq!(
        (version_error.kind(), version_error.exit_code()),
        (ErrorKind::DisplayVersion, i32::from(EXIT_OK))
    );
    assert_eq!(version_error.to_string(), format!("cc-forwarder {}\n", version()));
    assert!(version().starts_with(env!("CARGO_PKG_VERSION")));
    assert_eq!(failure("-help").kind(), ErrorKind::DisplayHelp);
}

const HELP: &str = "\
Stands between Claude Code (or any Anthropic SDK) and your Claude API endpoints

Usage: cc-forwarder [OPTIONS]
       cc-forwarder <COMMAND>

Commands:
  demo         Run against simulated endpoints and clients: no account, no configuration
  check        Validate the configuration, then probe every endpoint
  attach       Open the terminal interface on a forwarder that runs already, here or elsewhere
  usage        Show what requests used and cost: today's totals, model by model
  export       Write every request of a period as CSV or JSON, oldest first
  status       Show a forwarder that runs: is it well, where does it listen, what serves
  groups       List the groups of a forwarder that runs; activate, pause, resume or release one
  endpoints    List the endpoints of a forwarder that runs; probe, rank, enable or disable one
  requests     List requests, those that run first; or follow them as they end
  explain      Tell why a request went where it went: every choice, attempt and wait
  suspended    List requests that wait for an endpoint; let them go on, or end one
  init         Write a configuration to begin with, and say how to use it; overwrites nothing
  completions  Print a script that completes commands and options in your shell

Options:
      --config <PATH>        Configuration file (YAML)
  -p, --pin <ENDPOINT>       Put this endpoint first for this run; the others stay as failover
      --log-level <LEVEL>    Log lines from this level up: trace, debug, info, warn or error
      --log-format <FORMAT>  Form of log lines: text, or json with one object a line
      --no-tui               Run without the terminal interface
      --tui                  Open the terminal interface even if tui.enabled is false
      --theme <NAME>         Theme of the terminal interface, instead of tui.theme
      --web                  Open the admin port, also where web.enabled is false
      --web-port <N>         Port of the admin port, instead of web.port
  -h, --help                 Print help
  -V, --version              Print version

Examples:
  cc-forwarder                              use the config found, or pass your own login through
  ANTHROPIC_BASE_URL=http://localhost:8088 claude
                                            use Claude Code through it, in a second terminal
  cc-forwarder --config my.yaml -p backup   prefer the endpoint 'backup' for this run
  cc-forwarder check                        is the configuration right, do the endpoints answer?
  cc-forwarder demo                         watch failovers with simulated endpoints
  cc-forwarder usage --period 7d --by day   what the last seven days cost
  cc-forwarder export -o usage.csv          every request, for a spreadsheet
  cc-forwarder status                       is the forwarder well, what serves?
  cc-forwarder requests --follow            each request as it ends
  cc-forwarder groups pause main 30m        use another group for half an hour

Configuration, first found: --config, $CC_FORWARDER_CONFIG, ./config/config.yaml, the user's config
directory; without any: one endpoint, https://api.anthropic.com, with the client's own credential.

Environment:
  CC_FORWARDER_CONFIG        configuration file, unless --config is given
  CC_FORWARDER_ADMIN_TOKEN   web.token of the forwarder that is asked, unless --token is given
  NO_COLOR                   no colours, if not empty

Exit codes: 0 fine, 1 failed, 2 bad usage
";

#[test]
fn help_reads_like_this() {
    assert_eq!(failure("--help").to_string(), HELP);
}
