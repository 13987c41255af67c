//! Archives of what is deleted, as a run that continues finds them.

use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use halfbuilt::deletion::archive::{Archive, ArchiveError, ArchiveHeader, Member, Start};

/// What is complete stays to the byte, what is not goes, and a second look finds nothing to cut off; a file of another kind is not
/// touched. A member that was completed survives whatever stands behind it.
pub fn check(bytes: &[u8]) {
    continued(bytes);
    let whole = member();
    let kept = continued(&[whole, bytes].concat());
    assert!(kept.is_some_and(|kept| kept.starts_with(whole)), "a complete member is lost");
}

/// What is left of the file; `None` where it is no archive.
fn continued(bytes: &[u8]) -> Option<Vec<u8>> {
    super::in_a_file(bytes, |file| {
        let bytes_cut_off = match Archive::open(file, Start::Continue(None), ArchiveHeader::default()) {
            Ok(archive) => archive.bytes_cut_off(),
            Err(ArchiveError::NoArchive(_)) => {
                assert_eq!(std::fs::read(file).expect("a file"), bytes, "a file of another kind was changed");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        // One in which nothing is complete goes with its file.
        let kept = std::fs::read(file).unwrap_or_default();
        assert_eq!(kept.len() as u64 + bytes_cut_off, bytes.len() as u64);
        assert!(bytes.starts_with(&kept), "what was kept was changed");
        if !kept.is_empty() {
            assert_eq!(cut_off_of(file), 0, "there was something left to cut off");
            let unpacked = std::io::copy(
                &mut flate2::read::MultiGzDecoder::new(kept.as_slice()).take(1 << 24),
                &mut std::io::sink(),
            );
            assert!(unpacked.is_ok(), "ordinary tools cannot read what was kept: {unpacked:?}");
        }
        Some(kept)
    })
}

fn cut_off_of(file: &Path) -> u64 {
    Archive::open(file, Start::Continue(None), ArchiveHeader::default()).expect("an archive").bytes_cut_off()
}

/// A member of no builds, as the program writes it.
fn member() -> &'static [u8] {
    static MEMBER: OnceLock<Vec<u8>> = OnceLock::new();
    MEMBER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("archive");
        let mut archive = Archive::open(&file, Start::New, ArchiveHeader::default()).expect("an archive");
        Member::begin(&mut archive).and_then(Member::finish).expect("a member");
        std::fs::read(&file).expect("a file")
    })
}
