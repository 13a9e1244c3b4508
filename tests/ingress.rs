//! The door: what is refused there, what is answered there, and what a client may do on its socket.

#![allow(clippy::unwrap_used, reason = "helpers of tests: clippy only excuses the tests themselves")]

#[path = "ingress/answers.rs"]
mod answers;
#[path = "ingress/bodies.rs"]
mod bodies;
#[path = "ingress/pieces.rs"]
mod pieces;
#[path = "ingress/sockets.rs"]
mod sockets;
mod support;
