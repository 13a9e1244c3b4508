use super::*;

fn read_clean(text: &str) -> Node {
    let (node, problems) = read(text).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    node
}

/// `path:line` of every key and item, depth first.
fn lines(node: &Node, path: &str, out: &mut Vec<String>) {
    let mut note = |path: String, line: Option<usize>, node: &Node| {
        out.push(format!("{path}:{}", line.map_or("-".into(), |l| l.to_string())));
        lines(node, &path, out);
    };
    match node {
        Node::Map(entries) => entries.iter().for_each(|e| note(join(path, &e.key), e.line, &e.node)),
        Node::List(items) => {
            items.iter().enumerate().for_each(|(n, i)| note(format!("{path}[{n}]"), i.line, &i.node));
        }
        Node::Null | Node::Scalar(_) => {}
    }
}

fn all_lines(text: &str) -> String {
    let mut out = Vec::new();
    lines(&read_clean(text), "", &mut out);
    out.join(" ")
}

fn value<'a>(node: &'a Node, key: &str) -> &'a Node {
    let Node::Map(entries) = node else { panic!("no map") };
    &entries.iter().find(|e| e.key == key).unwrap().node
}

#[test]
fn every_key_knows_its_line() {
    let text =
        "# comment\na: 1\nb:\n  c: |\n    x\n    y\n  d: [1, 2]\ne:\n  - f: 1\n    g: 2\n  -\n    f: 3\n";
    assert_eq!(
        all_lines(text),
        "a:2 b:3 b.c:4 b.d:7 b.d[0]:7 b.d[1]:7 e:8 e[0]:9 e[0].f:9 e[0].g:10 e[1]:12 e[1].f:12"
    );
}

#[test]
fn scalars_keep_their_spelling() {
    assert_eq!(all_lines("a: 1\r\nb: x\r\n"), "a:1 b:2");
    assert_eq!(value(&read_clean("a: x\r\nb: 1\r\n"), "a"), &Node::Scalar("x".into()));
    let node = read_clean("a: 007\nb: 1.10\nc: 0x1F\nd: True\ne: \"1.10\"\nf: ~\ng: 1e5\nh: 'it''s'\ni:\n");
    for (key, text) in [
        ("a", "007"),
        ("b", "1.10"),
        ("c", "0x1F"),
        ("d", "True"),
        ("e", "1.10"),
        ("g", "1e5"),
        ("h", "it's"),
    ] {
        assert_eq!(value(&node, key), &Node::Scalar(text.into()), "{key}");
    }
    assert_eq!(value(&node, "f"), &Node::Null);
    assert_eq!(value(&node, "i"), &Node::Null);
}

#[test]
fn aliases_and_merges_keep_the_anchors_lines() {
    let text = "a: &x\n  k: 1\n  l: 2\nb:\n  <<: *x\n  l: 3\nc: *x\n";
    assert_eq!(all_lines(text), "a:1 a.k:2 a.l:3 b:4 b.l:6 b.k:2 c:7 c.k:2 c.l:3");
    assert_eq!(value(value(&read_clean(text), "b"), "l"), &Node::Scalar("3".into()));
    let two = "x: &x {k: 1}\ny: &y {k: 2, l: 2}\nb: {<<: [*x, *y]}\n";
    assert_eq!(value(value(&read_clean(two), "b"), "k"), &Node::Scalar("1".into()));
}

#[test]
fn repeated_keys_and_odd_merges_are_problems() {
    let (_, problems) = read("a:\n  k: 1\n  k: 2\nb: {<<: 5}\n? [1]\n: x\n").unwrap();
    let shown: Vec<String> = problems.iter().map(|p| format!("{:?} {p}", p.line)).collect();
    assert_eq!(
        shown,
        [
            "Some(3) a.k: is given twice (first on line 2): keep one",
            "Some(4) b.<<: must refer to a mapping, such as `<<: *anchor`",
            "Some(5) a key must be a plain value",
        ]
    );
}

#[test]
fn what_is_not_yaml_says_where() {
    for (text, line) in [
        ("a: 1\nb: c: 2\n", 2),
        ("a: [1,\n", 2),
        ("a: \"x\n", 2),
        ("\ta: 1\n", 1),
        ("a: *nowhere\n", 1),
        ("a: !tag x\n", 1),
    ] {
        let problem = read(text).unwrap_err();
        assert_eq!(problem.line, Some(line), "{text:?}: {problem}");
        assert!(problem.message.starts_with("this is not valid YAML: "), "{problem}");
    }
    assert!(read("a: 1\n---\nb: 2\n").is_err(), "one document only");
}

#[test]
fn nothing_is_null() {
    for text in ["", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(read(text).unwrap(), (Node::Null, Vec::new()), "{text:?}");
    }
}

#[test]
fn bombs_and_deep_nests_are_refused() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for n in 1..12 {
        let refs = vec![format!("*a{}", n - 1); 9].join(",");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert!(read(&bomb).is_err());
    assert!(read(&"[".repeat(100_000)).is_err());
    assert!(read(&"- ".repeat(10_000)).is_err());
}

#[test]
fn a_syntax_error_quotes_nothing() {
    for text in [
        "token: sk-canary: x",
        "token: \"sk-canary",
        "token: \"sk-canary\\q\"",
        "token: *sk-canary",
        "token: !sk-canary x",
        "- sk-canary\ntoken: x",
        "token: sk-canary\n sk-canary: 1",
        "token: 'sk-canary' sk-canary",
    ] {
        let problem = read(text).unwrap_err();
        assert!(!problem.to_string().contains("canary"), "{text:?}: {problem}");
    }
}
