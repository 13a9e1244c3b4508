//! How a store is opened.

use std::path::PathBuf;
use std::time::Duration;

use super::civil::Clock;

/// Where the file is and how it is written. Keys of `usage_tracking` in the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// `database_path`.
    pub path: PathBuf,
    /// `batch_size`: records written together at most.
    pub batch: usize,
    /// `flush_interval`: time between two commits at most, while there is something to write.
    pub interval: Duration,
    /// `max_retry`: tries of a commit that fails before its records are held back and tried again later.
    pub max_retry: u32,
    /// `retention_days`; 0 keeps for ever.
    pub retention_days: u32,
    /// `cleanup_interval`: between two clean-ups.
    pub cleanup_interval: Duration,
    /// `timezone`: hours and days of the rollups.
    pub clock: Clock,
}
