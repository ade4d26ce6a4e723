#!/usr/bin/env bash
# Builds a release and measures how soon its pages are there on a slow network and a slow processor,
# and what a change of one row costs a page of 10,000.
# It leaves the debug build and its site alone.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

export LEPTOS_SITE_ROOT=target/site-release
cargo leptos build --release
cd end2end
GALLERY_BIN=target/release/gallery npx playwright test --project=speed
