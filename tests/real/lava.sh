# shellcheck shell=bash
# The whole job on a real LAVA. Sourced by real.sh, never run.
# shellcheck disable=SC2154 # variables that lib.sh sets by the names of servers

# submit SECONDS: a job.
submit() {
  curl -sf -o body -H "Authorization: Token $lava_TOKEN" "$lava_URL/api/v0.2/jobs/" --data-urlencode "definition=device_type: qemu
job_name: sleep $1
timeouts: {job: {minutes: 15}, action: {minutes: 5}}
priority: medium
visibility: public
actions:
- deploy: {to: tftp, kernel: {url: 'http://x.example/k', type: zimage}, os: debian}
" || fails "a job of $1 s was not taken" body
}

lava_whole() {
  lava_backs_up
  lava_restores
  began "LAVA: what the server answers"
  lava_answers
  lava_resumes
  began "LAVA: delete"
  lava_deletes
}

lava_backs_up() {
  began "LAVA: jobs that end, run and wait, and a backup"
  export PGDATABASE=lava
  createdb lava
  start lava fixtures/servers/lava.sh --workers 2
  watched=$lava_FOLDER/log
  submit 1
  submit 1
  submit 20
  submit 900
  submit 1
  until_true "LAVA: two jobs are over, two are at work, one waits" sql lava "
    SELECT count(*) FILTER (WHERE id IN (1, 2) AND state = 5 AND health = 1) = 2
       AND count(*) FILTER (WHERE id IN (3, 4) AND state = 3
                              AND EXISTS (SELECT FROM lava_results_app_testsuite AS s WHERE s.job_id = j.id)) = 2
       AND count(*) FILTER (WHERE id = 5 AND state = 0) = 1 FROM lava_scheduler_app_testjob AS j"
  lava_T=$(now)
  pg_dump -Fc lava -f lava.dump
  cp -R "$lava_FOLDER" lava.files
  # Who comes back is decided by who ran what.
  stuck_device=$(sql lava 'SELECT actual_device_id FROM lava_scheduler_app_testjob WHERE id = 4')
  export TOKEN=$lava_TOKEN OTHER_TOKEN=$lava_OTHER_TOKEN
  stop lava
}

lava_restores() {
  began "LAVA: the restored server, and what is stuck"
  createdb lava_restored
  pg_restore -d lava_restored lava.dump
  sleep 3
  lava_R=$(now)
  PGDATABASE=lava_restored start restored fixtures/servers/lava.sh --no-scheduler --from "$work/lava.files"
  use lava lava_restored "$restored_URL" "$lava_T" "$lava_R"
  exits 0 "LAVA: profiles --check" halfbuilt profiles --check lava --base-url "$server"
  exits 0 "LAVA: scan" halfbuilt scan "${reading[@]}" -o lava.csv
  same "LAVA: stuck" "$(found lava.csv reasons stuck-running)" '3 4'
  same "LAVA: in the report" "$(found lava.csv build_num)" '3 4'
  same "LAVA: in-flight" "$(found lava.csv timing in-flight)" '3 4'
  same "LAVA: deletable, as long as a worker may start them once more" "$(found lava.csv deletable yes)" ''
  holds "LAVA: why not" lava.csv 'this CI may resume what ran at the backup'
}

lava_answers() {
  local job=$restored_URL/api/v0.2/jobs/3/
  answers "LAVA: DELETE without credentials" 403 '' -X DELETE "$job"
  answers "LAVA: DELETE with a wrong token" 403 'Invalid token' -X DELETE -H 'Authorization: Token wrong' "$job"
  answers "LAVA: DELETE by another user" 403 '' -X DELETE -H "Authorization: Token $restored_OTHER_TOKEN" "$job"
  answers "LAVA: DELETE of a job that there is not" 404 '' -X DELETE -H "Authorization: Token $restored_TOKEN" "$restored_URL/api/v0.2/jobs/4711/"
  same "LAVA: jobs, after all that" "$(sql lava_restored 'SELECT count(*) FROM lava_scheduler_app_testjob')" 5
}

