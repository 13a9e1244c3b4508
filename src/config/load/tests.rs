use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../../config/example.yaml");

/// The endpoints of the example with only what they must say.
const EXAMPLE_ENDPOINTS: &str = "
endpoints:
  - { name: main-a, url: 'https://api.anthropic.com', group: main, priority: 1, token: put-your-token-here }
  - { name: main-b, url: 'https://relay.example/claude', priority: 2 }
  - { name: spare, url: 'https://spare.example', group: spare, group-priority: 2, credential: pass }
";

/// Keys of the predecessor that load without effect; the example does not teach them.
const LEGACY: [&str; 2] = ["streaming.read_timeout", "usage_tracking.database"];

/// A world in which every variable is set and the named files exist.
#[derive(Default)]
struct Fake {
    vars: HashMap<&'static str, &'static str>,
    files: HashMap<PathBuf, Vec<u8>>,
    any_var: bool,
}

impl Env for Fake {
    fn var(&self, name: &str) -> Option<String> {
        let set = self.vars.get(name).map(|v| (*v).to_owned());
        set.or_else(|| self.any_var.then(|| "from-the-environment".to_owned()))
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes.iter().copied().take(usize::try_from(limit).unwrap()).collect())
    }
    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }
}

fn file(path: &str) -> Source {
    Source::File(path.into())
}

fn parse_clean(text: &str) -> Loaded {
    parse(text, file("c.yaml"), &Fake::default()).unwrap_or_else(|p| panic!("{p}"))
}

/// The example with its optional settings switched on: `#key` becomes `key`.
fn uncommented() -> String {
    let uncomment = |line: &str| {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        match rest.strip_prefix('#') {
            Some(key) if !key.is_empty() && !key.starts_with(' ') => format!("{indent}{key}\n"),
            _ => format!("{line}\n"),
        }
    };
    EXAMPLE.lines().map(uncomment).collect()
}

#[test]
fn the_example_shows_every_key_and_its_optional_lines_are_valid() {
    let env = Fake {
        any_var: true,
        files: HashMap::from([("/etc/ssl/company-root.pem".into(), b"-----BEGIN CERTIFICATE-----".to_vec())]),
        ..Fake::default()
    };
    let (tree, problems) = yaml::read(&uncommented()).unwrap();
    assert_eq!(problems, []);
    let cx = Context::new(&env);
    Section::root(&cx, &tree, |s| raw::root(s, file("example.yaml")));
    let found = cx.finish();
    assert_eq!(found.problems, []);
    let missing: Vec<_> = found.asked.difference(&found.present).collect();
    let missing: Vec<_> = missing.iter().filter(|key| !LEGACY.iter().any(|l| key.starts_with(l))).collect();
    assert!(missing.is_empty(), "not in config/example.yaml: {missing:?}");
}

#[test]
fn the_example_writes_the_real_defaults() {
    // The settings of a log file and of dumps count only while those are on.
    let on = |text: &str| text.replace("file_enabled: false", "file_enabled: true");
    let debug_on =
        |text: &str| text.replace("  token_debug:\n    enabled: false", "  token_debug:\n    enabled: true");
    let plain =
        format!("logging: {{ file_enabled: true, token_debug: {{ enabled: true }} }}\n{EXAMPLE_ENDPOINTS}");
    let (example, plain) = (parse_clean(&debug_on(&on(EXAMPLE))), parse_clean(&plain));
    assert_eq!(example.config.redacted(), plain.config.redacted());
    let shown = example.config.redacted();
    assert_eq!(shown["logging"]["token_debug"]["enabled"], true);
    assert_eq!(shown["logging"]["file_enabled"], true);
    assert_eq!(parse_clean(EXAMPLE).config.redacted()["logging"]["file_enabled"], false);
}

#[test]
fn the_built_in_default_has_no_problems() {
    let config = Config::built_in();
    assert_eq!(config.source, Source::BuiltIn);
    assert_eq!((config.server.port, config.web.port), (8088, 8010));
    let [endpoint] = &*config.endpoints else { panic!("{config:?}") };
    assert_eq!(endpoint.id.to_string(), "anthropic");
    assert_eq!(endpoint.url.to_string(), "https://api.anthropic.com");
    assert_eq!(endpoint.credential, crate::domain::endpoint::Credential::Pass);
    assert_eq!(config.exposure_problems(), []);
    assert!(load(Source::BuiltIn, &Nowhere).unwrap().warnings.is_empty());
}

