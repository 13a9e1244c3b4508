//! Writes priorities into the configuration file, and nothing else: comments, order, quotes, line endings, anchors and
//! the file's mode stay as they are, byte by byte.
//!
//! ```text
//! review: read the file -> is it the one that runs? -> where would which number be written
//! save:   read it again -> is it the one that was reviewed? -> write beside it, sync, look once more, rename
//! ```
//!
//! | the file | then |
//! |---|---|
//! | is the version that was loaded, or the one written here last | may be edited |
//! | is another version that means the same | may be edited: what is new stays in it |
//! | is another version that means something else, or is no configuration | a conflict: it is told, and nothing is written |
//! | changed between review and save | a conflict likewise |
//! | is read-only | refused |
//!
//! The edit exchanges bytes at the places a parser tells, because a library that writes the document anew cannot promise
//! for the rest of it. What cannot be done so is refused with the reason, see `splice`.

mod spans;
mod splice;
mod stamp;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize, Serializer};

use self::splice::Wish;
pub use self::stamp::{NotAStamp, Stamp};
use super::env::{Env, read_text};
use super::{Config, Loaded, Problems, Source, diff, load};
use crate::domain::endpoint::EndpointId;

/// Other priorities, by name of the endpoint.
pub type Edits = [(EndpointId, u32)];

/// One number as it would be written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PriorityWritten)]
pub struct Written {
    /// Whose.
    pub endpoint: EndpointId,
    /// Line of the file, from 1; for a new key the line it gets.
    pub line: usize,
    /// What the file says now.
    pub before: u32,
    /// What it would say.
    pub after: u32,
}

/// What saving would do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PriorityReview)]
pub struct Review {
    /// The file; in JSON as people read it, which for an odd name is not the name itself.
    #[serde(serialize_with = "for_people")]
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// Its version.
    #[schema(value_type = String)]
    pub stamp: Stamp,
    /// In the order of the edits; empty when the file says all of it already.
    pub written: Vec<Written>,
}

fn for_people<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Why priorities are not saved. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The built-in configuration runs.
    #[error("there is no configuration file to save to; start with --config FILE")]
    NoFile,
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is no configuration now.
    #[error("the file was changed and cannot be used as it is now; repair it first: {0}")]
    Invalid(Problems),
    /// The file says something else than what runs.
    #[error("{} was changed since it was loaded ({}); reload it first, then edit again", path.display(), keys.join(", "))]
    NotWhatRuns {
        /// Which.
        path: PathBuf,
        /// The keys that differ.
        keys: Vec<String>,
    },
    /// The file changed between review and save.
    #[error("{} was changed by somebody else since the changes were shown; nothing was written, look again", path.display())]
    ChangedMeanwhile {
        /// Which.
        path: PathBuf,
    },
    /// The endpoint is not in the file.
    #[error("the file has no endpoint \"{0}\"")]
    UnknownEndpoint(EndpointId),
    /// This number stands where it cannot be edited alone.
    #[error("line {line}: the priority of {endpoint} {why}; edit the file by hand")]
    Fixed {
        /// Whose.
        endpoint: EndpointId,
        /// Where.
        line: usize,
        /// Why.
        why: &'static str,
    },
    /// The edit would change other values, too.
    #[error("other values of the file depend on these numbers (an anchor or a merge); edit the file by hand")]
    TouchesMore,
    /// The text is valid, but written in a way that is not understood here.
    #[error("the file is written in a way that cannot be edited safely; edit it by hand")]
    Unusual,
    /// The file must not be written.
    #[error("{} is read-only", path.display())]
    ReadOnly {
        /// Which.
        path: PathBuf,
    },
    /// It could not be written; the old file is whole.
    #[error("cannot write {}: {error}; the file is as it was", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl EditError {
    fn fixed(endpoint: &EndpointId, line: usize, why: &'static str) -> Self {
        Self::Fixed { endpoint: endpoint.clone(), line, why }
    }
}

/// Saves priorities; one for each program, because it knows what it wrote last. It waits for the disk.
#[derive(Debug, Default)]
pub struct Saver {
    /// The version written here last.
    written: Mutex<Option<Stamp>>,
    /// Versions written here that nobody has noticed yet, the oldest first.
    unnoticed: Mutex<Vec<Stamp>>,
    /// Held from reading the file to its replacement: of two who save at once the second one sees what the first wrote.
    saving: Mutex<()>,
}

