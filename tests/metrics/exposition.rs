//! A reader of the Prometheus text format 0.0.4 that forgives nothing.

use std::collections::{BTreeMap, BTreeSet};

/// Every sample by its name and sorted labels, unescaped: `name{a=1,b=2}`.
#[derive(Debug)]
pub(crate) struct Page {
    samples: BTreeMap<String, f64>,
    types: BTreeMap<String, String>,
}

/// A family begins with these two lines, in this order.
enum Before {
    Help,
    Type,
}

impl Page {
    /// Reads a page; what is not in the format fails the test.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut page = Self { samples: BTreeMap::new(), types: BTreeMap::new() };
        let (mut family, mut before) = (String::new(), Before::Help);
        for line in text.strip_suffix('\n').unwrap().split('\n') {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("a text");
                assert!(!words.is_empty() && !words.contains('\\'), "{line}");
                assert!(!page.types.contains_key(name), "{name} begins twice");
                (family, before) = (name.to_owned(), Before::Type);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                assert!(
                    name == family && matches!(before, Before::Type),
                    "{line}: its HELP comes right before"
                );
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                page.types.insert(name.to_owned(), kind.to_owned());
                before = Before::Help;
            } else {
                assert!(matches!(before, Before::Help), "{line}: TYPE is missing");
                page.sample(&family, line);
            }
        }
        page.histograms();
        page
    }

    fn sample(&mut self, family: &str, line: &str) {
        let (name, labels, value) = parse(line);
        let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} in {family}"));
        let suffixes: &[&str] = match self.types[family].as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        assert!(suffixes.contains(&suffix), "{line} in {family}");
        if self.types[family] == "counter" {
            assert!(name.ends_with("_total") && value >= 0.0, "{line}");
        }
        let names: BTreeSet<_> = labels.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), labels.len(), "{line}: a label twice");
        let key = key(name, labels);
        assert!(self.samples.insert(key.clone(), value).is_none(), "{key} twice");
    }

    /// Buckets grow up to `+Inf`, which is the count.
    fn histograms(&self) {
        for family in self.types.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name) {
            let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            let start = format!("{family}_bucket{{");
            for (key, value) in self.samples.iter().filter(|(key, _)| key.starts_with(&start)) {
                let (rest, bound) = key.trim_end_matches('}').split_once("le=").expect("a bound");
                assert!(!bound.contains(','), "{key}: le is the last label here");
                let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                series
                    .entry(rest[start.len()..].trim_end_matches(',').to_owned())
                    .or_default()
                    .push((bound, *value));
            }
            assert!(!series.is_empty(), "{family} has no buckets");
            for (labels, mut buckets) in series {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(
                    buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1),
                    "{family} {labels}: {buckets:?}"
                );
                let (bound, all) = *buckets.last().unwrap();
                assert_eq!(bound, f64::INFINITY, "{family} {labels}");
                assert_eq!(self.value(&format!("{family}_count{{{labels}}}")), all);
                assert!(self.value(&format!("{family}_sum{{{labels}}}")) >= 0.0);
            }
        }
    }

    /// The value of a sample that is there.
    pub(crate) fn value(&self, key: &str) -> f64 {
        *self.samples.get(key).unwrap_or_else(|| panic!("no {key} among {:#?}", self.samples))
    }

    /// The sum of a family's samples that have these labels among theirs.
    pub(crate) fn sum(&self, family: &str, labels: &str) -> f64 {
        self.those(family, labels).sum()
    }

    /// How many samples of a family have these labels among theirs.
    pub(crate) fn count(&self, family: &str, labels: &str) -> usize {
        self.those(family, labels).count()
    }

    fn those(&self, family: &str, labels: &str) -> impl Iterator<Item = f64> {
        let start = format!("{family}{{");
        let fits = move |key: &str| key.strip_prefix(&start).is_some_and(|rest| rest.contains(labels));
        self.samples.iter().filter(move |(key, _)| fits(key)).map(|(_, value)| *value)
    }

    /// No counter is below what it was.
    pub(crate) fn not_below(&self, before: &Self) {
        for (key, was) in &before.samples {
            let family = key.split('{').next().unwrap();
            if before.types.get(family).is_none_or(|kind| kind == "counter") {
                assert!(self.value(key) >= *was, "{key} went down");
            }
        }
    }
}

fn key(name: &str, mut labels: Vec<(String, String)>) -> String {
    labels.sort();
    let all: Vec<_> = labels.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    if all.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", all.join(",")) }
}

/// Name, labels and value of a line.
fn parse(line: &str) -> (&str, Vec<(String, String)>, f64) {
    let end = line.find(['{', ' ']).expect("a value");
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").expect("a label");
            assert!(is_name(label), "{line}");
            let (value, after) = unescape(after);
            labels.push((label.to_owned(), value));
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = after.strip_prefix('}').expect("an end of the labels");
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').expect("one space");
    let digits = value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    assert!(digits, "{line}: a plain number without a time");
    (name, labels, value.parse().unwrap())
}

/// A value up to its closing quote, and what follows it.
fn unescape(text: &str) -> (String, &str) {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next().expect("what is escaped").1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                c => panic!("\\{c} is no escape"),
            }),
            c => value.push(c),
        }
    }
    panic!("no end of {text}")
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
