//! How events come in: many in one request from a page, one by its own path from a form or from
//! whoever calls it as a server function.

use super::{
    NotStarted, Runtime,
    authorize::{Place, authorize},
    effects::is_own_path,
    followed::split_schema,
    queue::{Accepted, End, Origin, Queued, Sender},
    registration::{Arguments, Prepared, Registration, Verb},
    renewal::NoSession,
    scope::Scope,
    scopes::NoScope,
    session::Session,
};
use crate::{
    Call, CancelEvent, CancelTask, EndKind, EventDef, PauseTask, ResumeTask, RetryTask,
    answer::{Answer, Answers, Fate},
    core::{
        frame::Name,
        position::Epoch,
        scope::{ScopeKind, ScopeName},
    },
    page::form_ended,
};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
    routing::{MethodRouter, post_service},
};
use futures::FutureExt;
use leptos::server_fn::ServerFnTraitObj;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, convert::Infallible, pin::pin, sync::Arc, time::Duration};
use tokio::sync::oneshot;
use tower::service_fn;

/// `POST /api/events`: a client's events, in order.
#[derive(Deserialize)]
pub(super) struct Batch<'a> {
    #[serde(borrow)]
    pub(super) client: Cow<'a, str>,
    /// The session that the page shows, if it says so.
    #[serde(borrow, default)]
    pub(super) session: Option<Cow<'a, str>>,
    /// Where all of them go; the session, if nothing is said.
    #[serde(borrow, default)]
    pub(super) scope: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) events: Vec<(u64, Name<'a>, &'a RawValue)>,
}

/// Why a request as a whole is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    NoSession,
    Barred(String),
    ContentType,
    TooLarge,
    TooSlow,
    Malformed(String),
    Down,
    NotStored,
    Replaced,
    OtherSession,
}

const QUEUE_FULL: &str = "Too many events wait. Try again when some have run.";

/// A client's id is made by the page; longer ones are refused.
const MAX_CLIENT_BYTES: usize = 64;

/// `POST /api/events`. A service, since axum puts the layers around a handler together anew for each
/// request, and looks for its extractors in a map.
pub(super) fn events(runtime: Arc<Runtime>) -> MethodRouter {
    post_service(service_fn(move |request: Request| {
        let runtime = runtime.clone();
        async move {
            let answer = match take_batch(&runtime, request).await {
                Ok(answers) => (StatusCode::ACCEPTED, Json(answers)).into_response(),
                Err(refusal) => refusal.into_response(),
            };
            Ok::<_, Infallible>(answer)
        }
    }))
}

async fn take_batch(runtime: &Arc<Runtime>, request: Request) -> Result<Answers, Refusal> {
    let session = session_for(runtime, request.headers()).await?;
    if content_type(request.headers()) != "application/json" {
        return Err(Refusal::ContentType);
    }
    let body = read_body(runtime, request.into_body()).await?;
    let batch: Batch<'_> = serde_json::from_slice(&body)
        .map_err(|error| Refusal::Malformed(format!("The events can't be read: {error}.")))?;
    take_events(runtime, &session, batch).await
}

