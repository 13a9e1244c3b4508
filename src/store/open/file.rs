//! Files that are, or should be, a store.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadableDatabase};

use super::{Found, Identity, MovedAside, OpenError};
use crate::files;
use crate::store::disk::guarded;
use crate::store::schema::{self, LAYOUT, meta};
use crate::store::{StoreError, monotonic};

/// Memory for pages of the file. The sums that every commit touches are a few hundred pages.
const CACHE: usize = 32 << 20;
/// A file up to this size is checked whole when it is opened, which takes less than a second.
const CHECKED: u64 = 32 << 20;
/// Between two lines about a repair.
const REPAIR_REPORT: Duration = Duration::from_secs(2);

/// Why a file is not open.
enum Trouble {
    InUse,
    Unreadable(String),
    System(io::Error),
    Store(StoreError),
}

/// Opens the store at `path`, or makes one.
pub(super) fn open(path: &Path) -> Result<(Database, Found), OpenError> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(unusable("create the directory", parent))?;
    }
    let mut moved_aside = None;
    let mut fresh = false;
    loop {
        match existing(path) {
            Ok(db) => return Ok((db, Found { fresh, moved_aside })),
            // Made already and not there: its name is a link to nowhere, or somebody takes it away.
            Err(Trouble::System(error)) if error.kind() == ErrorKind::NotFound && !fresh => {
                create(path)?;
                fresh = true;
            }
            Err(Trouble::Unreadable(why)) if !fresh => moved_aside = Some(set_aside(path, &why)?),
            Err(Trouble::Unreadable(why)) => return Err(StoreError::Damaged(why).into()),
            Err(Trouble::InUse) => return Err(OpenError::InUse { path: path.to_owned() }),
            Err(Trouble::System(error)) => return Err(unusable("open the usage store", path)(error)),
            Err(Trouble::Store(error)) => return Err(error.into()),
        }
    }
}

/// Gives the file another name, loudly.
pub(super) fn set_aside(path: &Path, why: &str) -> Result<MovedAside, OpenError> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let names = (1..).map(|n| match n {
        1 => with_suffix(path, &format!(".unreadable-{stamp}")),
        n => with_suffix(path, &format!(".unreadable-{stamp}-{n}")),
    });
    // Of endlessly many names one is free.
    let to = names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_default();
    fs::rename(path, &to).map_err(unusable("move aside the unreadable usage store", path))?;
    tracing::error!(
        target: "cc_forwarder::store",
        "the usage store {} cannot be read: {why}. It was moved to {}, and a new one begins",
        path.display(),
        to.display()
    );
    Ok(MovedAside { to, why: why.to_owned() })
}

/// Which file is at the path; nothing when none is.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    let found = fs::metadata(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some((found.dev(), found.ino()))
    }
    // An open file cannot be deleted or replaced on Windows.
    #[cfg(not(unix))]
    {
        found.is_file().then_some((0, 0))
    }
}

/// Opens what is there.
fn existing(path: &Path) -> Result<Database, Trouble> {
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(Trouble::Unreadable("it is a directory".into()));
    }
    if found.len() == 0 {
        return Err(Trouble::Unreadable("it is empty".into()));
    }
    let file = File::options().read(true).write(true).open(path)?;
    keep_private(&file)?;
    let db = guarded(|| {
        let mut builder = builder();
        builder.set_check_integrity_on_open(found.len() <= CHECKED);
        Ok::<_, Trouble>(builder.create_with_backend(FileBackend::new(file)?)?)
    })?;
    guarded(|| check_layout(&db))?;
    Ok(db)
}

/// How every database of ours is opened.
pub(crate) fn builder() -> Builder {
    let mut builder = Database::builder();
    let last = Cell::new(monotonic());
    builder.set_cache_size(CACHE).set_repair_callback(move |repair| {
        if last.get().elapsed() >= REPAIR_REPORT {
            last.set(monotonic());
            let percent = repair.progress() * 100.0;
            tracing::info!(
                target: "cc_forwarder::store",
                "repairing the usage store after a crash: {percent:.0} %"
            );
        }
    });
    builder
}

fn check_layout(db: &Database) -> Result<(), Trouble> {
    let txn = db.begin_read().map_err(StoreError::from)?;
    match schema::fact(&txn, meta::LAYOUT) {
        Ok(Some(layout)) if layout == LAYOUT => Ok(()),
        Ok(Some(layout)) => Err(Trouble::Unreadable(format!(
            "it has layout {layout}, of a later cc-forwarder; this one knows {LAYOUT}"
        ))),
        Ok(None) | Err(StoreError::Database(redb::Error::TableDoesNotExist(_))) => {
            Err(Trouble::Unreadable("it is a database of another program".into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes an empty store. It appears at `path` when it is complete, and never in the place of another file.
fn create(path: &Path) -> Result<(), OpenError> {
    let draft = with_suffix(path, &format!(".new-{}", std::process::id()));
    let made = build(&draft).and_then(|()| match files::publish(&draft, path) {
        // Another process was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(unusable("create the usage store", path)),
    });
    // Published or not, it has no further use.
    let _ = fs::remove_file(&draft);
    made
}

fn build(draft: &Path) -> Result<(), OpenError> {
    let file = create_private(draft, true).map_err(unusable("create the usage store", draft))?;
    let made = || -> Result<(), StoreError> {
        let db = builder().create_with_backend(FileBackend::new(file)?)?;
        let txn = db.begin_write()?;
        schema::create(&txn)?;
        schema::set_fact(&txn, meta::LAYOUT, LAYOUT)?;
        schema::set_fact(&txn, meta::MADE_BY, concat!("cc-forwarder ", env!("CARGO_PKG_VERSION")))?;
        txn.commit()?;
        Ok(db.close()?)
    };
    made().map_err(|error| match error {
        StoreError::Database(redb::Error::Io(source)) => unusable("create the usage store", draft)(source),
        error => error.into(),
    })
}

/// Creates a file that only its owner can read. An existing one is overwritten only if `replace`.
pub(crate) fn create_private(path: &Path, replace: bool) -> io::Result<File> {
    let mut options = files::private();
    options.read(true).write(true);
    if replace {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path)
}

#[cfg(unix)]
fn keep_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o600);
        // It belongs to somebody else who shares it with us: their choice.
        let _ = file.set_permissions(permissions);
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &File) -> io::Result<()> {
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn unusable(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Unusable { action, path, source }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::InUse,
            error => StoreError::from(error).into(),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let foreign =
            |error: &io::Error| matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
        match error {
            StoreError::Database(redb::Error::Io(error)) if !foreign(&error) => Self::System(error),
            StoreError::Database(redb::Error::Io(error)) => Self::Unreadable(error.to_string()),
            StoreError::Database(redb::Error::PreviousIo) | StoreError::Closed => Self::Store(error),
            error => Self::Unreadable(error.to_string()),
        }
    }
}
