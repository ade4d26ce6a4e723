//! What an update takes on the wire: all bytes of the connection, from the recorder to the framing
//! of HTTP.

use super::{Studio, reader};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use undercurrent::{Limits, prelude::*};

#[derive(State, Clone, Debug, Default)]
struct Wall {
    posts: List<Post>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Post {
    id: u32,
    title: String,
}

/// 41 bytes of JSON.
fn post(id: u32) -> Post {
    let title = "A post of 41 bytes.".to_owned();
    Post { id, title }
}

#[event]
fn put(wall: &mut Wall, first: u32, count: u32) {
    wall.posts.extend((first..first + count).map(post));
}

/// The bytes of the connection until all that came ends with this.
async fn read_until(socket: &mut TcpStream, end: &str) -> usize {
    let mut heard = Vec::new();
    let hears = async {
        while !heard.ends_with(end.as_bytes()) {
            let count = socket.read_buf(&mut heard).await.expect("it is open");
            assert!(count > 0, "it ended: {}", heard.escape_ascii());
        }
    };
    let in_time = tokio::time::timeout(reader::PATIENCE, hears).await;
    let last = heard.len().saturating_sub(200);
    assert!(
        in_time.is_ok(),
        "no end of {}",
        heard[last..].escape_ascii()
    );
    heard.len()
}

#[tokio::test]
async fn a_post_of_41_bytes_takes_at_most_130_on_the_wire_in_a_short_and_in_a_long_list() {
    assert_eq!(serde_json::to_string(&post(4_000)).unwrap().len(), 41);
    let studio = Studio::open(Limits::default()).await;
    for len in [10, 100_000] {
        let cookie = studio.visitor().await;
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookie.parse().expect("a header"));
        let wall = studio.0.uc.session::<Wall>(&headers).expect("a session");
        wall.dispatch(put(1_000, len)).await.expect("it waits");
        let filled = wall.until_within(Millis(30_000), move |wall| {
            (wall.posts.len() == len as usize).then_some(())
        });
        filled.await.expect("it is filled");
        let mut socket = TcpStream::connect(studio.at()).await.expect("it listens");
        let request = reader::request(studio.at(), &cookie, "s.wall");
        socket
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        // A snapshot, and the end of its chunk.
        read_until(&mut socket, "]}]\n\n\r\n").await;
        for id in 4_000..4_020 {
            wall.dispatch(put(id, 1)).await.expect("it waits");
            let bytes = read_until(&mut socket, "]]\n\n\r\n").await;
            assert!(bytes <= 130, "{bytes} bytes, with {len} posts");
        }
    }
    studio.close().await;
}
