//! A server function that is written by hand reaches the session of who calls it: what it sends waits
//! behind the visitor's clicks, in the same queue.

#![cfg(feature = "ssr")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
};
use leptos::{config::LeptosOptions, prelude::*};
use std::time::{Duration, SystemTime};
use tower::ServiceExt;
use undercurrent::{
    Undercurrent,
    prelude::*,
    server::{Config, StoreKind},
};

#[derive(State, Clone, Debug, Default)]
struct Cart {
    things: List<String>,
}

/// A click that takes its time.
#[event]
async fn think(cx: EventContext<Cart>) -> Result {
    cx.sleep(Millis(1_000)).await?;
    cx.update(|cart| cart.things.push("thought".into())).await?;
    Ok(())
}

#[event]
fn add(cart: &mut Cart, thing: String) {
    cart.things.push(thing);
}

/// Takes its time.
#[background(overlap = reject)]
async fn pack(cx: TaskContext<Cart>) -> Result {
    cx.sleep(Millis(3_600_000)).await?;
    Ok(())
}

/// Says how many are in the cart, and adds one.
#[server(prefix = "/api", endpoint = "order")]
async fn order(thing: String) -> Result<usize, ServerFnError> {
    let uc = expect_context::<Undercurrent>();
    let cart = uc.session_here::<Cart>();
    let cart = cart.ok_or_else(|| ServerFnError::new("Load a page first."))?;
    let before = cart.read(|cart| cart.things.len()).await?;
    cart.dispatch(add(thing)).await?;
    Ok(before)
}

/// Whoever comes in has another cookie from then on.
#[server(prefix = "/api", endpoint = "enter")]
async fn enter(thing: String) -> Result<(), ServerFnError> {
    let uc = expect_context::<Undercurrent>();
    let cart = uc.session_here::<Cart>();
    let cart = cart.ok_or_else(|| ServerFnError::new("Load a page first."))?;
    uc.renew_session_here().await?;
    cart.dispatch(add(thing)).await?;
    Ok(())
}

#[server(prefix = "/api", endpoint = "leave")]
async fn leave() -> Result<(), ServerFnError> {
    let uc = expect_context::<Undercurrent>();
    uc.end_session_here().await?;
    Ok(())
}

#[component]
fn App() -> impl IntoView {
    let (cart, packing) = (use_state::<Cart>(), use_event(pack));
    view! {
        <ul><ForList each=cart.things() let:thing><li>{thing}</li></ForList></ul>
        <p>{move || packing.error()}</p>
        <EventForm event=pack()><button>"Pack"</button></EventForm>
    }
}

fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html><head><HydrationScripts options/></head><body><App/></body></html>
    }
}

fn start() -> (Undercurrent, Router) {
    start_beside("target/site")
}

