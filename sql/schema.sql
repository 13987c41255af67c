-- The reference build database: the tables that the profile sql/profiles/circleci.sql reads.
--
-- What:    the build records of a CI server, with the names and meanings of the CircleCI API v1.1 build document:
--          builds, their steps, the actions of each step, the output of each action, and the artifacts.
-- For whom: whoever writes a profile for a real build database and wants to see what each relation has to mean; and
--          the tests, which load the databases in fixtures/circleci/ into it.
-- Why:     it is a reference, not a copy. No CI server publishes the schema of its build database, and it changes from
--          release to release. The API document is public and stable, so its words are used here.
--
-- Runs on PostgreSQL 13 and later, in an empty schema:
--     psql -v ON_ERROR_STOP=1 -1 -f sql/schema.sql
--
-- No constraint compares two times, and none says which lifecycle goes with which time. Hosts have different clocks,
-- and the records that matter most here are the damaged ones: they must be loadable.

CREATE TABLE builds (
    build_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vcs_type            text NOT NULL CHECK (vcs_type IN ('github', 'bitbucket', 'gitlab', 'circleci')),
    username            text NOT NULL,
    reponame            text NOT NULL,
    build_num           bigint NOT NULL CHECK (build_num > 0),
    build_url           text NOT NULL,

    lifecycle           text NOT NULL
                        CHECK (lifecycle IN ('queued', 'scheduled', 'not_run', 'not_running', 'running', 'finished')),
    outcome             text
                        CHECK (outcome IN ('canceled', 'infrastructure_fail', 'timedout', 'failed', 'no_tests',
                                           'success')),
    status              text NOT NULL,

    queued_at           timestamptz,
    start_time          timestamptz,
    stop_time           timestamptz,
    build_time_millis   bigint CHECK (build_time_millis >= 0),

    branch              text,
    vcs_tag             text,
    vcs_revision        text,
    subject             text,
    why                 text,
    retry_of            bigint,

    workflow_id         uuid,
    job_name            text,
    parallel            integer NOT NULL DEFAULT 1 CHECK (parallel > 0),

    canceled            boolean NOT NULL DEFAULT false,
    timedout            boolean NOT NULL DEFAULT false,
    infrastructure_fail boolean NOT NULL DEFAULT false,
    ssh_disabled        boolean NOT NULL DEFAULT true,
    has_artifacts       boolean NOT NULL DEFAULT false,

    CONSTRAINT builds_number UNIQUE (vcs_type, username, reponame, build_num)
);

CREATE INDEX builds_build_url ON builds (build_url);
CREATE INDEX builds_build_num ON builds (build_num);
CREATE INDEX builds_start_time ON builds (start_time);
-- The builds that never stopped: few on a live server, and the first to look at after a restore.
CREATE INDEX builds_unfinished ON builds (start_time) WHERE stop_time IS NULL;

