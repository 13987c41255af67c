#!/usr/bin/env bash
# How many builds a second are deleted and proved gone, over nREPL and over HTTP, beside what the server itself can do:
# the same deletions sent by a loop of curl, without reading anything again. All in one run, on private servers.
#   benches/deletions.sh [BUILDS, 2000 by default]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
builds=${1:-2000}
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

row() { # NAME SECONDS
  local left
  left=$(psql -XqAt -c 'SELECT count(*) FROM builds')
  awk -v name="$1" -v s="$2" -v n="$builds" -v left="$left" \
    'BEGIN { printf "%-34s %6d builds  %7.2f s  %6.0f a second  %d left\n", name, n, s, n / s, left }'
}

by_curl() {
  local n
  for ((n = 1; n <= builds; n++)); do
    printf 'next\nurl = "http://127.0.0.1:%s/admin/delete-build"\nheader = "Circle-Token: %s"\ndata = "{\\"url\\":\\"https://%s/gh/acme/api/%s\\"}"\noutput = "/dev/null"\n' \
      "$HTTP_PORT" "$ADMIN_TOKEN" "$host" "$n"
  done | sed 1d > "$work/curl"
  curl --silent --fail --config "$work/curl"
}

delete() { # VIA
  HALFBUILT_TOKEN=$ADMIN_TOKEN "$halfbuilt" delete "$work/report.csv" --via "$1" "${times[@]}" --max "$builds" --max-percent 100 --execute --confirm "$host" -o "$work/results-$RANDOM.csv"
}

fill
scan=$(seconds "$halfbuilt" scan "${times[@]}" -o "$work/report.csv")
row 'scan (nothing is deleted)' "$scan"
row 'nREPL, read again and proved' "$(seconds delete "nrepl://127.0.0.1:$NREPL_PORT")"
fill
"$halfbuilt" scan "${times[@]}" -o "$work/report.csv" 2> "$work/said"
row 'HTTP, read again and proved' "$(seconds delete "http://127.0.0.1:$HTTP_PORT/admin/delete-build")"
fill
row 'HTTP, curl on one connection, blind' "$(seconds by_curl)"
exec 8>&-
