#!/usr/bin/env bash
# Runs fuzz targets: tests/fuzz/run.sh TARGET|all SECONDS. Installs what is missing: a nightly toolchain and cargo-fuzz.
# What is found stands in target/fuzz/artifacts/TARGET; put it into tests/fuzz/corpus/TARGET, so that `cargo test` keeps it.
# What is only of interest to the next run stays in target/fuzz/corpus/TARGET. SANITIZER=none runs without AddressSanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

targets=$(basename -s .rs tests/fuzz/targets/*.rs)
usage() {
  printf 'usage: tests/fuzz/run.sh TARGET|all SECONDS\ntargets: %s\n' "$(tr '\n' ' ' <<< "$targets")" >&2
  exit 2
}
[[ $# -eq 2 && $2 =~ ^[1-9][0-9]*$ ]] || usage
if [[ $1 != all ]]; then
  grep -qxF -e "$1" <<< "$targets" || usage
  targets=$1
fi

command -v cargo > /dev/null || PATH=$PATH:${CARGO_HOME:-${HOME-}/.cargo}/bin
rustup run nightly cargo --version > /dev/null 2>&1 || rustup toolchain install nightly --profile minimal
command -v cargo-fuzz > /dev/null || PATH=$PATH:$PWD/target/fuzz/tools/bin
command -v cargo-fuzz > /dev/null || cargo install --locked --root target/fuzz/tools cargo-fuzz

# Some parsers open a file by its name, and sync it.
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm

failed=()
for target in $targets; do
  work=target/fuzz/corpus/$target
  found=target/fuzz/artifacts/$target/
  mkdir -p "$work" "$found"
  options=(-max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found")
  # Long inputs teach nothing more of these, and take long.
  case $target in
    console) options+=(-max_len=512) ;;
    archive) options+=(-max_len=1024) ;;
  esac
  # What the target has as seeds besides its corpus: tests/corpus.rs names the same folders.
  seeds=()
  case $target in
    sql) seeds=(sql/rules sql/profiles) ;;
    checklist) seeds=(src/checklist/lists fixtures/checklist/cluster) ;;
    evidence) seeds=(fixtures/times) ;;
  esac
  dictionary=tests/fuzz/dictionaries/$target
  [[ ! -e $dictionary ]] || options+=(-dict="$dictionary")
  printf '== %s\n' "$target"
  # The first corpus is written to, the others are only read.
  cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer "${SANITIZER:-address}" "$target" \
    "$work" "tests/fuzz/corpus/$target" "${seeds[@]}" -- "${options[@]}" || failed+=("$target")
done

if ((${#failed[@]} > 0)); then
  printf 'error: these targets failed: %s\nhint: the inputs are in target/fuzz/artifacts\n' "${failed[*]}" >&2
  exit 1
fi