COMMENT ON TABLE builds IS 'One row a build: one run of one job of a project.';
COMMENT ON COLUMN builds.build_id IS 'Internal key. Not shown to users, and not part of the API document.';
COMMENT ON COLUMN builds.vcs_type IS 'The version control system of the project. In a build_url: gh, bb, gl or circleci.';
COMMENT ON COLUMN builds.username IS 'The organisation, or the user who owns the repository.';
COMMENT ON COLUMN builds.reponame IS 'The repository. username/reponame is the project.';
COMMENT ON COLUMN builds.build_num IS 'The number that users know, counted from 1 within each project.';
COMMENT ON COLUMN builds.build_url IS 'Address of the build page: https://HOST/VCS/USERNAME/REPONAME/BUILD_NUM. Meant to be unique, but not held to be: a profile must be able to report two builds with one address.';
COMMENT ON COLUMN builds.lifecycle IS 'How far the build has come: queued, scheduled (has a place, not started), not_run (skipped for good), not_running (about to start), running, finished.';
COMMENT ON COLUMN builds.outcome IS 'How the build ended; NULL while it has not ended, and for a build that was never run.';
COMMENT ON COLUMN builds.status IS 'One word for users, made from lifecycle, outcome and what came before. Known words: retried, canceled, infrastructure_fail, timedout, not_run, running, failed, queued, scheduled, not_running, no_tests, fixed, success. Releases add words, so none is refused; no rule may rely on it.';
COMMENT ON COLUMN builds.queued_at IS 'When the build was asked for.';
COMMENT ON COLUMN builds.start_time IS 'When the first container started; NULL for a build that never started.';
COMMENT ON COLUMN builds.stop_time IS 'When the build ended; NULL while it has not, and for a build that was canceled or skipped before it started.';
COMMENT ON COLUMN builds.build_time_millis IS 'stop_time - start_time, in milliseconds, as the CI recorded it.';
COMMENT ON COLUMN builds.branch IS 'Branch that was built; NULL for a tag.';
COMMENT ON COLUMN builds.vcs_tag IS 'Tag that was built; NULL for a branch.';
COMMENT ON COLUMN builds.vcs_revision IS 'Commit that was built, in hexadecimal.';
COMMENT ON COLUMN builds.subject IS 'First line of the commit message.';
COMMENT ON COLUMN builds.why IS 'What triggered the build, such as github, retry, api, ssh or ci-skip.';
COMMENT ON COLUMN builds.retry_of IS 'build_num, in the same project, of the build that this one repeats. No foreign key: that build may have been deleted.';
COMMENT ON COLUMN builds.workflow_id IS 'The workflow that the build is a job of; NULL for a build outside any.';
COMMENT ON COLUMN builds.job_name IS 'Name of the job within its workflow.';
COMMENT ON COLUMN builds.parallel IS 'Number of containers. Their actions have index 0 to parallel - 1.';
COMMENT ON COLUMN builds.canceled IS 'A user, or a newer build of the branch, ended it.';
COMMENT ON COLUMN builds.timedout IS 'It ran, or was silent, for longer than allowed.';
COMMENT ON COLUMN builds.infrastructure_fail IS 'The CI itself failed, not the build.';
COMMENT ON COLUMN builds.ssh_disabled IS 'False where users could log in to the containers. Such a build may stay open for hours after its last step.';
COMMENT ON COLUMN builds.has_artifacts IS 'Whether any artifact was stored.';

CREATE TABLE steps (
    build_id bigint NOT NULL REFERENCES builds ON DELETE CASCADE,
    step     integer NOT NULL CHECK (step >= 0),
    name     text,
    PRIMARY KEY (build_id, step)
);

COMMENT ON TABLE steps IS 'One row a step of a build, as the configuration lists them. What really ran are its actions.';
COMMENT ON COLUMN steps.step IS 'Place of the step in the build, from 0. Numbers may be left out.';
COMMENT ON COLUMN steps.name IS 'Name of the step; the name of an action that has none of its own.';

CREATE TABLE actions (
    build_id            bigint NOT NULL,
    step                integer NOT NULL,
    index               integer NOT NULL CHECK (index >= 0),
    name                text,
    type                text,
    status              text NOT NULL,
    start_time          timestamptz,
    end_time            timestamptz,
    run_time_millis     bigint CHECK (run_time_millis >= 0),
    exit_code           integer,
    bash_command        text,
    has_output          boolean NOT NULL,
    output_size         bigint CHECK (output_size >= 0),
    truncated           boolean NOT NULL DEFAULT false,
    canceled            boolean NOT NULL DEFAULT false,
    timedout            boolean NOT NULL DEFAULT false,
    infrastructure_fail boolean NOT NULL DEFAULT false,
    PRIMARY KEY (build_id, step, index),
    FOREIGN KEY (build_id, step) REFERENCES steps ON DELETE CASCADE
);

CREATE INDEX actions_unfinished ON actions (build_id) WHERE start_time IS NOT NULL AND end_time IS NULL;

