//! The upstream that comes with the program: 100 products on a loopback port,
//! with the delay, the failures and the faults of a real one as settings.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use super::{
    ConfigError, UpstreamConfig,
    client::BODY_LIMIT,
    faults::{Fault, Faults},
};

/// How many products there are; their ids run from 1 to this.
pub const PRODUCT_COUNT: u32 = 100;

/// How long the fault `slowbody` waits before each byte, and `close` before its
/// end.
const BYTE_DELAY: Duration = Duration::from_millis(100);

/// How the built-in upstream behaves.
#[derive(Clone, Debug)]
pub struct BuiltinConfig {
    /// The port on 127.0.0.1, or 0 for any free one.
    pub port: u16,
    /// The time before each answer.
    pub delay: Duration,
    /// The share of product answers that are a 500, 0 to 1. Which ones is
    /// decided by the id and by how often it was asked for, so that two runs
    /// with the same requests fail alike.
    pub failure_rate: f64,
    /// What goes wrong on purpose, ahead of the failure rate.
    pub faults: Faults,
}

impl BuiltinConfig {
    /// The part of the upstream's settings that concerns the built-in one.
    pub fn from_upstream(config: &UpstreamConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            port: 0,
            delay: Duration::from_millis(config.delay_ms),
            failure_rate: config.failure_rate,
            faults: config.parsed_faults()?,
        })
    }
}

/// A product as this upstream answers it, with more fields than the page needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockItem {
    pub id: u32,
    pub title: String,
    /// One or two sentences.
    pub description: String,
    pub category: String,
    pub price: f64,
    /// The mean of the buyers' ratings, 0 to 5.
    pub rating: f64,
    /// How many are left.
    pub stock: u32,
}

static PRODUCTS: LazyLock<Vec<StockItem>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("products.json"))
        .expect("products.json is part of the program and read by its tests")
});

/// Serves the products on the loopback address, in a task of its own that
/// lives as long as the tokio runtime, and returns the address. The error says
/// that the port could not be bound.
pub async fn start(config: &BuiltinConfig) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
    let address = listener.local_addr()?;
    let app = router(config);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// The routes `/products/{id}` and `/products?limit&skip`.
pub fn router(config: &BuiltinConfig) -> Router {
    let shop = Shop {
        delay: config.delay,
        failure_rate: config.failure_rate,
        faults: config.faults.clone(),
        attempts: PRODUCTS.iter().map(|_| AtomicU32::new(0)).collect(),
    };
    Router::new()
        .route("/products", get(list))
        .route("/products/{id}", get(product))
        .with_state(Arc::new(shop))
}

struct Shop {
    delay: Duration,
    failure_rate: f64,
    faults: Faults,
    /// How often each product was asked for, in the order of the ids.
    attempts: Vec<AtomicU32>,
}

async fn product(State(shop): State<Arc<Shop>>, Path(id): Path<String>) -> Response {
    sleep(shop.delay).await;
    let index = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
    let found = index.and_then(|index| PRODUCTS.get(index).zip(shop.attempts.get(index)));
    let Some((item, attempts)) = found else {
        let text = format!("Product with id '{id}' not found");
        return message(StatusCode::NOT_FOUND, &text);
    };
    let attempt = attempts.fetch_add(1, Ordering::Relaxed);
    if let Some(fault) = shop.faults.at(item.id, attempt) {
        return faulty(fault, item).await;
    }
    if fails(item.id, attempt, shop.failure_rate) {
        return message(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The shop is out of order",
        );
    }
    Json(item).into_response()
}

/// The part of the list that is asked for, as dummyjson names it.
#[derive(Deserialize)]
struct Page {
    /// How many products at most; 0 means all of them.
    #[serde(default = "default_limit")]
    limit: usize,
    /// How many products to leave out at the front.
    #[serde(default)]
    skip: usize,
}

fn default_limit() -> usize {
    30
}

async fn list(State(shop): State<Arc<Shop>>, Query(page): Query<Page>) -> Json<Value> {
    sleep(shop.delay).await;
    let limit = match page.limit {
        0 => PRODUCTS.len(),
        limit => limit,
    };
    let products: Vec<_> = PRODUCTS.iter().skip(page.skip).take(limit).collect();
    Json(json!({
        "limit": products.len(),
        "products": products,
        "skip": page.skip,
        "total": PRODUCTS.len(),
    }))
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "message": text }))).into_response()
}

