//! The tables of documents (sql/documents.sql), as collect reads and writes them.

use jiff::Timestamp;

use crate::database::{DatabaseError, Row, Value, Writer};
use crate::sql::{self, expression, filled};
use crate::text::Foreign;

use super::address::Address;
use super::document::Document;
use super::store_error::StoreError;

/// What the comment of the schema says.
const FORMAT: &str = "halfbuilt documents, format 1";

const PLACE: &str = sql::COLLECT.part("place");
const LOCK: &str = sql::COLLECT.part("lock");
const LATEST: &str = sql::COLLECT.part("latest");
const BEGIN: &str = sql::COLLECT.part("begin");
const TAKE_OPEN: &str = sql::COLLECT.part("take_open");
const LIST: &str = sql::COLLECT.part("list");
const NEEDED: &str = sql::COLLECT.part("needed");
const WAITING_COUNT: &str = sql::COLLECT.part("waiting_count");
const WAITING: &str = sql::COLLECT.part("waiting");
const KNOWN: &str = sql::COLLECT.part("known");
const ADOPT: &str = sql::COLLECT.part("adopt");
const KEEP: &str = sql::COLLECT.part("keep");
const GONE: &str = sql::COLLECT.part("gone");
const TROUBLE: &str = sql::COLLECT.part("trouble");
const GONE_BUILDS: &str = sql::COLLECT.part("gone_builds");
const NEIGHBOURS: &str = sql::COLLECT.part("neighbours");
const HIGHEST: &str = sql::COLLECT.part("highest");
const IN_QUESTION: &str = sql::COLLECT.part("in_question");
const END: &str = sql::COLLECT.part("end");
const TOTALS: &str = sql::COLLECT.part("totals");
const ANALYZE: &str = sql::COLLECT.part("analyze");
const FORGET: &str = sql::COLLECT.part("forget");

/// A collection, as it is on record.
#[derive(Clone, Debug)]
pub(super) struct OnRecord {
    pub(super) id: i64,
    pub(super) source: String,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) since: Option<Timestamp>,
    pub(super) lists_all: bool,
}

/// What a page of the list brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    /// Builds of the page that are open, or not over before the window.
    pub(super) wanted: u64,
    /// How many of these were not listed before in this collection, or otherwise.
    pub(super) changed: u64,
}

/// What a collection has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub builds: u64,
    /// Not over.
    pub open: u64,
    /// Proved not to be there any more.
    pub gone: u64,
    /// Whose documents could not be had or read.
    pub troubled: u64,
    /// Why, of one of them.
    pub trouble: Option<String>,
}

/// The documents of a run that are to be fetched: of a collection, by when it began and by R.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) collection: i64,
    pub(super) began: Timestamp,
    pub(super) restored: Option<Timestamp>,
}

/// The tables of documents.
pub struct Store {
    pub(super) writer: Writer,
}

impl Store {
    /// Checks that the tables can be used, and makes them where they are not there. No other collect is at work on them then.
    ///
    /// # Errors
    /// A right is missing, the schema is another's, or the database cannot hold documents.
    pub async fn open(writer: Writer) -> Result<Self, StoreError> {
        let mut store = Self { writer };
        let what = "looking for the tables of documents";
        let row = store.one(what, PLACE, &[]).await?;
        let word = |column| Ok::<_, DatabaseError>(Foreign::name(&row.text(column)?.unwrap_or_default()));
        let is = |column| Ok::<_, DatabaseError>(row.boolean(column)?.unwrap_or_default());
        let (role, database, encoding) = (word("role")?, word("database")?, word("encoding")?);
        if encoding.as_str() != "UTF8" {
            return Err(StoreError::Encoding { database, encoding });
        }
        if is("is_standby")? {
            return Err(StoreError::Standby);
        }
        if !is("is_there")? {
            if !is("may_make")? {
                return Err(StoreError::MayNotMake { role, database });
            }
            store.take_lock().await?;
            store.writer.run("making the tables of documents", sql::DOCUMENTS).await?;
            return Ok(store);
        }
        if word("format")?.as_str() != FORMAT {
            return Err(StoreError::OtherFormat { database });
        }
        if is("runs_foreign_code")? {
            return Err(StoreError::ForeignCode { role, database });
        }
        if !is("may_enter")? || !is("may_write")? {
            return Err(StoreError::MayNotWrite { role, database });
        }
        store.take_lock().await?;
        Ok(store)
    }

