//! What routes answer: a file, or why there is none.

use crate::Refusal;
use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

/// What is one visitor's is kept by nobody between.
pub const PRIVATE: [(HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "private, no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// To be saved, under this name of the server's own: it needs no escapes.
pub fn attached(name: &str) -> [(HeaderName, String); 2] {
    [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ]
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Refusal::NoSession => StatusCode::UNAUTHORIZED,
            Refusal::NoFile => StatusCode::BAD_REQUEST,
            Refusal::Gone => StatusCode::NOT_FOUND,
            Refusal::Busy => StatusCode::CONFLICT,
            Refusal::Full | Refusal::ManyTasks | Refusal::NoSpace => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Refusal::Disk => StatusCode::INTERNAL_SERVER_ERROR,
            // The file itself is wrong.
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, PRIVATE, self.to_string()).into_response()
    }
}
