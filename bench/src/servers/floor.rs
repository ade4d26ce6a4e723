//! The floor: what one writes by hand with axum and a leptos server function. It bumps a counter
//! in a map and sends it on an SSE channel. No queue, no log, no session, no policy, no resume:
//! whatever a runtime does more shows as the distance to it.

use super::serve_router;
use crate::Fallible;
use axum::{
    Router,
    body::Body,
    extract::{Query, Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures::StreamExt;
use leptos::{prelude::*, server_fn::codec::Json};
use leptos_axum::{generate_route_list, handle_server_fns_with_context, render_app_to_stream};
use serde::Deserialize;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[derive(Clone, Default)]
struct Floor {
    sessions: Arc<Mutex<HashMap<u64, Session>>>,
}

#[derive(Default)]
struct Session {
    count: u64,
    streams: Vec<UnboundedSender<Bytes>>,
}

#[server(prefix = "/floor", endpoint = "click", input = Json)]
async fn floor_click(session: u64) -> Result<(), ServerFnError> {
    expect_context::<Floor>().bump(session);
    Ok(())
}

impl Floor {
    fn bump(&self, session: u64) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.entry(session).or_default();
        session.count += 1;
        let event = event(session.count);
        session
            .streams
            .retain(|stream| stream.send(event.clone()).is_ok());
    }
}

fn event(count: u64) -> Bytes {
    Bytes::from(format!("data: {count}\n\n"))
}

#[derive(Deserialize)]
struct Of {
    session: u64,
    #[serde(default)]
    updates: u64,
}

async fn stream(State(floor): State<Floor>, Query(of): Query<Of>) -> impl IntoResponse {
    let (sender, mut events) = unbounded_channel();
    let mut sessions = floor
        .sessions
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let session = sessions.entry(of.session).or_default();
    let _ = sender.send(event(session.count));
    session.streams.push(sender);
    let events = futures::stream::poll_fn(move |cx| events.poll_recv(cx));
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, "text/event-stream")], body)
}

/// So many updates of one session, one after another.
async fn burst(State(floor): State<Floor>, Query(of): Query<Of>) {
    tokio::spawn(async move {
        for _ in 0..of.updates {
            floor.bump(of.session);
            tokio::task::yield_now().await;
        }
    });
}

async fn server_fns(State(floor): State<Floor>, request: Request) -> Response {
    handle_server_fns_with_context(move || provide_context(floor.clone()), request)
        .await
        .into_response()
}

fn page() -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head><meta charset="utf-8"/><title>"Clicks"</title></head>
            <body><button>"0"</button></body>
        </html>
    }
}

pub async fn serve() -> Fallible {
    // Not for its list: it tells leptos that tasks run on tokio.
    generate_route_list(page);
    let app = Router::new()
        .route("/", get(render_app_to_stream(page)))
        .route("/floor/{*name}", post(server_fns))
        .route("/stream", get(stream))
        .route("/burst", post(burst))
        .with_state(Floor::default());
    serve_router(app).await
}
