//! The admin port over real sockets: who is let in, what is answered, what an export streams.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a helper cannot do fails the test")]

mod support;

#[path = "admin/config.rs"]
mod config;
#[path = "admin/door.rs"]
mod door;
#[path = "admin/evidence.rs"]
mod evidence;
#[path = "admin/life.rs"]
mod life;
#[path = "admin/openapi.rs"]
mod openapi;
#[path = "admin/orders.rs"]
mod orders;
#[path = "admin/requests.rs"]
mod requests;
#[path = "admin/scene.rs"]
mod scene;
#[path = "admin/schema.rs"]
mod schema;
#[path = "admin/types.rs"]
mod types;
#[path = "admin/usage.rs"]
mod usage;