# One worker comes back, and has never heard of the job that its device is busy with; the other one does not come back.
lava_resumes() {
  began "LAVA: a worker comes back"
  stop restored
  # The device of job 4 goes to the worker that stays away.
  sql lava_restored "UPDATE lava_scheduler_app_device
                        SET worker_host_id = CASE WHEN hostname = '$stuck_device' THEN 'worker2' ELSE 'worker1' END"
  PGDATABASE=lava_restored start restored fixtures/servers/lava.sh --workers 1 --from "$work/lava.files"
  watched=$restored_FOLDER/log
  unset TOKEN OTHER_TOKEN
  server=$restored_URL
  use lava lava_restored "$restored_URL" "$lava_T" "$lava_R"
  until_true "LAVA: the job that it does not know is started once more, and ends" sql lava_restored \
    "SELECT state = 5 AND health = 1 AND start_time < '$lava_T' AND end_time > '$lava_R' FROM lava_scheduler_app_testjob WHERE id = 3"
  until_true "LAVA: what waited has run" sql lava_restored 'SELECT state = 5 AND health = 1 FROM lava_scheduler_app_testjob WHERE id = 5'
  same "LAVA: the other job is left, and blocks its device" "$(sql lava_restored "
    SELECT j.state, d.state FROM lava_scheduler_app_testjob AS j JOIN lava_scheduler_app_device AS d ON d.hostname = j.actual_device_id WHERE j.id = 4")" '3|2'
}

lava_deletes() {
  local log
  sleep 3
  reading+=(--max-run-time 2s)
  exits 0 "LAVA: scan" halfbuilt scan "${reading[@]}" --max-queue-time 2s -o late.csv
  same "LAVA: stuck" "$(found late.csv reasons stuck-running)" 4
  same "LAVA: resumed, and over" "$(found late.csv reasons closed-after-restore)" 3
  same "LAVA: deletable" "$(found late.csv deletable yes)" 4
  printf '%s\n' "$restored_TOKEN" > admin.token
  printf '%s\n' "$restored_OTHER_TOKEN" > other.token
  only late.csv 4 lava-denied.csv
  reading+=(--max-queue-time 2s)
  exits 3 "LAVA: delete by another user" delete lava-denied.csv other.token
  holds "LAVA: it says what the server said" err 'You do not have permission'
  same "LAVA: jobs, after that" "$(sql lava_restored 'SELECT count(*) FROM lava_scheduler_app_testjob')" 5
  exits 0 "LAVA: delete of a running job" delete late.csv admin.token
  same "LAVA: deleted" "$(states late.results.csv deleted)" 4
  same "LAVA: jobs that are left" "$(sql lava_restored 'SELECT id FROM lava_scheduler_app_testjob ORDER BY id' | one_line)" '1 2 3 5'
  same "LAVA: the device is free" "$(sql lava_restored "SELECT state FROM lava_scheduler_app_device WHERE hostname = '$stuck_device'")" 0
  log=$(find "$restored_FOLDER/media" -path '*/4/*' -type f | wc -l)
  ((log > 0)) || fails "LAVA: the log of job 4 is not on disk any more: the profile says that it stays"
  passes "LAVA: the log of job 4 stays on disk"
  exits 0 "LAVA: the journal is whole" halfbuilt journal verify late.csv.journal.jsonl
  zcat late.archive.gz > archive.jsonl
  for table in lava_scheduler_app_testjob lava_results_app_testsuite lava_results_app_testcase; do
    holds "LAVA: table $table is in the archive" archive.jsonl "\"$table\""
  done
  exits 1 "LAVA: verify, while a job that was resumed is on record" halfbuilt verify "${reading[@]}" -o verify.csv
  same "LAVA: what is left" "$(found verify.csv build_num)" 3
  exits 0 "LAVA: the audit report" halfbuilt report late.csv --journal late.csv.journal.jsonl --html lava.html
  holds "LAVA: the page names the job" lava.html /scheduler/job/4
  stop restored
}
