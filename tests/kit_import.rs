//! The import by the test kit: a file that the server makes up, its question, a pause, a restart.

#![cfg(feature = "ssr")]

use gallery::import::{
    state::{Import, choose, set_pace},
    tasks::{import_file, remove, start_sample},
};
use std::path::PathBuf;
use undercurrent::{Limits, prelude::*, testing::TestApp};
use uploads::{Pace, Stage, Uploads};

/// Files of visitors, in a folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("kit-import-{name}-{}", std::process::id());
        Folder(std::env::temp_dir().join(folder))
    }

    fn open(&self) -> Uploads {
        std::fs::create_dir_all(&self.0).expect("there is room");
        let settings = self.0.join("Leptos.toml");
        let folder = self.0.join("uploads");
        std::fs::write(&settings, format!("[uploads]\nfolder = {folder:?}\n"))
            .expect("there is room");
        Uploads::from_file(settings).expect("a folder")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_asks_waits_goes_on_behind_a_restart_and_takes_each_row_once() {
    let folder = Folder::new("asks");
    let uploads = folder.open();
    let app = TestApp::kept(Limits::default(), move |builder| {
        builder.provide(uploads.clone())
    });
    let mut page = app.client();
    page.run(set_pace(Pace::Ten)).await.expect("there is one");
    page.run(start_sample("1000".to_owned()))
        .await
        .expect("it starts");
    let asks = |import: &Import| import.stage == Stage::Reading && !import.header.is_empty();
    let import = page.until(asks).await;
    let second = page.run(start_sample("1000".to_owned())).await;
    assert!(second.is_err(), "one at a time");
    let place = import.header.iter().position(|name| name == "e-mail");
    let place = place.expect("it has one") + 1;
    let asked = (import.begun, 2);
    page.run(choose(asked, place)).await.expect("it is asked");
    let half = |import: &Import| import.updates == 1;
    let before = page.until(half).await;
    assert_eq!(before.accepted + before.rejected, 500);
    app.restart().await;
    let import = page
        .until(|import: &Import| import.stage == Stage::Done)
        .await;
    assert_eq!(import.accepted + import.rejected, 1_000);
    assert_eq!(page.tasks().await.len(), 1, "it is the same run");
    page.run(remove()).await.expect("it is done");
    let import = page.see::<Import>().await;
    assert_eq!((import.stage.clone(), import.accepted), (Stage::Empty, 0));
}

#[tokio::test(start_paused = true)]
async fn with_the_clock_in_hand_a_paused_import_stands_still_and_goes_on() {
    let folder = Folder::new("paused");
    let uploads = folder.open();
    let app = TestApp::with(Limits::default(), |builder| builder.provide(uploads));
    let mut page = app.client();
    page.run(set_pace(Pace::Two)).await.expect("there is one");
    page.run(start_sample("20000".to_owned()))
        .await
        .expect("it starts");
    let import = page
        .until(|import: &Import| !import.header.is_empty())
        .await;
    let place = import.header.iter().position(|name| name == "e-mail");
    let place = place.expect("it has one") + 1;
    page.run(choose((import.begun, 2), place))
        .await
        .expect("it is asked");
    page.until(|import: &Import| import.updates == 2).await;
    page.task(import_file).pause().await.expect("it is heard");
    app.quiet().await;
    let held = page.see::<Import>().await.updates;
    app.advance(Millis(60_000)).await;
    assert_eq!(page.see::<Import>().await.updates, held);
    page.task(import_file).resume().await.expect("it is heard");
    app.quiet().await;
    let import = page.see::<Import>().await;
    assert_eq!(import.accepted + import.rejected, 20_000);
    // Of 500 rows each, and one that finds nothing behind them.
    assert_eq!(import.updates, 41);
}
