//! Routes of the server's own, beside its pages: what is downloaded, and where a session is renewed.

use crate::{
    files::Files,
    report::{
        export::{csv, markdown},
        state::Report,
    },
};
use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use undercurrent::{Undercurrent, server::NotRenewed};

/// `/files/{token}`: what a handler has kept for a page to download.
pub fn files(uc: &Undercurrent) -> Router {
    let files = uc.process::<Files>();
    let give = async move |Path(token): Path<String>| {
        let file = files.read(|files| files.find(&token)).await;
        let file = file.ok().flatten().ok_or(StatusCode::NOT_FOUND)?;
        Ok::<_, StatusCode>(attached(&file.name, file.text))
    };
    Router::new().route("/files/{token}", get(give))
}

/// `/report/report.md` and `.csv`: the report of the session that asks, as it is now.
pub fn report(uc: &Undercurrent) -> Router {
    let give = |name: &'static str, text: fn(&Report) -> String| {
        let uc = uc.clone();
        get(async move |headers: HeaderMap| {
            let session = uc
                .session::<Report>(&headers)
                .ok_or(StatusCode::NOT_FOUND)?;
            let text = session.read(text).await;
            let text = text.map_err(|_| StatusCode::NOT_FOUND)?;
            Ok::<_, StatusCode>(attached(name, text))
        })
    };
    Router::new()
        .route("/report/report.md", give("report.md", markdown))
        .route("/report/report.csv", give("report.csv", csv))
}

/// `/lab/enter` and `/lab/leave`: the session that asks gets another cookie, or ends, as at a log-in
/// and a log-out.
pub fn account(uc: &Undercurrent) -> Router {
    let (of_in, of_out) = (uc.clone(), uc.clone());
    let enter = async move |headers: HeaderMap| back(of_in.renew_session(&headers).await);
    let leave = async move |headers: HeaderMap| back(of_out.end_session(&headers).await);
    Router::new()
        .route("/lab/enter", post(enter))
        .route("/lab/leave", post(leave))
}

/// With the cookie of an answer.
fn back(cookie: Result<HeaderValue, NotRenewed>) -> Result<impl IntoResponse, StatusCode> {
    let cookie = cookie.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/lab/ends")))
}

/// To be saved, under a name of this server's own: it needs no escapes.
fn attached(name: &str, text: String) -> Response {
    let headers: [(HeaderName, String); 4] = [
        (header::CONTENT_TYPE, kind(name).to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, text).into_response()
}

/// What a file is, by its name.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "csv" => "text/csv; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        _ => "application/json",
    }
}
