//! The client against real sockets: the built-in upstream, and servers that
//! say exactly what a test wants said.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener, TcpStream as StdStream},
    time::Duration,
};

use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

use super::{Upstream, UpstreamConfig, UpstreamError, open};

const MUG: &str = r#"{"id":7,"title":"Mug","description":"Holds tea.","price":9.5,"stock":3}"#;

/// A client whose only address is `base`.
fn client(base: &str, timeout_ms: u64) -> Upstream {
    Upstream::new(&UpstreamConfig {
        url: Some(base.to_owned()),
        timeout_ms,
        ..UpstreamConfig::default()
    })
    .unwrap()
}

/// The built-in upstream without a delay, with these faults.
async fn builtin(faults: &str, timeout_ms: u64) -> Upstream {
    open(UpstreamConfig {
        delay_ms: 0,
        faults: faults.to_owned(),
        timeout_ms,
        ..UpstreamConfig::default()
    })
    .await
    .unwrap()
}

/// Accepts one connection and reads the head of one request.
async fn request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

/// Answers one request with these bytes, closes the connection and returns the
/// request's head.
async fn says(answer: String) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let head = tokio::spawn(async move {
        let (mut stream, head) = request(&listener).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        head
    });
    (address, head)
}

/// What the client makes of these bytes.
async fn answer(bytes: impl Into<String>) -> Result<crate::product::Product, UpstreamError> {
    let (address, _head) = says(bytes.into()).await;
    client(&format!("http://{address}/products"), 10_000)
        .product(7)
        .await
}

fn with_body(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn a_product_is_asked_for_and_read() {
    let (address, head) = says(with_body("200 OK", MUG)).await;
    let product = client(&format!("http://{address}/shop/products/"), 10_000)
        .product(7)
        .await
        .unwrap();
    assert_eq!((product.id, product.price), (7, 9.5));
    assert_eq!(product.description, "Holds tea.");
    let head = head.await.unwrap();
    assert!(
        head.starts_with("GET /shop/products/7 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("user-agent: undercurrent-gallery\r\n"),
        "{head}"
    );
    assert!(head.contains("accept: application/json\r\n"), "{head}");
}

#[tokio::test]
async fn a_refused_connection_is_told() {
    // A socket that is bound but does not listen keeps the port from others.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let error = client(&format!("http://{address}"), 10_000)
        .product(1)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the upstream refused the connection");
}

#[tokio::test]
async fn a_connection_that_is_not_accepted_ends() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Once the queue of the listener is full, the kernel lets others wait.
    let wait = Duration::from_millis(100);
    let fill = std::iter::from_fn(|| StdStream::connect_timeout(&address, wait).ok());
    let queue: Vec<_> = fill.take(64).collect();
    assert!(queue.len() < 64, "the queue does not fill");

    let base = Url::parse(&format!("http://{address}")).unwrap();
    let times = (Duration::from_millis(200), Duration::from_secs(60));
    let upstream = Upstream::build(base, times.0, times.1, false, "upstream.url").unwrap();
    let error = upstream.product(1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the upstream did not accept the connection within 0.2 s"
    );
}

#[tokio::test]
async fn a_time_out_is_told() {
    let error = builtin("9=timeout", 200).await.product(9).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the upstream did not answer within 0.2 s"
    );
}

#[tokio::test]
async fn a_body_that_trickles_does_not_outlive_the_time_out() {
    let error = builtin("4=slowbody", 500).await.product(4).await;
    assert_eq!(
        error.unwrap_err(),
        UpstreamError::Timeout(Duration::from_millis(500))
    );
}

