//! The routes of an import, each for the session that asks: a file comes up by a form, rows and
//! both files go down. Samples are for everybody.

use crate::import::{
    state::{Import, Stage},
    tasks::import_file,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use undercurrent::{Undercurrent, prelude::Millis, server::NotStarted};
use uploads::{Download, Kept, Mark, Refusal, Uploads, limits::TOLD_MS, sample::Sample};

/// What the routes need.
#[derive(Clone, Debug)]
struct Desk {
    uc: Undercurrent,
    uploads: Uploads,
}

/// Why a route takes or gives nothing.
struct No(Refusal);

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

/// A file comes. A page that runs reads the answer. A browser without JavaScript shows what it gets:
/// it is led back to the page, which tells by its state how it went, or by a word in its address.
async fn take(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Response, No> {
    let end = desk.take(&headers, body).await;
    let accepts = headers
        .get(header::ACCEPT)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if !accepts.starts_with(b"text/html") {
        return end.map(|()| StatusCode::ACCEPTED.into_response());
    }
    let word = end.err().and_then(|No(refusal)| refusal.word());
    let back = match word {
        Some(word) => format!("/import?refused={word}"),
        None => "/import".to_owned(),
    };
    Ok(Redirect::to(&back).into_response())
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
    let rows = kept.rows(mark, from, count).await.map_err(No)?;
    Ok((PRIVATE, Json(rows)).into_response())
}

async fn sample(Path(name): Path<String>) -> Result<Response, StatusCode> {
    let sample = Sample::named(&name).ok_or(StatusCode::NOT_FOUND)?;
    Ok((attached(&sample.file_name()), sample.body()).into_response())
}

impl Desk {
    /// Takes a file. What is wrong with it stands in the state then, too.
    async fn take(&self, headers: &HeaderMap, body: Body) -> Result<(), No> {
        let Some(session) = self.uc.session::<Import>(headers) else {
            uploads::throw_away(body).await;
            return Err(No(Refusal::NoSession));
        };
        let visitor = session.visitor().key();
        let upload = self.uploads.begin(&visitor, headers, body).await;
        let upload = upload.map_err(No)?;
        let (file, name) = (upload.kept().name().to_owned(), upload.name().to_owned());
        if let Err(why) = session.start(import_file(file, name, upload.bytes())).await {
            let refusal = match why {
                NotStarted::Busy => Refusal::Busy,
                _ => Refusal::Full,
            };
            return Err(No(upload.refuse(refusal).await));
        }
        let end = upload.receive().await;
        // The task hears of it, too: the page that is shown next tells.
        let knows = |import: &Import| (import.stage != Stage::Receiving).then_some(());
        let _ = session.until_within(Millis(TOLD_MS), knows).await;
        end.map(drop).map_err(No)
    }

    async fn file(self, headers: HeaderMap, which: Download) -> Result<Response, No> {
        let (kept, mark) = self.kept(&headers).await?;
        let name = match which {
            Download::Accepted => "accepted.csv",
            Download::Rejected => "rejected.csv",
        };
        let body = kept.download(which, mark).await.map_err(No)?;
        Ok((PRIVATE, attached(name), body).into_response())
    }

    /// The file of who asks: no address leads to another's.
    async fn kept(&self, headers: &HeaderMap) -> Result<(Kept, Mark), No> {
        let session = self
            .uc
            .session::<Import>(headers)
            .ok_or(No(Refusal::NoSession))?;
        let on_disk = session.read(Import::on_disk).await;
        let (file, mark) = on_disk.map_err(|_| No(Refusal::Gone))?;
        Ok((self.uploads.of(session.visitor().key(), file), mark))
    }
}

const PRIVATE: [(HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "private, no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// To be saved, under this name of the server's own: it needs no escapes.
fn attached(name: &str) -> [(HeaderName, String); 2] {
    [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ]
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        let No(refusal) = self;
        let status = match refusal {
            Refusal::NoSession => StatusCode::UNAUTHORIZED,
            Refusal::NoFile => StatusCode::BAD_REQUEST,
            Refusal::Gone => StatusCode::NOT_FOUND,
            Refusal::Busy => StatusCode::CONFLICT,
            Refusal::Full | Refusal::NoSpace => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Disk => StatusCode::INTERNAL_SERVER_ERROR,
            // The file itself is wrong.
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, PRIVATE, refusal.to_string()).into_response()
    }
}