impl Saver {
    /// What saving would do, if it can be done. `running` is the configuration in effect.
    ///
    /// # Errors
    /// Everything that would keep [`Saver::save`] from saving.
    pub fn review(&self, running: &Config, edits: &Edits, env: &dyn Env) -> Result<Review, EditError> {
        let path = file(running)?;
        let text = text(path, env)?;
        let loaded = parsed(&text, path, env)?;
        self.check(running, &loaded.config, Stamp::of(&text), path)?;
        let (_, written) = splice::apply(&text, &wishes(&loaded.config, edits)?)?;
        Ok(Review { path: path.to_owned(), stamp: Stamp::of(&text), written })
    }

    /// Writes the priorities into the version of the file that was reviewed.
    ///
    /// # Errors
    /// When the file is another one by now, or cannot be written; then it is left as it is.
    pub fn save(&self, review: &Review, edits: &Edits, env: &dyn Env) -> Result<Review, EditError> {
        let _alone = lock(&self.saving);
        let path = &review.path;
        let old = text(path, env)?;
        if Stamp::of(&old) != review.stamp {
            return Err(EditError::ChangedMeanwhile { path: path.clone() });
        }
        let loaded = parsed(&old, path, env)?;
        let (new, written) = splice::apply(&old, &wishes(&loaded.config, edits)?)?;
        let stamp = Stamp::of(&new);
        if new != old {
            parsed(&new, path, env)?;
            // Before the file is there: whoever watches it may be quick.
            lock(&self.unnoticed).push(stamp);
            write::replace(path, old.as_bytes(), new.as_bytes())
                .inspect_err(|_| lock(&self.unnoticed).retain(|own| *own != stamp))?;
        }
        *lock(&self.written) = Some(stamp);
        Ok(Review { path: path.clone(), stamp, written })
    }

    /// True for the first look at a version written here. Anybody may write the same text later, and mean it; so whoever
    /// sees somebody else's version will not see those before it any more.
    pub fn is_own(&self, stamp: Stamp) -> bool {
        let mut unnoticed = lock(&self.unnoticed);
        let found = unnoticed.iter().rposition(|own| *own == stamp);
        let seen = found.map_or(unnoticed.len(), |at| at + 1);
        unnoticed.drain(..seen);
        found.is_some()
    }

    /// True once somebody has looked at the version written last.
    #[cfg(test)]
    pub(crate) fn is_noticed(&self) -> bool {
        lock(&self.unnoticed).is_empty()
    }

    /// A file that is not the one that runs may be edited only when it means the same.
    fn check(&self, running: &Config, now: &Config, stamp: Stamp, path: &Path) -> Result<(), EditError> {
        let written = *lock(&self.written);
        if running.stamp == Some(stamp) || written == Some(stamp) {
            return Ok(());
        }
        let keys = diff::changes(running, now).applied;
        if keys.is_empty() { Ok(()) } else { Err(EditError::NotWhatRuns { path: path.to_owned(), keys }) }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn file(running: &Config) -> Result<&Path, EditError> {
    match &running.source {
        Source::BuiltIn => Err(EditError::NoFile),
        Source::File(path) => Ok(path),
    }
}

fn text(path: &Path, env: &dyn Env) -> Result<String, EditError> {
    read_text(env, path, load::LONGEST_FILE)
        .map_err(|error| EditError::Unreadable { path: path.to_owned(), error })
}

fn parsed(text: &str, path: &Path, env: &dyn Env) -> Result<Loaded, EditError> {
    load::parse(text, Source::File(path.to_owned()), env).map_err(EditError::Invalid)
}

/// The edits that change something, with the places of their endpoints: the configuration lists them as the file does.
fn wishes<'e>(config: &Config, edits: &'e Edits) -> Result<Vec<Wish<'e>>, EditError> {
    let mut wishes = Vec::new();
    for (endpoint, after) in edits {
        let index = config.endpoints.iter().position(|spec| spec.id == *endpoint);
        let index = index.ok_or_else(|| EditError::UnknownEndpoint(endpoint.clone()))?;
        let before = config.endpoints[index].priority;
        if before != *after {
            wishes.push(Wish { endpoint, index, before, after: *after });
        }
    }
    Ok(wishes)
}

#[cfg(test)]
mod tests;
