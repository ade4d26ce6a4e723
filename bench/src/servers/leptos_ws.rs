//! leptos_ws: a signal on the server, whose changes its clients get as JSON patches.

use super::{Post, serve_router};
use crate::Fallible;
use axum::{
    Router,
    extract::{Query, Request, State},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use leptos::prelude::*;
use leptos_axum::{generate_route_list, handle_server_fns_with_context};
use leptos_ws::{ReadOnlySignal, WsSignals};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Feed {
    posts: Vec<Post>,
}

#[derive(Clone)]
struct App {
    signals: WsSignals,
    feed: ReadOnlySignal<Feed>,
}

#[derive(Deserialize)]
struct Changes {
    from: u64,
    updates: u64,
}

/// So many updates of the post in the middle, each sent before the next begins: `update` returns
/// before its patch is made, and a second one then would share the first one's patch.
async fn change(State(app): State<App>, Query(of): Query<Changes>) {
    tokio::spawn(async move {
        let Some(mut sent) = app.signals.add_observer("feed") else {
            return;
        };
        for nth in of.from..of.from + of.updates {
            app.feed.update(|feed| {
                let middle = feed.posts.len() / 2;
                feed.posts[middle].title = Post::changed_title(nth);
            });
            if sent.recv().await.is_err() {
                return;
            }
        }
    });
}

async fn server_fns(State(app): State<App>, request: Request) -> Response {
    handle_server_fns_with_context(move || provide_context(app.signals.clone()), request)
        .await
        .into_response()
}

/// With so many posts.
pub async fn serve(posts: usize) -> Fallible {
    // Not for its list: it tells leptos that tasks run on tokio.
    generate_route_list(|| ());
    let mut signals = WsSignals::new();
    let posts = (0..posts).map(Post::nth).collect();
    let feed = ReadOnlySignal::new_with_context(&mut signals, "feed", Feed { posts })?;
    let app = Router::new()
        .route("/", get(|| async { "leptos_ws" }))
        .route("/api/{*name}", any(server_fns))
        .route("/change", post(change))
        .with_state(App { signals, feed });
    serve_router(app).await
}
