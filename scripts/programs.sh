#!/usr/bin/env bash
# Builds the random programs over states for the browser: target/programs, which a test of end2end
# opens in Chromium. Natively they run by cargo test.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cargo build --locked -p programs --lib --target wasm32-unknown-unknown
wasm-bindgen --target web --no-typescript --out-dir target/programs \
  target/wasm32-unknown-unknown/debug/programs.wasm