/// Takes the events of a client, in order.
pub(super) async fn take_events(
    runtime: &Arc<Runtime>,
    session: &Session,
    batch: Batch<'_>,
) -> Result<Answers, Refusal> {
    check_client(&batch.client)?;
    if is_of_another(session, batch.session.as_deref()) {
        return Err(Refusal::OtherSession);
    }
    caught_up(runtime).await?;
    let place = place_for(runtime, session, batch.scope.as_deref(), None);
    let max = runtime.limits.events_in_request;
    if batch.events.len() > max {
        return Err(Refusal::Malformed(format!(
            "A request takes at most {max} events."
        )));
    }
    let mut events = Vec::with_capacity(batch.events.len());
    let mut is_full = false;
    let mut found = None;
    for (number, name, arguments) in batch.events {
        let origin = Origin {
            client: batch.client.clone().into_owned(),
            number,
        };
        let (name, schema) = split_schema(&name.0);
        let handler = runtime.registry.handler(name);
        let knows = |handler: &Registration| schema.is_none_or(|of| of == Some(handler.schema));
        if !handler.is_some_and(knows) {
            let message = "The page is older or newer than the server. Reload it.".to_owned();
            events.push(Answer::refused(number, EndKind::Outdated, message));
            continue;
        }
        let prepared = place.as_ref().map_err(|refused| match refused {
            Refusal::Barred(message) => (EndKind::Barred, message.clone()),
            _ => (EndKind::Misfit, NO_SUCH_SCOPE.to_owned()),
        });
        let prepared = prepared.and_then(|place| {
            let json = Arguments::Json(arguments.get());
            let prepared = prepare(runtime, handler, &place.name, json);
            let prepared = prepared.map_err(|message| (EndKind::Misfit, message))?;
            Ok((place, prepared))
        });
        let answer = match prepared {
            // Whoever comes behind one that had no room has none either: the order is kept, and
            // no number is passed over that was refused and may be sent again.
            Ok(_) if is_full => Answer::refused(number, EndKind::Full, QUEUE_FULL.to_owned()),
            Ok((place, prepared)) => {
                // Many short events of one request let others run.
                tokio::task::consume_budget().await;
                let taken = take(runtime, session, place, prepared, Some(origin), None);
                let (answer, scope) = taken.await;
                found = scope.or(found);
                // A task that found no room has its number: nothing is passed over.
                is_full |= answer.kind == Some(EndKind::Full)
                    && !is_numbered(runtime, session, place, &batch.client, number);
                answer
            }
            Err((kind, message)) => Answer::refused(number, kind, message),
        };
        events.push(answer);
    }
    let find = || runtime.scopes.find(place.ok()?.key);
    let scope = found.or_else(find);
    let epoch = scope.as_ref().map_or(Epoch::NONE, |scope| scope.epoch());
    let epoch = epoch.to_string();
    if let Some(scope) = scope {
        kept(runtime, &scope).await?;
    }
    Ok(Answers { epoch, events })
}

