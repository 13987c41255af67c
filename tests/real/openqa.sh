# shellcheck shell=bash
# The whole job on a real openQA. Sourced by real.sh, never run.
# shellcheck disable=SC2154 # variables that lib.sh sets by the names of servers

# post TEST SECONDS [NAME=VALUE]...: a job.
post() {
  local test=$1 length=$2 more=()
  shift 2
  for setting in "$@"; do more+=(-d "$setting"); done
  curl -sf -o body -u "$live_ADMIN" "$live_URL/api/v1/jobs" -d DISTRI=example -d VERSION=1 -d FLAVOR=dvd -d ARCH=x86_64 -d MACHINE=64bit \
    -d BUILD=1 -d TEST="$test" -d DURATION="$length" "${more[@]}" || fails "job $test was not taken" body
}

openqa_until_it_has_to_wait() {
  began "openQA: jobs that end, run and wait, and a backup"
  export PGDATABASE=openqa
  createdb openqa
  start live fixtures/servers/openqa.sh --workers 2
  watched=$live_FOLDER/log
  post quick-1 1
  post quick-2 1
  post long 900
  post parent 900
  post child 1 _START_AFTER_JOBS=4
  post waits-1 1
  post waits-2 1
  until_true "openQA: two jobs are over, two are at work in a module, one waits for its parent, two wait" sql openqa "
    SELECT count(*) FILTER (WHERE id IN (1, 2) AND state = 'done' AND result = 'passed') = 2
       AND count(*) FILTER (WHERE id IN (3, 4) AND state = 'running'
                              AND EXISTS (SELECT FROM job_modules AS m WHERE m.job_id = jobs.id AND m.result = 'running')) = 2
       AND count(*) FILTER (WHERE id IN (5, 6, 7) AND state = 'scheduled') = 3
       AND count(*) FILTER (WHERE id = 5 AND blocked_by_id = 4) = 1 FROM jobs"
  openqa_T=$(now)
  pg_dump -Fc openqa -f openqa.dump
  cp -R "$live_FOLDER" openqa.files
  openqa_ADMIN=$live_ADMIN openqa_OTHER=$live_OTHER
  stop live

  began "openQA: the restored server, and what is stuck"
  for database in restored served; do createdb "openqa_$database"; pg_restore -d "openqa_$database" openqa.dump; done
  # Times that differ by less than the tolerance are no proof.
  sleep 3
  openqa_R=$(now)
  export ADMIN=$openqa_ADMIN OTHER=$openqa_OTHER
  PGDATABASE=openqa_restored start restored fixtures/servers/openqa.sh --no-scheduler --from "$work/openqa.files"
  # One worker of two comes back, to a server that will close by itself what the other one has left.
  PGDATABASE=openqa_served start served fixtures/servers/openqa.sh --workers 1 --worker-timeout 101 --from "$work/openqa.files"
  watched=$served_FOLDER/log
  unset ADMIN OTHER
  use openqa openqa_restored "$restored_URL" "$openqa_T" "$openqa_R"
  exits 0 "openQA: profiles --check" halfbuilt profiles --check openqa --base-url "$server"
  exits 0 "openQA: scan" halfbuilt scan "${reading[@]}" -o openqa.csv
  same "openQA: stuck" "$(found openqa.csv reasons stuck-running)" '3 4'
  same "openQA: in the report" "$(found openqa.csv build_num)" '3 4'
  same "openQA: deletable" "$(found openqa.csv deletable yes)" '3 4'
  same "openQA: in-flight" "$(found openqa.csv timing in-flight)" '3 4'
  holds "openQA: what waits is not looked for" err 'stuck-queued: profile openqa keeps its queue in the database: what waits starts'

  began "openQA: what the server answers"
  openqa_answers
  began "openQA: delete"
  openqa_deletes
  began "openQA: a parent takes its child along"
  openqa_deletes_a_parent
  stop restored
}

openqa_answers() {
  local job=$restored_URL/api/v1/jobs/3 user
  answers "openQA: DELETE without credentials" 403 'no api key' -X DELETE "$job"
  user=${restored_ADMIN%:*}
  answers "openQA: DELETE with a wrong secret" 403 '' -X DELETE -u "$user:0123456789ABCDEF" "$job"
  answers "openQA: DELETE by a user who is no administrator" 403 '' -X DELETE -u "$restored_OTHER" "$job"
  answers "openQA: DELETE of a job that there is not" 404 'does not exist' -X DELETE -u "$restored_ADMIN" "$restored_URL/api/v1/jobs/4711"
  same "openQA: jobs, after all that" "$(sql openqa_restored 'SELECT count(*) FROM jobs')" 7
}

