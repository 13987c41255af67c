#!/usr/bin/env bash
# How fast a manifest is made and compared, and how much it needs, on private databases that are made for it.
#
#   benches/manifest.sh [BUILDS...]     (50000 500000)  each with ten steps and forty pieces of output a build, in turns:
#       a  what PostgreSQL needs merely to read the three tables (count and sum, warm)
#       m  halfbuilt manifest
#       s  halfbuilt verify, without a baseline
#       v  halfbuilt verify --baseline, of a database in which ten builds have changed since
#     ROUNDS of them (5): the fastest of each; m/a, and (v-s)/a; the same by the time that processors were busy with it, server and
#     program, which a busy machine does not stretch; the manifest's size; and the peak memory of m and v.
#
# PIECE is the length of a piece of output in bytes, from that to three times as much (100). DIR is where the databases stand.
# PGHOST and its kin with KEEP=DATABASE use a database that is there already, made by benches/builds.sql.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${ROUNDS:-5}
times=(--backup-time 2026-11-20T02:00:00Z)

eval "$(fixtures/servers/install.sh)"
cargo build --release --locked --quiet
halfbuilt=${CARGO_TARGET_DIR:-target}/release/halfbuilt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ -z ${KEEP-} ]]; then
  # jit=on is PostgreSQL's own default; the fixtures' server leaves it out.
  coproc POSTGRES { exec fixtures/servers/postgres.sh ${DIR:+--dir "$DIR"} -c jit=on -c shared_buffers=512MB -c max_wal_size=4GB; }
  read -r line <&"${POSTGRES[0]}"
  # shellcheck disable=SC2163
  export $line
fi
sql() { PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
server=$(sql -d postgres -c "SELECT (string_to_array(pg_read_file('postmaster.pid'), E'\n'))[1]")

# The milliseconds that the server's ended processes were busy; those of a connection are added when it is closed.
busy() { sleep 0.2; awk '{ print ($16 + $17) * 10 }' "/proc/$server/stat"; }

# run NAME COMMAND...: runs it; keeps its fastest time in took[NAME], the least time of processors in cpu[NAME], its peak in peak[NAME].
declare -A took cpu peak
run() {
  local name=$1 began busy_before all own pid now
  shift
  busy_before=$(busy)
  began=$(date +%s%N)
  "$@" > "$work/out" 2> "$work/err" &
  pid=$!
  own=0
  while now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2> /dev/null) && [[ -n $now ]]; do
    ((now <= ${peak[$name]:-0})) || peak[$name]=$now
    own=$(awk '{ print ($14 + $15) * 10 }' "/proc/$pid/stat" 2> /dev/null || echo "$own")
    sleep 0.02
  done
  wait "$pid" || (($? == 1)) || { cat "$work/err" >&2; exit 1; }
  all=$((($(date +%s%N) - began) / 1000000))
  ((all >= ${took[$name]:-999999999})) || took[$name]=$all
  all=$(($(busy) - busy_before + own))
  ((all >= ${cpu[$name]:-999999999})) || cpu[$name]=$all
}

read_tables() {
  sql -c 'SELECT count(*), sum(build_num) FROM builds' -c 'SELECT count(*), sum(output_size) FROM actions' \
    -c 'SELECT count(*), sum(size) FROM output'
}

ratio() { awk -v over="$1" -v under="$2" 'BEGIN { printf "%.2f", over / under }'; }
seconds() { awk -v ms="$1" 'BEGIN { printf "%.2f", ms / 1000 }'; }

measure() {
  local round bytes builds before=$work/before.json change
  took=() cpu=() peak=()
  read_tables > /dev/null
  "$halfbuilt" manifest "${times[@]}" -o "$before" 2> "$work/err"
  builds=$(sed 's/.*"digest_check":"[0-9a-f]*","builds":\([0-9]*\).*/\1/' "$before")
  bytes=$(stat -c %s "$before")
  change="UPDATE builds SET status = 'changed' || status WHERE build_id % $((builds / 10)) = 50 AND lifecycle = 'finished'"
  sql -c "$change" -c 'VACUUM builds'
  for ((round = 0; round < rounds; round++)); do
    run a read_tables
    run m "$halfbuilt" manifest "${times[@]}" -o "$work/again.json"
    run s "$halfbuilt" verify "${times[@]}" -o "$work/report.csv"
    run v "$halfbuilt" verify --baseline "$before" -o "$work/report.csv"
  done
  sql -c "UPDATE builds SET status = replace(status, 'changed', '') WHERE status LIKE 'changed%'" -c 'VACUUM builds'
  printf '%9d %7s %7s %7s %7s %6s %8s %8s %10s %10s %10s %7s %8s %8s %9d\n' "$builds" "$(seconds "${took[a]}")" "$(seconds "${took[m]}")" \
    "$(seconds "${took[s]}")" "$(seconds "${took[v]}")" "$(ratio "${took[m]}" "${took[a]}")" \
    "$(ratio $((took[v] - took[s])) "${took[a]}")" "$(seconds "${cpu[a]}")" "$(ratio "${cpu[m]}" "${cpu[a]}")" \
    "$(ratio $((cpu[v] - cpu[s])) "${cpu[a]}")" "$(awk -v n="$bytes" 'BEGIN { printf "%.1f", n / 1e6 }')" "$(ratio "$bytes" "$builds")" \
    $((peak[m] / 1024)) $((peak[v] / 1024)) "$(grep -c baseline-changed "$work/report.csv")"
}

printf '%9s %7s %7s %7s %7s %6s %8s %8s %10s %10s %10s %7s %8s %8s %9s\n' builds 'a, s' 'm, s' 's, s' 'v, s' m/a '(v-s)/a' \
  'a cpu, s' 'm/a cpu' '(v-s)/a cpu' 'file, MB' 'B/build' 'm MB' 'v MB' changed
if [[ -n ${KEEP-} ]]; then
  export PGDATABASE=$KEEP
  measure
else
  for builds in "${@:-50000 500000}"; do
    for builds in $builds; do
      sql -d postgres -c "CREATE DATABASE builds_$builds"
      export PGDATABASE=builds_$builds
      sql -f sql/schema.sql
      sql -v builds="$builds" -v piece="${PIECE:-100}" -f benches/builds.sql
      measure
      export PGDATABASE=postgres
      sql -c "DROP DATABASE builds_$builds WITH (FORCE)"
    done
  done
fi
uptime
