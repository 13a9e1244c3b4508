//! Names of rotated log files and what has to be done with them: pure.
//!
//! | name beside `app.log` | meaning |
//! |---|---|
//! | `app.log.2026-02-03-04-05-06` | rotated at that second (UTC, so that names sort by age across clock changes) |
//! | `app.log.2026-02-03-04-05-06-1` | the second rotation in that second |
//! | `….gz` | compressed, complete |
//! | `….gz.part` | a compression that was under way; worthless after a restart |
//!
//! Files with any other name are not ours: they are never counted, renamed or removed.

use std::collections::BTreeMap;

/// Whether a line of `incoming` bytes has to go to a new file. An empty file takes any line, however long.
pub(super) fn must_rotate(size: u64, incoming: u64, limit: u64) -> bool {
    size > 0 && size.saturating_add(incoming) > limit
}

/// The time part of a rotated name.
pub(super) fn stamp(now: jiff::Timestamp) -> String {
    now.strftime("%Y-%m-%d-%H-%M-%S").to_string()
}

/// The name for the `serial`-th rotation within one second.
pub(super) fn rotated_name(base: &str, stamp: &str, serial: u32) -> String {
    match serial {
        0 => format!("{base}.{stamp}"),
        n => format!("{base}.{stamp}-{n}"),
    }
}

/// The name of the finished compression of a file.
pub(super) fn compressed_name(name: &str) -> String {
    format!("{name}.gz")
}

/// The name of a compression under way.
pub(super) fn partial_name(name: &str) -> String {
    format!("{name}.gz.part")
}

/// Something to do with a file, by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Chore {
    /// Delete it.
    Remove(String),
    /// Compress it, then delete it.
    Compress(String),
}

/// Which copies of one rotated file exist.
#[derive(Default)]
struct Copies {
    raw: Option<String>,
    compressed: Option<String>,
}

/// What to do in a directory with these file names: drop left-overs, keep the newest `keep` rotated files (0 keeps
/// all), compress the kept ones if asked. Doing it twice changes nothing more.
pub(super) fn chores<'a>(
    names: impl IntoIterator<Item = &'a str>,
    base: &str,
    keep: u32,
    compress: bool,
) -> Vec<Chore> {
    let mut chores = Vec::new();
    let mut rotated: BTreeMap<Age, Copies> = BTreeMap::new();
    for name in names {
        let Some((age, kind)) = parse(name, base) else { continue };
        match kind {
            Kind::Partial => chores.push(Chore::Remove(name.to_owned())),
            Kind::Raw => rotated.entry(age).or_default().raw = Some(name.to_owned()),
            Kind::Compressed => rotated.entry(age).or_default().compressed = Some(name.to_owned()),
        }
    }
    let surplus = if keep == 0 { 0 } else { rotated.len().saturating_sub(keep as usize) };
    for (position, copies) in rotated.into_values().enumerate() {
        let Copies { raw, compressed } = copies;
        if position < surplus {
            chores.extend([raw, compressed].into_iter().flatten().map(Chore::Remove));
        } else if compressed.is_some() {
            // The compressed copy got its name only when it was complete.
            chores.extend(raw.map(Chore::Remove));
        } else if compress {
            chores.extend(raw.map(Chore::Compress));
        }
    }
    chores
}

/// Stamp and serial; orders by age.
type Age = (String, u32);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Raw,
    Compressed,
    Partial,
}

fn parse(name: &str, base: &str) -> Option<(Age, Kind)> {
    let rest = name.strip_prefix(base)?.strip_prefix('.')?;
    let (rest, kind) = match rest.strip_suffix(".gz.part") {
        Some(rest) => (rest, Kind::Partial),
        None => match rest.strip_suffix(".gz") {
            Some(rest) => (rest, Kind::Compressed),
            None => (rest, Kind::Raw),
        },
    };
    let (stamp, serial) = rest.split_at_checked(STAMP_SHAPE.len())?;
    let serial = match serial {
        "" => 0,
        more => more.strip_prefix('-')?.parse().ok()?,
    };
    is_stamp(stamp).then(|| ((stamp.to_owned(), serial), kind))
}

const STAMP_SHAPE: &str = "0000-00-00-00-00-00";

fn is_stamp(text: &str) -> bool {
    text.len() == STAMP_SHAPE.len()
        && text.bytes().zip(STAMP_SHAPE.bytes()).all(|(have, want)| match want {
            b'0' => have.is_ascii_digit(),
            _ => have == want,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "app.log.2026-02-03-04-05-06";
    const B: &str = "app.log.2026-02-03-04-05-06-2";
    const C: &str = "app.log.2026-02-03-04-05-06-10";
    const D: &str = "app.log.2026-02-03-04-05-07";

    fn remove(name: &str) -> Chore {
        Chore::Remove(name.into())
    }

    #[test]
    fn rotation_starts_at_the_limit_and_never_makes_an_empty_file() {
        assert!(!must_rotate(0, 1000, 10));
        assert!(!must_rotate(6, 4, 10));
        assert!(must_rotate(6, 5, 10));
        assert!(must_rotate(u64::MAX, 1, u64::MAX - 1));
    }

    #[test]
    fn names_say_when() {
        let now: jiff::Timestamp = "2026-02-03T05:05:06.9+01:00".parse().unwrap();
        assert_eq!(rotated_name("app.log", &stamp(now), 0), A);
        assert_eq!(rotated_name("app.log", &stamp(now), 2), B);
    }

    #[test]
    fn the_oldest_go_first_counting_within_a_second() {
        assert_eq!(chores([D, C, B, A], "app.log", 2, false), [remove(A), remove(B)]);
        assert_eq!(chores([A, B, C, D], "app.log", 0, false), []);
    }

    #[test]
    fn what_is_kept_is_compressed_once() {
        let gz = compressed_name(B);
        assert_eq!(
            chores([A, B, &gz, C], "app.log", 2, true),
            [remove(A), remove(B), Chore::Compress(C.into())]
        );
        assert_eq!(chores([gz.as_str()], "app.log", 2, true), []);
    }

    #[test]
    fn interrupted_compressions_are_dropped_and_started_again() {
        let part = partial_name(A);
        assert_eq!(chores([A, &part], "app.log", 9, true), [remove(&part), Chore::Compress(A.into())]);
    }

    #[test]
    fn other_files_are_left_alone() {
        let others = [
            "app.log",
            "app.log.bak",
            "app.log.2026-02-03",
            "app.log.2026-02-03-04-05-06.txt",
            "app.log.2026-02-03-04-05-06-x",
            "app.log.2026-02-03_04-05-06",
            "other.log.2026-02-03-04-05-06",
            "app.log.日本語日本語日本語",
        ];
        assert_eq!(chores(others, "app.log", 1, true), []);
    }
}
