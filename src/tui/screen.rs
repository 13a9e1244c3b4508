//! What each screen remembers, and what keys do there. How it looks is in [`super::view`].

pub mod config;
pub mod endpoints;
pub mod list;
pub mod logs;
pub mod overview;
pub mod requests;
pub mod suspended;
pub mod usage;
