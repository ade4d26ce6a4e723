//! Routes of the server's own, beside its pages.

use crate::files::Files;
use axum::{
    Router,
    extract::Path,
    http::{HeaderName, StatusCode, header},
    routing::get,
};
use undercurrent::Undercurrent;

/// `/files/{token}`: what a handler has kept for a page to download.
pub fn files(uc: &Undercurrent) -> Router {
    let files = uc.process::<Files>();
    let give = async move |Path(token): Path<String>| {
        let file = files.read(|files| files.find(&token)).await;
        let file = file.ok().flatten().ok_or(StatusCode::NOT_FOUND)?;
        // The name is this server's own: it needs no escapes.
        let headers: [(HeaderName, String); 4] = [
            (header::CONTENT_TYPE, kind(&file.name).to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}\"", file.name),
            ),
            (header::CACHE_CONTROL, "private, no-store".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        Ok::<_, StatusCode>((headers, file.text))
    };
    Router::new().route("/files/{token}", get(give))
}

/// What a file is, by its name.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "csv" => "text/csv; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        _ => "application/json",
    }
}