/// `POST /api/<state>/<event>`: what a form posts, and what a call as a server function sends.
pub(super) async fn handle_server_fn<E: EventDef>(request: Request<Body>) -> Response<Body> {
    let Some(runtime) = request.extensions().get::<Arc<Runtime>>().cloned() else {
        return Refusal::Down.into_response();
    };
    match take_one(&runtime, E::NAME, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

/// A handler as leptos knows it: a server function, with this runtime's own way to answer.
/// server_fn's answers every error with 500, and leads a form to whatever its Referer says.
pub const fn server_fn<E: EventDef>() -> ServerFnTraitObj<Request<Body>, Response<Body>> {
    ServerFnTraitObj::new::<Call<E>>(|request| Box::pin(handle_server_fn::<E>(request)))
}

inventory::submit! { server_fn::<CancelTask>() }
inventory::submit! { server_fn::<PauseTask>() }
inventory::submit! { server_fn::<ResumeTask>() }
inventory::submit! { server_fn::<RetryTask>() }
inventory::submit! { server_fn::<CancelEvent>() }

async fn take_one(
    runtime: &Arc<Runtime>,
    name: &'static str,
    request: Request,
) -> Result<Response<Body>, Refusal> {
    let session = session_for(runtime, request.headers()).await?;
    let is_form = match content_type(request.headers()) {
        "application/json" => false,
        "application/x-www-form-urlencoded" => true,
        _ => return Err(Refusal::ContentType),
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = read_body(runtime, request.into_body()).await?;
    let body = str::from_utf8(&body)
        .map_err(|_| Refusal::Malformed("The body is not UTF-8.".to_owned()))?;
    let envelope = if is_form {
        serde_qs::from_str(body).map(|Form(envelope)| envelope)
    } else {
        serde_qs::from_str(&query)
    };
    let envelope = envelope
        .map_err(|error| Refusal::Malformed(format!("The form can't be read: {error}.")))?;
    let origin = envelope.origin()?;
    let number = origin.as_ref().map_or(0, |origin| origin.number);
    let arguments = if is_form {
        Arguments::Form(body)
    } else {
        Arguments::Json(body)
    };
    caught_up(runtime).await?;
    let handler = runtime.registry.handler(name);
    let place = place_for(runtime, &session, envelope.scope.as_deref(), handler)?;
    let prepared = prepare(runtime, handler, &place.name, arguments);
    let prepared = prepared.map_err(Refusal::Malformed)?;
    let (sender, ended) = oneshot::channel();
    let (answer, scope) = match is_of_another(&session, envelope.session.as_deref()) {
        false => {
            let by = origin.clone();
            take(runtime, &session, &place, prepared, by, Some(sender)).await
        }
        true if !is_form => return Err(Refusal::OtherSession),
        // The page that the form leads to tells of it, in the session that there is now.
        true => {
            let refused = Answer::refused(number, EndKind::NoSession, OTHER_SESSION.to_owned());
            (refused, runtime.scope_at(&place).await.ok())
        }
    };
    let is_full = answer.kind == Some(EndKind::Full);
    let mut has_failed = is_form && !is_full && answer.is == Fate::Refused;
    if let Some(scope) = &scope {
        if let Some(origin) = origin.filter(|_| has_failed) {
            // The page that the form leads to tells of it, as of one that failed later.
            let sender = Sender::of_client(name, session.visitor, origin);
            let (kind, message) = (answer.kind.unwrap_or(EndKind::Failed), &answer.message);
            let end = End {
                kind,
                message: message.clone(),
            };
            scope.end_in_state(runtime, &sender, &end, Vec::new()).await;
        }
        kept(runtime, scope).await?;
    }
    if is_full {
        return Ok((StatusCode::TOO_MANY_REQUESTS, Json(answer)).into_response());
    }
    if !is_form {
        let status = match answer.kind {
            Some(EndKind::Busy | EndKind::Late) => StatusCode::CONFLICT,
            _ => StatusCode::ACCEPTED,
        };
        return Ok((status, Json(answer)).into_response());
    }
    if answer.is == Fate::Queued {
        // So that the page which the browser loads next shows the effect, mostly.
        let wait = Duration::from_millis(runtime.limits.form_wait_ms);
        let ended = tokio::time::timeout(wait, ended).await;
        has_failed =
            matches!(ended, Ok(Ok(kind)) if !matches!(kind, EndKind::Done | EndKind::Cancelled));
        if runtime.keeps_first
            && let Some(scope) = &scope
        {
            kept(runtime, scope).await?;
        }
    }
    debug_assert!(answer.is != Fate::Refused || number == answer.n);
    let mut back = envelope.return_path().to_owned();
    if let Some(client) = envelope.client.filter(|_| has_failed) {
        back = form_ended(&back, &client);
    }
    let location = HeaderValue::from_str(&back).unwrap_or(HeaderValue::from_static("/"));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// Whose event it is, and where its answer leads. In the query of a call, apart from the arguments.
#[derive(Deserialize)]
struct Envelope {
    client: Option<String>,
    #[serde(rename = "n")]
    number: Option<u64>,
    session: Option<String>,
    scope: Option<String>,
    #[serde(skip)]
    back: Option<String>,
}

/// The same in a form, where the arguments stand beside it.
#[derive(Deserialize)]
#[serde(remote = "Envelope")]
struct FormEnvelope {
    #[serde(rename = "_client")]
    client: Option<String>,
    #[serde(rename = "_n")]
    number: Option<u64>,
    #[serde(rename = "_session")]
    session: Option<String>,
    #[serde(rename = "_scope")]
    scope: Option<String>,
    #[serde(rename = "_back")]
    back: Option<String>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Form(#[serde(with = "FormEnvelope")] Envelope);

impl Envelope {
    fn origin(&self) -> Result<Option<Origin>, Refusal> {
        match (&self.client, self.number) {
            (Some(client), Some(number)) => {
                check_client(client)?;
                Ok(Some(Origin {
                    client: client.clone(),
                    number,
                }))
            }
            (None, None) => Ok(None),
            _ => Err(Refusal::Malformed(
                "A client and a number come together.".to_owned(),
            )),
        }
    }

    /// A path on this site, whatever the form says.
    fn return_path(&self) -> &str {
        let back = self.back.as_deref().unwrap_or("/");
        let is_path = is_own_path(back);
        if is_path { back } else { "/" }
    }
}

// === What both ways have in common ===

async fn session_for(runtime: &Arc<Runtime>, headers: &HeaderMap) -> Result<Session, Refusal> {
    if runtime.is_shutting_down() {
        return Err(Refusal::Down);
    }
    if runtime.store.trouble().is_some() {
        return Err(Refusal::NotStored);
    }
    let session = runtime.session_of(headers).await;
    session.map_err(|why| match why {
        NoSession::Nothing => Refusal::NoSession,
        // With the new cookie it is taken.
        NoSession::ReplacedLately => Refusal::Replaced,
        NoSession::Unreadable => Refusal::NotStored,
    })
}

/// The page that asks shows another session than the cookie opens: somebody has logged out in another
/// tab, say, and somebody else in. What was meant for the one is not done in the other.
fn is_of_another(session: &Session, shown: Option<&str>) -> bool {
    let shown = shown.filter(|shown| !shown.is_empty());
    shown.is_some_and(|shown| !session.visitor.has_id(shown))
}

const OTHER_SESSION: &str = "This browser has another session by now. This was not done.";

const NO_SUCH_SCOPE: &str = "The server does not know where this is meant for. Reload the page.";

/// Where a message goes: to the scope that it names, or to the one that its handler's state has
/// without a name.
fn place_for(
    runtime: &Runtime,
    session: &Session,
    scope: Option<&str>,
    handler: Option<&Registration>,
) -> Result<Place, Refusal> {
    let name = match (scope, handler.map(|handler| handler.scope)) {
        (Some(text), _) => runtime
            .scope_name(text)
            .map_err(|_| Refusal::Malformed(NO_SUCH_SCOPE.to_owned()))?,
        (None, Some(ScopeKind::Process(space))) => ScopeName::process(space),
        (None, _) => ScopeName::Session,
    };
    let place = authorize(runtime, session.visitor, &name);
    place.map_err(|refused| Refusal::Barred(refused.message()))
}

fn prepare(
    runtime: &Runtime,
    handler: Option<&'static Registration>,
    scope: &ScopeName,
    arguments: Arguments<'_>,
) -> Result<Message, String> {
    let Some(handler) = handler else {
        return Err("The server does not know this event. Reload the page.".to_owned());
    };
    if !scope.has(handler.scope) {
        return Err(format!("{} is no event of this scope.", handler.name));
    }
    let unfit = |why| format!("The arguments of {} don't fit: {why}.", handler.name);
    let prepared = handler.prepare(arguments).map_err(unfit)?;
    let is_stored = runtime.store.outlives();
    let written = is_stored.then(|| handler.as_json(arguments)).transpose();
    Ok(Message {
        name: handler.name,
        prepared,
        arguments: written.map_err(unfit)?.unwrap_or_default(),
    })
}

/// A message that can be taken.
struct Message {
    name: &'static str,
    prepared: Prepared,
    /// As JSON, where there is a store for it.
    arguments: String,
}

/// Until what was taken is kept: only then is it acknowledged. While nothing can be stored the
/// client has to ask again; what it asks is numbered.
async fn kept(runtime: &Runtime, scope: &Scope) -> Result<(), Refusal> {
    if scope.is_stored() {
        return Ok(());
    }
    // What pages see of it goes out first.
    tokio::task::yield_now().await;
    let patience = Duration::from_millis(runtime.limits.store_wait_ms);
    let stored = tokio::time::timeout(patience, scope.stored()).await;
    stored.map_err(|_| Refusal::NotStored)
}

/// While the store has much to write nothing more comes in: it would wait in memory.
async fn caught_up(runtime: &Runtime) -> Result<(), Refusal> {
    if !runtime.store.is_behind() {
        return Ok(());
    }
    let patience = Duration::from_millis(runtime.limits.store_wait_ms);
    let caught_up = tokio::time::timeout(patience, runtime.store.caught_up()).await;
    caught_up.map_err(|_| Refusal::NotStored)
}

/// Takes an event. Tells where it went, too, if it came so far.
async fn take(
    runtime: &Arc<Runtime>,
    session: &Session,
    place: &Place,
    message: Message,
    origin: Option<Origin>,
    ended: Option<oneshot::Sender<EndKind>>,
) -> (Answer, Option<Arc<Scope>>) {
    let number = origin.as_ref().map_or(0, |origin| origin.number);
    let Message {
        name,
        prepared,
        arguments,
    } = message;
    let found = match prepared.is_control() {
        false => runtime.scope_at(place).await,
        // Where there is no scope, nothing runs; and to ask something of tasks makes none.
        true => match runtime.found(place).await {
            Err(why) => Err(why),
            Ok(Some(scope)) => Ok(scope),
            Ok(None) if matches!(prepared, Prepared::Control(Verb::Retry, _)) => {
                let none = NotStarted::Unknown;
                let none = Answer::refused(number, none.kind(), none.to_string());
                return (none, None);
            }
            Ok(None) => return (Answer::of(number, Fate::Ended), None),
        },
    };
    let scope = match found {
        Ok(scope) => scope,
        Err(NoScope::Full) => {
            let message = "The server is full. Try again in a minute.".to_owned();
            return (Answer::refused(number, EndKind::Full, message), None);
        }
        Err(NoScope::Unreadable | NoScope::Elsewhere) => {
            let message = "What is here can't be read at the moment. Try again.".to_owned();
            return (Answer::refused(number, EndKind::Full, message), None);
        }
    };
    let event = Queued {
        name,
        prepared,
        arguments,
        id: 0,
        tries: 0,
        visitor: session.visitor,
        origin,
        is_first: true,
        is_cancelled: false,
        ended,
    };
    let answer = match scope.accept(event).await {
        Accepted::Queued => Answer::of(number, Fate::Queued),
        Accepted::Known => Answer::of(number, Fate::Known),
        Accepted::Ended(EndKind::Done, _) => Answer::of(number, Fate::Ended),
        Accepted::Ended(kind, message) => Answer::refused(number, kind, message),
        Accepted::Full => Answer::refused(number, EndKind::Full, QUEUE_FULL.to_owned()),
    };
    (answer, Some(scope))
}

/// The number was accepted, whatever came of its event: it can't be sent again.
fn is_numbered(
    runtime: &Runtime,
    session: &Session,
    place: &Place,
    client: &str,
    number: u64,
) -> bool {
    let Some(scope) = runtime.scopes.find(place.key) else {
        return false;
    };
    let mut queues = scope.lock_queues();
    let queue = queues.existing(session.visitor);
    queue.is_some_and(|queue| queue.numbers.is_known(client, number))
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}

fn check_client(client: &str) -> Result<(), Refusal> {
    let is_id = !client.is_empty()
        && client.len() <= MAX_CLIENT_BYTES
        && client
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_id {
        return Ok(());
    }
    Err(Refusal::Malformed(format!(
        "A client's id has 1 to {MAX_CLIENT_BYTES} letters, digits and dashes."
    )))
}

async fn read_body(runtime: &Runtime, body: Body) -> Result<axum::body::Bytes, Refusal> {
    let limits = &runtime.limits;
    let mut read = pin!(to_bytes(body, limits.body_bytes));
    // Most bodies have come with their head, and need no timer.
    let read = match read.as_mut().now_or_never() {
        Some(read) => Ok(read),
        None => tokio::time::timeout(Duration::from_millis(limits.header_ms), read).await,
    };
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Refusal::TooLarge),
        Err(_) => Err(Refusal::TooSlow),
    }
}

impl Answer {
    fn of(n: u64, is: Fate) -> Self {
        Answer {
            n,
            is,
            kind: None,
            message: String::new(),
        }
    }

    fn refused(n: u64, kind: EndKind, message: String) -> Self {
        Answer {
            n,
            is: Fate::Refused,
            kind: Some(kind),
            message,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let (status, message) = match self {
            Refusal::NoSession => (
                StatusCode::UNAUTHORIZED,
                "There is no session: the cookie is missing or not valid. Load a page first."
                    .into(),
            ),
            Refusal::Barred(message) => (StatusCode::FORBIDDEN, message),
            Refusal::ContentType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send application/json, or a form as application/x-www-form-urlencoded.".into(),
            ),
            Refusal::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too long.".into(),
            ),
            Refusal::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "The body came too slowly.".into(),
            ),
            Refusal::Malformed(message) => (StatusCode::UNPROCESSABLE_ENTITY, message),
            Refusal::NotStored => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server can't store anything at the moment. Send it again.".into(),
            ),
            Refusal::Replaced => (
                StatusCode::SERVICE_UNAVAILABLE,
                "This session has another cookie by now. Send it again, with that.".into(),
            ),
            Refusal::OtherSession => (StatusCode::CONFLICT, OTHER_SESSION.into()),
            Refusal::Down => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server goes down.".into(),
            ),
        };
        let body = Json(serde_json::json!({ "refused": message }));
        (status, [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], body).into_response()
    }
}
