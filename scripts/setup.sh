#!/usr/bin/env bash
# Sets up what is missing on this machine, and nothing else. It needs Rust, Node and a C compiler.
#   scripts/setup.sh              everything
#   scripts/setup.sh build        what building and serving need
#   scripts/setup.sh end2end      what the browser tests need
#   scripts/setup.sh wasm32 npm   these steps only
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

RUST_MIN=1.90          # edition 2024 with let chains
NODE_MIN=18            # Playwright's
CARGO_LEPTOS=0.3.10    # 0.3.11 needs Rust 1.96
BINARYEN=132           # wasm-opt; the one that cargo-leptos would fetch is 123
BINARYEN_MIN=123
WASM=wasm32-unknown-unknown
RELEASES=https://github.com

BUILD=(rust cc node wasm32 wasm-opt wasm-bindgen cargo-leptos)
END2END=(lints npm python valgrind browser)

TOOLS=$ROOT/.tools
LOG=$TOOLS/setup.log

# ---- How a step speaks -----------------------------------------------------------------------

# Each step ends with RESULT set. `missing REASON` says why there is something to do.
RESULT=
missing() { printf 'setup  %-13s missing: %s\n' "$STEP" "$*"; }
doing() { printf 'setup  %-13s   %s\n' "$STEP" "$*"; }

# quiet COMMAND…: its output goes to the log; the last lines are shown when it fails.
quiet() {
  mkdir -p "$TOOLS"
  if ! "$@" >"$LOG" 2>&1 </dev/null; then
    tail -n 8 "$LOG" | sed 's/^/       | /'
    return 1
  fi
}

at_most() { # SECONDS COMMAND…; macOS has no timeout
  local seconds=$1
  shift
  if command -v timeout >/dev/null; then timeout "$seconds" "$@"; else "$@"; fi
}

