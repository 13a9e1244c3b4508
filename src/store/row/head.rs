//! A stored row without its attempts, read in place: what a filter looks at.
//!
//! Reading a row whole allocates a dozen strings; a scan that drops nearly all rows must not. This walks the same bytes
//! and borrows from them; texts are bytes, because checking that they are UTF-8 would be most of the work. Its fields are those of [`Row`] in the same order, because the stored form has no names.

use std::net::IpAddr;

use serde::Deserialize;

use super::{Row, Tokens, by_number};
use crate::claude::money::PicoUsd;
use crate::claude::price::CostLines;
use crate::claude::request::Class;
use crate::events::State;
use crate::store::codec::{CodecError, layout_1};

/// The columns of a row; see [`Row`] for what they mean.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[expect(missing_docs, reason = "each is documented at the field of the same name in Row")]
pub struct Columns<'a> {
    pub id: u32,
    pub upstream_id: Option<&'a [u8]>,
    pub accepted_us: u64,
    pub updated_us: u64,
    pub first_byte_us: Option<u64>,
    pub duration_us: u64,
    pub suspended_us: u64,
    pub client: Option<IpAddr>,
    pub user_agent: Option<&'a [u8]>,
    pub method: &'a [u8],
    pub path: &'a [u8],
    #[serde(with = "by_number")]
    pub class: Class,
    pub model: Option<&'a [u8]>,
    pub served_model: Option<&'a [u8]>,
    pub session: Option<&'a [u8]>,
    pub agent: Option<&'a [u8]>,
    pub stream: bool,
    pub endpoint: Option<&'a [u8]>,
    pub group: Option<&'a [u8]>,
    pub route: Option<&'a [u8]>,
    pub status: Option<u16>,
    #[serde(with = "by_number")]
    pub state: State,
    pub failure: Option<&'a [u8]>,
    pub error: Option<&'a [u8]>,
    pub cancel_reason: Option<&'a [u8]>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub price_revision: Option<&'a [u8]>,
}

/// Columns, and the attempts as long as nobody asked for them.
#[derive(Clone, Debug)]
pub struct RowHead<'a> {
    /// The columns.
    pub columns: Columns<'a>,
    attempts: &'a [u8],
}

impl<'a> RowHead<'a> {
    /// Reads the columns of a stored row.
    ///
    /// # Errors
    /// When the bytes are damaged or from a later program.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let (columns, attempts) = postcard::take_from_bytes(layout_1(bytes)?)?;
        Ok(Self { columns, attempts })
    }

    /// As [`Row::billed_model`].
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn billed_model(&self) -> Result<&'a [u8], CodecError> {
        let (count, mut rest) = postcard::take_from_bytes::<usize>(self.attempts)?;
        let mut billed = self.columns.model.unwrap_or_default();
        for _ in 0..count {
            let ((_, _, sent, served, ..), after) = postcard::take_from_bytes::<AttemptHead<'a>>(rest)?;
            billed = served.or(sent).or(self.columns.model).unwrap_or_default();
            rest = after;
        }
        Ok(billed)
    }
}

impl Row {
    /// Its columns.
    pub fn columns(&self) -> Columns<'_> {
        Columns {
            id: self.id,
            upstream_id: bytes(&self.upstream_id),
            accepted_us: self.accepted_us,
            updated_us: self.updated_us,
            first_byte_us: self.first_byte_us,
            duration_us: self.duration_us,
            suspended_us: self.suspended_us,
            client: self.client,
            user_agent: bytes(&self.user_agent),
            method: self.method.as_bytes(),
            path: self.path.as_bytes(),
            class: self.class,
            model: bytes(&self.model),
            served_model: bytes(&self.served_model),
            session: bytes(&self.session),
            agent: bytes(&self.agent),
            stream: self.stream,
            endpoint: bytes(&self.endpoint),
            group: bytes(&self.group),
            route: bytes(&self.route),
            status: self.status,
            state: self.state,
            failure: bytes(&self.failure),
            error: bytes(&self.error),
            cancel_reason: bytes(&self.cancel_reason),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            price_revision: bytes(&self.price_revision),
        }
    }
}

fn bytes(text: &Option<String>) -> Option<&[u8]> {
    text.as_deref().map(str::as_bytes)
}

/// An attempt, to be stepped over: the fields of [`super::AttemptRow`] in order.
type AttemptHead<'a> = (
    /* endpoint */ &'a [u8],
    /* group */ &'a [u8],
    /* model_sent */ Option<&'a [u8]>,
    /* model_served */ Option<&'a [u8]>,
    /* start_us */ u64,
    /* connect_us */ Option<u64>,
    /* first_byte_us */ Option<u64>,
    /* duration_us */ u64,
    /* status */ Option<u16>,
    /* failure */ Option<&'a [u8]>,
    /* cancelled */ bool,
    /* tokens */ Tokens,
    /* estimated */ bool,
    /* service_tier */ Option<&'a [u8]>,
    /* inference_geo */ Option<&'a [u8]>,
    /* bill */ Option<BillHead<'a>>,
);

/// As [`super::BillRow`].
type BillHead<'a> = (
    /* lines */ CostLines,
    /* cache_saved */ PicoUsd,
    /* cache_premium */ PicoUsd,
    /* cache_missed */ PicoUsd,
    /* rule */ &'a [u8],
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::Stored;
    use crate::store::testing::{attempt, row};

    #[test]
    fn a_head_says_what_the_row_says() {
        let mut some = row(7, "2026-11-23T10:20:30Z", "m", "a");
        some.attempts.push(attempt("b", 1, 2));
        some.attempts[1].model_served = Some("other".into());
        let mut none = row(8, "2026-11-23T10:20:30Z", "m", "a");
        (none.attempts, none.endpoint, none.state) = (Vec::new(), None, State::Interrupted);
        for row in [some, none] {
            let bytes = row.encode().unwrap();
            let head = RowHead::decode(&bytes).unwrap();
            assert_eq!(head.columns, row.columns());
            assert_eq!(head.billed_model().unwrap(), row.billed_model().as_bytes());
            assert!(RowHead::decode(&bytes[..20]).is_err());
        }
    }
}