fn start_beside(site: &str) -> (Undercurrent, Router) {
    let key_file = std::env::temp_dir().join(format!("undercurrent-{}.key", std::process::id()));
    let config = Config {
        session_key_file: key_file,
        store: StoreKind::Memory,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("shop");
    let options = options.site_root(site.to_owned()).build();
    let uc = Undercurrent::with(options, config).build();
    let uc = uc.expect("it starts");
    let app = uc.router(App, shell);
    (uc, app)
}

async fn send(app: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let response = app.clone().oneshot(request).await.expect("it answers");
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("it is whole");
    let body = String::from_utf8(body.into()).expect("it is text");
    (head.status, head.headers, body)
}

fn call(cookie: Option<&HeaderValue>, thing: &str) -> Request<Body> {
    call_of("order", cookie, thing)
}

fn call_of(name: &str, cookie: Option<&HeaderValue>, thing: &str) -> Request<Body> {
    let mut request = Request::post(format!("/api/{name}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    request
        .body(Body::from(format!("thing={thing}")))
        .expect("it is one")
}

#[tokio::test(start_paused = true)]
async fn what_a_server_function_sends_waits_behind_the_visitors_clicks() {
    let (uc, app) = start();
    let page = Request::get("/").header(header::ACCEPT, "text/html");
    let (_, headers, _) = send(&app, page.body(Body::empty()).expect("it is one")).await;
    let cookie = cookie_in(&headers);
    let clicks =
        r#"{"client":"c","events":[[1,"cart/think",{}],[2,"cart/add",{"thing":"clicked"}]]}"#;
    let clicks = Request::post("/api/events")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, &cookie)
        .body(Body::from(clicks));
    let (status, ..) = send(&app, clicks.expect("it is one")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let (status, _, before) = send(&app, call(Some(&cookie), "ordered")).await;
    assert_eq!(
        (status, &*before),
        (StatusCode::OK, "0"),
        "it waits for none of them"
    );
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, cookie);
    let cart = uc.session::<Cart>(&headers).expect("a session");
    let things = loop {
        let all = |cart: &Cart| cart.things.iter().cloned().collect::<Vec<_>>();
        match cart.read(all).await.expect("it reads") {
            things if things.len() == 3 => break things,
            _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    };
    assert_eq!(things, ["thought", "clicked", "ordered"]);
}

/// As the browser sends it back.
fn cookie_in(headers: &HeaderMap) -> HeaderValue {
    let cookie = headers[header::SET_COOKIE].to_str().expect("it is text");
    let cookie = HeaderValue::from_str(cookie.split(';').next().expect("a cookie"));
    cookie.expect("it is a header")
}

#[tokio::test(start_paused = true)]
async fn a_server_function_gives_a_session_another_cookie_and_ends_it() {
    let (uc, app) = start();
    let page = || {
        let page = Request::get("/").header(header::ACCEPT, "text/html");
        page.body(Body::empty()).expect("it is one")
    };
    let (_, headers, _) = send(&app, page()).await;
    let planted = cookie_in(&headers);
    let of = |cookie: &HeaderValue| {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.clone());
        uc.session::<Cart>(&headers)
    };
    let (status, headers, said) = send(&app, call_of("enter", Some(&planted), "a key")).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let own = cookie_in(&headers);
    assert!(of(&planted).is_none());
    let cart = of(&own).expect("the session goes on");
    loop {
        match cart.read(|cart| cart.things.len()).await.expect("it reads") {
            1 => break,
            _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    let (status, ..) = send(&app, call_of("enter", Some(&planted), "a picklock")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let (status, headers, _) = send(&app, call_of("leave", Some(&own), "")).await;
    assert_eq!(status, StatusCode::OK);
    let taken_away = headers[header::SET_COOKIE].to_str().expect("it is text");
    assert!(taken_away.starts_with("shop-session=; ") && taken_away.contains("Max-Age=0"));
    assert!(of(&own).is_none() && of(&planted).is_none());
    let (_, headers, _) = send(&app, page()).await;
    let next = of(&cookie_in(&headers)).expect("another session");
    assert_ne!(next.visitor(), cart.visitor());
}

#[tokio::test(start_paused = true)]
async fn without_a_session_a_server_function_has_none_and_makes_none() {
    let (uc, app) = start();
    let (status, headers, said) = send(&app, call(None, "ordered")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(said.contains("Load a page first."), "{said}");
    assert!(!headers.contains_key(header::SET_COOKIE));
    assert_eq!(uc.counters().scopes, 0);
}

fn page(path: &str, cookie: Option<&HeaderValue>) -> Request<Body> {
    let mut request = Request::get(path).header(header::ACCEPT, "text/html");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    request.body(Body::empty()).expect("it is one")
}

/// As a browser without JavaScript posts the page's form.
fn form(cookie: &HeaderValue, fields: &str) -> Request<Body> {
    let kind = "application/x-www-form-urlencoded";
    let request = Request::post("/api/cart/pack").header(header::CONTENT_TYPE, kind);
    let request = request.header(header::COOKIE, cookie);
    let fields = format!("{fields}&_n=1&_back=%2F%3Fa%3Db");
    request.body(Body::from(fields)).expect("it is one")
}

/// The page shows a button of a session that was logged out of in another tab.
#[tokio::test(start_paused = true)]
async fn a_form_of_another_session_than_the_browser_has_is_not_done_and_says_so() {
    let (uc, app) = start();
    let (_, headers, html) = send(&app, page("/", None)).await;
    let theirs = cookie_in(&headers);
    let (_, headers, _) = send(&app, page("/", None)).await;
    let mine = cookie_in(&headers);
    let of = |cookie: &HeaderValue| {
        let headers = HeaderMap::from_iter([(header::COOKIE, cookie.clone())]);
        uc.session::<Cart>(&headers)
            .expect("a session")
            .visitor()
            .id()
    };
    let shown = of(&theirs);
    assert!(
        html.contains(&format!(r#"name="_session" value="{shown}""#)),
        "{html}"
    );
    let wrong = [
        shown.clone(),
        shown[1..].to_owned(),
        format!("{:0>17}", of(&mine)),
        "x".into(),
    ];
    for (n, session) in wrong.iter().enumerate() {
        let fields = format!("_client=0{n}&_session={session}");
        let (status, headers, _) = send(&app, form(&mine, &fields)).await;
        let leads_to = format!("/?a=b&_ended=0{n}");
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(headers[header::LOCATION], leads_to.as_str());
        let (_, _, html) = send(&app, page(&leads_to, Some(&mine))).await;
        assert!(html.contains("another session"), "{html}");
        assert_eq!(uc.counters().tasks, 0);
    }
    // A call, and events as a page sends them, are to be looked at by who sends them.
    let json = |path: &str, body: String| {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::COOKIE, &mine);
        request.body(Body::from(body)).expect("it is one")
    };
    let events = |session: &str, n: u32| {
        let events =
            format!(r#"{{"client":"c","session":"{session}","events":[[{n},"cart/pack",{{}}]]}}"#);
        json("/api/events", events)
    };
    let call = json(&format!("/api/cart/pack?session={shown}"), "{}".into());
    for request in [call, events(&shown, 1)] {
        let (status, _, said) = send(&app, request).await;
        assert_eq!(status, StatusCode::CONFLICT, "{said}");
        assert_eq!(uc.counters().tasks, 0);
    }
    // Its own is taken, with the number that was refused.
    let (status, ..) = send(&app, events(&of(&mine), 1)).await;
    assert_eq!((status, uc.counters().tasks), (StatusCode::ACCEPTED, 1));
    let fields = format!("_client=0a&_session={shown}");
    let (_, headers, _) = send(&app, form(&theirs, &fields)).await;
    assert_eq!(headers[header::LOCATION], "/?a=b");
    assert_eq!(uc.counters().tasks, 2);
}

/// A browser without JavaScript: the page that shows the button came before the task began.
#[tokio::test(start_paused = true)]
async fn a_form_that_is_refused_leads_to_a_page_that_says_why() {
    let (_uc, app) = start();
    let (_, headers, _) = send(&app, page("/", None)).await;
    let cookie = cookie_in(&headers);
    let post = |client: &str| form(&cookie, &format!("_client={client}"));
    let refusal = "This task runs already.";
    for (client, leads_to, is_refused) in [
        ("0a", "/?a=b", false),
        ("0b", "/?a=b&_ended=0b", true),
        // Twice, since it was clicked twice.
        ("0b", "/?a=b&_ended=0b", true),
    ] {
        let (status, headers, _) = send(&app, post(client)).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(headers[header::LOCATION], leads_to);
        let (_, _, html) = send(&app, page(leads_to, Some(&cookie))).await;
        assert_eq!(html.contains(refusal), is_refused, "{html}");
    }
}

#[tokio::test]
async fn a_script_is_given_out_packed_and_one_that_was_packed_of_an_older_file_as_it_is() {
    let site = std::env::temp_dir().join(format!("undercurrent-site-{}", std::process::id()));
    let pkg = site.join("pkg");
    std::fs::create_dir_all(&pkg).expect("there is room");
    std::fs::write(pkg.join("shop.js"), "as it is").expect("there is room");
    std::fs::write(pkg.join("shop.js.br"), "packed").expect("there is room");
    let (_uc, app) = start_beside(site.to_str().expect("it is text"));
    let (_, _, html) = send(&app, page("/", None)).await;
    let (_, named) = html.split_once("href=\"/pkg/shop.").expect("a script");
    let named = format!("/pkg/shop.{}", named.split('"').next().expect("its name"));
    assert!(named.len() > "/pkg/shop.js".len(), "{named}");
    let get = |path: &str, packings: &str| {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, packings);
        request.body(Body::empty()).expect("it is one")
    };
    for is_old in [false, true] {
        for path in ["/pkg/shop.js", &named] {
            for (packings, is_taken) in [("gzip, br", true), ("gzip", false)] {
                let (status, headers, body) = send(&app, get(path, packings)).await;
                assert_eq!(status, StatusCode::OK, "{path}");
                assert_eq!(headers[header::VARY], "accept-encoding", "{path}");
                let is_packed = headers.contains_key(header::CONTENT_ENCODING);
                assert_eq!(is_packed, is_taken && !is_old, "{path}");
                assert_eq!(body, if is_packed { "packed" } else { "as it is" });
            }
        }
        let packed = std::fs::File::options()
            .write(true)
            .open(pkg.join("shop.js.br"));
        let long_ago = SystemTime::now() - Duration::from_secs(3_600);
        packed
            .expect("it is there")
            .set_modified(long_ago)
            .expect("it can be said");
    }
    std::fs::remove_dir_all(&site).expect("it is ours");
}
