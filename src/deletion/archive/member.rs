//! One gzip member of an archive while it is written.

use std::fs::File;
use std::io::{self, Write};

use flate2::write::GzEncoder;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::finding::Finding;

use super::file::Archive;
use super::gzip::{encoder, hex};
use super::header::Extent;
use super::line::{Build, Head, Line, Pairs, Row};

/// How much is compressed at once. Lines are short, and each call costs.
const COMPRESSED_AT_ONCE: usize = 64 * 1024;

/// A member that is being written. Dropped unfinished, it is cut off again.
pub struct Member<'a> {
    archive: &'a mut Archive,
    /// `None` as soon as all is in the file.
    encoder: Option<GzEncoder<CountedFile>>,
    buffer: Vec<u8>,
    builds: Vec<BuildRows>,
    rows: u64,
    complete: bool,
}

/// How many rows of each table a build has.
struct BuildRows {
    build_url: String,
    of_tables: Vec<u64>,
}

/// The file; counts and digests what is written to it.
pub(super) struct CountedFile {
    file: File,
    length: u64,
    digest: Sha256,
}

impl Write for CountedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<'a> Member<'a> {
    /// Begins a member. A member that is not finished does not count.
    ///
    /// # Errors
    /// The file cannot be written, now or earlier: what was archived before stands, and nothing more may be deleted.
    pub fn begin(archive: &'a mut Archive) -> io::Result<Self> {
        if archive.failed {
            return Err(io::Error::other("an earlier write to the archive has failed"));
        }
        let file = archive.file.try_clone()?;
        let counted = CountedFile { file, length: 0, digest: Sha256::new() };
        let encoder = Some(encoder(counted));
        let mut member = Self {
            archive,
            encoder,
            buffer: Vec::with_capacity(COMPRESSED_AT_ONCE),
            builds: Vec::new(),
            rows: 0,
            complete: false,
        };
        Line::Archive(Head::of(&member.archive.header, Timestamp::now())).write(&mut member.buffer)?;
        Ok(member)
    }

    /// Adds a build to the member; its rows follow. Returns the number by which they name it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add_build(&mut self, build: &Finding) -> io::Result<usize> {
        Line::Build(Build::of(build)).write(&mut self.buffer)?;
        let build_url = build.build_url.clone().unwrap_or_default();
        self.builds.push(BuildRows { build_url, of_tables: vec![0; self.archive.header.tables.len()] });
        self.compress(false)?;
        Ok(self.builds.len() - 1)
    }

    /// Adds a row of a table to the member. `table` is its place in [`ArchiveHeader::tables`](super::header::ArchiveHeader::tables); the values
    /// are in the order of the columns.
    ///
    /// # Errors
    /// The file cannot be written; there is no such build or table, or not a value for each column.
    pub fn add_row(
        &mut self,
        build: usize,
        table: usize,
        columns: &[String],
        values: &[Option<String>],
    ) -> io::Result<()> {
        let name = self.archive.header.tables.get(table);
        let (Some(build), Some(name)) = (self.builds.get_mut(build), name) else {
            return Err(io::Error::other("a row of no build or of no table"));
        };
        if columns.len() != values.len() {
            return Err(io::Error::other(format!("{} values for {} columns", values.len(), columns.len())));
        }
        let row = Pairs { names: columns, values };
        Line::Row(Row { build_url: &build.build_url, table: name, row }).write(&mut self.buffer)?;
        build.of_tables[table] += 1;
        self.rows += 1;
        self.compress(false)
    }

    /// Completes the member: when this returns, all of it is on disk.
    ///
    /// # Errors
    /// The file cannot be written. The member is cut off again, and the archive takes no more.
    pub fn finish(mut self) -> io::Result<Extent> {
        for build in &self.builds {
            let rows = Pairs { names: &self.archive.header.tables, values: &build.of_tables };
            Line::Counts { build_url: &build.build_url, rows }.write(&mut self.buffer)?;
        }
        Line::End { builds: self.builds.len() as u64, rows: self.rows }.write(&mut self.buffer)?;
        self.compress(true)?;
        let finished = match self.encoder.take() {
            Some(encoder) => encoder.finish().and_then(|counted| self.archive.sync().map(|()| counted)),
            None => Err(io::Error::other("the member is finished already")),
        };
        let CountedFile { length, digest, .. } = finished.inspect_err(|_| self.archive.failed = true)?;
        let offset = self.archive.end;
        self.archive.end += length;
        self.complete = true;
        Ok(Extent { offset, length, sha256: hex(&digest.finalize()), rows: self.rows })
    }

    fn compress(&mut self, all: bool) -> io::Result<()> {
        if self.buffer.len() < COMPRESSED_AT_ONCE && !all {
            return Ok(());
        }
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        encoder.write_all(&self.buffer).inspect_err(|_| self.archive.failed = true)?;
        self.buffer.clear();
        // After a failure a huge row is not compressed to its end.
        self.buffer.shrink_to(2 * COMPRESSED_AT_ONCE);
        Ok(())
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if self.complete {
            return;
        }
        // The encoder writes its rest as it is dropped.
        drop(self.encoder.take());
        self.archive.failed |= self.archive.cut_back().is_err();
    }
}
