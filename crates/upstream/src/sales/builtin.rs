//! The shop that comes with the program: 40 products for the outdoors, on a
//! loopback port, with the delay and the failures of a real one as settings.

use super::{Listed, SalesConfig, SalesRecord};
use crate::{ConfigError, builtin::fails, faults::Fault, faults::Faults};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, time::sleep};

/// How the built-in shop behaves.
#[derive(Clone, Debug, Default)]
pub struct BuiltinSales {
    /// The time before an answer, more or less: a product takes from half of it
    /// to one and a half, the same one always the same.
    pub delay: Duration,
    /// The share of products whose answer is a 500, 0 to 1. None fails twice in
    /// a row: who asks again is answered.
    pub failure_rate: f64,
    /// What goes wrong on purpose, ahead of the failure rate: a status,
    /// `notjson`, `notproduct` or `timeout`.
    pub faults: Faults,
}

/// The built-in shop while it runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    shop: Arc<Shop>,
}

#[derive(Debug)]
struct Shop {
    config: BuiltinSales,
    /// In the order of the ids.
    // A std mutex, held to count.
    asked: Mutex<Vec<Asked>>,
}

/// What became of the requests for a product.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    times: u32,
    last_failed: bool,
}

static RECORDS: LazyLock<Vec<SalesRecord>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("sales.json"))
        .expect("sales.json is part of the program and read by its tests")
});

impl BuiltinSales {
    /// The part of the settings that concerns the built-in shop.
    ///
    /// # Errors
    ///
    /// The faults can't be read.
    pub fn from_config(config: &SalesConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            delay: Duration::from_millis(config.delay_ms),
            failure_rate: config.failure_rate,
            faults: config.parsed_faults()?,
        })
    }
}

impl Running {
    /// How often each product was asked for, in the order of the ids.
    pub fn asked(&self) -> Vec<u32> {
        let asked = self.shop.asked.lock();
        let asked = asked.unwrap_or_else(PoisonError::into_inner);
        asked.iter().map(|one| one.times).collect()
    }
}

/// Serves the shop on the loopback address, in a task of its own that lives as
/// long as the tokio runtime.
///
/// # Errors
///
/// There is no port.
pub async fn start(config: BuiltinSales) -> io::Result<Running> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let shop = Arc::new(Shop {
        config,
        asked: Mutex::new(vec![Asked::default(); RECORDS.len()]),
    });
    let app = Router::new()
        .route("/sales", get(list))
        .route("/sales/{id}", get(record))
        .with_state(shop.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(Running { address, shop })
}

async fn list(State(shop): State<Arc<Shop>>) -> Json<Vec<Listed>> {
    sleep(shop.config.delay / 2).await;
    let listed = RECORDS.iter().map(|record| Listed {
        id: record.id,
        name: record.name.clone(),
    });
    Json(listed.collect())
}

async fn record(State(shop): State<Arc<Shop>>, Path(id): Path<String>) -> Response {
    let index = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
    let Some((index, record)) = index.and_then(|index| Some((index, RECORDS.get(index)?))) else {
        return message(StatusCode::NOT_FOUND, "There is no such product");
    };
    let fault = shop.ask(index, record.id);
    sleep(shop.config.delay.mul_f64(pace(record.id))).await;
    match fault {
        None => Json(record).into_response(),
        Some(Fault::NotJson) => Html("<h1>The shop is closed</h1>").into_response(),
        Some(Fault::NotProduct) => Json(json!({ "id": record.id })).into_response(),
        Some(Fault::Timeout) => std::future::pending().await,
        Some(Fault::Status(code)) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            message(status, "The books are being balanced")
        }
        // Those are of the body, and the other upstream's: the settings refuse them.
        Some(_) => message(StatusCode::NOT_IMPLEMENTED, "There is no such fault here"),
    }
}

impl Shop {
    /// Counts a request, and says what goes wrong with it.
    fn ask(&self, index: usize, id: u32) -> Option<Fault> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let one = &mut asked[index];
        let attempt = one.times;
        one.times += 1;
        if let Some(fault) = self.config.faults.at(id, attempt) {
            return Some(fault);
        }
        one.last_failed = !one.last_failed && fails(id, attempt, self.config.failure_rate);
        one.last_failed.then_some(Fault::Status(500))
    }
}

/// A half to one and a half, and not in the order of the ids.
fn pace(id: u32) -> f64 {
    f64::from(id * 7 % 11) / 10.0 + 0.5
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "message": text }))).into_response()
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_records_are_valid_and_distinct() {
        let ids: Vec<u32> = RECORDS.iter().map(|record| record.id).collect();
        assert_eq!(ids, (1..=40).collect::<Vec<_>>());
        for record in RECORDS.iter() {
            assert_eq!(record.problem(), None, "{}", record.name);
            assert!(record.months.iter().all(|units| *units > 0));
            let ratings: u32 = record.stars.iter().sum();
            assert!(ratings > 50 && u64::from(ratings) < record.sold());
            assert!(record.reviews.len() >= 2, "{}", record.name);
            for review in &record.reviews {
                assert!((1..=5).contains(&review.stars) && review.text.ends_with('.'));
            }
        }
        let names: HashSet<_> = RECORDS.iter().map(|record| &record.name).collect();
        assert_eq!(names.len(), RECORDS.len());
    }

    #[test]
    fn some_fail_and_none_twice_in_a_row() {
        let shop = Shop {
            config: BuiltinSales {
                failure_rate: 0.2,
                ..BuiltinSales::default()
            },
            asked: Mutex::new(vec![Asked::default(); 40]),
        };
        let mut before = [false; 40];
        let mut failed = 0;
        for _ in 0..50 {
            for (index, before) in before.iter_mut().enumerate() {
                let now = shop.ask(index, index as u32 + 1).is_some();
                assert!(!(now && *before), "{index}");
                *before = now;
                failed += usize::from(now);
            }
        }
        // Of 2,000: a share of 0.2 of those that may fail.
        assert!((250..=420).contains(&failed), "{failed}");
    }

    #[test]
    fn a_product_takes_from_half_to_one_and_a_half() {
        let paces: Vec<f64> = (1..=40).map(pace).collect();
        assert!(paces.iter().all(|pace| (0.5..=1.5).contains(pace)));
        let mean = paces.iter().sum::<f64>() / 40.0;
        assert!((0.9..=1.1).contains(&mean), "{mean}");
    }
}
