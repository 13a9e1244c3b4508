//! Configurations of every style, with random edits: only the edited scalars differ, byte by byte.

use proptest::prelude::*;

use super::*;

/// How one endpoint is written. Its text before, between and behind is what must not change.
#[derive(Clone, Debug)]
struct Draft {
    flow: bool,
    quote: &'static str,
    priority: Option<u32>,
    priority_first: bool,
    comment: &'static str,
    to: Option<u32>,
}

fn draft() -> impl Strategy<Value = Draft> {
    let quote = prop::sample::select(vec!["", "'", "\""]);
    let comment = prop::sample::select(vec!["", " # note", "  # priority: 9 日本 'x'", " #\"{"]);
    let number = || prop::option::weighted(0.8, 0u32..1000);
    (any::<bool>(), quote, number(), any::<bool>(), comment, number()).prop_map(
        |(flow, quote, priority, priority_first, comment, to)| Draft {
            flow,
            quote,
            priority,
            priority_first,
            comment,
            to,
        },
    )
}

/// The text of a configuration; with `edited`, as it must be after the edits.
fn text(drafts: &[Draft], crlf: bool, last_newline: bool, edited: bool) -> String {
    let mut out = String::from("# Kopf: ключ 鍵\nretry: {max_attempts: 2} # three\n\nendpoints:\n");
    for (n, draft) in drafts.iter().enumerate() {
        out.push_str(&one(n, draft, edited));
    }
    if last_newline {
        out.push_str("# end\n");
    } else {
        out.pop();
    }
    if crlf { out.replace('\n', "\r\n") } else { out }
}

fn one(n: usize, draft: &Draft, edited: bool) -> String {
    let Draft { flow, quote, priority, priority_first, comment, to } = *draft;
    let shown = if edited { to.or(priority) } else { priority };
    // An edit to zero, the default, is none for an endpoint without a number.
    let shown = shown.filter(|number| priority.is_some() || *number != 0);
    let own = priority.is_some();
    let number = shown.map(|number| if own { format!("{quote}{number}{quote}") } else { number.to_string() });
    let name = format!("name: {quote}ep-{n}{quote}");
    let url = format!("url: {quote}https://e{n}.example{quote}");
    let priority = number.map(|number| format!("priority: {number}"));
    let first = own && priority_first;
    let parts = [priority.clone().filter(|_| first), Some(name), priority.filter(|_| !first), Some(url)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if flow {
        return format!("  - {{ {} }}{comment}\n", parts.join(", "));
    }
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        let inserted = !own && part.starts_with("priority");
        let comment = if inserted { "" } else { comment };
        out.push_str(&format!("  {} {part}{comment}\n", if i == 0 { "-" } else { " " }));
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn only_the_edited_scalars_differ(
        drafts in prop::collection::vec(draft(), 1..6),
        crlf in any::<bool>(),
        last_newline in any::<bool>(),
    ) {
        let before = text(&drafts, crlf, last_newline, false);
        let after = text(&drafts, crlf, last_newline, true);
        let names: Vec<String> = (0..drafts.len()).map(|n| format!("ep-{n}")).collect();
        let edits: Vec<(&str, u32)> =
            names.iter().zip(&drafts).filter_map(|(name, d)| Some((name.as_str(), d.to?))).collect();
        prop_assert_eq!(edited(&before, &edits).unwrap(), after);
    }
}