# version_at_least HAVE MINIMUM, of the form 1.88
version_at_least() {
  local have_major=${1%%.*} min_major=${2%%.*} have_rest=${1#*.} min_rest=${2#*.}
  [ "$have_major" -gt "$min_major" ] ||
    { [ "$have_major" -eq "$min_major" ] && [ "${have_rest%%.*}" -ge "${min_rest%%.*}" ]; }
}

# ---- Debian ----------------------------------------------------------------------------------

os_release() { sed -n "s/^$1=\"*\([^\"]*\).*/\1/p" /etc/os-release 2>/dev/null; }

is_debian() { [ "$(os_release ID)" = debian ]; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

apt_install() {
  # A source that can't be reached is no reason to stop: the package may come from another.
  quiet as_root apt-get -q update || true
  quiet as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
    --no-install-recommends install "$@"
}

# debian_rust_src VERSION: unpacks Debian's source package of that Rust version and sets SOURCES.
# The package is in trixie-backports. apt reads it from the mirror that this machine's own sources
# name, through folders of our own, so that the machine's sources and lists stay as they are.
# apt checks the signature with Debian's keyring.
debian_rust_src() {
  local apt=$TOOLS/apt mirror package options
  rm -rf "$apt"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/unpacked"
  options=(-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  mirror=$(apt-get "${options[@]}" --print-uris update 2>/dev/null |
    sed -n "s|^'\(.*\)/dists/$(os_release VERSION_CODENAME)/InRelease'.*|\1|p" | head -n 1)
  [ -n "$mirror" ] || return 1
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie-backports main" \
    >"$apt/sources.list"
  options+=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null)
  quiet apt-get "${options[@]}" -q update || return 1
  package=$(apt-cache "${options[@]}" madison rust-src |
    awk -v version="$1+" 'index($3, version) == 1 && !found { print $3; found = 1 }')
  [ -n "$package" ] || return 1
  (cd "$apt" && quiet apt-get "${options[@]}" -q download "rust-src=$package") || return 1
  quiet dpkg -x "$apt"/rust-src_*.deb "$apt/unpacked" || return 1
  SOURCES=$apt/unpacked/usr/src/rustc-$1/library
  [ -d "$SOURCES" ]
}

# debian_compiler: Debian's newest Rust (made for its browsers), with its source and its linker.
debian_compiler() {
  local lld
  quiet as_root apt-get -q update || true
  # wasm is linked by LLVM's lld, of the version that this Rust was built with.
  lld=$(apt-cache show rust-web-llvm 2>/dev/null | sed -n 's/^Depends:.*llvm-\([0-9]*\).*/lld-\1/p' | head -n 1)
  [ -n "$lld" ] || return 1
  apt_install rustc-web cargo-web rust-web-src libstd-rust-web-dev rust-web-llvm "$lld" \
    rustfmt-web rust-web-clippy || return 1
  if [ "$(command -v rustc)" != /usr/bin/rustc ]; then
    # rustup stands before it on PATH: tell rustup to use it, in this folder only.
    quiet rustup toolchain link debian-web /usr || return 1
    quiet rustup override set debian-web --path "$ROOT" || return 1
  fi
}

# ---- Steps -----------------------------------------------------------------------------------

step_rust() {
  local version
  { command -v rustc && command -v cargo; } >/dev/null ||
    die "Rust is missing: install version $RUST_MIN or newer from https://rustup.rs."
  version=$(rustc --version | awk '{print $2}') ||
    die "rustc does not run (see above): install Rust $RUST_MIN or newer from https://rustup.rs."
  version_at_least "$version" "$RUST_MIN" ||
    die "Rust $version is too old: this needs $RUST_MIN or newer (rustup update stable)."
  RESULT="Rust $version is here"
}

step_cc() {
  command -v cc >/dev/null ||
    die "A C compiler (cc) is missing: install one, on Debian with apt-get install build-essential."
  RESULT="$(command -v cc) is here"
}

step_node() {
  local version
  { command -v node && command -v npm; } >/dev/null ||
    die "Node is missing: install version $NODE_MIN or newer, with npm, from https://nodejs.org."
  version=$(node --version)
  version_at_least "${version#v}" "$NODE_MIN.0" ||
    die "Node ${version#v} is too old: this needs $NODE_MIN or newer."
  RESULT="Node ${version#v} is here"
}

# True when this compiler compiles and links for wasm32.
wasm32_works() {
  echo 'pub fn f() -> String { String::new() }' |
    rustc --target $WASM --crate-type cdylib --crate-name probe -o "${TMPDIR:-/tmp}/probe-$$.wasm" - 2>/dev/null
  local status=$?
  rm -f "${TMPDIR:-/tmp}/probe-$$.wasm"
  return $status
}

# build_std [SOURCES]: compiles the standard library for wasm32 from SOURCES, or from the sources
# that stand in the compiler's own folder, and puts it where the compiler looks for it.
build_std() {
  local sysroot libs vendored dir=$TOOLS/std linked='' root='' status=0
  sysroot=$(rustc --print sysroot)
  libs=$sysroot/lib/rustlib/$WASM/lib
  if [ $# -gt 0 ]; then
    mkdir -p "$sysroot/lib/rustlib/src/rust" || return 1
    linked=$sysroot/lib/rustlib/src/rust/library
    ln -sfn "$1" "$linked" || return 1
  fi
  rm -rf "$dir"
  mkdir -p "$dir/src"
  : >"$dir/src/lib.rs"
  printf '[package]\nname = "nothing"\nedition = "2021"\n[workspace]\n' >"$dir/Cargo.toml"
  # The crates that the library uses come with it, except in some older packages.
  vendored=$(cd "$sysroot/lib/rustlib/src/rust/library" && pwd -P)/vendor
  if [ -d "$vendored" ]; then
    mkdir "$dir/.cargo"
    printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "%s"\n' "$vendored" \
      >"$dir/.cargo/config.toml"
  fi
  # -Zbuild-std is unstable, so the stable compiler wants RUSTC_BOOTSTRAP. Bitcode is for LTO.
  (cd "$dir" && RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C embed-bitcode=yes" quiet \
    cargo build --release -Zbuild-std=std,panic_abort,test --target $WASM --target-dir target) || status=1
  if [ $status = 0 ]; then
    rm -f "$dir"/target/$WASM/release/deps/libnothing-*
    [ -w "$sysroot/lib/rustlib" ] || root=as_root
    $root rm -rf "$libs" && $root mkdir -p "$libs" &&
      $root cp "$dir"/target/$WASM/release/deps/*.rlib "$libs" || status=1
  fi
  if [ -n "$linked" ]; then
    rm "$linked"
    rmdir "$sysroot/lib/rustlib/src/rust" "$sysroot/lib/rustlib/src" 2>/dev/null || true
  fi
  rm -rf "$dir"
  return $status
}

step_wasm32() {
  local version
  version=$(rustc --version | awk '{print $2}')
  if wasm32_works; then
    RESULT="the standard library for $WASM is here"
    return
  fi
  missing "the browser's half is compiled for $WASM, and its standard library is not here."
  if command -v rustup >/dev/null; then
    doing "rustup target add $WASM"
    if quiet at_most 120 rustup target add $WASM && wasm32_works; then
      RESULT="came from rustup"
      return
    fi
  fi
  if [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
    doing "compiling it from the sources that came with this compiler"
    if build_std && wasm32_works; then
      RESULT="compiled from the sources that came with this compiler"
      return
    fi
  fi
  if is_debian; then
    doing "fetching Debian's source package of Rust $version and compiling it"
    if debian_rust_src "$version" && build_std "$SOURCES" && wasm32_works; then
      rm -rf "$TOOLS/apt"
      RESULT="compiled from Debian's rust-src $version"
      return
    fi
    rm -rf "$TOOLS/apt"
    if can_be_root; then
      doing "that did not work: installing Debian's own compiler and compiling from its source"
      if debian_compiler && build_std && wasm32_works; then
        RESULT="compiled from Debian's own Rust, $(rustc --version | awk '{print $2}'), now used in this folder"
        return
      fi
      rustup override unset --path "$ROOT" >/dev/null 2>&1 || true
    fi
  fi
  die "The standard library for $WASM can't be had: run 'rustup target add $WASM' where rustup's server can be reached."
}

# A release build of the browser's half runs wasm-opt. npm puts it into cargo's bin folder, where
# the other tools are too, so that `cargo leptos build --release` finds it in any shell.
wasm_opt_works() {
  local version
  command -v wasm-opt >/dev/null && version=$(wasm-opt --version 2>/dev/null) || return 1
  version=${version#wasm-opt version }
  version_at_least "${version%%[!0-9]*}.0" "$BINARYEN_MIN.0"
}

step_wasm-opt() {
  if wasm_opt_works; then
    RESULT="$(wasm-opt --version) is here"
    return
  fi
  missing "release builds shrink the browser's half with wasm-opt, version $BINARYEN_MIN or newer."
  doing "npm install binaryen@$BINARYEN.0.0 into $CARGO_DIR"
  { quiet npm install --global --prefix "$CARGO_DIR" --no-audit --no-fund "binaryen@$BINARYEN.0.0" && wasm_opt_works; } ||
    die "wasm-opt can't be installed: put wasm-opt $BINARYEN_MIN or newer on PATH."
  RESULT="$(wasm-opt --version) came from npm"
}

# prebuilt NAME VERSION URL: fetches the archive and puts the program NAME into cargo's bin folder,
# if it runs here and says this version.
prebuilt() {
  local dir=$TOOLS/download found status=1
  doing "trying a prebuilt archive"
  rm -rf "$dir"
  mkdir -p "$dir" "$CARGO_DIR/bin"
  # Node is there for sure, curl is not.
  if node -e '
    const [url, file] = process.argv.slice(1);
    fetch(url, { signal: AbortSignal.timeout(60000) })
      .then(async (answer) => {
        if (!answer.ok) throw answer.status;
        require("fs").writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
      })
      .catch(() => process.exit(1));' "$3" "$dir/archive.tar.gz" 2>/dev/null &&
    tar -xzf "$dir/archive.tar.gz" -C "$dir"; then
    found=$(find "$dir" -type f -name "$1" | head -n 1)
    if [ -n "$found" ] && [ "$("$found" --version 2>/dev/null)" = "$1 $2" ]; then
      mv -f "$found" "$CARGO_DIR/bin/$1" && tool "$1" "$2" && status=0
    fi
  fi
  rm -rf "$dir"
  return $status
}

# compile OPT_LEVEL CRATE VERSION [OPTION…]: cargo install with quick settings, as these tools' own
# release profiles take several times as long. What is compiled stays until it's done, so that an
# interrupted set-up goes on where it was.
compile() {
  # cargo-leptos brings its own OpenSSL, whose build needs these two.
  if ! { command -v make && perl -MIPC::Cmd -MFindBin -e 1; } >/dev/null 2>&1; then
    { is_debian && can_be_root && apt_install make perl; } ||
      die "make and perl are missing: install both, they are needed to compile $2."
  fi
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=$1 \
    cargo install "$2" --version "$3" "${@:4}" --force --root "$CARGO_DIR" --target-dir "$TOOLS/build"
}

# This machine as release archives name it. On Linux the static one runs everywhere.
platform() {
  rustc -vV | sed -n 's/^host: //p' | sed -E 's/^(x86_64|aarch64)-unknown-linux-gnu$/\1-unknown-linux-musl/'
}

# tool NAME VERSION: true when the program that PATH finds has this version.
tool() {
  command -v "$1" >/dev/null && [ "$("$1" --version 2>/dev/null)" = "$1 $2" ]
}

step_wasm-bindgen() {
  local version
  version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print }' Cargo.lock)
  [ -n "$version" ] || die "Cargo.lock names no version of wasm-bindgen."
  if tool wasm-bindgen "$version"; then
    RESULT="wasm-bindgen $version is here"
    return
  fi
  missing "its version must be the one in Cargo.lock, $version."
  if prebuilt wasm-bindgen "$version" \
    "$RELEASES/wasm-bindgen/wasm-bindgen/releases/download/$version/wasm-bindgen-$version-$(platform).tar.gz"; then
    RESULT="came as a prebuilt archive, version $version"
    return
  fi
  doing "none can be had, so it is compiled: about 2 minutes on 2 cores"
  # 0.2.130's own lock file names a version that the registry lacks, hence the second try.
  compile 1 wasm-bindgen-cli "$version" --locked --quiet 2>/dev/null || compile 1 wasm-bindgen-cli "$version" ||
    die "wasm-bindgen-cli $version can't be installed (see above)."
  tool wasm-bindgen "$version" ||
    die "Another wasm-bindgen, $(command -v wasm-bindgen), stands before $CARGO_DIR/bin on PATH: remove it."
  rm -rf "$TOOLS/build"
  RESULT="wasm-bindgen $version compiled"
}

step_cargo-leptos() {
  if tool cargo-leptos $CARGO_LEPTOS; then
    RESULT="cargo-leptos $CARGO_LEPTOS is here"
    return
  fi
  missing "it builds both halves; the version is pinned at $CARGO_LEPTOS."
  if prebuilt cargo-leptos $CARGO_LEPTOS \
    "$RELEASES/leptos-rs/cargo-leptos/releases/download/v$CARGO_LEPTOS/cargo-leptos-$(platform).tar.gz"; then
    RESULT="came as a prebuilt archive, version $CARGO_LEPTOS"
    return
  fi
  doing "none can be had, so it is compiled: about 10 minutes on 2 cores"
  compile 0 cargo-leptos $CARGO_LEPTOS --locked --features no_downloads ||
    die "cargo-leptos $CARGO_LEPTOS can't be installed (see above)."
  tool cargo-leptos $CARGO_LEPTOS ||
    die "Another cargo-leptos, $(command -v cargo-leptos), stands before $CARGO_DIR/bin on PATH: remove it."
  rm -rf "$TOOLS/build"
  RESULT="cargo-leptos $CARGO_LEPTOS compiled"
}

step_lints() {
  if rustfmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then
    RESULT="rustfmt and clippy are here"
    return
  fi
  missing "the tests check the format and the lints with rustfmt and clippy."
  quiet at_most 120 rustup component add rustfmt clippy ||
    die "rustfmt or clippy is missing: install both, with rustup component add rustfmt clippy."
  RESULT="came from rustup"
}

step_npm() {
  # npm ci takes seconds even when there is nothing to do, so a copy of the lock file is the mark.
  local mark=end2end/node_modules/.installed-lock.json
  if cmp -s end2end/package-lock.json "$mark"; then
    RESULT="Playwright's packages are here"
    return
  fi
  missing "the browser tests run on Playwright."
  (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 quiet npm ci --no-audit --no-fund) ||
    die "Playwright's packages can't be installed: npm ci failed in end2end."
  cp end2end/package-lock.json "$mark"
  RESULT="npm ci done"
}

step_python() {
  # docs/client.py needs zip(strict=True).
  if python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    RESULT="$(python3 --version) is here"
    return
  fi
  missing "a client of the protocol is written in Python 3.10, docs/client.py, and tested."
  { is_debian && can_be_root && apt_install python3-minimal; } ||
    die "Python is missing: install Python 3.10 or later as python3."
  RESULT="Debian's python3 is installed"
}

step_valgrind() {
  # It counts the instructions of an update. Without it the tests say so, and count none.
  if command -v valgrind >/dev/null; then
    RESULT="$(valgrind --version) is here"
    return
  fi
  missing "the tests count the instructions of an update with it."
  if is_debian && can_be_root && apt_install valgrind; then
    RESULT="Debian's valgrind is installed"
  else
    RESULT="is not here: instructions are not counted"
  fi
}

step_browser() {
  # The order is that of end2end/playwright.config.ts.
  if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] || die "CHROMIUM names $CHROMIUM, which can't be run."
    RESULT="$CHROMIUM is named by CHROMIUM"
    return
  fi
  if [ -x /usr/bin/chromium ]; then
    RESULT="/usr/bin/chromium is here"
    return
  fi
  local own='process.exit(require("fs").existsSync(require("playwright-core").chromium.executablePath()) ? 0 : 1)'
  if (cd end2end && node -e "$own" 2>/dev/null); then
    RESULT="Playwright's own browser is here"
    return
  fi
  missing "the browser tests drive a real Chromium."
  if is_debian && can_be_root; then
    doing "apt-get install chromium"
    if apt_install chromium fonts-liberation && [ -x /usr/bin/chromium ]; then
      RESULT="Debian's chromium is installed"
      return
    fi
  fi
  doing "playwright install chromium"
  # On Linux it needs libraries, too, which only root can install.
  local deps=
  if [ "$(uname)" = Linux ] && can_be_root; then deps=--with-deps; fi
  # shellcheck disable=SC2086 # empty must be no word
  (cd end2end && quiet npx playwright install $deps chromium) ||
    die "A browser can't be installed: install Chromium and set CHROMIUM to its path."
  RESULT="Playwright's own browser is installed"
}

# ---- Which steps -----------------------------------------------------------------------------

case ${1:-all} in
all) set -- "${BUILD[@]}" "${END2END[@]}" ;;
build) set -- "${BUILD[@]}" ;;
end2end) set -- "${END2END[@]}" ;;
esac
for STEP in "$@"; do
  declare -F "step_$STEP" >/dev/null || die "there is no step $STEP; the steps are: ${BUILD[*]} ${END2END[*]}."
done
ALL_STARTED=$(now)
for STEP in "$@"; do
  STARTED=$(now)
  "step_$STEP"
  printf 'setup  %-13s %s (%s)\n' "$STEP" "$RESULT" "$(since "$STARTED")"
done
echo "setup: done in $(since "$ALL_STARTED")."
