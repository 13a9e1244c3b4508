//! cc-forwarder: one binary between Claude Code (or any Anthropic SDK) and a person's Claude API endpoints.

pub mod claude;
pub mod cli;
pub mod config;
pub mod domain;
pub mod logging;
pub mod proxy;
pub mod simulator;
