//! cc-forwarder: one binary between Claude Code (or any Anthropic SDK) and a person's Claude API endpoints.
//!
//! A request comes in at the proxy port and goes out to the best endpoint of the active group. Until the answer is known
//! to be real nothing of it reaches the client, so a failure before that moment is repeated elsewhere and nobody
//! notices; from that moment on bytes pass through untouched. Every request that was accepted ends in exactly one
//! terminal record.
//!
//! ```text
//!              main -> cli -> app (sees everything, is seen by nobody)
//!                              |
//!    +-------------------------+---------------+
//!    v                         v               v
//!  proxy/*  ------------->  control        simulator (demo, tests, benches)
//!    |  ^ FleetView            | owns the Fleet; probes, fast tests
//!    |  +------- watch --------+ the same view wakes suspended requests
//!    | Event
//!    v
//!  events (hub) --> board --> Snapshot ---------+
//!    | priced, exactly once                     v
//!    v                                        tui, admin (HTTP; the command line asks it)
//!  store: backlog --> one writer --> file       ^
//!                                     +- Reader +
//!
//!  pure floor, imported by all, importing nothing above it:   claude/*   domain/*   config (types)
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | [`app`] | composition root: channels, tasks, start, reload and stop; what each command does, `attach` and those that ask a running forwarder included |
//! | [`cli`] | the command line |
//! | [`config`] | YAML to a validated, immutable configuration, with every problem at once; what a reload changes |
//! | [`files`] | files that hold what is nobody else's business: their mode, and how they get their name |
//! | [`logging`] | log lines: console, rolling file, secrets masked |
//! | [`domain`] | pure decisions: what a failure means, which endpoint is next, who may wait, when a breaker opens |
//! | [`claude`] | pure knowledge of the wire format: requests, event streams, usage, the commit gate |
//! | [`proxy`] | the data path, the queue of suspended requests included |
//! | [`control`] | the one task that owns the fleet, and the health probes |
//! | [`events`] | facts on their way to records, snapshots and streams |
//! | [`store`] | the ledger: what every request cost, durably; sums, lists, exports, repricing, copies |
//! | [`admin`] | the admin port: everything that screens show and keys do, over HTTP, with a stream of events |
//! | [`tui`] | the screen on a terminal: draws snapshots, sends orders; of this process or, attached, of another |
//! | [`simulator`] | a scriptable Claude upstream with faults |
//!
//! Facts go forward as `Event`s and `Input`s, decisions are plain functions of `now`, and observers read snapshots: they
//! may miss a frame, a record they may not.

pub mod admin;
pub mod app;
pub mod claude;
pub mod cli;
pub mod config;
pub mod control;
pub mod domain;
pub mod events;
pub mod files;
pub mod logging;
pub mod proxy;
pub mod simulator;
pub mod store;
pub mod tui;
