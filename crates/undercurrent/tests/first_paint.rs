//! What a page carries of a state is data, whatever is in it: the bytes of the HTML, and what a
//! browser would read from them. `end2end/tests/words.spec.ts` asks a browser.

#![cfg(feature = "ssr")]

mod support;

use self::support::{Served, cookie_of, request};
use axum::http::HeaderMap;
use leptos::{config::LeptosOptions, prelude::*};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use undercurrent::{Limits, prelude::*};

#[derive(State, Clone, Debug, Default)]
struct Sayings {
    list: List<String>,
    map: Map<String, String>,
    text: Text,
    plain: String,
}

#[event]
fn say(sayings: &mut Sayings, word: String) {
    sayings.list = List::from([word.clone()]);
    sayings.map = Map::from([(word.clone(), word.clone())]);
    sayings.text = word.as_str().into();
    sayings.plain = word;
}

#[component]
fn App() -> impl IntoView {
    let sayings = use_state::<Sayings>();
    view! {
        <ul><ForList each=sayings.list() let:word><li>{word}</li></ForList></ul>
        <ul><ForMap each=sayings.map() let(key, word)><li data-key=key>{word}</li></ForMap></ul>
        <p>{move || sayings.text().read().as_str().to_owned()}</p>
        <p title=move || sayings.plain().get()>{move || sayings.plain().get()}</p>
    }
}

fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head><meta charset="utf-8"/><HydrationScripts options/></head>
            <body><App/></body>
        </html>
    }
}

async fn page(at: SocketAddr, cookie: &str) -> String {
    let mut socket = TcpStream::connect(at).await.expect("it listens");
    let head = format!("GET / HTTP/1.1\r\naccept: text/html{cookie}");
    let asked = request(at, &head, "");
    socket.write_all(asked.as_bytes()).await.expect("it reads");
    let mut heard = Vec::new();
    let hears = socket.read_to_end(&mut heard);
    let in_time = tokio::time::timeout(Duration::from_secs(30), hears).await;
    in_time.expect("in time").expect("it ends");
    String::from_utf8(heard).expect("it is text")
}

#[tokio::test]
async fn a_word_is_data_whatever_is_in_it() {
    let served = Served::open("sayings", Limits::default(), App, shell).await;
    let empty = page(served.at, "").await;
    let cookie = cookie_of(&empty);
    let mut headers = HeaderMap::new();
    headers.insert("cookie", cookie.parse().expect("a header"));
    let sayings = served.uc.session::<Sayings>(&headers).expect("a session");
    let cookie = format!("\r\ncookie: {cookie}");
    let megabyte = "</script><b>&\u{2028}\"\0".repeat(50_000);
    for word in [
        "</script><script>burn()</script>",
        "<!--<script>",
        "]]>--><!-- x",
        "\u{2028}\u{2029}",
        "\0",
        "a\u{0}7",
        "\"'`\\ \\u0000 ${1} &amp;",
        "\u{202e}abc\u{200f}",
        &megabyte,
    ] {
        let own = word.to_owned();
        sayings.dispatch(say(own.clone())).await.expect("it waits");
        let said = sayings.until_within(Millis(20_000), move |sayings| {
            (sayings.plain == own).then_some(())
        });
        said.await.expect("it is said");
        let page = page(served.at, &cookie).await;
        let what: String = word.chars().take(40).collect();
        assert!(!page.contains('\0'), "{what:?}: a NUL is in the page");
        // No element comes, and none ends, that is not the page's own.
        for tag in ["<script", "</script", "<b", "<!--", "<p", "</p"] {
            let own = |page: &str| page.matches(tag).count();
            let expected = match tag {
                // Markers of the views.
                "<!--" => continue,
                "<b" => 1,
                _ => own(&empty),
            };
            assert_eq!(own(&page), expected, "{what:?}: {tag}");
        }
        // In the body: a list's item, a map's, a text and a plain field.
        let (_, body) = page.split_once("<body>").expect("a body");
        let html = word
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('\0', "\u{FFFD}");
        assert!(
            body.matches(&html).count() >= 4,
            "{what:?}: {html:.80} is shown"
        );
        // In the data: JSON, whose quotes are a script's.
        let json = serde_json::to_string(word).expect("JSON");
        let debugged = format!("{:?}", json.replace('<', "\\u003c"));
        let data = &debugged[1..debugged.len() - 1];
        assert!(page.contains(data), "{what:?}: {data:.80} is carried");
        assert!(!page.contains('\u{2028}') || word.contains('\u{2028}'));
    }
    served.close().await;
}
