//! cc-forwarder: one binary between Claude Code (or any Anthropic SDK) and a person's Claude API endpoints.

pub mod app;
pub mod claude;
pub mod cli;
pub mod config;
pub mod control;
pub mod domain;
pub mod events;
pub mod logging;
pub mod proxy;
pub mod simulator;
