#!/usr/bin/env bash
# Builds a release and measures how soon its pages are there on a slow network and a slow processor,
# and what a change of one row costs a page of 10,000.
# It leaves the debug build and its site alone. What follows it goes to Playwright:
#   scripts/speed.sh                                  all of it
#   scripts/speed.sh --project=speed pace.spec.ts     one of it
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

export LEPTOS_SITE_ROOT=$RELEASE_SITE
cargo leptos build --release --precompress
cd end2end
GALLERY_BIN=target/release/gallery npx playwright test --workers=1 "${@:---project=speed}"