    /// Removes the tables of documents; `false` if there are none.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub async fn forget(writer: Writer) -> Result<bool, StoreError> {
        let mut store = Self { writer };
        let row = store.one("looking for the tables of documents", PLACE, &[]).await?;
        if row.boolean("is_there")? != Some(true) {
            return Ok(false);
        }
        if row.text("format")?.as_deref() != Some(FORMAT) {
            let database = Foreign::name(&row.text("database")?.unwrap_or_default());
            return Err(StoreError::OtherFormat { database });
        }
        store.take_lock().await?;
        store.writer.run("removing the tables of documents", FORGET).await?;
        Ok(true)
    }

    async fn take_lock(&mut self) -> Result<(), StoreError> {
        let row = self.one("taking the lock of documents", LOCK, &[]).await?;
        if row.boolean("taken")? == Some(true) { Ok(()) } else { Err(StoreError::InUse) }
    }

    /// The latest collection.
    pub(super) async fn latest(&mut self) -> Result<Option<OnRecord>, StoreError> {
        let rows = self.writer.ask("looking for the latest collection", LATEST, &[]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(OnRecord {
            id: row.integer("collection_id")?.unwrap_or_default(),
            source: row.text("source")?.unwrap_or_default(),
            ended_at: row.time("ended_at")?,
            since: row.time("since")?,
            lists_all: row.boolean("lists_all")?.unwrap_or_default(),
        }))
    }

    /// Continues the latest collection if it has no end and is the same as this one, or begins a new one. Gives its number, and whether it is
    /// continued.
    pub(super) async fn begin(
        &mut self,
        source: &Address,
        since: Option<Timestamp>,
        lists_all: bool,
        token_user: Option<String>,
    ) -> Result<(i64, bool), StoreError> {
        let source = source.to_string();
        let began = Timestamp::now();
        if let Some(latest) = self.latest().await? {
            if latest.source != source {
                return Err(StoreError::OtherSource { there: Foreign::url(&latest.source) });
            }
            if latest.ended_at.is_none() && latest.since == since && latest.lists_all == lists_all {
                return Ok((latest.id, true));
            }
        }
        let values = [
            Value::text(source),
            Value::Time(Some(began)),
            Value::Time(since),
            Value::Boolean(lists_all),
            Value::Text(token_user),
        ];
        let row = self.one("beginning a collection", BEGIN, &values).await?;
        Ok((row.integer("collection_id")?.unwrap_or_default(), false))
    }

    /// Takes builds that were not over when an earlier collection listed them into this one, whatever its lists have: each is asked for.
    pub(super) async fn take_open(&mut self, collection: i64) -> Result<(), StoreError> {
        self.writer.ask("taking over builds that were not over", TAKE_OPEN, &[Value::Integer(collection)]).await?;
        Ok(())
    }

    /// Puts a page of the list on record.
    pub(super) async fn list(
        &mut self,
        collection: i64,
        page: String,
        since: Option<Timestamp>,
    ) -> Result<Listed, StoreError> {
        let values =
            [Value::Integer(collection), Value::text(page), Value::Time(since), Value::Time(Some(Timestamp::now()))];
        let row = self.one("storing a page of the list of builds", LIST, &values).await?;
        let number = |column| Ok::<_, DatabaseError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        Ok(Listed { wanted: number("wanted")?, changed: number("changed")? })
    }

    /// How many documents have to be fetched, and how many are kept.
    pub(super) async fn count_waiting(&mut self, run: Run) -> Result<(u64, u64), StoreError> {
        let statement = filled(WAITING_COUNT, &[("needed", expression(NEEDED))]);
        let values = [Value::Integer(run.collection), Value::Time(Some(run.began)), Value::Time(run.restored)];
        let row = self.one("counting the documents to fetch", &statement, &values).await?;
        let number = |column| Ok::<_, DatabaseError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        Ok((number("waiting")?, number("kept")?))
    }

    /// Some builds whose documents have to be fetched, after an address, in order.
    pub(super) async fn waiting(
        &mut self,
        run: Run,
        open: bool,
        after: &str,
        most: i64,
    ) -> Result<Vec<String>, StoreError> {
        let statement = filled(WAITING, &[("needed", expression(NEEDED))]);
        let values = [
            Value::Integer(run.collection),
            Value::Time(Some(run.began)),
            Value::Time(run.restored),
            Value::Boolean(open),
            Value::text(after),
            Value::Integer(most),
        ];
        self.addresses("looking for documents to fetch", &statement, &values).await
    }

    /// Stores documents. One that cannot be jsonb is stored as text alone, and noted. Gives those, by their addresses, each with the reason.
    pub(super) async fn keep(&mut self, documents: &[Document]) -> Result<Vec<(String, String)>, StoreError> {
        let mut unreadable = Vec::new();
        match self.keep_as(documents, None).await {
            Err(StoreError::Database(error)) if error.is_about_what_is_read() => {}
            done => return done.map(|()| unreadable),
        }
        for document in documents {
            match self.keep_as(std::slice::from_ref(document), None).await {
                Err(StoreError::Database(error)) if error.is_about_what_is_read() => {
                    let why = format!("the document cannot be read as jsonb: {}", crate::causes::in_one_line(&error));
                    self.keep_as(std::slice::from_ref(document), Some(&why)).await?;
                    unreadable.push((document.build_url.clone(), why));
                }
                done => done?,
            }
        }
        Ok(unreadable)
    }

    async fn keep_as(&mut self, documents: &[Document], trouble: Option<&str>) -> Result<(), StoreError> {
        let texts = |text: fn(&Document) -> Option<String>| Value::Texts(documents.iter().map(text).collect());
        let values = [
            texts(|document| Some(document.build_url.clone())),
            Value::Times(documents.iter().map(|document| Some(document.fetched_at)).collect()),
            texts(|document| Some(document.body.clone())),
            texts(|document| document.clean.clone()),
            Value::Booleans(documents.iter().map(|_| trouble.is_none()).collect()),
            Value::Texts(documents.iter().map(|_| trouble.map(str::to_owned)).collect()),
        ];
        let stored = self.writer.ask("storing documents", KEEP, &values).await?.len();
        if stored == documents.len() { Ok(()) } else { Err(StoreError::NotStored) }
    }

    /// Which of these addresses are on record.
    pub(super) async fn known(&mut self, addresses: Vec<String>) -> Result<Vec<String>, StoreError> {
        let values = [Value::Texts(addresses.into_iter().map(Some).collect())];
        self.addresses("looking for builds in the tables of documents", KNOWN, &values).await
    }

    /// Takes a build that no list had into the latest collection, if it is not on record.
    pub(super) async fn adopt(&mut self, build_url: &str) -> Result<(), StoreError> {
        let values = [Value::text(build_url), Value::Time(Some(Timestamp::now()))];
        self.writer.ask("noting a build that no list had", ADOPT, &values).await?;
        Ok(())
    }

    /// The server whose documents these are; `None` where nothing was ever collected.
    pub async fn source(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.latest().await?.map(|latest| latest.source))
    }

    /// Notes that a build is not there any more.
    pub(super) async fn gone(&mut self, build_url: &str) -> Result<(), StoreError> {
        let values = [Value::text(build_url), Value::Time(Some(Timestamp::now()))];
        let noted = self.writer.ask("noting that a build is gone", GONE, &values).await?.len();
        if noted == 1 { Ok(()) } else { Err(StoreError::NotStored) }
    }

    /// The builds of the latest collection that are not there any more, so many at most.
    pub(super) async fn gone_builds(&mut self, most: i64) -> Result<Vec<String>, StoreError> {
        self.addresses("looking for builds that are gone", GONE_BUILDS, &[Value::Integer(most)]).await
    }

    /// Notes why a document could not be had.
    pub(super) async fn trouble(&mut self, build_url: &str, why: &str) -> Result<(), StoreError> {
        let values = [Value::text(build_url), Value::text(why)];
        self.writer.ask("noting why a document could not be had", TROUBLE, &values).await?;
        Ok(())
    }

    /// Builds of the project whose addresses begin so, other than this one, whose documents are there.
    pub(super) async fn neighbours(
        &mut self,
        build_url: &str,
        project: &str,
        most: i64,
    ) -> Result<Vec<String>, StoreError> {
        let values = [Value::text(build_url), Value::text(project), Value::Integer(most)];
        self.addresses("looking for other builds of a project", NEIGHBOURS, &values).await
    }

    /// The highest number on record of the project whose builds' addresses begin so.
    pub(super) async fn highest(&mut self, project: &str) -> Result<i64, StoreError> {
        let row = self.one("looking for the highest number of a project", HIGHEST, &[Value::text(project)]).await?;
        Ok(row.integer("highest")?.unwrap_or_default())
    }

    /// Some builds that the backup may have cut, after an address, in order.
    pub(super) async fn in_question(
        &mut self,
        collection: i64,
        backup: Option<Timestamp>,
        after: &str,
        most: i64,
    ) -> Result<Vec<String>, StoreError> {
        let values = [Value::Integer(collection), Value::Time(backup), Value::text(after), Value::Integer(most)];
        self.addresses("looking for builds that the backup may have cut", IN_QUESTION, &values).await
    }

    /// Puts the end of a collection on record, and how many entries of the list named no build.
    pub(super) async fn end(&mut self, collection: i64, nameless: u64) -> Result<(), StoreError> {
        let nameless = Value::Integer(i64::try_from(nameless).unwrap_or(i64::MAX));
        let values = [Value::Integer(collection), Value::Time(Some(Timestamp::now())), nameless];
        self.writer.ask("ending the collection", END, &values).await?;
        Ok(())
    }

    /// Has the server count what is in the tables, for the scans to come.
    pub(super) async fn analyze(&mut self) -> Result<(), StoreError> {
        Ok(self.writer.run("counting what is in the tables of documents", ANALYZE).await?)
    }

    /// What a collection has.
    pub(super) async fn totals(&mut self, collection: i64) -> Result<Totals, StoreError> {
        let row = self.one("adding up the collection", TOTALS, &[Value::Integer(collection)]).await?;
        let number = |column| Ok::<_, DatabaseError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        Ok(Totals {
            builds: number("builds")?,
            open: number("open")?,
            gone: number("gone")?,
            troubled: number("troubled")?,
            trouble: row.text("trouble")?,
        })
    }

    async fn addresses(
        &mut self,
        what: &'static str,
        statement: &str,
        values: &[Value],
    ) -> Result<Vec<String>, StoreError> {
        let rows = self.writer.ask(what, statement, values).await?;
        let addresses = rows.iter().map(|row| Ok(row.text("build_url")?.unwrap_or_default()));
        addresses.collect()
    }

    async fn one(&mut self, what: &'static str, statement: &str, values: &[Value]) -> Result<Row, StoreError> {
        let rows = self.writer.ask(what, statement, values).await?;
        let answer = rows.into_iter().next();
        answer.ok_or_else(|| DatabaseError::NoAnswer { what: what.to_owned(), limit: std::time::Duration::ZERO }.into())
    }
}
