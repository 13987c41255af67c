#!/usr/bin/env bash
# How many builds a second are deleted, journalled and proved gone, beside the ways that an operator has by hand, which prove
# nothing (a console for each build, one console that is fed by a loop, curl in a loop), and beside what the server itself can
# do: the same function called in a loop within it. All in one run, on private servers.
# With more than about 1,800 builds the one console fails: nREPL 1.0.0 has a StackOverflowError for each further form.
#   benches/deletions.sh [BUILDS, 1000 by default]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
builds=${1:-1000}
host=ci.acme.example
times=(--backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z)

eval "$(fixtures/servers/install.sh)"
cargo build --release --locked --quiet
halfbuilt=${CARGO_TARGET_DIR:-target}/release/halfbuilt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
coproc POSTGRES { exec fixtures/servers/postgres.sh; }
read -r line <&"${POSTGRES[0]}"
export $line
# bash keeps one coprocess at a time: the second server gets a pipe of its own.
mkfifo "$work/in" "$work/out"
fixtures/servers/admin.sh < "$work/in" > "$work/out" &
exec 8> "$work/in" 9< "$work/out"
read -r line <&9
export $line

fill() {
  psql -Xq -v ON_ERROR_STOP=1 -c 'DROP SCHEMA public CASCADE; CREATE SCHEMA public' 2> "$work/notices"
  psql -Xq -v ON_ERROR_STOP=1 -f sql/schema.sql
  psql -Xq -v ON_ERROR_STOP=1 -v builds="$builds" -v host="$host" << 'SQL'
INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
SELECT 'github', 'acme', 'api', n, 'https://' || :'host' || '/gh/acme/api/' || n, 'running', 'running',
       '2026-11-20T01:50:00Z', '2026-11-20T01:51:00Z'
  FROM generate_series(1, :builds) AS n;
INSERT INTO steps (build_id, step, name) SELECT build_id, s, 'step ' || s FROM builds, generate_series(0, 4) AS s;
INSERT INTO actions (build_id, step, index, name, type, status, start_time, has_output)
SELECT build_id, step, 0, name, 'test', 'running', '2026-11-20T01:52:00Z', true FROM steps;
INSERT INTO output (build_id, step, index, first_byte, type, time, message)
SELECT build_id, step, 0, p * 100, 'out', '2026-11-20T01:53:00Z', decode(repeat('61', 100), 'hex')
  FROM actions, generate_series(0, 3) AS p;
ANALYZE;
SQL
}

seconds() { # COMMAND...: how long it takes
  local begin=$EPOCHREALTIME
  "$@" > "$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

row() { # NAME SECONDS BUILDS
  awk -v name="$1" -v s="$2" -v n="$3" \
    'BEGIN { printf "%-46s %6d builds  %8.2f s  %8.1f a second\n", name, n, s, n / s }'
}

url() { printf 'https://%s/gh/acme/api/%s' "$host" "$1"; }

check() { # LEFT: what was measured did what it should
  local left
  left=$(psql -XqAt -c 'SELECT count(*) FROM builds')
  [[ $left == "$1" ]] || { echo "error: $left builds are left, expected $1" >&2; tail -n 3 "$work/output" >&2; exit 1; }
}

# ---- By hand ----------------------------------------------------------------------------------------------------------

one_console_each() { # COUNT
  local n
  for ((n = 1; n <= $1; n++)); do
    printf '(admin/delete-build "%s")\n' "$(url "$n")" | fixtures/servers/console.sh nrepl "$NREPL_PORT"
  done
}

one_console() {
  local n
  for ((n = 1; n <= builds; n++)); do printf '(admin/delete-build "%s")\n' "$(url "$n")"; done |
    fixtures/servers/console.sh nrepl "$NREPL_PORT"
}

curl_each() {
  local n
  for ((n = 1; n <= builds; n++)); do
    curl --silent --fail -H "Circle-Token: $ADMIN_TOKEN" -d "{\"url\":\"$(url "$n")\"}" -o /dev/null "$http"
  done
}

curl_once() {
  local n
  for ((n = 1; n <= builds; n++)); do
    printf 'next\nurl = "%s"\nheader = "Circle-Token: %s"\ndata = "{\\"url\\":\\"%s\\"}"\noutput = "/dev/null"\n' \
      "$http" "$ADMIN_TOKEN" "$(url "$n")"
  done | sed 1d > "$work/curl"
  curl --silent --fail --config "$work/curl"
}

# ---- The server itself --------------------------------------------------------------------------------------------------

within() { # HOW: run! one after the other, or pmap; prints seconds by the server's own clock
  local calls="(map #(str \"$(url '')\" %) (range 1 (inc $builds)))"
  local form="(time ($1 admin/delete-build $calls))"
  [[ $1 != pmap ]] || form="(time (dorun $form))"
  printf '%s\n' "$form" | fixtures/servers/console.sh nrepl "$NREPL_PORT" > "$work/output" 2>&1
  awk '/Elapsed time/ { last = $(NF - 1) } END { print last / 1000 }' "$work/output"
}

# ---- halfbuilt ----------------------------------------------------------------------------------------------------------

delete() { # VIA FLAGS...
  HALFBUILT_TOKEN=$ADMIN_TOKEN "$halfbuilt" delete "$work/report.csv" --via "$1" "${times[@]}" --max-percent 100 \
    --max "$builds" --execute --confirm "$host" --journal "$work/journal-$RANDOM$RANDOM" -o "$work/results-$RANDOM$RANDOM.csv" "${@:2}"
}

measure() { # NAME VIA FLAGS...
  fill
  "$halfbuilt" scan "${times[@]}" -o "$work/report.csv" 2> "$work/said"
  row "$1" "$(seconds delete "${@:2}")" "$builds"
  check 0
}

http="http://127.0.0.1:$HTTP_PORT/admin/delete-build"
nrepl="nrepl://127.0.0.1:$NREPL_PORT"
# What is compiled as it is used should be so before anything is measured.
fill; within run! > /dev/null; fill; seconds curl_once > /dev/null

fill; row 'by hand: a console for each build' "$(seconds one_console_each 10)" 10; check $((builds - 10))
fill; row 'by hand: one console, fed by a loop' "$(seconds one_console)" "$builds"; check 0
fill; row 'by hand: curl in a loop' "$(seconds curl_each)" "$builds"; check 0
fill; row 'by hand: one curl on one connection' "$(seconds curl_once)" "$builds"; check 0
for jobs in 1 2 4 8; do measure "halfbuilt, nREPL, --jobs $jobs" "$nrepl" --jobs "$jobs"; done
for jobs in 1 2 4 8; do measure "halfbuilt, HTTP, --jobs $jobs" "$http" --jobs "$jobs"; done
measure 'halfbuilt, nREPL, --archive' "$nrepl" --archive "$work/archive.gz"
measure 'halfbuilt, console' "console:fixtures/servers/console.sh nrepl $NREPL_PORT"
fill; row 'the server itself, one after the other' "$(within run!)" "$builds"; check 0
fill; row 'the server itself, in parallel (pmap)' "$(within pmap)" "$builds"; check 0
exec 8>&-
