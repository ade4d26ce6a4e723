#!/usr/bin/env bash
# Takes the README's app out of the README and builds it, beside the gallery and with what is
# compiled for it already: target/debug/ten-posts, with its site in target/readme-app/site. Then its
# next version, as a deploy brings one: target/debug/ten-posts-next, target/readme-app-next.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

build() {
  node scripts/readme-app.mjs "$@"
  (cd "$1" && LEPTOS_SITE_ROOT=$1/site CARGO_TARGET_DIR=$ROOT/target cargo leptos build)
}

build "$ROOT/target/readme-app"
build "$ROOT/target/readme-app-next" --next