openqa_deletes() {
  local results
  printf '%s\n' "$restored_ADMIN" > admin.token
  printf '%s\n' "$restored_OTHER" > other.token
  only openqa.csv 3 three.csv
  exits 0 "openQA: the plan" halfbuilt delete three.csv "${reading[@]}" -o plan.csv
  only openqa.csv 3 denied.csv
  exits 3 "openQA: delete by a user who is no administrator" delete denied.csv other.token
  holds "openQA: it says what the server said" err 'Administrator level required'
  same "openQA: jobs, after that" "$(sql openqa_restored 'SELECT count(*) FROM jobs')" 7
  results=$(sql openqa_restored "SELECT result_dir FROM jobs WHERE id = 3")
  [[ -d $restored_FOLDER/var/openqa/testresults/00000/$results ]] || fails "openQA: job 3 has no results on disk: $results"
  exits 0 "openQA: delete of a running job" delete three.csv admin.token
  same "openQA: deleted" "$(states three.results.csv deleted)" 3
  same "openQA: jobs that are left" "$(sql openqa_restored 'SELECT id FROM jobs ORDER BY id' | one_line)" '1 2 4 5 6 7'
  [[ ! -e $restored_FOLDER/var/openqa/testresults/00000/$results ]] || fails "openQA: the results of job 3 are still on disk"
  passes "openQA: the results of job 3 went with it"
  exits 0 "openQA: the journal is whole" halfbuilt journal verify three.csv.journal.jsonl
  zcat three.archive.gz > archive.jsonl
  for table in jobs job_settings job_modules; do holds "openQA: table $table is in the archive" archive.jsonl "\"$table\""; done
  exits 0 "openQA: the same command once more" delete three.csv admin.token
}

openqa_deletes_a_parent() {
  only openqa.csv 4 four.csv
  exits 5 "openQA: delete of a parent" delete four.csv admin.token
  same "openQA: jobs that are left" "$(sql openqa_restored 'SELECT id FROM jobs ORDER BY id' | one_line)" '1 2 6 7'
  holds "openQA: it is said that a second job went" err '2 builds of example-1-dvd-x86_64 are gone and only 1 deletion was sent'
  exits 0 "openQA: verify" halfbuilt verify "${reading[@]}" -o verify.csv
  holds "openQA: nothing abnormal is left" err 'nothing abnormal was seen in 4 builds'
  exits 0 "openQA: the audit report" halfbuilt report three.csv --journal three.csv.journal.jsonl --html openqa.html
  holds "openQA: the page names the job" openqa.html /tests/3
}

openqa_after_the_wait() {
  began "openQA: what the restored server closed by itself"
  watched=$served_FOLDER/log
  until_true "openQA: what waited has run" sql openqa_served "SELECT count(*) = 2 FROM jobs WHERE id IN (6, 7) AND result = 'passed'"
  until_true "openQA: both jobs are closed as incomplete, and cloned" sql openqa_served \
    "SELECT count(*) = 2 FROM jobs WHERE id IN (3, 4) AND state = 'done' AND result = 'incomplete' AND clone_id IS NOT NULL"
  sql openqa_served 'SELECT id, state, result, clone_id, blocked_by_id, reason FROM jobs ORDER BY id' | sed 's/^/        /'
  use openqa openqa_served "$served_URL" "$openqa_T" "$openqa_R"
  exits 0 "openQA: scan" halfbuilt scan "${reading[@]}" -o closed.csv
  same "openQA: closed after the restore" "$(found closed.csv reasons closed-after-restore)" '3 4'
  same "openQA: in the report" "$(found closed.csv build_num)" '3 4'
  same "openQA: deletable" "$(found closed.csv deletable yes)" '3 4'
  printf '%s\n' "$served_ADMIN" > admin.token
  before=$(sql openqa_served 'SELECT count(*) FROM jobs')
  exits 0 "openQA: delete while the server is at work" delete closed.csv admin.token
  same "openQA: deleted" "$(states closed.results.csv deleted)" '3 4'
  same "openQA: jobs that went" "$((before - $(sql openqa_served 'SELECT count(*) FROM jobs')))" 2
  stop served
}