COMMENT ON TABLE actions IS 'One row for each step in each container: the commands that really ran.';
COMMENT ON COLUMN actions.index IS 'The container, from 0 to builds.parallel - 1.';
COMMENT ON COLUMN actions.name IS 'Name of the action; NULL means the name of its step.';
COMMENT ON COLUMN actions.type IS 'The part of the build it belongs to, such as infrastructure, checkout, dependencies, test or teardown.';
COMMENT ON COLUMN actions.status IS 'running, success, failed, canceled, timedout or infrastructure_fail. Releases add words, so none is refused.';
COMMENT ON COLUMN actions.start_time IS 'When the command started; NULL if it never did.';
COMMENT ON COLUMN actions.end_time IS 'When the command ended; NULL while it runs.';
COMMENT ON COLUMN actions.run_time_millis IS 'end_time - start_time, in milliseconds, as the CI recorded it.';
COMMENT ON COLUMN actions.exit_code IS 'Exit code of the command; NULL while it runs, and if it was ended from outside.';
COMMENT ON COLUMN actions.has_output IS 'Whether there is output to show. Becomes true with the first byte, and false again when the output is expired on purpose.';
COMMENT ON COLUMN actions.output_size IS 'Bytes of output that the CI recorded when the action ended; NULL while it runs. Where truncated is true: the bytes that it kept.';
COMMENT ON COLUMN actions.truncated IS 'The output was longer than the CI keeps, and was capped on purpose. This is no damage: what the CI kept is complete.';

CREATE TABLE output (
    output_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    build_id   bigint NOT NULL,
    step       integer NOT NULL,
    index      integer NOT NULL,
    first_byte bigint NOT NULL CHECK (first_byte >= 0),
    size       integer GENERATED ALWAYS AS (octet_length(message)) STORED,
    type       text NOT NULL CHECK (type IN ('out', 'err')),
    time       timestamptz,
    message    bytea NOT NULL,
    FOREIGN KEY (build_id, step, index) REFERENCES actions ON DELETE CASCADE
);

-- Not unique: a container that gets no answer sends its piece again, and both copies are kept. With size included,
-- whether the pieces join up can be read from the index alone, without touching the messages.
CREATE INDEX output_place ON output (build_id, step, index, first_byte) INCLUDE (size);

COMMENT ON TABLE output IS 'One row a stored piece of the output of an action. The pieces of one action join up from byte 0; a piece may be there twice.';
COMMENT ON COLUMN output.first_byte IS 'Place of the first byte of this piece in the whole output of the action, from 0. Both streams count as one.';
COMMENT ON COLUMN output.size IS 'Bytes in this piece. The next piece begins at first_byte + size.';
COMMENT ON COLUMN output.type IS 'The stream: out (standard output) or err (standard error).';
COMMENT ON COLUMN output.time IS 'When the piece arrived.';
COMMENT ON COLUMN output.message IS 'The bytes as the command wrote them. A piece may end in the middle of a character, so this is not text.';

CREATE TABLE artifacts (
    build_id    bigint NOT NULL REFERENCES builds ON DELETE CASCADE,
    node_index  integer NOT NULL DEFAULT 0 CHECK (node_index >= 0),
    path        text NOT NULL,
    storage_key text NOT NULL,
    size        bigint CHECK (size >= 0),
    PRIMARY KEY (build_id, node_index, path)
);

CREATE INDEX artifacts_storage_key ON artifacts (storage_key);

COMMENT ON TABLE artifacts IS 'One row a file that a build kept. The file itself is in object storage.';
COMMENT ON COLUMN artifacts.node_index IS 'The container that the file came from, as actions.index.';
COMMENT ON COLUMN artifacts.path IS 'Path of the file in the container.';
COMMENT ON COLUMN artifacts.storage_key IS 'Key of the object that holds the file.';
COMMENT ON COLUMN artifacts.size IS 'Bytes; NULL where the CI did not record it.';
