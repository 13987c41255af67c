# shellcheck shell=bash
# What the parts of real.sh share: servers, checks, and the program. Sourced, never run.
# shellcheck disable=SC2034,SC2154 # variables of real.sh

# ---- Parts, and how long each takes ---------------------------------------------------------------------------------------

part='' part_began=0 seconds=() passed=0

# began PART: the part before it is over.
began() {
  ended
  part=$1 part_began=$SECONDS
  printf '\n-- %s\n' "$part"
}

ended() { [[ -z $part ]] || seconds+=("$(printf '%4d s  %s' $((SECONDS - part_began)) "$part")"); part=''; }

# ---- Checks ---------------------------------------------------------------------------------------------------------------

# passes WHAT: one more thing is as expected.
passes() {
  passed=$((passed + 1))
  printf 'ok      %s\n' "$1"
}

# fails WHAT [FILE...]: the end of all, with the end of these files.
fails() {
  local file
  printf 'FAILED  %s\n' "$1"
  for file in "${@:2}"; do
    [[ ! -s $file ]] || { printf '%s:\n' "${file##*/}"; tail -n 30 "$file" | sed 's/^/  | /'; }
  done
  printf 'real: %d passed, 1 failed\n' "$passed"
  exit 1
}

# same WHAT FOUND EXPECTED
same() {
  [[ $2 == "$3" ]] || fails "$1: expected '$3', found '$2'" out err
  passes "$1: ${3:-none}"
}

# holds WHAT FILE TEXT: the file has the text.
holds() {
  grep -qF -- "$3" "$2" || fails "$1: '$3' is not in ${2##*/}" "$2"
  passes "$1"
}

# exits CODE WHAT COMMAND...: what it says is in the files out and err.
exits() {
  local code=$1 what=$2 status=0
  shift 2
  "$@" > out 2> err || status=$?
  [[ $status == "$code" ]] || fails "$what: exit code $status, expected $code" out err
  passes "$what (exit code $code)"
}

# until WHAT COMMAND...: until the command says t, for four minutes at most.
until_true() {
  local what=$1 i
  shift
  for ((i = 0; i < 480; i++)); do
    [[ $("$@") != t ]] || { passes "$what"; return; }
    sleep 0.5
  done
  fails "$what: not within four minutes" "${watched:-/dev/null}"
}

# answers WHAT STATUS BODY CURL...: what a server says to a request; BODY is a part of it.
answers() {
  local what=$1 status=$2 body=$3 found
  shift 3
  found=$(curl -s --max-time 60 -o body -w '%{http_code}' "$@") || fails "$what: no answer"
  printf '        %s: %s %s\n' "$what" "$found" "$(tr -d '\n' < body | cut -c 1-160)"
  [[ $found == "$status" ]] || fails "$what: the server answers $found, expected $status" body
  [[ -z $body ]] || grep -qF -- "$body" body || fails "$what: '$body' is not in the answer" body
  passes "$what: the server answers $status"
}

# ---- Servers --------------------------------------------------------------------------------------------------------------

# make_room: a folder, which is left to the end with all servers.
make_room() {
  work=$(mktemp -d)
  trap 'cd /; stop_all; rm -rf -- "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  unset "${!PG@}" HALFBUILT_DATABASE_URL HALFBUILT_TOKEN
  cd "$work"
}

declare -A held=()

# start NAME SCRIPT ARGUMENT...: sets NAME_line to what the server prints, and NAME_URL and the like to what is in it.
start() {
  local name=$1 end line
  shift
  mkfifo "$work/$name.in" "$work/$name.out"
  (
    # A server must not hold the pipes of others: it would keep them alive.
    for end in "${held[@]}"; do exec {end}>&-; done
    cd "$repository"
    exec "$@" < "$work/$name.in" > "$work/$name.out" 2> "$work/$name.err"
  ) &
  exec {end}> "$work/$name.in"
  held[$name]=$end
  read -r line < "$work/$name.out" || fails "$name did not start" "$work/$name.err"
  printf -v "${name}_line" %s "$line"
  eval "$(sed -E "s/(^| )([A-Z_]+=)/\1${name}_\2/g" <<< "$line")"
}

# stop NAME: and waits until its folder is gone.
stop() {
  local end=${held[$1]} folder="${1}_FOLDER" i
  exec {end}>&-
  unset "held[$1]"
  rm -f "$work/$1.in" "$work/$1.out"
  for ((i = 0; i < 300; i++)); do
    [[ -e ${!folder} ]] || return 0
    sleep 0.1
  done
  fails "$1 did not end within half a minute" "$work/$1.err"
}

stop_all() {
  local end
  for end in "${held[@]}"; do exec {end}>&-; done
  held=()
  wait
}

now() { date -u +%FT%T.%6NZ; }

# sql DATABASE STATEMENT
sql() { psql -XqAt -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

# one_line: lines as words of one line.
one_line() { paste -sd ' '; }

# ---- The program ------------------------------------------------------------------------------------------------------------

# use PROFILE DATABASE URL T R: what all commands are given.
use() {
  profile=$1
  export PGDATABASE=$2
  server=$3
  reading=(--profile "$1" --base-url "$3" --backup-time "$4" --restored-at "$5" --clock-tolerance 1s)
}

halfbuilt() { "$program" "$@"; }

# rows FILE STATEMENT: psql on the rows of a CSV file, which stand in table r.
rows() {
  psql -XqAt -v ON_ERROR_STOP=1 -d postgres << END
CREATE TEMP TABLE r ($(head -n 1 "$1" | sed 's/,/ text, /g') text);
\\copy r FROM '$1' WITH (FORMAT csv, HEADER)
$2
END
}

# found REPORT COLUMN [WORD]: the numbers of the builds for which the column holds this word.
found() {
  rows "$1" "SELECT build_num FROM r WHERE '${3-}' = '' OR '${3-}' = ANY (string_to_array($2, ';')) ORDER BY build_num::int;" | one_line
}

# only REPORT NUMBER OUTPUT: the report with this row alone, as an operator's choice.
only() {
  rows "$1" "\\copy (SELECT * FROM r WHERE build_num = '$2') TO '$3' WITH (FORMAT csv, HEADER)"
  cp "$1.about.json" "$3.about.json"
}

# delete REPORT TOKEN_FILE ARGUMENT...: for real.
delete() {
  halfbuilt delete "$1" "${reading[@]}" --via "$server" --token-file "$2" --execute --confirm "${server#http://}" \
    --archive "${1%.csv}.archive.gz" -o "${1%.csv}.results.csv" "${@:3}"
}

# states RESULTS STATE: the numbers of the builds that ended so.
states() { rows "$1" "SELECT regexp_replace(build_url, '.*/', '') FROM r WHERE state = '$2' ORDER BY 1;" | one_line; }
