//! A word of a command line as it has to be typed, so that the shell hands on exactly that word.
//!
//! | shell | a word of plain characters | any other |
//! |---|---|---|
//! | POSIX (sh, bash, zsh) | as it is | `'...'`, in which nothing but `'` means anything: it is written `'\''` |
//! | cmd and PowerShell | as it is | `"..."`, which both take |
//! | PowerShell alone | | `'...'` where `"..."` would expand something; what it takes for `'` is doubled |
//!
//! cmd has no way to write every word: in quotes, too, it expands `%NAME%`.

/// Characters that no shell gives a meaning to, wherever they stand in a word.
const PLAIN: &str = "_-./:@+,";
/// What PowerShell takes for a single quote.
const SINGLE: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
/// What means something between double quotes: to PowerShell, the last one to cmd.
const EXPANDED: [char; 7] = ['$', '`', '"', '\u{201c}', '\u{201d}', '\u{201e}', '%'];

/// The word for the shell of this system.
pub(super) fn quoted(word: &str) -> String {
    if cfg!(windows) { windows(word) } else { posix(word) }
}

fn is_plain(word: &str, also: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c) || also.contains(c);
    !word.is_empty() && word.chars().all(plain)
}

fn posix(word: &str) -> String {
    match is_plain(word, "") {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn windows(word: &str) -> String {
    // Two things that PowerShell alone reads otherwise: a comma makes a list, an `@` at the start a variable.
    if is_plain(word, "\\") && !word.contains([',', '@']) {
        return word.to_owned();
    }
    // A backslash before the closing quote would be taken for part of an escaped one.
    if !word.contains(EXPANDED) && !word.ends_with('\\') {
        return format!("\"{word}\"");
    }
    let doubled = word.chars().flat_map(|c| std::iter::repeat_n(c, if SINGLE.contains(&c) { 2 } else { 1 }));
    format!("'{}'", doubled.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_as_they_are() {
        for word in ["config.yaml", "/etc/cc-forwarder/config.yaml", "../a_b/c+d@e.yaml"] {
            assert_eq!(posix(word), word);
        }
        assert_eq!(windows(r"C:\Users\me\config.yaml"), r"C:\Users\me\config.yaml");
    }

    #[test]
    fn windows_words_are_quoted_for_both_shells_where_that_is_possible() {
        for (word, typed) in [
            (r"C:\Program Files (x86)\a&b.yaml", r#""C:\Program Files (x86)\a&b.yaml""#),
            ("it's,here.yaml", "\"it's,here.yaml\""),
            ("$HOME's `a`.yaml", "'$HOME''s `a`.yaml'"),
            ("a%PATH%.yaml", "'a%PATH%.yaml'"),
            ("", "\"\""),
        ] {
            assert_eq!(windows(word), typed);
        }
    }

    /// The shell itself says what it was given.
    #[cfg(unix)]
    #[test]
    fn a_shell_gets_every_word_as_it_is() {
        let words = [
            "",
            "a b",
            "it's",
            "''",
            "$HOME",
            "~/x",
            "`id`",
            "$(id)",
            "a;b",
            "a|b",
            "a>b",
            "*",
            "?[a]",
            "{a,b}",
            "a\\b",
            "\"a\"",
            "#a",
            "!a",
            "a\nb",
            "\t",
            "日本 語",
            "-n",
            "a=b",
            "%s",
            "a&b",
            "(a)",
            "^a",
        ];
        let line = words.map(posix).join(" ");
        let script = format!("for word in {line}; do printf '%s\\0' \"$word\"; done");
        let said = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let expected: String = words.iter().map(|word| format!("{word}\0")).collect();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), expected, "{script}");
    }
}