#[tokio::test]
async fn statuses_are_told() {
    for (status, code) in [
        ("404 Not Found", 404),
        ("500 Internal Server Error", 500),
        ("304 Not Modified", 304),
    ] {
        let error = answer(with_body(status, MUG)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the upstream answered {code}"));
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_told() {
    for body in ["<h1>hello</h1>", "", r#"{"id":7,"title""#] {
        let error = answer(with_body("200 OK", body)).await.unwrap_err();
        assert_eq!(error.to_string(), "the answer is not JSON");
    }
}

#[tokio::test]
async fn a_missing_field_is_told() {
    let body = r#"{"id":7,"title":"Mug","description":"Holds tea."}"#;
    let error = answer(with_body("200 OK", body)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer is not a product: missing field `price`"
    );
}

#[tokio::test]
async fn a_long_body_is_refused_by_its_length() {
    // The body never comes, so only the announced length can be the reason.
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n";
    let error = answer(head).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is over 1 MiB");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let spaces = super::client::BODY_LIMIT - MUG.len();
    let padded = MUG.to_owned() + &" ".repeat(spaces);
    assert_eq!(answer(with_body("200 OK", &padded)).await.unwrap().id, 7);
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let sent = tokio::spawn(async move {
        let (mut stream, _) = request(&listener).await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        let mut sent = 0;
        while stream.write_all(chunk.as_bytes()).await.is_ok() {
            sent += 0x1000;
        }
        sent
    });
    let error = client(&format!("http://{address}"), 60_000)
        .product(7)
        .await;
    assert_eq!(error.unwrap_err(), UpstreamError::TooLarge);
    // The writer ends only because the client hung up.
    let sent = sent.await.unwrap();
    assert!(sent >= super::client::BODY_LIMIT, "{sent}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let target = elsewhere.local_addr().unwrap();
    for code in [301, 302, 303, 307, 308] {
        let error = answer(format!(
            "HTTP/1.1 {code} Moved\r\nlocation: http://{target}/7\r\ncontent-length: 0\r\n\r\n"
        ))
        .await
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the upstream redirects, which is not followed ({code})")
        );
    }
    let visit = elsewhere.accept().unwrap_err();
    assert_eq!(visit.kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_connection_that_closes_is_told() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n{\"id\":7,",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"id\":7,\r\n",
    ] {
        let error = answer(bytes).await.unwrap_err();
        assert_eq!(error.to_string(), "the upstream closed the connection");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_told() {
    let error = answer("220 mail.example ESMTP\r\n\r\n").await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is not HTTP");
}

#[tokio::test]
async fn a_failed_handshake_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        // The client's bytes are read to the end, since a socket that is
        // closed with unread bytes resets the connection.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    // No roots are trusted, so that the test needs none on the machine.
    let base = Url::parse(&format!("https://{address}")).unwrap();
    let time = Duration::from_secs(10);
    let upstream = Upstream::build(base, time, time, false, "upstream.url").unwrap();
    let error = upstream.product(1).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "no secure connection to the upstream came about"
    );
    server.await.unwrap();
}

#[tokio::test]
async fn the_builtin_upstream_serves_its_products() {
    let upstream = builtin("", 10_000).await;
    for id in 1..=100 {
        assert_eq!(upstream.product(id).await.unwrap().id, id);
    }
    for id in [0, 101, u32::MAX] {
        assert_eq!(upstream.product(id).await, Err(UpstreamError::Status(404)));
    }
}

#[tokio::test]
async fn the_builtin_upstream_answers_like_dummyjson() {
    let upstream = builtin("", 10_000).await;
    let base = Url::parse(upstream.base()).unwrap();
    let address = base.socket_addrs(|| None).unwrap()[0];
    let fetch = async |tail: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {}{tail} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n",
            base.path()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<serde_json::Value>(body).unwrap()
    };
    let missing = fetch("/101").await;
    assert_eq!(missing["message"], "Product with id '101' not found");
    let page = fetch("?limit=2&skip=3").await;
    assert_eq!((&page["total"], &page["skip"]), (&100.into(), &3.into()));
    assert_eq!(page["products"].as_array().unwrap().len(), 2);
    assert_eq!(page["products"][0]["id"], 4);
    assert_eq!(fetch("").await["limit"], 30);
    assert_eq!(fetch("?limit=0&skip=90").await["limit"], 10);
}

#[tokio::test]
async fn the_builtin_upstream_has_its_faults() {
    let faults = "2=close,3=500,5=404,6=redirect,7=notjson,8=huge,10=notproduct,11=503*1";
    let upstream = builtin(faults, 10_000).await;
    let missing = UpstreamError::NotProduct("missing field `title`".to_owned());
    for (id, error) in [
        (2, UpstreamError::Closed),
        (3, UpstreamError::Status(500)),
        (5, UpstreamError::Status(404)),
        (6, UpstreamError::Redirect(302)),
        (7, UpstreamError::NotJson),
        (8, UpstreamError::TooLarge),
        (10, missing),
        (11, UpstreamError::Status(503)),
    ] {
        assert_eq!(upstream.product(id).await, Err(error));
    }
    // The others go on, and a fault with a count gives way to a retry.
    assert_eq!(upstream.product(1).await.unwrap().id, 1);
    assert_eq!(upstream.product(11).await.unwrap().id, 11);
}

#[tokio::test]
async fn two_runs_with_a_failure_rate_fail_alike() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let upstream = open(UpstreamConfig {
            delay_ms: 0,
            failure_rate: 0.3,
            ..UpstreamConfig::default()
        })
        .await
        .unwrap();
        let mut failed = Vec::new();
        for id in 1..=100 {
            match upstream.product(id).await {
                Ok(_) => {}
                Err(UpstreamError::Status(500)) => failed.push(id),
                Err(other) => panic!("{id}: {other}"),
            }
        }
        assert!((15..=45).contains(&failed.len()), "{failed:?}");
        runs.push(failed);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn the_delay_comes_before_the_answer() {
    let upstream = open(UpstreamConfig {
        delay_ms: 300,
        ..UpstreamConfig::default()
    })
    .await
    .unwrap();
    let start = std::time::Instant::now();
    upstream.product(1).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn wrong_settings_open_nothing() {
    let error = open(UpstreamConfig {
        failure_rate: 2.0,
        ..UpstreamConfig::default()
    })
    .await
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "upstream.failure-rate must be from 0 to 1, not 2"
    );
}
