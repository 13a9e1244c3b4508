//! How a store is opened.

use std::path::PathBuf;
use std::time::Duration;

use super::civil::Clock;
use crate::config::Config;

/// Where the file is and how it is written. Keys of `usage_tracking` in the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// `database_path`.
    pub path: PathBuf,
    /// `buffer_size`: when more records wait, people are told that the disk is slow.
    pub buffer: u64,
    /// `batch_size`: a commit begins when so many records wait.
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

impl Options {
    /// As the configuration says.
    pub fn of(config: &Config) -> Self {
        let usage = &config.usage;
        Self {
            path: usage.database_path.clone(),
            buffer: usage.buffer_size,
            batch: usize::try_from(usage.batch_size).unwrap_or(usize::MAX),
            interval: usage.flush_interval,
            max_retry: usage.max_retry,
            retention_days: usage.retention_days,
            cleanup_interval: usage.cleanup_interval,
            clock: Clock::new(config.zone()),
        }
    }
}
