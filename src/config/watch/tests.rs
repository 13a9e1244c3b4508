//! Files on a real disk; nothing here depends on how fast it is.

use notify::event::{AccessKind, AccessMode, CreateKind, DataChange, EventKind, ModifyKind, RenameMode};
use tokio::time::timeout;

use super::*;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const QUICK: Pace =
    Pace { poll: Duration::from_secs(3600), settle: Duration::from_millis(5), doubt: Duration::from_secs(2) };
/// Without waiting for notices.
const POLLING: Pace = Pace { poll: Duration::from_millis(20), ..QUICK };

async fn changed(watcher: &mut Watcher) {
    timeout(PATIENCE, watcher.changed()).await.expect("the change is noticed");
}

/// Renames a new file over the old one.
fn replace(path: &Path, text: &str) {
    let temporary = path.with_extension("new");
    std::fs::write(&temporary, text).unwrap();
    std::fs::rename(temporary, path).unwrap();
}

#[tokio::test]
async fn a_rename_and_a_write_in_place_are_noticed_without_polling() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "0").unwrap();
    let mut watcher = Watcher::new(path.clone(), QUICK).await;
    for round in 1..20 {
        let text = round.to_string();
        if round % 2 == 0 {
            replace(&path, &text)
        } else {
            std::fs::write(&path, &text).unwrap()
        }
        changed(&mut watcher).await;
        assert_eq!(watcher.known, Seen::Content(text.into_bytes()));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn swapped_links_are_noticed_without_polling() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // As container platforms mount files: the file is a link through a link to a folder, and that one is swapped.
    for round in ["1", "2", "3"] {
        std::fs::create_dir(at(round)).unwrap();
        std::fs::write(at(round).join("config.yaml"), round).unwrap();
    }
    symlink("1", at("data")).unwrap();
    symlink("data/config.yaml", at("config.yaml")).unwrap();
    let mut watcher = Watcher::new(at("config.yaml"), QUICK).await;
    for round in ["2", "3"] {
        symlink(round, at("next")).unwrap();
        std::fs::rename(at("next"), at("data")).unwrap();
        changed(&mut watcher).await;
        assert_eq!(watcher.known, Seen::Content(round.into()));
    }
    std::fs::write(at("3").join("config.yaml"), "written behind the links").unwrap();
    changed(&mut watcher).await;
    assert_eq!(watcher.known, Seen::Content("written behind the links".into()));
}

#[tokio::test]
async fn without_notices_looking_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "old").unwrap();
    let hasty = Pace { doubt: Duration::from_millis(50), ..POLLING };
    let mut watcher = Watcher::new(path.clone(), hasty).await;
    watcher.notices.system = None;
    replace(&path, "new");
    changed(&mut watcher).await;
    std::fs::remove_file(&path).unwrap();
    changed(&mut watcher).await;
    assert_eq!(watcher.known, Seen::Missing(io::ErrorKind::NotFound));
    replace(&path, "new");
    changed(&mut watcher).await;
    assert_eq!(watcher.known, Seen::Content("new".into()));
}

#[tokio::test]
async fn the_same_bytes_are_no_change_and_a_short_absence_is_none_either() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "old").unwrap();
    let patient = Pace { doubt: Duration::from_secs(3600), ..POLLING };
    let mut watcher = Watcher::new(path.clone(), patient).await;
    replace(&path, "old");
    std::fs::remove_file(&path).unwrap();
    let mut changing = Box::pin(watcher.changed());
    assert!(timeout(Duration::from_millis(50), &mut changing).await.is_err(), "its absence is doubted");
    drop(changing);
    replace(&path, "new");
    changed(&mut watcher).await;
    assert_eq!(watcher.known, Seen::Content("new".into()));
}

#[test]
fn an_empty_file_is_doubted_as_a_missing_one_is() {
    assert!(Seen::Content(b" \n".to_vec()).is_doubtful());
    assert!(!Seen::Content(b"x: 1".to_vec()).is_doubtful());
}

#[test]
fn reading_and_other_files_wake_nobody() {
    let names = BTreeSet::from([OsString::from("config.yaml")]);
    let event = |kind, name: &str| notify::Event::new(kind).add_path(Path::new("/etc").join(name));
    let (mine, other) = ("config.yaml", "app.log");
    let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
    let read = EventKind::Access(AccessKind::Open(AccessMode::Any));
    let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    let created = EventKind::Create(CreateKind::Any);
    for (kind, here, there) in [
        (write, true, false),
        (closed, true, false),
        (read, false, false),
        (renamed, true, true),
        (created, true, true),
    ] {
        assert_eq!(path::matters(&event(kind, mine), &names), here, "{kind:?}");
        assert_eq!(path::matters(&event(kind, other), &names), there, "{kind:?}");
    }
    assert!(path::matters(&notify::Event::new(EventKind::Other), &names), "notices were lost: look");
}

#[cfg(unix)]
#[test]
fn the_way_to_a_file_has_every_folder_a_link_is_in() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("real/deep")).unwrap();
    std::fs::write(root.join("real/deep/file"), "").unwrap();
    symlink("real/deep/file", root.join("link")).unwrap();
    let way = path::way(&root.join("link"));
    assert_eq!(way.folders, [root.clone(), root.join("real/deep")].into());
    assert_eq!(way.names, ["file", "link"].map(OsString::from).into());
    symlink("loop", root.join("loop")).unwrap();
    assert_eq!(path::way(&root.join("loop")).folders, [root].into());
    let here = Path::new(".").canonicalize().unwrap();
    assert_eq!(path::way(Path::new("config.yaml")).folders, [here].into());
}
