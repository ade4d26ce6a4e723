//! The size of what a browser loads first: the gallery's, and a bare leptos app's.

use crate::{
    Fallible,
    report::{Goal, Report, Row},
    stats::Figure,
};
use serde::Deserialize;

/// Names the file that the script writes: bytes of each file, compressed with gzip -9.
pub const SIZES_VARIABLE: &str = "BENCH_SIZES";

#[derive(Deserialize)]
struct Sizes {
    gallery: Files,
    bare: Files,
}

#[derive(Deserialize)]
struct Files {
    wasm: u64,
    js: u64,
    css: u64,
}

pub fn run(report: &mut Report) -> Fallible {
    let sizes = std::env::var_os(SIZES_VARIABLE)
        .ok_or("the apps are not built")
        .map(std::fs::read)?;
    let Sizes { gallery, bare } = serde_json::from_slice(&sizes?)?;
    let total = |files: &Files| (files.wasm + files.js + files.css) as f64 / 1e3;
    report.rows.push(Row {
        what: "the gallery's first load: wasm, js and css, compressed".to_owned(),
        against: "a bare leptos app".to_owned(),
        unit: "KB",
        ours: Some(Figure::exact(total(&gallery))),
        theirs: Some(Figure::exact(total(&bare))),
        goal: Goal::Value(250.0),
        remark: format!(
            "wasm {} against {} KB, js {} against {} KB, css {} KB",
            gallery.wasm / 1_000,
            bare.wasm / 1_000,
            gallery.js / 1_000,
            bare.js / 1_000,
            gallery.css / 1_000,
        ),
    });
    Ok(())
}