#[test]
fn the_search_order() {
    let cwd = Path::new("/work");
    let mut env = Fake::default();
    assert_eq!(locate(None, &env, cwd), Source::BuiltIn);
    let home = if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" };
    env.vars.insert(home, "/home/me/cfg");
    let user = PathBuf::from("/home/me/cfg").join(FOLDER).join(FILE);
    env.files.insert(user.clone(), Vec::new());
    assert_eq!(locate(None, &env, cwd), Source::File(user));
    env.files.insert(cwd.join("config").join(FILE), Vec::new());
    assert_eq!(locate(None, &env, cwd), Source::File(PathBuf::from("config").join(FILE)));
    env.vars.insert(CONFIG_VARIABLE, "/named/by/variable.yaml");
    assert_eq!(locate(None, &env, cwd), file("/named/by/variable.yaml"));
    assert_eq!(locate(Some(Path::new("flag.yaml")), &env, cwd), file("flag.yaml"));
    env.vars.insert(CONFIG_VARIABLE, "");
    assert_eq!(locate(None, &env, cwd), Source::File(PathBuf::from("config").join(FILE)));
}

#[cfg(unix)]
#[test]
fn the_users_configuration_directory() {
    let with = |vars: &[(&'static str, &'static str)], os| {
        let env = Fake { vars: vars.iter().copied().collect(), ..Fake::default() };
        user_files(os, &env).iter().map(|p| p.display().to_string()).collect::<Vec<_>>()
    };
    let home = ("HOME", "/h");
    assert_eq!(with(&[home], Platform::Xdg), ["/h/.config/cc-forwarder/config.yaml"]);
    assert_eq!(with(&[home, ("XDG_CONFIG_HOME", "/x")], Platform::Xdg), ["/x/cc-forwarder/config.yaml"]);
    // The specification says to ignore relative paths.
    assert_eq!(
        with(&[home, ("XDG_CONFIG_HOME", "x")], Platform::Xdg),
        ["/h/.config/cc-forwarder/config.yaml"]
    );
    assert_eq!(with(&[], Platform::Xdg), Vec::<String>::new());
    assert_eq!(
        with(&[home], Platform::MacOs),
        ["/h/.config/cc-forwarder/config.yaml", "/h/Library/Application Support/cc-forwarder/config.yaml"]
    );
    assert_eq!(with(&[("APPDATA", "/roaming")], Platform::Windows), ["/roaming/cc-forwarder/config.yaml"]);
}

#[test]
fn a_named_file_must_be_readable_text() {
    let mut env = Fake::default();
    let error = load(file("gone.yaml"), &env).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the configuration gone.yaml: "), "{error}");
    env.files.insert("latin1.yaml".into(), b"name: \xfc".to_vec());
    let error = load(file("latin1.yaml"), &env).unwrap_err().to_string();
    assert_eq!(error, "cannot read the configuration latin1.yaml: it is not UTF-8 text");
    env.files.insert("huge.yaml".into(), vec![b'#'; usize::try_from(LONGEST_FILE).unwrap() + 1]);
    let error = load(file("huge.yaml"), &env).unwrap_err().to_string();
    assert_eq!(error, "cannot read the configuration huge.yaml: it is longer than 4194304 bytes");
}

#[test]
fn the_pin_must_name_an_enabled_endpoint() {
    let mut config =
        parse_clean(&EXAMPLE_ENDPOINTS.replace("priority: 2 }", "priority: 2, enabled: false }")).config;
    config.pin("spare").unwrap();
    assert_eq!(config.pinned, Some(EndpointId::new("spare")));
    for name in ["Spare", "main-b"] {
        let error = config.pin(name).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no enabled endpoint is named \"{name}\"; there is: main-a, spare")
        );
    }
    assert_eq!(config.pinned, Some(EndpointId::new("spare")), "a refused pin changes nothing");
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,200}") {
        let _ = parse(&text, file("c.yaml"), &Fake::default());
    }

    /// Lines of the example in any order, cut anywhere: nearly valid text.
    #[test]
    fn shuffled_examples_never_panic(
        picks in proptest::collection::vec((0usize..160, 0usize..60), 0..60),
        glue in "[\\[\\]{}:#&*!|>'\"%@`,<\t -]{0,6}",
    ) {
        let lines: Vec<&str> = EXAMPLE.lines().collect();
        let mut text = String::new();
        for (line, cut) in picks {
            let line = lines[line % lines.len()];
            text.extend(line.chars().take(cut + 10));
            text.push_str(&glue);
            text.push('\n');
        }
        let _ = parse(&text, file("c.yaml"), &Fake::default());
    }
}

#[test]
fn budgets_that_forget_are_warned_about() {
    let warnings = |usage: &str| {
        let text = format!("usage_tracking: {{ {usage} }}\n{EXAMPLE_ENDPOINTS}");
        parse_clean(&text).warnings.to_string()
    };
    let off = warnings("enabled: false, budgets: [{ daily: 1 }]");
    assert!(off.contains("usage_tracking.budgets: forget what was spent at every restart"), "{off}");
    let short = warnings("retention_days: 30, budgets: [{ monthly: 1 }]");
    assert!(short.contains("usage_tracking.retention_days: is shorter than a month"), "{short}");
    for fine in [
        "retention_days: 30, budgets: [{ daily: 1 }]",
        "retention_days: 31, budgets: [{ monthly: 1 }]",
        "enabled: false",
    ] {
        let warnings = warnings(fine);
        assert!(!warnings.contains("usage_tracking"), "{fine}: {warnings}");
    }
}
