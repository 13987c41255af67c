#!/usr/bin/env bash
# The whole job on a real openQA and a real LAVA (fixtures/servers/README.md): jobs that end, run and wait; a backup in the middle; what it
# restores to; scan, delete by the server's own request, the proof, the archive, verify, the audit report. It ends at the first thing
# that is not as expected, and says what; else with how many were, and how long each part took. Nothing is installed but what
# fixtures/servers/install.sh brings; as root or not.
#
#   tests/real.sh [openqa] [lava]      by default both
#
# The functions of each part stand in tests/real/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD
# shellcheck source=../fixtures/servers/alive.sh
. fixtures/servers/alive.sh
# shellcheck source=real/lib.sh
. tests/real/lib.sh
# shellcheck source=real/openqa.sh
. tests/real/openqa.sh
# shellcheck source=real/lava.sh
. tests/real/lava.sh

chosen=("$@")
((${#chosen[@]} > 0)) || chosen=(openqa lava)
for name in "${chosen[@]}"; do
  [[ $name == openqa || $name == lava ]] || { printf 'real.sh: error: %s: expected openqa or lava\n' "$name" >&2; exit 2; }
done
wants() { [[ " ${chosen[*]} " == *" $1 "* ]]; }

exports=$(fixtures/servers/install.sh)
eval "$exports"
build=(cargo build --locked --quiet --bin halfbuilt --message-format=json-render-diagnostics)
program=$(alive "building halfbuilt" "${build[@]}" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
[[ -x $program ]] || { printf 'real.sh: error: the build has left no program\n' >&2; exit 1; }

began "installation of ${chosen[*]}"
fixtures/servers/install.sh --real "${chosen[@]}"
make_room
start postgres fixtures/servers/postgres.sh
eval "export $postgres_line"

# openQA's scheduler takes minutes to close what nobody works on: meanwhile it is LAVA's turn.
! wants openqa || openqa_until_it_has_to_wait
! wants lava || lava_whole
! wants openqa || openqa_after_the_wait

ended
printf '%s\n' "${seconds[@]}"
printf 'real: %d passed, 0 failed\n' "$passed"
((passed > 0))
