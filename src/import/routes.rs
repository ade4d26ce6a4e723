//! The routes of an import, each for the session that asks: a file comes up by a form, rows and
//! both files go down. Samples are for everybody.

use crate::import::{state::Import, tasks::import_file};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use undercurrent::{Undercurrent, server::NotStarted};
use uploads::{Download, Kept, Mark, Refusal, Uploads, sample::Sample};

/// What the routes need.
#[derive(Clone, Debug)]
struct Desk {
    uc: Undercurrent,
    uploads: Uploads,
}

/// Why a route gives nothing.
enum No {
    Session,
    Sample,
    Refused(Refusal),
}

/// The routes. From now on files whose session has gone go, too.
pub fn routes(uc: &Undercurrent, uploads: &Uploads) -> Router {
    let desk = Desk {
        uc: uc.clone(),
        uploads: uploads.clone(),
    };
    let sessions = uc.clone();
    uploads.sweep_always(move |visitor| {
        let visitor = undercurrent::Visitor::from_key(visitor);
        visitor.is_some_and(|visitor| sessions.session_of::<Import>(visitor).exists())
    });
    let file = |which| move |desk: State<Desk>, headers: HeaderMap| desk.0.file(headers, which);
    Router::new()
        .route("/import/file", post(take))
        .route("/import/rows", get(rows))
        .route("/import/accepted.csv", get(file(Download::Accepted)))
        .route("/import/rejected.csv", get(file(Download::Rejected)))
        .route("/import/sample/{name}", get(sample))
        .with_state(desk)
}

/// A file comes. A page that runs reads the answer; a browser without JavaScript is led back.
async fn take(
    State(Desk { uc, uploads }): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, No> {
    let session = uc.session::<Import>(&headers).ok_or(No::Session)?;
    let visitor = session.visitor().key();
    let upload = uploads
        .begin(&visitor, &headers, body)
        .await
        .map_err(No::Refused)?;
    let (file, name) = (upload.kept().name().to_owned(), upload.name().to_owned());
    if let Err(why) = session.start(import_file(file, name, upload.bytes())).await {
        let refusal = match why {
            NotStarted::Busy => Refusal::Busy,
            _ => Refusal::Full,
        };
        return Err(No::Refused(upload.refuse(refusal).await));
    }
    // What is wrong with it stands in the state by now.
    let end = upload.receive().await;
    let accepts = headers
        .get(header::ACCEPT)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if accepts.starts_with(b"text/html") {
        return Ok(Redirect::to("/import").into_response());
    }
    Ok(match end {
        Ok(_) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => (StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string()).into_response(),
    })
}

/// Which rows.
#[derive(Deserialize)]
struct Range {
    from: u64,
    count: usize,
}

async fn rows(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Query(Range { from, count }): Query<Range>,
) -> Result<Response, No> {
    let (kept, mark) = desk.kept(&headers).await?;
    let rows = kept.rows(mark, from, count).await.map_err(No::Refused)?;
    Ok((PRIVATE, Json(rows)).into_response())
}

async fn sample(Path(name): Path<String>) -> Result<Response, No> {
    let sample = Sample::named(&name).ok_or(No::Sample)?;
    Ok((attached(&sample.file_name())?, sample.body()).into_response())
}

impl Desk {
    async fn file(self, headers: HeaderMap, which: Download) -> Result<Response, No> {
        let (kept, mark) = self.kept(&headers).await?;
        let name = match which {
            Download::Accepted => "accepted.csv",
            Download::Rejected => "rejected.csv",
        };
        let body = kept.download(which, mark).await.map_err(No::Refused)?;
        Ok((PRIVATE, attached(name)?, body).into_response())
    }

    /// The file of who asks: no address leads to another's.
    async fn kept(&self, headers: &HeaderMap) -> Result<(Kept, Mark), No> {
        let session = self.uc.session::<Import>(headers).ok_or(No::Session)?;
        let on_disk = session.read(Import::on_disk).await;
        let (file, mark) = on_disk.map_err(|_| No::Refused(Refusal::Gone))?;
        Ok((self.uploads.of(session.visitor().key(), file), mark))
    }
}

const PRIVATE: [(HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "private, no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// To be saved, under this name.
fn attached(name: &str) -> Result<[(HeaderName, HeaderValue); 2], No> {
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    Ok([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (header::CONTENT_DISPOSITION, name.map_err(|_| No::Sample)?),
    ])
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            No::Session => (
                StatusCode::UNAUTHORIZED,
                "There is no session: load a page first.".to_owned(),
            ),
            No::Sample => (StatusCode::NOT_FOUND, "There is no such sample.".to_owned()),
            No::Refused(refusal) => {
                let status = match refusal {
                    Refusal::Gone => StatusCode::NOT_FOUND,
                    Refusal::Busy => StatusCode::CONFLICT,
                    Refusal::Full | Refusal::NoSpace => StatusCode::SERVICE_UNAVAILABLE,
                    Refusal::Disk => StatusCode::INTERNAL_SERVER_ERROR,
                    _ => StatusCode::BAD_REQUEST,
                };
                (status, refusal.to_string())
            }
        };
        (status, PRIVATE, why).into_response()
    }
}
