//! Numbers, times and names as people read them: short, stable in width, exact enough.

use std::time::Duration;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::claude::money::PicoUsd;
use crate::logging::escape::is_unsafe;

/// A count for a narrow place: `987`, `1.2k`, `34k`, `5.6M`, rounded.
pub fn count(n: u64) -> String {
    rounded(n, 100)
}

/// A sum of counts: `999`, `1.2k`, `12.3k`, `123k`, `4.5M`, rounded, three or four characters of digits. The same on screen
/// and in what commands print.
pub fn sum(n: u64) -> String {
    rounded(n, 1_000)
}

/// With one decimal while that makes fewer than so many tenths.
fn rounded(n: u64, tenths: u128) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    // 999,500 and above would be written as 1000k.
    let unit = UNITS.into_iter().find(|(unit, _)| n.saturating_add(unit / 2_000) >= *unit);
    let Some((unit, name)) = unit else { return n.to_string() };
    let rounded = |parts: u128| (u128::from(n) * parts + u128::from(unit) / 2) / u128::from(unit);
    match rounded(10) {
        few if few < tenths => format!("{}.{}{name}", few / 10, few % 10),
        _ => format!("{}{name}", rounded(1)),
    }
}

/// Dollars: `$0`, `$0.0042`, `$4.81`, `$1,234`.
pub fn money(amount: PicoUsd) -> String {
    const CENT: u128 = 10_000_000_000;
    match amount.pico() {
        0 => "$0".to_owned(),
        pico if pico < CENT => format!("${}", amount.usd(4)),
        pico if pico < 1_000 * 100 * CENT => format!("${}", amount.usd(2)),
        _ => format!("${}", grouped(&amount.usd(0))),
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What something cost; `$-` when tokens were used and none of them has a price.
pub fn spent(cost: PicoUsd, unpriced: u64) -> String {
    if cost.is_zero() && unpriced > 0 { "$-".to_owned() } else { money(cost) }
}

/// A time to wait or an age: `0.4s`, `12s`, `3m20s`, `4h05m`, `2d03h`.
pub fn span(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{s}s"),
        60..3_600 => format!("{}m{:02}s", s / 60, s % 60),
        3_600..86_400 => format!("{}h{:02}m", s / 3_600, s / 60 % 60),
        _ => format!("{}d{:02}h", s / 86_400, s / 3_600 % 24),
    }
}

/// [`span`] of seconds that may be missing.
pub fn seconds(s: Option<f64>) -> String {
    s.and_then(|s| Duration::try_from_secs_f64(s).ok()).map(span).unwrap_or_default()
}

/// [`span`] of milliseconds that may be missing.
pub fn millis(ms: Option<f64>) -> String {
    match ms {
        Some(ms) if ms < 1_000.0 => format!("{ms:.0}ms"),
        ms => seconds(ms.map(|ms| ms / 1e3)),
    }
}

/// The time from `from` to `to`; zero when they are the other way round.
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

/// A share: `91%`, `99.6%` close to the ends.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 || percent > 99.0 && percent < 100.0 {
        // Rounded away from the end: not quite all is not all.
        return format!("{:.1}%", percent.clamp(0.1, 99.9));
    }
    format!("{percent:.0}%")
}

/// A share that is stated as exactly as commands print it: `99.5%`; a dash when there is nothing to take a share of.
/// Never `100%` for less, nor `0%` for more.
pub fn share(part: Option<f64>) -> String {
    match part {
        None => "-".to_owned(),
        Some(all) if all >= 1.0 => "100%".to_owned(),
        Some(none) if none <= 0.0 => "0%".to_owned(),
        Some(part) => format!("{:.1}%", (part * 100.0).clamp(0.1, 99.9)),
    }
}

/// A model's name without what all have in common.
pub fn model(name: &str) -> &str {
    name.strip_prefix("claude-").unwrap_or(name)
}

/// `text` in at most `width` cells; what does not fit is cut and marked.
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// `text` in exactly `width` cells, filled up on the right.
pub fn left(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let fill = width.saturating_sub(text.width());
    text + &" ".repeat(fill)
}

/// `text` in exactly `width` cells, filled up on the left.
pub fn right(text: &str, width: usize) -> String {
    let text = fit(text, width);
    " ".repeat(width.saturating_sub(text.width())) + &text
}

/// A text from outside that can neither move the cursor, nor colour the screen, nor be read in another order than it is.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '·' } else { c }).collect()
}

/// A text in rows of at most `width` cells, broken at white space where there is any. At least one row.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let (mut rows, mut row, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_inclusive(char::is_whitespace) {
        if used > 0 && used + word.trim_end().width() > width {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        for c in word.chars() {
            let cells = c.width().unwrap_or(0);
            if used + cells > width && !c.is_whitespace() {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            if used + cells <= width {
                row.push(c);
                used += cells;
            }
        }
    }
    rows.push(row);
    rows
}

