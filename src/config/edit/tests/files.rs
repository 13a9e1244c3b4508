//! The file on disk: versions, conflicts, links, mode.

use std::fs;

use super::*;

const TEXT: &str = "endpoints:\n  - name: a # first\n    url: https://a.example\n    priority: 1\n\
                    \x20 - name: b\n    url: https://b.example\n    priority: 2\n";

struct Case {
    folder: tempfile::TempDir,
    saver: Saver,
    running: Config,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        fs::write(&path, TEXT).unwrap();
        let running = load::load(Source::File(path), &System).unwrap().config;
        Self { folder, saver: Saver::default(), running }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("c.yaml")
    }

    fn review(&self, priority: u32) -> Result<Review, EditError> {
        self.saver.review(&self.running, &[(id("a"), priority)], &System)
    }

    fn save(&self, review: &Review, priority: u32) -> Result<Review, EditError> {
        self.saver.save(review, &[(id("a"), priority)], &System)
    }

    fn content(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// As the running fleet takes priorities that are not in the file.
    fn apply(&mut self, priority: u32) {
        std::sync::Arc::make_mut(&mut self.running.endpoints[0]).priority = priority;
    }
}

#[test]
fn what_was_reviewed_is_saved_and_reads_back_as_what_runs() {
    let mut case = Case::new();
    let review = case.review(5).unwrap();
    let line = Written { endpoint: id("a"), line: 4, before: 1, after: 5 };
    assert_eq!(review.written, [line]);
    case.apply(5);
    case.save(&review, 5).unwrap();
    assert_eq!(case.content(), TEXT.replace("priority: 1", "priority: 5"));
    let loaded = load::load(Source::File(case.path()), &System).unwrap().config;
    assert!(diff::changes(&case.running, &loaded).is_empty(), "the reload that follows has nothing to do");
    let files = fs::read_dir(case.folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left beside it");
}

#[test]
fn what_was_written_here_is_no_news_once() {
    let case = Case::new();
    let stamp = case.save(&case.review(5).unwrap(), 5).unwrap().stamp;
    assert_eq!(stamp, Stamp::of(&case.content()));
    assert!(case.saver.is_own(stamp));
    assert!(!case.saver.is_own(stamp), "somebody else wrote it again");
    case.save(&case.review(6).unwrap(), 6).unwrap();
    assert!(!case.saver.is_own(stamp), "an older version is news");
}

#[test]
fn saving_again_is_possible_before_and_after_the_reload() {
    let mut case = Case::new();
    let review = case.review(5).unwrap();
    case.apply(5);
    case.save(&review, 5).unwrap();
    case.apply(6);
    let review = case.review(7).unwrap();
    assert_eq!(review.written[0].before, 5, "the file's own number");
    case.save(&review, 7).unwrap();
    assert!(case.content().contains("priority: 7"));
}

#[test]
fn a_file_that_means_something_else_by_now_is_a_conflict() {
    let case = Case::new();
    fs::write(case.path(), TEXT.replace("priority: 2", "priority: 3")).unwrap();
    let refused = case.review(5).unwrap_err().to_string();
    assert!(refused.contains("was changed since it was loaded (endpoints[b].priority)"), "{refused}");
    fs::write(case.path(), "endpoints: []").unwrap();
    assert!(matches!(case.review(5), Err(EditError::Invalid(_))));
    fs::write(case.path(), format!("# a new comment\n{TEXT}")).unwrap();
    let review = case.review(5).unwrap();
    case.save(&review, 5).unwrap();
    assert!(case.content().starts_with("# a new comment\n"), "what is new stays");
}

#[test]
fn a_change_after_the_review_is_a_conflict_and_is_not_overwritten() {
    let case = Case::new();
    let review = case.review(5).unwrap();
    let other = format!("{TEXT}# somebody else\n");
    fs::write(case.path(), &other).unwrap();
    let refused = case.save(&review, 5).unwrap_err();
    assert!(matches!(refused, EditError::ChangedMeanwhile { .. }), "{refused}");
    assert_eq!(case.content(), other);
}

#[test]
fn a_change_at_the_last_moment_is_seen() {
    let case = Case::new();
    let refused = write::replace(&case.path(), b"another version", b"new").unwrap_err();
    assert!(matches!(refused, EditError::ChangedMeanwhile { .. }));
    assert_eq!(case.content(), TEXT);
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 1);
}

#[test]
fn a_read_only_file_is_left_alone() {
    let case = Case::new();
    let mut mode = fs::metadata(case.path()).unwrap().permissions();
    mode.set_readonly(true);
    fs::set_permissions(case.path(), mode).unwrap();
    let review = case.review(5).unwrap();
    assert!(matches!(case.save(&review, 5), Err(EditError::ReadOnly { .. })));
    assert_eq!(case.content(), TEXT);
}

#[test]
fn without_a_file_there_is_nowhere_to_save() {
    let edits = [(id("anthropic"), 1)];
    let refused = Saver::default().review(&Config::built_in(), &edits, &System).unwrap_err();
    assert!(matches!(refused, EditError::NoFile));
}

#[cfg(unix)]
#[test]
fn mode_and_symbolic_link_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mut case = Case::new();
    fs::set_permissions(case.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let link = case.folder.path().join("link.yaml");
    symlink("c.yaml", &link).unwrap();
    case.running.source = Source::File(link.clone());
    let review = case.review(5).unwrap();
    case.save(&review, 5).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(case.path()).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(case.content().contains("priority: 5"));
}

#[test]
fn of_two_who_save_at_once_nobody_is_told_yes_in_vain() {
    for round in 10..40 {
        let case = Case::new();
        let edits = [[(id("a"), round)], [(id("b"), round)]];
        let done: Vec<bool> = std::thread::scope(|scope| {
            let save = |edits: &[(EndpointId, u32); 1]| {
                let review = case.saver.review(&case.running, edits, &System);
                review.and_then(|review| case.saver.save(&review, edits, &System)).is_ok()
            };
            let threads = edits.each_ref().map(|edits| scope.spawn(move || save(edits)));
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let content = case.content();
        assert!(done.contains(&true), "{content}");
        for (done, before) in done.into_iter().zip(["priority: 1", "priority: 2"]) {
            assert_eq!(!content.contains(&format!("{before}\n")), done, "{content}");
        }
    }
}

#[test]
fn versions_written_one_after_the_other_are_all_own_until_somebody_elses_is_seen() {
    let mut case = Case::new();
    let mut stamps = Vec::new();
    for priority in [5, 6, 7] {
        let review = case.review(priority).unwrap();
        case.apply(priority);
        stamps.push(case.save(&review, priority).unwrap().stamp);
    }
    assert!(case.saver.is_own(stamps[1]), "seen while a later one is there already");
    assert!(case.saver.is_own(stamps[2]));
    assert!(!case.saver.is_own(stamps[2]), "once");
    assert!(!case.saver.is_own(stamps[0]), "it was before those");
}
