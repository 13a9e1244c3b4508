//! How many of something, in words: one has no `s`. Every sentence that begins with a count is made here.
//!
//! | noun | of one | of any other number |
//! |---|---|---|
//! | `request` | `1 request` | `0 requests`, `2 requests` |
//! | `priority` | `1 priority` | `2 priorities` |

/// `noun` as it stands behind the number `n`. For nouns with a regular plural.
pub fn noun(n: u64, noun: &str) -> String {
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        _ if n == 1 => noun.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    }
}

/// `1 request`, `12 requests`.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{n} {}", self::noun(n, noun))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_one() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "request")), ["0 requests", "1 request", "2 requests"]);
        assert_eq!([1, 2].map(|n| counted(n, "priority")), ["1 priority", "2 priorities"]);
        assert_eq!(noun(3, "day"), "days");
    }
}