/// A sentence whose hosts, addresses and paths are masked, word by word: for texts that others wrote. It rather masks a
/// word too many.
pub fn masked(text: &str) -> String {
    let mask = |word: &str| if tells_a_place(word) { "•".repeat(8) } else { word.to_owned() };
    text.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

/// Data whose hosts, addresses and paths are masked: as [`masked`], for JSON, markup and lists, whose words hold several
/// things.
pub fn masked_pieces(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || "\"'`,;()[]{}<>=|".contains(c);
    let mask = |piece: &str| {
        let end = piece.trim_end_matches(ends);
        let mask = tells_a_place(end);
        if mask { "•".repeat(8) + &piece[end.len()..] } else { piece.to_owned() }
    };
    text.split_inclusive(ends).map(mask).collect()
}

/// True for a word that is, or holds, a URL, a path, an address, or the name of a host or file.
fn tells_a_place(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !"/~\\.:".contains(c));
    let bare = word.trim_end_matches([':', '.']);
    let path = bare.contains("://")
        || bare.contains('\\')
        || bare.starts_with(['/', '~', '.'])
        || bare.contains("::");
    path || bare.contains("=/") || is_dotted(bare)
}

/// `192.0.2.7:443`, `api.example.com`, `usage.csv`; not `1.4s`, `$0.29`, `retry.max_attempts`.
fn is_dotted(word: &str) -> bool {
    let name = word.split([':', '/']).next().unwrap_or_default();
    let labels: Vec<&str> = name.split('.').collect();
    let digits = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    let letters = |label: &str| label.len() >= 2 && label.chars().all(char::is_alphabetic);
    let plain = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    match labels.as_slice() {
        [_] => false,
        [a, b, c, d] if [a, b, c, d].into_iter().all(digits) => true,
        [.., last] => labels.iter().all(plain) && letters(last),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        let shown = [0, 999, 1_000, 1_250, 12_340, 99_949, 123_456, 999_499].map(sum);
        assert_eq!(shown, ["0", "999", "1.0k", "1.3k", "12.3k", "99.9k", "123k", "999k"]);
        let shown = [999_500, 5_600_000, 999_999_999, u64::MAX].map(sum);
        assert_eq!(shown, ["1.0M", "5.6M", "1.0G", "18446744T"]);
        let shown = [0, 999, 1_249, 9_949, 9_950, 34_567, 999_500].map(count);
        assert_eq!(shown, ["0", "999", "1.2k", "9.9k", "10k", "35k", "1.0M"]);
    }

    #[test]
    fn money_has_the_decimals_that_matter() {
        let shown = [0, 4_200_000_000, 4_810_000_000_000, 1_234_000_000_000_000]
            .map(|p| money(PicoUsd::from_pico(p)));
        assert_eq!(shown, ["$0", "$0.0042", "$4.81", "$1,234"]);
    }

    #[test]
    fn a_price_that_nobody_knows_is_not_nothing() {
        let shown = [(0, 0), (0, 3), (4_810_000_000_000, 3)].map(|(p, n)| spent(PicoUsd::from_pico(p), n));
        assert_eq!(shown, ["$0", "$-", "$4.81"]);
    }

    #[test]
    fn times_and_shares() {
        let shown = [0, 12, 200, 14_700, 183_600].map(|s| span(Duration::from_secs(s)));
        assert_eq!(shown, ["0.0s", "12s", "3m20s", "4h05m", "2d03h"]);
        assert_eq!([0.0, 0.001, 0.5, 0.9999, 1.0].map(percent), ["0%", "0.1%", "50%", "99.9%", "100%"]);
    }

    #[test]
    fn rows_break_at_white_space_and_long_words_anywhere() {
        assert_eq!(wrap("ab cd efghij", 5), ["ab cd", "efghi", "j"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn places_are_masked_and_other_words_are_not() {
        let hidden = "https://a.example/x (/etc/x.yaml:12: 192.0.2.7:443, api.example.com:443 ~/x.csv C:\\x [::1]:80 x.csv";
        assert!(hidden.split(' ').all(tells_a_place), "{}", masked(hidden));
        let seen = "main-a is down: 529 in 1.4s $0.29 91k/2.2k retry.max_attempts req-7f3a01c2 14:02:11 opus-5.5 and/or -";
        assert_eq!(masked(seen), seen);
    }

    #[test]
    fn places_are_masked_in_data() {
        let json = r#"{"error":{"message":"no route to api.example.com","at":"/home/x","url":"https://a.b/c"},"n":[1.5]}"#;
        let dots = "•".repeat(8);
        let clean =
            json.replace("api.example.com", &dots).replace("/home/x", &dots).replace("https://a.b/c", &dots);
        assert_eq!(masked_pieces(json), clean);
        assert_eq!(masked_pieces("a=/etc/x; b=192.0.2.7"), format!("a={dots}; b={dots}"));
        assert_eq!(masked_pieces("text/html; q=0.9"), "text/html; q=0.9");
    }

    #[test]
    fn what_turns_the_reading_order_is_not_shown() {
        assert_eq!(harmless("a\u{1b}[2J\u{202e}b\u{2066}c\u{feff} 日本"), "a·[2J·b·c· 日本");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(left("日本語", 8), "日本語  ");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(right("7", 3), "  7");
        assert_eq!(fit("abc", 0), "");
    }
}
