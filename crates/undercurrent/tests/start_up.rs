//! What the server refuses to start with, and says so.

#![cfg(feature = "ssr")]

mod one {
    use undercurrent::prelude::*;

    #[derive(State, Clone, Debug, Default)]
    pub struct Feed {
        pub posts: List<String>,
    }

    pub struct Upstream;

    #[event]
    pub async fn fetch(cx: EventContext<Feed>) {
        use super::one::Upstream as Source;
        let _ = cx.expect::<Source>();
    }
}

use leptos::config::LeptosOptions;
use undercurrent::{
    Undercurrent,
    server::{Config, StoreKind},
};

fn start(
    provide: impl FnOnce(undercurrent::server::Builder) -> undercurrent::server::Builder,
) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("undercurrent-start-up-{}", std::process::id()));
    let config = Config {
        session_key_file: folder.join("key"),
        store: StoreKind::Memory,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").build();
    let built = provide(Undercurrent::with(options, config)).build();
    built.map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_handler_that_expects_what_is_not_provided_is_named() {
    let error = start(|builder| builder).expect_err("it does not start");
    assert!(
        error.contains("feed/fetch") && error.contains("one::Upstream"),
        "{error}"
    );
    assert_eq!(start(|builder| builder.provide(one::Upstream)), Ok(()));
}

#[test]
fn a_key_file_that_is_no_key_is_left_alone_and_named() {
    let file = std::env::temp_dir().join(format!("undercurrent-not-a-key-{}", std::process::id()));
    std::fs::write(&file, "something else").expect("it can be written");
    let config = Config {
        session_key_file: file.clone(),
        store: StoreKind::Memory,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").build();
    let built = Undercurrent::with(options, config)
        .provide(one::Upstream)
        .build();
    let error = built.expect_err("it does not start").to_string();
    assert!(error.contains(&*file.to_string_lossy()), "{error}");
    let kept = std::fs::read_to_string(&file).expect("it is there");
    std::fs::remove_file(&file).expect("it is there");
    assert_eq!(kept, "something else");
}

/// A port that somebody has.
#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = taken.local_addr().expect("it has one");
    let folder = std::env::temp_dir().join(format!("undercurrent-port-{}", std::process::id()));
    let config = Config {
        session_key_file: folder.join("key"),
        store: StoreKind::Memory,
        ..Config::default()
    };
    let options = LeptosOptions::builder().output_name("trial").site_addr(at);
    let built = Undercurrent::with(options.build(), config).provide(one::Upstream);
    let uc = built.build().expect("it starts");
    let error = uc.serve(axum::Router::new()).await;
    let error = error.expect_err("it does not listen").to_string();
    assert!(
        error.contains(&at.to_string()) && error.contains("site-addr"),
        "{error}"
    );
    let _ = std::fs::remove_dir_all(folder);
}
