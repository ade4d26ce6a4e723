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
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use undercurrent::{Undercurrent, prelude::Millis, server::NotStarted};
use uploads::{
    Download, Kept, Mark, PRIVATE, Refusal, Uploads, attached, limits::TOLD_MS, sample::Sample,
};

/// What the routes need.
#[derive(Clone, Debug)]
struct Desk {
    uc: Undercurrent,
    uploads: Uploads,
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

/// A file comes. A page that runs reads the answer. A browser without JavaScript shows what it gets:
/// it is led back to the page, which tells by its state how it went, or by a word in its address.
async fn take(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let end = desk.take(&headers, body).await;
    let accepts = headers
        .get(header::ACCEPT)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if !accepts.starts_with(b"text/html") {
        return end.map(|()| StatusCode::ACCEPTED.into_response());
    }
    let word = end.err().and_then(|refusal| refusal.word());
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
) -> Result<Response, Refusal> {
    let (kept, mark) = desk.kept(&headers).await?;
    let rows = kept.rows(mark, from, count).await?;
    Ok((PRIVATE, Json(rows)).into_response())
}

async fn sample(Path(name): Path<String>) -> Result<Response, StatusCode> {
    let sample = Sample::named(&name).ok_or(StatusCode::NOT_FOUND)?;
    Ok((attached(&sample.file_name()), sample.body()).into_response())
}

impl Desk {
    /// Takes a file. What is wrong with it stands in the state then, too.
    async fn take(&self, headers: &HeaderMap, body: Body) -> Result<(), Refusal> {
        let Some(session) = self.uc.session::<Import>(headers) else {
            uploads::throw_away(body).await;
            return Err(Refusal::NoSession);
        };
        let visitor = session.visitor().key();
        let upload = self.uploads.begin(&visitor, headers, body).await;
        let upload = upload?;
        let (file, name) = (upload.kept().name().to_owned(), upload.name().to_owned());
        if let Err(why) = session.start(import_file(file, name, upload.bytes())).await {
            let refusal = match why {
                NotStarted::Full => Refusal::ManyTasks,
                _ => Refusal::Busy,
            };
            return Err(upload.refuse(refusal).await);
        }
        let end = upload.receive().await;
        // The task hears of it, too: the page that is shown next tells.
        let knows = |import: &Import| (import.stage != Stage::Receiving).then_some(());
        let _ = session.until_within(Millis(TOLD_MS), knows).await;
        end.map(drop)
    }

    async fn file(self, headers: HeaderMap, which: Download) -> Result<Response, Refusal> {
        let (kept, mark) = self.kept(&headers).await?;
        let name = match which {
            Download::Accepted => "accepted.csv",
            Download::Rejected => "rejected.csv",
        };
        let body = kept.download(which, mark).await?;
        Ok((PRIVATE, attached(name), body).into_response())
    }

    /// The file of who asks: no address leads to another's.
    async fn kept(&self, headers: &HeaderMap) -> Result<(Kept, Mark), Refusal> {
        let session = self
            .uc
            .session::<Import>(headers)
            .ok_or(Refusal::NoSession)?;
        let on_disk = session.read(Import::on_disk).await;
        let (file, mark) = on_disk.map_err(|_| Refusal::Gone)?;
        Ok((self.uploads.of(session.visitor().key(), file), mark))
    }
}
