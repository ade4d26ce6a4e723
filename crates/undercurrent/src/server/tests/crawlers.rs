//! Who only looks leaves nothing behind: neither page views nor streams make a scope, or a place for
//! one.

use super::*;
use crate::server::tests::store::Ground;
use axum::{
    Router,
    body::{Body, HttpBody},
    http::{Request, StatusCode, header},
};
use leptos::{config::LeptosOptions, prelude::*};
use leptos_router::{components::*, hooks::use_params_map, path};
use tower::ServiceExt;

/// A room that anybody may look into.
#[derive(State, Clone, Debug, Default)]
#[state(scope = keyed, join = anybody)]
pub(super) struct Gallery {
    pub(super) said: List<String>,
}

fn anybody(_: &Visitor, _: &str) -> Result<(), ForVisitor> {
    Ok(())
}

#[event]
pub(super) fn speak(gallery: &mut Gallery, text: String) {
    gallery.said.push(text);
}

#[component]
fn Inside() -> impl IntoView {
    let (gallery, trial) = (use_state::<Gallery>(), use_state::<Trial>());
    view! {
        <p>{move || trial.seen().read().len()}</p>
        <ul><ForList each=gallery.said() let:text><li>{text}</li></ForList></ul>
    }
}

#[component]
fn GalleryPage() -> impl IntoView {
    let key = use_params_map().with_untracked(|params| params.get("key").unwrap_or_default());
    view! { <GalleryScope key><Inside/></GalleryScope> }
}

#[component]
fn App() -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=|| "nothing here">
                <Route path=path!("/gallery/:key") view=GalleryPage/>
                <Route path=path!("/mind") view=super::moods::MindPage/>
            </Routes>
        </Router>
    }
}

fn shell(_: LeptosOptions) -> impl IntoView {
    view! { <!DOCTYPE html><html><body><App/></body></html> }
}

/// The app without a socket: pages, events, streams.
pub(super) fn router(uc: &Undercurrent) -> Router {
    uc.router(App, shell)
}

/// What a stream brings until it ends or has nothing more to say.
pub(super) async fn heard(app: &Router, address: &str, cookie: &str) -> String {
    hear(app, Request::get(address).header(header::COOKIE, cookie)).await
}

pub(super) async fn hear(app: &Router, request: axum::http::request::Builder) -> String {
    let request = request.body(Body::empty()).expect("it is one");
    let response = app.clone().oneshot(request).await.expect("it answers");
    let (mut body, mut text) = (response.into_body(), String::new());
    let more = async {
        while let Some(frame) =
            std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await
        {
            let data = frame.expect("it does not fail").into_data();
            text.push_str(&String::from_utf8_lossy(&data.expect("it is data")));
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), more).await;
    text
}

const VIEWS: usize = 10_000;
const STREAMS: usize = 1_000;

pub(super) async fn get(
    app: &Router,
    address: &str,
    cookie: Option<&str>,
) -> axum::response::Response {
    let mut request = Request::get(address).header(header::ACCEPT, "text/html");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let request = request.body(Body::empty()).expect("it is one");
    app.clone().oneshot(request).await.expect("it answers")
}

/// A page as a crawler views it: without a cookie, and to its end.
async fn view_page(app: &Router, address: &str) -> String {
    let response = get(app, address, None).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = response.headers()[header::SET_COOKIE].to_str();
    let cookie = cookie.expect("it is text").split(';').next();
    let cookie = cookie.expect("a cookie").to_owned();
    let page = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    let page = String::from_utf8_lossy(&page.expect("it is whole")).into_owned();
    assert!(page.contains("</html>"), "{page}");
    cookie
}

async fn crawl(uc: Undercurrent, views: usize) {
    let app = router(&uc);
    let mut cookie = String::new();
    for n in 0..views {
        cookie = view_page(&app, &format!("/gallery/{n}")).await;
    }
    for n in 0..STREAMS {
        let address = format!("/api/stream?follow=s.trial,0.gallery&scope=gallery:{n}&scope=~{n}");
        let mut body = get(&app, &address, Some(&cookie)).await.into_body();
        let first = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await;
        let first = first
            .expect("it is open")
            .expect("it does not fail")
            .into_data();
        assert!(String::from_utf8_lossy(&first.expect("it is data")).contains("hello"));
    }
    let counters = uc.counters();
    assert_eq!((counters.scopes, counters.streams), (0, 0));
    assert_eq!(uc.runtime.scopes.places(), 0);
}

#[tokio::test]
async fn ten_thousand_page_views_and_a_thousand_streams_leave_no_scope() {
    crawl(
        builder(Limits::default()).build().expect("it starts"),
        VIEWS,
    )
    .await;
}

#[tokio::test]
async fn with_a_file_it_is_the_same() {
    let ground = Ground::file();
    let uc = ground.build(Default::default()).expect("it starts");
    let store = uc.runtime.store.clone();
    crawl(uc, STREAMS).await;
    store.close();
}
