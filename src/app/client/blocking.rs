//! The client for commands that ask a few questions, one after the other, and end.

use std::io::Write;

use super::AskError;
use crate::config::Web;
use crate::domain::secret::Secret;
use tokio::runtime::Runtime;

/// A [`super::Client`] with a runtime of its own. Never to be used inside another runtime.
pub struct Client {
    client: super::Client,
    runtime: Runtime,
}

impl Client {
    /// As [`super::Client::new`].
    ///
    /// # Errors
    /// When it is no such URL, or the system refuses threads.
    pub fn new(url: &str, token: Option<Secret>) -> anyhow::Result<Self> {
        Self::over(super::Client::new(url, token)?)
    }

    /// As [`super::Client::of`].
    ///
    /// # Errors
    /// When the address makes no URL, or the system refuses threads.
    pub fn of(web: &Web, token: Option<Secret>) -> anyhow::Result<Option<Self>> {
        super::Client::of(web, token)?.map(Self::over).transpose()
    }

    /// Over that one.
    ///
    /// # Errors
    /// When the system refuses threads.
    pub fn over(client: super::Client) -> anyhow::Result<Self> {
        Ok(Self { client, runtime: crate::app::threads::runtime()? })
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        self.client.base()
    }

    /// `GET`; the whole answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn get(&self, path: &str, query: &str) -> Result<String, AskError> {
        self.runtime.block_on(self.client.get(path, query))
    }

    /// `POST`; the whole answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn post(&self, path: &str, query: &str, body: Option<&str>) -> Result<String, AskError> {
        self.runtime.block_on(self.client.post(path, query, body))
    }

    /// `GET` into `out`; `progress` is told how many bytes were written.
    ///
    /// # Errors
    /// See [`AskError`]; and, somewhere in the chain, the error of `out`.
    pub fn download(
        &self,
        path: &str,
        query: &str,
        out: &mut dyn Write,
        mut progress: impl FnMut(u64),
    ) -> anyhow::Result<()> {
        let mut written = 0;
        self.runtime.block_on(self.client.download(path, query, |data| {
            out.write_all(data)?;
            written += data.len() as u64;
            progress(written);
            Ok(())
        }))
    }
}
