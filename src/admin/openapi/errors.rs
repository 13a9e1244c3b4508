//! Errors as the document has them: a status, what it means, and the one shape of all.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// An answer of this status. There are no values of it: it stands for the status in the document.
pub(in crate::admin) enum Error<const STATUS: u16> {}

/// A parameter or body that cannot be understood.
pub(in crate::admin) type BadRequest = Error<400>;
/// The token was not shown.
pub(in crate::admin) type Unauthorized = Error<401>;
/// A web page, or a name that is not ours.
pub(in crate::admin) type Forbidden = Error<403>;
/// Nothing has that name.
pub(in crate::admin) type NotFound = Error<404>;
/// It makes no sense now.
pub(in crate::admin) type Conflict = Error<409>;
/// The body is too large.
pub(in crate::admin) type TooLarge = Error<413>;
/// It was tried, and failed.
pub(in crate::admin) type Refused = Error<422>;
/// As many such answers as may be are under way.
pub(in crate::admin) type Busy = Error<429>;
/// The ledger could not be read or written.
pub(in crate::admin) type Failed = Error<500>;
/// What is asked for is not collected, or not any more.
pub(in crate::admin) type NotCollected = Error<503>;

const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "`bad_request`: a parameter or body that cannot be understood",
        401 => "`unauthorized`: `web.token` is set and was not shown",
        403 => "`forbidden`: a web page, or a host name that is not ours",
        404 => "`not_found`: nothing has that name",
        409 => "`conflict`: what is there stands in the way",
        413 => "`too_large`: the request body is above the limit",
        422 => "`refused`: it was tried, and failed; the message says at what",
        429 => "`busy`: as many such answers as may be are under way",
        500 => "`store_failed` or `backup_failed`: the ledger could not be read or written",
        _ => "`no_store`, `no_logs` or `stopping`: what is asked for is not collected, or not any more",
    }
}

impl<const STATUS: u16> IntoResponses for Error<STATUS> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let shape = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let response =
            ResponseBuilder::new().description(meaning(STATUS)).content("application/json", shape).build();
        BTreeMap::from([(STATUS.to_string(), RefOr::T(response))])
    }
}
