//! The client against real sockets: the built-in shop, and servers that say
//! exactly what a test wants said.

use super::{BuiltinSales, LISTED, Sales, SalesConfig, builtin, open_sales};
use crate::UpstreamError;
use serde_json::{Value, json};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

async fn shop(faults: &str) -> Sales {
    open_sales(SalesConfig {
        delay_ms: 0,
        failure_rate: 0.0,
        faults: faults.to_owned(),
        timeout_ms: 500,
        ..SalesConfig::default()
    })
    .await
    .unwrap()
}

/// A client of a server that answers one request with this body.
async fn says(body: Value) -> Sales {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = body.to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let config = SalesConfig {
        url: Some(format!("http://{address}/sales")),
        ..SalesConfig::default()
    };
    open_sales(config).await.unwrap()
}

fn record(change: impl FnOnce(&mut Value)) -> Value {
    let mut record = json!({
        "id": 7, "name": "Mug", "category": "kitchen", "price": 9.5,
        "months": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2], "returned": 1,
        "stars": [0, 0, 1, 2, 3], "reviews": [{ "stars": 5, "text": "Holds tea." }],
    });
    change(&mut record);
    record
}

#[tokio::test]
async fn the_built_in_shop_lists_its_products_and_tells_of_each() {
    let shop = shop("").await;
    let listed = shop.list().await.unwrap();
    assert_eq!(listed.len(), LISTED);
    for one in listed {
        let record = shop.record(one.id).await.unwrap();
        assert_eq!((record.id, record.name), (one.id, one.name));
    }
    let error = shop.record(41).await.unwrap_err();
    assert_eq!(error, UpstreamError::Status(404));
}

#[tokio::test]
async fn each_fault_is_told_and_ends_where_it_is_to() {
    let shop = shop("1=503*1,2=notjson,3=notproduct,4=timeout").await;
    let told = async |id| shop.record(id).await.unwrap_err().to_string();
    assert_eq!(told(1).await, "the upstream answered 503");
    assert!(shop.record(1).await.is_ok());
    assert_eq!(told(2).await, "the answer is not JSON");
    assert_eq!(
        told(3).await,
        "the answer is not a product: missing field `name`"
    );
    assert_eq!(told(4).await, "the upstream did not answer within 0.5 s");
}

#[tokio::test]
async fn requests_are_counted_and_who_asks_again_is_answered() {
    let running = builtin::start(BuiltinSales {
        failure_rate: 1.0,
        ..BuiltinSales::default()
    });
    let running = running.await.unwrap();
    let config = SalesConfig {
        url: Some(format!("http://{}/sales", running.address)),
        ..SalesConfig::default()
    };
    let shop = open_sales(config).await.unwrap();
    for is_well in [false, true, false, true] {
        assert_eq!(shop.record(2).await.is_ok(), is_well);
    }
    shop.list().await.unwrap();
    let mut expected = vec![0; 40];
    expected[1] = 4;
    assert_eq!(running.asked(), expected);
}

#[tokio::test]
async fn a_delay_is_kept() {
    let delay = Duration::from_millis(100);
    let running = builtin::start(BuiltinSales {
        delay,
        ..BuiltinSales::default()
    });
    let config = SalesConfig {
        url: Some(format!("http://{}/sales", running.await.unwrap().address)),
        ..SalesConfig::default()
    };
    let shop = open_sales(config).await.unwrap();
    let since = std::time::Instant::now();
    shop.record(1).await.unwrap();
    assert!(since.elapsed() >= delay / 2);
}

#[tokio::test]
async fn what_no_shop_would_say_is_refused() {
    let told = async |body| says(body).await.record(7).await.unwrap_err().to_string();
    assert!(says(record(|_| {})).await.record(7).await.is_ok());
    for (change, problem) in [
        (json!({ "id": 8 }), "it has the id 8 instead of 7"),
        (json!({ "price": -1 }), "its price is none"),
        (json!({ "returned": 14 }), "more came back than was sold"),
        (
            json!({ "months": [4_000_000_000_u32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }),
            "it was sold too often",
        ),
    ] {
        let body = record(|record| {
            let record = record.as_object_mut().unwrap();
            record.extend(change.as_object().unwrap().clone());
        });
        let expected = format!("the answer is not a product: {problem}");
        assert_eq!(told(body).await, expected);
    }
    assert_eq!(
        told(json!([7])).await,
        "the answer is not a product: it is not an object"
    );
}

#[tokio::test]
async fn a_list_is_one_of_products_with_numbers_of_their_own() {
    let told = async |body| says(body).await.list().await.unwrap_err().to_string();
    let one = |id: u32| json!({ "id": id, "name": "Mug" });
    assert_eq!(
        told(json!([one(1), one(1)])).await,
        "the answer is not a list of products: two have the number 1"
    );
    assert_eq!(
        told(json!([])).await,
        "the answer is not a list of products: it is empty"
    );
    let wrong = told(json!({ "products": [] })).await;
    assert!(
        wrong.starts_with("the answer is not a list of products: "),
        "{wrong}"
    );
    let many: Vec<Value> = (1..=50).map(one).collect();
    assert_eq!(says(json!(many)).await.list().await.unwrap().len(), LISTED);
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_stands_on_one_line() {
    let body = record(|record| {
        record["name"] = json!(format!("A\n# mug {}", "ä".repeat(90)));
        record["reviews"][0]["text"] = json!("x".repeat(300));
    });
    let record = says(body).await.record(7).await.unwrap();
    assert!(record.name.starts_with("A # mug ä") && record.name.ends_with('…'));
    assert_eq!(record.name.chars().count(), 61);
    assert_eq!(record.reviews[0].text.chars().count(), 241);
}
