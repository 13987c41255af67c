#!/usr/bin/env bash
# One named look at each command, on a real PostgreSQL and through a real Clojure nREPL: the program does its work where this is run.
# tests/run.sh says whether it does it right. Ends with how many passed and failed; exit code 1 where one failed.
# shellcheck disable=SC2016,SC2317,SC2329 # functions are called by their names
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD
# shellcheck source=../fixtures/servers/alive.sh
. fixtures/servers/alive.sh

times=(--backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z)

exports=$(fixtures/servers/install.sh)
eval "$exports"
build=(cargo build --locked --quiet --bin halfbuilt --message-format=json-render-diagnostics)
program=$(alive "building halfbuilt" "${build[@]}" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
[[ -x $program ]] || { printf 'smoke.sh: error: the build has left no program\n' >&2; exit 1; }

# ---- The servers, which live until this ends, in whatever way ------------------------------------------------------------

work=$(mktemp -d)
trap 'cd /; rm -rf -- "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
unset "${!PG@}" HALFBUILT_DATABASE_URL
coproc POSTGRES { exec fixtures/servers/postgres.sh; }
read -r line <&"${POSTGRES[0]}"
eval "export $line"
# bash keeps one coprocess at a time: the second server gets a pipe of its own.
mkdir "$work/pipes"
mkfifo "$work/pipes/in" "$work/pipes/out"
fixtures/servers/admin.sh < "$work/pipes/in" > "$work/pipes/out" &
exec 8> "$work/pipes/in" 9< "$work/pipes/out"
read -r line <&9
eval "$line"
cd "$work"

halfbuilt() { "$program" "$@" 8>&- 9<&-; }
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
urls() { sql -c 'SELECT build_url FROM builds' | LC_ALL=C sort; }
sql -1 -f "$repository/sql/schema.sql" -f "$repository/fixtures/circleci/healthy.sql"

# ---- The checks ----------------------------------------------------------------------------------------------------------

# exits CODE COMMAND...: runs it; what it says is in the files out and err.
exits() {
  local expected=$1 status=0
  shift
  "$@" > out 2> err || status=$?
  [[ $status == "$expected" ]] || { printf '%s: exit code %s, expected %s\n' "$*" "$status" "$expected"; cat err; return 1; }
}

same() { [[ $1 == "$2" ]] || { printf 'expected %s, found %s\n' "$2" "$1"; return 1; }; }

# found REPORT: the addresses in it.
found() { tail -n +2 "$1" | cut -d, -f1 | LC_ALL=C sort; }

check_rules() {
  exits 0 halfbuilt rules &&
    same "$(awk 'NR > 1 { print $1 }' out | LC_ALL=C sort)" "$(cd "$repository/sql/rules" && basename -s .sql -- *.sql | LC_ALL=C sort)" &&
    exits 0 halfbuilt rules stuck-running && diff out "$repository/sql/rules/stuck-running.sql"
}

check_profiles() {
  exits 0 halfbuilt profiles && grep -q '^circleci ' out &&
    exits 0 halfbuilt profiles --check circleci &&
    exits 3 halfbuilt profiles --check buildbot
}

# Every build is in it, or told as not covered.
check_manifest() {
  exits 0 halfbuilt manifest -o before.json && [[ $(jq .builds before.json) -gt 100 ]] &&
    same "$(jq '.builds + (.not_covered | add)' before.json)" "$(sql -c 'SELECT count(*) FROM builds')"
}

# The builds of the fixture, and no others, are abnormal.
check_scan() {
  exits 0 halfbuilt scan "${times[@]}" -o report.csv &&
    diff <(found report.csv) <(found "$repository/fixtures/circleci/stuck-running.expected.csv")
}

check_verify() {
  exits 0 halfbuilt verify "${times[@]}" --json verdict.json && same "$(jq -r .verdict verdict.json)" clean &&
    sql -1 -f "$repository/fixtures/circleci/stuck-running.sql" &&
    exits 1 halfbuilt verify "${times[@]}" --json verdict.json && same "$(jq -r .verdict verdict.json)" failed && grep -q '^verdict: failed: ' err
}

# What the plan would delete is what is gone, by psql, and what the results call deleted; and there is some.
check_delete() {
  local delete=(halfbuilt delete report.csv "${times[@]}" --via "nrepl://127.0.0.1:$NREPL_PORT" --max-percent 100)
  urls > before
  exits 0 "${delete[@]}" -o plan.csv && urls > after && diff before after &&
    exits 0 "${delete[@]}" --execute --confirm ci.acme.example -o results.csv && urls > after &&
    LC_ALL=C comm -23 before after > gone && [[ -s gone ]] &&
    diff gone <(grep ,delete, plan.csv | cut -d, -f1 | LC_ALL=C sort) &&
    diff gone <(grep ,deleted, results.csv | cut -d, -f1 | LC_ALL=C sort)
}

check_journal() {
  exits 0 halfbuilt journal verify report.csv.journal.jsonl && grep -q '^the chain is whole: ' out &&
    sed 's/"deleted"/"refused"/' report.csv.journal.jsonl > forged.jsonl && exits 3 halfbuilt journal verify forged.jsonl
}

check_report() {
  exits 0 halfbuilt report report.csv --journal report.csv.journal.jsonl --html audit.html && grep -q '</html>' audit.html &&
    while read -r url; do grep -qF "${url#https://}" audit.html || return 1; done < <(tail -n +2 report.csv | cut -d, -f1)
}

# What was deleted is not found any more, and the rest still is.
check_scan_again() {
  exits 0 halfbuilt scan "${times[@]}" -o again.csv && diff <(found again.csv) <(found report.csv | LC_ALL=C comm -23 - gone)
}

# A server without the API is told from one with it, before anything is made; and there is nothing to forget.
check_collect() {
  export HALFBUILT_TOKEN=none HALFBUILT_DATA=$PWD/data
  exits 3 halfbuilt collect "http://127.0.0.1:$HTTP_PORT" --all --into private && grep -q 'does not answer as the API' err &&
    exits 0 halfbuilt collect --forget --into private && grep -q '^nothing to forget' err && [[ ! -e data ]]
}

passed=0 failed=0
for name in rules profiles manifest verify scan delete journal report scan_again collect; do
  if "check_$name" > said 2>&1; then
    passed=$((passed + 1))
    printf 'ok      smoke: %s\n' "${name//_/ }"
  else
    failed=$((failed + 1))
    printf 'FAILED  smoke: %s\n' "${name//_/ }"
    sed 's/^/  | /' said
  fi
done
exec 8>&-
printf 'smoke: %d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
