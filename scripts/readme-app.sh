#!/usr/bin/env bash
# Takes the README's app out of the README and builds it, beside the gallery and with what is
# compiled for it already: target/debug/ten-posts, with its site in target/readme-app/site.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

APP=$ROOT/target/readme-app
node scripts/readme-app.mjs "$APP"
cd "$APP"
LEPTOS_SITE_ROOT=$APP/site CARGO_TARGET_DIR=$ROOT/target cargo leptos build
