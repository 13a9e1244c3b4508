//! Pure knowledge of the Claude API's wire format: what a request asks for, what an answer is, what it cost.
//!
//! | module      | answers                                                                             |
//! |-------------|-------------------------------------------------------------------------------------|
//! | [`request`] | which class of request is this, and which model, session and mode does it name?     |
//! | [`scan`]    | where are the members of this JSON object? (the scanner under all the others)       |
//! | [`wire`]    | what does this JSON answer or event say: message, error, usage?                     |
//! | [`sse`]     | which events are in these bytes, and may one of ours be written here?               |
//! | [`usage`]   | how many tokens of which kind did this answer report?                               |
//! | [`gate`]    | is this answer real yet, and was it whole when it ended?                            |
//! | [`estimate`] | how many tokens has this prompt, roughly?                                          |
//! | [`price`]   | what did this answer cost, line by line?                                            |
//! | [`money`]   | amounts, exact to 10^-12 dollars                                                    |
//! | [`mapping`] | which model is this endpoint asked for, and how does its name get into the body?    |
//!
//! Nothing in here does I/O, reads a clock or keeps a byte longer than it must. The bytes that are forwarded are never
//! produced from what these modules read: they only look. The one exception is the model name that [`mapping`] replaces.

pub mod estimate;
pub mod gate;
pub mod mapping;
pub mod money;
pub mod price;
pub mod request;
pub mod scan;
pub mod sse;
pub mod usage;
pub mod wire;

#[cfg(test)]
pub(crate) mod fixtures;
