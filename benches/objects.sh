#!/usr/bin/env bash
# How long it takes to hold the files that records name against a listing, beside the two readings that nobody can do without: the query for
# the files, and the sorting of the listing by sort(1). And the program's memory. All in one run, on a PostgreSQL of its own. Needs GNU time.
#   benches/objects.sh [FILES, 1000000 by default [ROUNDS, 3 by default]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
files=${1:-1000000} rounds=${2:-3}

eval "$(fixtures/servers/install.sh)"
if [[ -z ${HALFBUILT-} ]]; then
  cargo build --release --locked --quiet
  HALFBUILT=${CARGO_TARGET_DIR:-target}/release/halfbuilt
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
coproc POSTGRES { exec fixtures/servers/postgres.sh; }
read -r line <&"${POSTGRES[0]}"
export $line

psql -Xq -v ON_ERROR_STOP=1 -f sql/schema.sql
psql -Xq -v ON_ERROR_STOP=1 <<SQL
INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at, start_time, stop_time,
                    parallel, canceled, timedout, infrastructure_fail, has_artifacts) OVERRIDING SYSTEM VALUE
SELECT n, 'github', 'acme', 'api', n, 'https://ci.acme.example/gh/acme/api/' || n, 'finished', 'success', 'success',
       timestamptz '2026-11-19T00:00:00Z' - n * interval '1 second', timestamptz '2026-11-19T00:00:00Z' - n * interval '1 second',
       timestamptz '2026-11-19T00:01:00Z' - n * interval '1 second', 1, false, false, false, true
  FROM generate_series(1, greatest($files / 10, 1)) AS n;
INSERT INTO artifacts (build_id, path, storage_key, size)
SELECT 1 + n % greatest($files / 10, 1), n::text, 'artifacts/' || md5(n::text) || '/coverage.html', n % 100000
  FROM generate_series(1, $files) AS n;
ANALYZE;
SQL
# In no order, as a file system gives it.
psql -XqAt -c "SELECT size || ' 1763500000.5 ' || storage_key FROM artifacts" > "$work/listing"

seconds() { # COMMAND...
  local begin=$EPOCHREALTIME
  "$@" > "$work/output" 2> "$work/said" || { cat "$work/said" >&2; exit 1; }
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
query() { psql -XqAt -c 'SELECT storage_key, size FROM artifacts JOIN builds USING (build_id) ORDER BY storage_key COLLATE "C"'; }
sorted() { LC_ALL=C sort -S 32M -T "$work" -k 3 "$work/listing"; }
scan() {
  /usr/bin/time -f %M -o "$work/memory" "$HALFBUILT" scan --quiet --rule object-missing,object-short --format csv \
    --backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z "$@"
}
plain() {
  /usr/bin/time -f %M -o "$work/memory" "$HALFBUILT" scan --quiet --rule impossible-times --format csv \
    --backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z
}

for ((round = 1; round <= rounds; round++)); do
  a=$(seconds query) b=$(seconds sorted) p=$(seconds plain) c=$(seconds scan --objects "$work/listing")
  [[ $(wc -l < "$work/output") == 1 ]] || { echo "error: files are missing that are there" >&2; exit 1; }
  awk -v n="$files" -v a="$a" -v b="$b" -v p="$p" -v c="$c" -v m="$(cat "$work/memory")" 'BEGIN {
    printf "%8d files: query %.2f s, sort %.2f s, a scan without %.2f s, with the listing %.2f s; (with - without) / (query + sort) %.2f; %.0f MiB\n",
      n, a, b, p, c, (c - p) / (a + b), m / 1024 }'
done
exec {POSTGRES[1]}>&-
