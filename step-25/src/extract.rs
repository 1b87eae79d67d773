//! axum's extractors, refused with our [`Error`] in the words of the API.

use std::error::Error as _;
use std::fmt;
use std::marker::PhantomData;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Error;

/// axum's `Json`.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// axum's `Path`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub(crate) struct Path<T>(pub(crate) T);

/// axum's `Query`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub(crate) struct Query<T>(pub(crate) T);

/// A `T` that was sent as a JSON object. A struct that derives `Deserialize`
/// would read an array as well, field by field.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                fields: A,
            ) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        input.deserialize_any(Fields(PhantomData))
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        // serde's own words, without axum's before them.
        let reason = rejection.source().map(ToString::to_string);
        let reason = reason.unwrap_or_default();
        let text = match status {
            StatusCode::BAD_REQUEST => {
                format!("The body is not JSON: {reason}.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                "The body is larger than 64 KiB.".to_owned()
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                "The body must be JSON, with Content-Type: application/json."
                    .to_owned()
            }
            _ => format!("The body can't be used: {reason}."),
        };
        Self::Body { status, text }
    }
}

impl From<PathRejection> for Error {
    fn from(_: PathRejection) -> Self {
        Self::NotFound("this path: an id is a whole number".to_owned())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        let reason = rejection.source().map(ToString::to_string);
        let reason = reason.unwrap_or_default();
        Self::Invalid(format!("The query can't be used: {reason}."))
    }
}