/// Whether this attempt, counted from 0, falls into the share that fails.
pub(crate) fn fails(id: u32, attempt: u32, rate: f64) -> bool {
    // The finaliser of SplitMix64 spreads neighbouring ids and attempts over
    // all 64 bits; the top 53 of them make an even fraction below 1.
    let mut hash = (u64::from(id) << 32 | u64::from(attempt)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    let fraction = (hash >> 11) as f64 / (1_u64 << 53) as f64;
    fraction < rate
}

/// The answer that goes wrong in the way asked for.
async fn faulty(fault: Fault, item: &StockItem) -> Response {
    match fault {
        Fault::Status(code) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            message(status, "This failure was asked for")
        }
        Fault::NotJson => Html("<h1>The shop is closed</h1>").into_response(),
        Fault::NotProduct => Json(json!({ "id": item.id })).into_response(),
        Fault::Huge => huge(item),
        Fault::Timeout => std::future::pending().await,
        Fault::SlowBody => slow(item),
        Fault::Close => cut_off(item),
        Fault::Redirect => {
            let target = format!("/products/{}", item.id);
            (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
        }
    }
}

fn json_body(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The product with a description of twice the limit, in chunks.
fn huge(item: &StockItem) -> Response {
    let description = "More of the same. ".repeat(BODY_LIMIT / 9);
    let long = StockItem {
        description,
        ..item.clone()
    };
    let text = Bytes::from(json!(long).to_string());
    let chunks = stream::unfold(text, |mut rest| async {
        let chunk = rest.split_to(rest.len().min(16 * 1024));
        (!chunk.is_empty()).then_some((Ok::<_, Infallible>(chunk), rest))
    });
    json_body(Body::from_stream(chunks))
}

/// The right product, byte by byte.
fn slow(item: &StockItem) -> Response {
    let bytes = stream::iter(json!(item).to_string().into_bytes()).then(|byte| async move {
        sleep(BYTE_DELAY).await;
        Ok::<_, Infallible>(vec![byte])
    });
    json_body(Body::from_stream(bytes))
}

/// The first half of the product, under the length of the whole one.
fn cut_off(item: &StockItem) -> Response {
    let text = json!(item).to_string();
    let half = text.as_bytes()[..text.len() / 2].to_vec();
    let end = stream::once(async {
        // The pause lets the first half leave before the connection ends.
        sleep(BYTE_DELAY).await;
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    });
    let parts = stream::iter([Ok(half)]).chain(end);
    let mut response = json_body(Body::from_stream(parts));
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, text.len().into());
    response
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_products_are_valid_and_distinct() {
        let ids: Vec<u32> = PRODUCTS.iter().map(|item| item.id).collect();
        assert_eq!(ids, (1..=PRODUCT_COUNT).collect::<Vec<_>>());
        for item in PRODUCTS.iter() {
            let words = item.title.split_whitespace().count();
            assert!((2..=5).contains(&words), "{}", item.title);
            let length = item.description.chars().count();
            assert!((60..=160).contains(&length), "{}", item.description);
            assert!(item.description.ends_with('.'), "{}", item.description);
            assert!((4.5..=480.0).contains(&item.price), "{}", item.title);
            let cents = item.price * 100.0;
            assert!((cents - cents.round()).abs() < 1e-6, "{}", item.title);
            assert!((3.1..=4.9).contains(&item.rating), "{}", item.title);
            assert!(item.stock > 0 && !item.category.is_empty());
        }
        let titles: HashSet<_> = PRODUCTS.iter().map(|item| &item.title).collect();
        let texts: HashSet<_> = PRODUCTS.iter().map(|item| &item.description).collect();
        assert_eq!(titles.len(), PRODUCTS.len());
        assert_eq!(texts.len(), PRODUCTS.len());
    }

    #[test]
    fn the_failure_rate_is_kept() {
        let failures = |rate| {
            let attempts = (1..=PRODUCT_COUNT).flat_map(|id| (0..100).map(move |n| (id, n)));
            attempts.filter(|&(id, n)| fails(id, n, rate)).count()
        };
        assert_eq!(failures(0.0), 0);
        assert_eq!(failures(1.0), 10_000);
        let quarter = failures(0.25);
        assert!((2_300..=2_700).contains(&quarter), "{quarter} of 10,000");
    }

    #[test]
    fn a_failing_product_does_not_fail_for_ever() {
        for id in 1..=PRODUCT_COUNT {
            assert!((0..20).any(|attempt| !fails(id, attempt, 0.5)), "{id}");
        }
    }
}
