-- What:  the tables in which `halfbuilt collect` keeps the documents of a CI's API, in a schema of their own.
-- For:   collect, which makes them where its role may; an administrator, where it may not; and the profile circleci-api, which presents them.
-- Why:   a CircleCI Server keeps its builds where no SQL reaches them, and answers by its API. What it said is kept as it said it: what a
--        document means is for the profile. Only the query of an address is cut off, which may be a key to what is behind it.
--        One database holds the documents of one server.
--
--        For a role that may not make a schema, run this as an administrator, and then:
--        GRANT USAGE ON SCHEMA halfbuilt TO collector; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA halfbuilt TO collector;
CREATE SCHEMA halfbuilt;
COMMENT ON SCHEMA halfbuilt IS 'halfbuilt documents, format 1';

-- One row a collection: what was fetched in one go. One that was interrupted has no end, and the same command continues it.
CREATE TABLE halfbuilt.collection (
    collection_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text        NOT NULL,   -- the address of the server, such as https://ci.example.com
    began_at      timestamptz NOT NULL,
    ended_at      timestamptz,            -- NULL: it was interrupted, or is under way
    since         timestamptz,            -- builds that were over before are not in it; NULL: all builds
    lists_all     boolean     NOT NULL,   -- false: only the builds that the token's user follows
    token_user    text,                   -- whose token it was
    nameless      bigint      NOT NULL DEFAULT 0   -- entries of the list that named no build: nothing of these is known
);

-- One row a build: what the list of builds says of it, and its document.
CREATE TABLE halfbuilt.document (
    build_url     text        COLLATE "C" PRIMARY KEY,
    collection_id bigint      NOT NULL REFERENCES halfbuilt.collection,   -- the latest that lists the build
    summary       jsonb       NOT NULL,   -- what the list says: lifecycle, status, outcome, queued_at, start_time, stop_time
    is_open       boolean     NOT NULL,   -- not over, by the list
    listed_at     timestamptz NOT NULL DEFAULT now(),   -- when the list said something new of it
    fetched_at    timestamptz,            -- when the document was asked for; NULL: not yet
    body          text,                   -- the document
    head          jsonb,                  -- the same without its steps; NULL where it cannot be read as jsonb
    steps         jsonb,                  -- its steps
    gone_at       timestamptz,            -- when the server proved that the build is not there any more
    trouble       text                    -- why there is no document, or none that can be read; `body` may then be older
);

-- By the number at the end of its address, as the profile circleci-api writes it, a build is found again before and after its deletion.
CREATE INDEX document_number ON halfbuilt.document ((substring(build_url FROM '/([0-9]{1,18})$')::bigint));

-- Whether the output of an action can be had. `step` and `action` are places in the document, from 0.
CREATE TABLE halfbuilt.output (
    build_url     text        COLLATE "C" NOT NULL REFERENCES halfbuilt.document ON DELETE CASCADE,
    step          integer     NOT NULL,
    action        integer     NOT NULL,
    asked_at      timestamptz NOT NULL,
    state         text        NOT NULL CHECK (state IN ('there', 'absent', 'not known')),
    why           text,                   -- the server's answer where it is not there
    size          bigint,                 -- bytes of the answer
    messages      bigint,
    first_at      timestamptz,            -- the time of the first message, and of the last
    last_at       timestamptz,
    sha256        text,                   -- of the answer, in hexadecimal digits
    PRIMARY KEY (build_url, step, action)
);

-- The artifacts of a build. `place` is the place in the list, from 0.
CREATE TABLE halfbuilt.artifact (
    build_url     text        COLLATE "C" NOT NULL REFERENCES halfbuilt.document ON DELETE CASCADE,
    place         integer     NOT NULL,
    path          text,
    node_index    integer,
    url           text,                   -- without its query
    asked_at      timestamptz NOT NULL,
    state         text        NOT NULL CHECK (state IN ('there', 'absent', 'not known')),
    why           text,
    size          bigint,
    PRIMARY KEY (build_url, place)
);
