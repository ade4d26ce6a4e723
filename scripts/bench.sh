#!/usr/bin/env bash
# Sets up what is missing, measures Undercurrent beside its peers and prints the table.
#   scripts/bench.sh                 all of it; writes docs/benchmark.md and docs/benchmark.svg
#   scripts/bench.sh --quick         fewer turns, under 3 minutes; writes into target/bench
#   scripts/bench.sh [--quick] LOAD… these loads only, and nothing is written
# Without a peer, its rows say so. Reflex needs Python 3.11 or later.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

REFLEX=0.10.1
VENV=$ROOT/.tools/reflex-$REFLEX
OUT=$ROOT/target/bench

quick=
loads=()
for argument in "$@"; do
  case $argument in
  --quick) quick=--quick ;;
  -*) die "there is no option $argument." ;;
  *) loads+=("$argument") ;;
  esac
done

[ -r /proc/self/stat ] || die "processor time and memory are read from /proc, which is not here: run it on Linux."

# Ten thousand streams are as many files, on each side.
ulimit -n 16384 2>/dev/null ||
  die "a process may open $(ulimit -n) files here, and the benchmark needs 16384: raise the hard limit."

# Sets PYTHON to a Python that Reflex runs on.
find_python() {
  for PYTHON in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$PYTHON" >/dev/null &&
      "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      return
    fi
  done
  return 1
}

# In an environment of its own. What says that it is whole is its last line's file.
set_up_reflex() {
  [ -e "$VENV/.whole" ] && return
  if ! find_python; then
    echo "bench: Reflex can't be set up: there is no Python 3.11 or later. Its rows will say so."
    return 1
  fi
  echo "bench: Reflex $REFLEX comes from PyPI into .tools: about a minute"
  rm -rf "$VENV"
  mkdir -p "$OUT"
  if "$PYTHON" -m venv "$VENV" && "$VENV/bin/pip" install --quiet "reflex==$REFLEX"; then
    touch "$VENV/.whole"
    return
  fi >"$OUT/reflex.log" 2>&1 </dev/null
  tail -n 3 "$OUT/reflex.log"
  echo "bench: Reflex can't be set up (see above; on Debian, apt-get install python3-venv). Its rows will say so."
  return 1
}

# bytes FOLDER NAME: what each of an app's files weighs with gzip -9, as JSON.
bytes() {
  local kind file size separator='' json='{'
  for kind in wasm js css; do
    file=$1/pkg/$2.$kind size=0
    [ ! -e "$file" ] || size=$(gzip -9 -c "$file" | wc -c | tr -d ' ')
    json="$json$separator\"$kind\":$size" separator=,
  done
  echo "$json}"
}

# The gallery and a bare leptos app as a browser loads them. Their sites lie apart, so that the
# one that is served stays.
build_sites() {
  scripts/setup.sh build
  echo "bench: the browser's side of the gallery and of a bare leptos app is built: some minutes"
  LEPTOS_SITE_ROOT=target/bench/gallery cargo leptos build --release --frontend-only || return 1
  mkdir -p "$OUT/bare"
  cp -R bench/bare/. Cargo.lock "$OUT/bare/"
  (cd "$OUT/bare" && CARGO_TARGET_DIR=$ROOT/target LEPTOS_SITE_ROOT=site \
    cargo leptos build --release --frontend-only) || return 1
  printf '{"gallery":%s,"bare":%s}\n' "$(bytes "$OUT/gallery" gallery)" "$(bytes "$OUT/bare/site" bare)" \
    >"$OUT/sizes.json"
}

if set_up_reflex; then
  export BENCH_REFLEX=$VENV
fi
if [ -z "$quick" ] && { [ ${#loads[@]} = 0 ] || [[ " ${loads[*]} " == *" size "* ]]; }; then
  if build_sites; then
    export BENCH_SIZES=$OUT/sizes.json
  else
    echo "bench: the sizes can't be measured (see above). There will be no such row."
  fi
fi
cargo build --locked --release -p bench
arguments=($quick)
if [ ${#loads[@]} -gt 0 ]; then
  arguments+=("${loads[@]}")
elif [ -n "$quick" ]; then
  arguments+=(--into "$OUT")
else
  arguments+=(--into docs)
fi
exec target/release/bench run ${arguments[@]+"${arguments[@]}"}
