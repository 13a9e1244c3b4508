//! `GET /openapi.json`: what this port takes and answers, as an OpenAPI 3.1 document.
//!
//! Routes are registered together with their part of the document, schemas come from the types that are answered, so
//! neither can be forgotten. What is the same everywhere is added here: the token, and what the guard refuses.

pub(super) mod errors;
pub(super) mod params;

use std::sync::LazyLock;

use axum::response::Response;
use http::StatusCode;
use utoipa::IntoResponses;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, SecurityRequirement,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::errors::{BadRequest, Forbidden, TooLarge, Unauthorized};
use super::Admin;
use super::error::{self, Detail, ErrorBody};
use super::params::NoParams;

/// The document as it is served.
static TEXT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());

/// `/openapi.json`
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "program",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value)),
)]
async fn openapi(_: NoParams) -> Response {
    error::written(StatusCode::OK, TEXT.clone())
}

/// The document.
pub fn document() -> OpenApi {
    let mut document = super::api().into_openapi();
    for item in document.paths.paths.values_mut() {
        operations(item).for_each(add_what_the_guard_says);
    }
    document
}

/// The document without its routes.
pub(super) fn frame() -> OpenApi {
    let about = "What a running cc-forwarder does, what that cost, and orders to it. Errors have one shape, `ErrorBody`; \
                 their `code` is for programs and stays. Unknown parameters and unknown fields of a body are errors.";
    let info = InfoBuilder::new()
        .title("cc-forwarder")
        .description(Some(about))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    let token =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("`web.token`, when one is set"));
    let components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(token.build()))
        .schema_from::<ErrorBody>()
        .schema_from::<Detail>();
    let either = [SecurityRequirement::default(), SecurityRequirement::new("token", [""; 0])];
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components.build()))
        .security(Some(either))
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post].into_iter().flatten()
}

fn add_what_the_guard_says(operation: &mut Operation) {
    for said in
        [BadRequest::responses(), Unauthorized::responses(), Forbidden::responses(), TooLarge::responses()]
    {
        for (status, response) in said {
            operation.responses.responses.entry(status).or_insert(response);
        }
    }
}
