//! The routes of an import, each for whoever asks: a file comes up by a form, rows and both files go
//! down. Samples are for everybody. Who that is, and what reads the file, is the app's to say.

use crate::{
    Download, Kept, Mark, PRIVATE, Refusal, Uploads, attached, sample::Sample, throw_away,
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
use std::future::Future;

/// What the routes ask of an app.
pub trait Desk: Clone + Send + Sync + 'static {
    /// One who sends a file and fetches what became of it.
    type Visitor: Owner;

    /// Who asks; `None` where nobody knows.
    fn visitor(&self, headers: &HeaderMap) -> Option<Self::Visitor>;

    /// Whether a visitor of this [name](Owner::name) may still come for their file.
    fn is_known(&self, name: &str) -> bool;
}

/// Whose a file is.
pub trait Owner: Send + Sync {
    /// A name for them that no other has.
    fn name(&self) -> String;

    /// Begins to read a file that is about to come: how it is kept, what its owner calls it, and how
    /// many bytes it may have.
    fn start(
        &self,
        file: String,
        name: String,
        bytes: u64,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Waits, for a while, until the page that is shown next can tell how a file came.
    fn told(&self) -> impl Future<Output = ()> + Send;

    /// The file that they have, and how far it may be shown.
    fn on_disk(&self) -> impl Future<Output = Option<(String, Mark)>> + Send;
}

/// What the routes need.
#[derive(Clone, Debug)]
struct Routes<D> {
    uploads: Uploads,
    desk: D,
    page: &'static str,
}

impl Uploads {
    /// The routes, below the page that shows an import. From now on files whose owners are not known
    /// any more go, too.
    pub fn routes<D: Desk>(&self, page: &'static str, desk: D) -> Router {
        let known = desk.clone();
        self.sweep_always(move |visitor| known.is_known(visitor));
        let routes = Routes {
            uploads: self.clone(),
            desk,
            page,
        };
        let file = |which| {
            move |routes: State<Routes<D>>, headers: HeaderMap| async move {
                routes.0.file(&headers, which).await
            }
        };
        let below = |name: &str| format!("{page}/{name}");
        Router::new()
            .route(&below("file"), post(take::<D>))
            .route(&below("rows"), get(rows::<D>))
            .route(&below("accepted.csv"), get(file(Download::Accepted)))
            .route(&below("rejected.csv"), get(file(Download::Rejected)))
            .route(&below("sample/{name}"), get(sample))
            .with_state(routes)
    }
}

/// A file comes. A page that runs reads the answer. A browser without JavaScript shows what it gets:
/// it is led back to the page, which tells by its state how it went, or by a word in its address.
async fn take<D: Desk>(
    State(routes): State<Routes<D>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let end = routes.take(&headers, body).await;
    let accepts = headers
        .get(header::ACCEPT)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if !accepts.starts_with(b"text/html") {
        return end.map(|()| StatusCode::ACCEPTED.into_response());
    }
    let word = end.err().and_then(|refusal| refusal.word());
    let back = match word {
        Some(word) => format!("{}?refused={word}", routes.page),
        None => routes.page.to_owned(),
    };
    Ok(Redirect::to(&back).into_response())
}

/// Which rows.
#[derive(Deserialize)]
struct Range {
    from: u64,
    count: usize,
}

async fn rows<D: Desk>(
    State(routes): State<Routes<D>>,
    headers: HeaderMap,
    Query(Range { from, count }): Query<Range>,
) -> Result<Response, Refusal> {
    let (kept, mark) = routes.kept(&headers).await?;
    let rows = kept.rows(mark, from, count).await?;
    Ok((PRIVATE, Json(rows)).into_response())
}

async fn sample(Path(name): Path<String>) -> Result<Response, StatusCode> {
    let sample = Sample::named(&name).ok_or(StatusCode::NOT_FOUND)?;
    Ok((attached(&sample.file_name()), sample.body()).into_response())
}

impl<D: Desk> Routes<D> {
    /// Takes a file. What is wrong with it the visitor's page tells then, too.
    async fn take(&self, headers: &HeaderMap, body: Body) -> Result<(), Refusal> {
        let Some(visitor) = self.desk.visitor(headers) else {
            throw_away(body).await;
            return Err(Refusal::NoSession);
        };
        let upload = self.uploads.begin(&visitor.name(), headers, body).await?;
        let (file, name) = (upload.kept().name().to_owned(), upload.name().to_owned());
        if let Err(refusal) = visitor.start(file, name, upload.bytes()).await {
            return Err(upload.refuse(refusal).await);
        }
        let end = upload.receive().await;
        // Whoever reads it hears of the end, too.
        visitor.told().await;
        end.map(drop)
    }

    async fn file(&self, headers: &HeaderMap, which: Download) -> Result<Response, Refusal> {
        let (kept, mark) = self.kept(headers).await?;
        let name = match which {
            Download::Accepted => "accepted.csv",
            Download::Rejected => "rejected.csv",
        };
        let body = kept.download(which, mark).await?;
        Ok((PRIVATE, attached(name), body).into_response())
    }

    /// The file of who asks: no address leads to another's.
    async fn kept(&self, headers: &HeaderMap) -> Result<(Kept, Mark), Refusal> {
        let visitor = self.desk.visitor(headers).ok_or(Refusal::NoSession)?;
        let (file, mark) = visitor.on_disk().await.ok_or(Refusal::Gone)?;
        Ok((self.uploads.of(visitor.name(), file), mark))
    }
}
