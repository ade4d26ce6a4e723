#!/usr/bin/env bash
# Sets up what is missing, builds the app and serves it at http://127.0.0.1:3000.
# The dev profile: its first build takes half the time of a release build.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build
# Not needed here, but `cargo leptos end-to-end` should work as typed from now on.
scripts/setup.sh end2end || echo "run: the app runs without the browser tests' parts, so this goes on."

exec cargo leptos serve
