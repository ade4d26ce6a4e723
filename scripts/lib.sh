# shellcheck shell=bash
# Shared by the scripts beside it, which source it first.
# It goes to the repository's root and makes sure that cargo's bin folder is on PATH.

set -eu -o pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
CARGO_DIR=${CARGO_HOME:-${HOME:-/root}/.cargo}
case ":$PATH:" in
*":$CARGO_DIR/bin:"*) ;;
*) export PATH="$CARGO_DIR/bin:$PATH" ;;
esac

# Milliseconds. EPOCHREALTIME needs bash 5; macOS has bash 3 and gets whole seconds.
now() {
  if [ -n "${EPOCHREALTIME:-}" ]; then
    local micros=${EPOCHREALTIME/[.,]/}
    echo $((micros / 1000))
  else
    echo $(($(date +%s) * 1000))
  fi
}

# since START: the time that passed, as "12.3 s".
since() {
  local ms=$(($(now) - $1))
  printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

die() {
  printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
  exit 1
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

# Where a release build's site lies, apart from the one of a debug build that may be served.
RELEASE_SITE=target/site-release
