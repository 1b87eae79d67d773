//! What browsers are told with every answer.

use axum::extract::State;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use crate::vendor;

const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

/// What a page may load, where it may send to, and who may show it.
fn content_security_policy() -> String {
    let cdn = vendor::CDN;
    format!(
        "default-src 'self'; script-src 'self' {cdn}; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The header fields that each answer has.
pub(crate) fn of_all() -> HeaderMap {
    let policy = HeaderValue::try_from(content_security_policy())
        .expect("the policy is ASCII");
    let same_origin = HeaderValue::from_static("same-origin");
    HeaderMap::from_iter([
        (CONTENT_SECURITY_POLICY, policy),
        // A file is what it says it is, not what it looks like.
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // Not `no-referrer`: a form that the browser sends by itself would have
        // `Origin: null` then.
        (REFERRER_POLICY, same_origin.clone()),
        // No page of another site may load this as an image or a script.
        (RESOURCE_POLICY, same_origin.clone()),
        // Nor may it keep a hold on a window that it opens.
        (OPENER_POLICY, same_origin),
    ])
}

pub(crate) async fn add(
    State(headers): State<HeaderMap>,
    mut response: Response,
) -> Response {
    response.headers_mut().extend(headers);
    response
}
