#!/usr/bin/env bash
# What takes too long for each run of CI, and is run before a release. Without arguments all of it, some hours.
# shellcheck disable=SC2016,SC2317,SC2329 # functions are called by their names
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage="usage: long.sh [WHAT]...
  busy     the suite three times in a row, beside a busy loop on each core (ROUNDS)
  kills    kills, and runs with bad connections, by the hundred (KILLS, 300)
  waits    the tests that wait for more than a minute
  worlds   random restores by the million, in which nothing that lives or is sound may be deletable (WORLDS, 1000000)
  fuzz     each fuzz target for three minutes (SECONDS_EACH, 180)
  benches  how fast it is, beside something else
  browser  the audit page in a real browser"

busy() {
  local round core loops=() failed=0
  trap '((${#loops[@]} == 0)) || kill "${loops[@]}" 2> /dev/null || :' EXIT
  for ((core = 0; core < $(nproc); core++)); do
    # It ends with this process, in whatever way that ends.
    setpriv --pdeathsig KILL bash -c 'while :; do :; done' &
    loops+=("$!")
  done
  for ((round = 1; round <= ${ROUNDS:-3}; round++)); do
    printf '== busy, round %d\n' "$round"
    tests/run.sh || failed=1
  done
  kill "${loops[@]}"
  wait "${loops[@]}" 2> /dev/null || :
  # What the trap names is of this function, which is over by then.
  trap - EXIT
  return "$failed"
}

kills() {
  HALFBUILT_TEST_KILLS=${KILLS:-300} tests/run.sh --test faults -- --nocapture kill:: network:: bad_servers::no_answer &&
    HALFBUILT_TEST_KILLS=${KILLS:-300} tests/run.sh --test journal kill:: &&
    HALFBUILT_TEST_KILLS=${KILLS:-300} tests/run.sh --test cli -- collect_while_it_changes::a_kill collected_delete_killed
}

waits() { tests/run.sh --test faults -- --ignored; }

# The other test of this kind needs a database for each world, and is for CI.
worlds() { HALFBUILT_TEST_WORLDS=${WORLDS:-1000000} tests/run.sh --release --test restores -- nothing_that_lives; }

fuzz() { tests/fuzz/run.sh all "${SECONDS_EACH:-180}"; }

benches() {
  benches/collect.sh && benches/scan.sh ratios && benches/scan.sh growth && benches/manifest.sh && benches/deletions.sh && cargo bench --locked --bench journal_speed
}

browser() { tests/browser.sh; }

main() {
  local what began status=0 summary=()
  [[ ${1-} != -h && ${1-} != --help ]] || { printf '%s\n' "$usage"; return 0; }
  (($# > 0)) || set -- busy kills waits worlds fuzz benches browser
  for what in "$@"; do
    [[ " busy kills waits worlds fuzz benches browser " == *" $what "* ]] || { printf '%s\n' "$usage" >&2; return 2; }
  done
  for what in "$@"; do
    began=$SECONDS
    # In a process of its own, where an error ends it.
    if "$BASH" tests/long.sh --one "$what"; then
      summary+=("ok      $(((SECONDS - began) / 60)) min  $what")
    else
      summary+=("FAILED  $(((SECONDS - began) / 60)) min  $what")
      status=1
    fi
  done
  printf '%s\n' "${summary[@]}"
  return "$status"
}

if [[ ${1-} == --one ]]; then "$2"; else main "$@"; fi
exit
