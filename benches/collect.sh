#!/usr/bin/env bash
# How many builds a second are collected from a server that takes 20 ms for each answer, beside curl in a loop and xargs -P with curl, which
# store nothing but files and look at nothing; and how much memory that takes for 1,000 builds and for many. All in one run, on a stand-in
# for a CircleCI Server (fixtures/servers) and a private PostgreSQL. Needs curl and GNU time.
#   benches/collect.sh [BUILDS, 1000 by default [MANY, 100000 by default; 0 leaves that out]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
builds=${1:-1000} many=${2:-100000}

eval "$(fixtures/servers/install.sh)"
cargo build --release --locked --quiet
halfbuilt=${CARGO_TARGET_DIR:-target}/release/halfbuilt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
coproc POSTGRES { exec fixtures/servers/postgres.sh; }
read -r line <&"${POSTGRES[0]}"
export $line

# serve OPTION...: another stand-in; bash keeps one coprocess at a time, so it has pipes of its own.
serve() {
  [[ -z ${serving-} ]] || { exec 8>&-; wait "$serving" || :; }
  rm -f "$work/in" "$work/out"
  mkfifo "$work/in" "$work/out"
  fixtures/servers/circleci.sh "$@" < "$work/in" > "$work/out" &
  serving=$!
  exec 8> "$work/in" 9< "$work/out"
  read -r line <&9
  export $line
  export HALFBUILT_TOKEN=$API_TOKEN
}

empty() { psql -Xq -c 'DROP DATABASE IF EXISTS documents' -c 'CREATE DATABASE documents' 2> "$work/notices"; }

# collect JOBS: prints seconds, and the largest memory in KiB.
collect() {
  empty
  /usr/bin/time -f '%e %M' -o "$work/time" "$halfbuilt" collect "http://127.0.0.1:$HTTP_PORT" --into dbname=documents --all --quiet \
    --jobs "$1" --rate 100000 2> "$work/said" || { cat "$work/said" >&2; exit 1; }
  [[ $(psql -XqAt -d documents -c 'SELECT count(*) FROM halfbuilt.document WHERE head IS NOT NULL') == "$2" ]] ||
    { echo "error: not all builds were collected" >&2; exit 1; }
  cat "$work/time"
}

seconds() { # COMMAND...: how long it takes
  local begin=$EPOCHREALTIME
  "$@" > "$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

row() { # NAME SECONDS BUILDS MEMORY
  awk -v name="$1" -v s="$2" -v n="$3" -v m="${4:-}" \
    'BEGIN { printf "%-34s %7d builds %8.2f s %8.1f a second %s\n", name, n, s, n / s, m == "" ? "" : sprintf("%6.1f MiB", m / 1024) }'
}

in_a_loop() { while read -r url; do curl -sS -K "$work/curl" "$url"; done < "$work/urls"; }
side_by_side() { xargs -P "$1" -n 1 curl -sS -K "$work/curl" < "$work/urls"; }

serve --builds "$builds" --large-mb 0 --delay-ms 20
printf 'header = "Circle-Token: %s"\nheader = "Accept: application/json"\noutput = /dev/null\n' "$API_TOKEN" > "$work/curl"
tail -n +2 "$TRUTH" | cut -d, -f1 | sed "s|^\(http://[^/]*\)|\1/api/v1.1/project|" > "$work/urls"
count=$(wc -l < "$work/urls")
# The first ones wake the server up.
head -n 200 "$work/urls" > "$work/some" && xargs -P 4 -n 1 curl -sS -K "$work/curl" < "$work/some"
row 'curl in a loop' "$(seconds in_a_loop)" "$count"
for jobs in 1 4 16; do
  ((jobs == 1)) || row "xargs -P $jobs, curl" "$(seconds side_by_side "$jobs")" "$count"
  read -r took memory <<< "$(collect "$jobs" "$count")"
  row "halfbuilt collect --jobs $jobs" "$took" "$count" "$memory"
done
if ((many > 0)); then
  serve --builds "$many" --large-mb 0
  count=$(($(wc -l < "$TRUTH") - 1))
  read -r took memory <<< "$(collect 4 "$count")"
  row 'many builds, no delay, --jobs 4' "$took" "$count" "$memory"
fi
