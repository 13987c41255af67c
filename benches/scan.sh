#!/usr/bin/env bash
# How fast a scan is, and how much it needs, on private databases that are made for it.
#
#   benches/scan.sh ratios [BUILDS...]     (50000 500000)  each with ten steps and forty pieces of output a build:
#       a  what PostgreSQL needs merely to read the three tables (count and sum, warm)
#       b  the obvious SQL: pieces grouped by build and step, joined to steps
#       c  halfbuilt scan, all rules
#     in turns, ROUNDS of them (5): the fastest of each and the ratios; what c puts into temporary files; its peak memory.
#   benches/scan.sh growth [BUILDS...]     (10000 100000 1000000)  the time of c against the number of rows.
#   benches/scan.sh findings [FINDINGS...] (100000 5000000)  stuck builds: peak memory, and the time of the CSV against psql's \copy
#     of the same query.
#
# PIECE is the length of a piece of output in bytes, from that to three times as much (100). SETTINGS are more settings for
# the server ("-c work_mem=64MB"). 500000 builds take 7 GB of disk and some minutes to make; all of it is removed at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${ROUNDS:-5}
piece=${PIECE:-100}
what=${1:-ratios}
(($# == 0)) || shift
times=(--backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z)

eval "$(fixtures/servers/install.sh)"
cargo build --release --locked --quiet
halfbuilt=${CARGO_TARGET_DIR:-target}/release/halfbuilt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# jit=on is PostgreSQL's own default; the fixtures' server leaves it out.
# shellcheck disable=SC2086
coproc POSTGRES { exec fixtures/servers/postgres.sh -c jit=on -c shared_buffers=512MB -c max_wal_size=20GB \
  -c track_activity_query_size=100000 ${SETTINGS-}; }
read -r line <&"${POSTGRES[0]}"
# shellcheck disable=SC2163
export $line

sql() { PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

# make_database BUILDS: a database of that many builds, which is then the one that is used.
make_database() {
  export PGDATABASE=postgres
  sql -c "CREATE DATABASE builds_$1"
  export PGDATABASE=builds_$1
  sql -f sql/schema.sql
  sql -v builds="$1" -v piece="$piece" -f benches/builds.sql
}

drop_database() {
  local name=$PGDATABASE
  export PGDATABASE=postgres
  sql -c "DROP DATABASE $name WITH (FORCE)"
}

# timed COMMAND...: runs it and sets `took` to its milliseconds.
timed() {
  local began
  began=$(date +%s%N)
  "$@" > "$work/out" 2> "$work/err" || { cat "$work/err" >&2; exit 1; }
  took=$((($(date +%s%N) - began) / 1000000))
}

# peak COMMAND...: runs it and sets `kilobytes` to the most memory that it had, and `took`.
peak() {
  local began pid now
  began=$(date +%s%N)
  kilobytes=0
  "$@" > "$work/out" 2> "$work/err" &
  pid=$!
  # The kernel keeps the peak itself; it has to be asked for before the process ends.
  while now=$(grep -s VmHWM "/proc/$pid/status"); do
    now=${now//[!0-9]/}
    ((${now:-0} <= kilobytes)) || kilobytes=$now
    sleep 0.02
  done
  wait "$pid" || { cat "$work/err" >&2; exit 1; }
  took=$((($(date +%s%N) - began) / 1000000))
}

read_tables() {
  sql -c 'SELECT count(*), sum(build_num) FROM builds' -c 'SELECT count(*), sum(output_size) FROM actions' \
    -c 'SELECT count(*), sum(size) FROM output'
}

obvious() {
  sql << 'SQL'
SELECT count(*)
  FROM actions AS a
  LEFT JOIN (SELECT build_id, step, index, max(first_byte + size) AS ends_at, sum(size) AS stored
               FROM output GROUP BY build_id, step, index) AS o USING (build_id, step, index)
 WHERE o.ends_at IS DISTINCT FROM a.output_size OR o.stored IS DISTINCT FROM a.output_size;
SQL
}

scan=("$halfbuilt" scan "${times[@]}" -o "$work/report.csv")

rows() { sql -c "SELECT (SELECT count(*) FROM builds), (SELECT count(*) FROM actions), (SELECT count(*) FROM output)" | tr '|' ' '; }
temporary() { sql -c "SELECT pg_stat_force_next_flush()" > /dev/null 2>&1 || sleep 1; sql -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"; }
ratio() { awk -v over="$1" -v under="$2" 'BEGIN { printf "%.2f", over / under }'; }
seconds() { awk -v ms="$1" 'BEGIN { printf "%.2f", ms / 1000 }'; }

ratios() {
  local builds best_a best_b best_c before after round
  printf '%9s %9s %10s %7s %7s %7s %6s %6s %9s %8s %8s\n' builds steps pieces 'a, s' 'b, s' 'c, s' c/a b/c findings 'temp MB' 'peak MB'
  for builds in "$@"; do
    make_database "$builds"
    read_tables > /dev/null
    best_a=999999999 best_b=999999999 best_c=999999999
    for ((round = 0; round < rounds; round++)); do
      timed read_tables; ((took >= best_a)) || best_a=$took
      timed "${scan[@]}"; ((took >= best_c)) || best_c=$took
      ((round % 2 == 1)) || { timed obvious; ((took >= best_b)) || best_b=$took; }
    done
    before=$(temporary)
    peak "${scan[@]}"
    sleep 1
    after=$(temporary)
    # shellcheck disable=SC2046
    printf '%9d %9d %10d %7s %7s %7s %6s %6s %9d %8d %8d\n' $(rows) "$(seconds "$best_a")" "$(seconds "$best_b")" \
      "$(seconds "$best_c")" "$(ratio "$best_c" "$best_a")" "$(ratio "$best_b" "$best_c")" \
      $(($(wc -l < "$work/report.csv") - 1)) $(((after - before) / 1000000)) $((kilobytes / 1024))
    drop_database
  done
}

growth() {
  local builds best
  printf '%9s %9s %10s %7s %15s\n' builds steps pieces 'c, s' 'us a piece'
  for builds in "$@"; do
    make_database "$builds"
    best=999999999
    for ((round = 0; round < 3; round++)); do timed "${scan[@]}"; ((took >= best)) || best=$took; done
    # shellcheck disable=SC2046
    printf '%9d %9d %10d %7s %15s\n' $(rows) "$(seconds "$best")" "$(awk -v ms="$best" -v n="$builds" 'BEGIN { printf "%.3f", ms * 25 / n }')"
    drop_database
  done
}

# The statement that the scan sends last, as the server sees it while it runs.
last_statement() {
  local found
  "${scan[@]}" 2> /dev/null &
  while kill -0 $! 2> /dev/null; do
    found=$(sql -c "SELECT query FROM pg_stat_activity WHERE application_name = 'halfbuilt' AND query LIKE '%rule_0 AS%' AND state = 'active' AND backend_type = 'client backend' LIMIT 1")
    [[ -z $found ]] || break
    sleep 0.02
  done
  wait $!
  printf '%s\n' "$found"
}

copy_report() {
  {
    printf "SET TimeZone = 'UTC';\nSET jit = off;\nSET halfbuilt.backup_time = '2026-11-20T02:00:00Z';\nSET halfbuilt.restored_at = '2026-11-20T06:30:00Z';\n"
    printf 'CREATE TEMP VIEW report AS %s;\n\\copy (SELECT * FROM report) TO %s CSV\n' "$(< "$work/statement")" "$work/copy.csv"
  } | sql > /dev/null
}

findings() {
  local builds best_c best_copy
  printf '%9s %8s %9s %8s %7s\n' findings 'peak MB' 'scan, s' 'copy, s' ratio
  for builds in "$@"; do
    make_database 1
    sql -c "TRUNCATE builds CASCADE" -c "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
      SELECT 'github', 'org' || n % 20, 'project' || n % 200, n / 200 + 1,
             'https://ci.acme.example/gh/org' || n % 20 || '/project' || n % 200 || '/' || n / 200 + 1, 'running', 'running',
             timestamptz '2026-11-20T01:00:00Z', timestamptz '2026-11-20T01:00:00Z'
        FROM generate_series(1, $builds) AS n" -c "VACUUM ANALYZE builds"
    last_statement > "$work/statement"
    [[ -s $work/statement ]] || { echo "the scan was too fast to be seen" >&2; exit 1; }
    best_c=999999999 best_copy=999999999
    for ((round = 0; round < 3; round++)); do
      peak "${scan[@]}"; ((took >= best_c)) || best_c=$took
      timed copy_report; ((took >= best_copy)) || best_copy=$took
    done
    [[ $(wc -l < "$work/copy.csv") == $(($(wc -l < "$work/report.csv") - 1)) ]] || { echo "not the same rows" >&2; exit 1; }
    printf '%9d %8d %9s %8s %7s\n' "$builds" $((kilobytes / 1024)) "$(seconds "$best_c")" "$(seconds "$best_copy")" "$(ratio "$best_c" "$best_copy")"
    drop_database
  done
}

case $what in
  ratios) if (($#)); then ratios "$@"; else ratios 50000 500000; fi ;;
  growth) if (($#)); then growth "$@"; else growth 10000 100000 1000000; fi ;;
  findings) if (($#)); then findings "$@"; else findings 100000 5000000; fi ;;
  *) echo "usage: benches/scan.sh [ratios|growth|findings] [NUMBER...]" >&2; exit 2 ;;
esac
