#!/usr/bin/env bash
# Sets up what is missing, then passes every test, and stops at the first that fails.
#   scripts/test.sh               every step
#   scripts/test.sh fmt unit      these steps only
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

STEPS=(setup fmt types clippy rustdoc unit costs build size end2end smoke)

step_setup() {
  scripts/setup.sh
}

step_fmt() {
  cargo fmt --all -- --check
  # Each deliberate breakage still fits; `make breakages` makes them.
  node scripts/breakages.mjs --fit
}

# The types of the browser tests: running them looks at none.
step_types() {
  (cd end2end && npx --no-install tsc)
}

# The features ssr and hydrate are never in one build: one is the server, the other the browser.
step_clippy() {
  cargo clippy --locked --workspace --all-targets --features ssr -- -D warnings
  cargo clippy --locked -p gallery -p undercurrent --lib --features hydrate \
    --target wasm32-unknown-unknown -- -D warnings
}

step_rustdoc() {
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --features ssr
}

# Unit, doc and compile-fail tests. With the flag that cargo-leptos sets in development the gallery's
# types stay short: its test programs are a seventh of the size, and the next step finds more built.
step_unit() {
  RUSTFLAGS="--cfg erase_components" cargo test --locked --workspace --features ssr
}

# What an update takes in a short and in a long collection, and how many schedules run in a second,
# timed; what is timed is optimised.
step_costs() {
  cargo run --locked --quiet --profile costs -p costs
  cargo run --locked --quiet --profile costs -p simulation
}

# The gallery, the app in the README, and the random programs for the browser.
step_build() {
  cargo leptos build
  scripts/readme-app.sh
  scripts/programs.sh
}

# What a browser loads first weighs at most so many bytes, compressed, so that it does not grow
# unseen. The goal is 250,000, and is missed: docs/benchmark.md says by what.
MAX_BYTES=1070000
step_size() {
  LEPTOS_SITE_ROOT=$RELEASE_SITE cargo leptos build --release --frontend-only
  local files total
  files=$(bytes "$RELEASE_SITE" gallery)
  total=$(node -e 'const files = JSON.parse(process.argv[1]);
    if (!files.wasm || !files.js || !files.css) throw new Error("a file is missing");
    console.log(Object.values(files).reduce((a, b) => a + b));' "$files")
  echo "size: $total bytes of $MAX_BYTES, compressed: $files"
  [ "$total" -le "$MAX_BYTES" ] || die "the first load takes $total bytes, and may take $MAX_BYTES."
}

# These tests start servers of their own.
step_end2end() {
  (cd end2end && npx playwright test --project=full && npx playwright test --project=timed --workers=1)
}

# `cargo leptos end-to-end` as one types it, but on a free port: 3000 may be taken.
step_smoke() {
  local address
  address=127.0.0.1:$(node -e '
    const server = require("net").createServer();
    server.listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close(); });')
  LEPTOS_SITE_ADDR=$address BASE_URL=http://$address cargo leptos end-to-end
}

CURRENT=
SUMMARY=
failed() {
  if [ -n "$CURRENT" ]; then
    echo "test: the step $CURRENT failed after $(since "$STARTED"); scripts/test.sh $CURRENT runs it alone." >&2
  fi
}
trap failed EXIT

ALL_STARTED=$(now)
[ $# -gt 0 ] || set -- "${STEPS[@]}"
for name in "$@"; do
  declare -F "step_$name" >/dev/null || die "there is no step $name; the steps are: ${STEPS[*]}."
done
for CURRENT in "$@"; do
  STARTED=$(now)
  echo "── $CURRENT"
  "step_$CURRENT"
  echo "── $CURRENT passed in $(since "$STARTED")"
  SUMMARY="$SUMMARY$CURRENT $(since "$STARTED"), "
done
CURRENT=
echo "test: all passed in $(since "$ALL_STARTED"): ${SUMMARY%, }."
