#!/usr/bin/env bash
# Sets up and runs all tests: installs what is missing (PostgreSQL, PgBouncer, Clojure and its nREPL, a Java runtime,
# OpenSSL and its headers, jq; PostgreSQL of five other versions; an S3 server), then cargo test. The tests start the servers that they
# need, on free ports, and end them. Arguments go to cargo test: tests/run.sh --test cli scan::
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=../fixtures/servers/alive.sh
. fixtures/servers/alive.sh

# After a fresh rustup the shell does not know of it yet.
command -v cargo > /dev/null || PATH=$PATH:${CARGO_HOME:-${HOME-}/.cargo}/bin
if ! command -v cargo > /dev/null; then
  printf 'error: cargo was not found\nhint: install a Rust toolchain (1.88 or later)\n' >&2
  exit 3
fi

exports=$(fixtures/servers/install.sh)
eval "$exports"
fixtures/servers/install.sh --postgres-versions
fixtures/servers/install.sh --s3

# What cargo test would build first anyway. Its words are those of the arguments before a --, if there is one.
build=()
for argument in "$@"; do
  [[ $argument != -- ]] || break
  build+=("$argument")
done
alive "building the tests" cargo test --locked --no-run ${build[@]+"${build[@]}"}

# Most of a test's time goes by while it waits for a server.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) * 2))}

exec cargo test --locked --no-fail-fast "$@"
