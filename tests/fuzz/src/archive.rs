//! Archives, as a run that continues them finds them.

use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use halfbuilt::deletion::archive::{Archive, ArchiveError, ArchiveHeader, Member, Start};

/// Complete members stay to the byte, the rest is cut off, and a second time there is nothing to cut off. A file of another kind is not
/// changed. A complete member survives whatever follows it.
pub fn check(bytes: &[u8]) {
    continue_archive(bytes);
    let whole = empty_member();
    let kept = continue_archive(&[whole, bytes].concat());
    assert!(kept.is_some_and(|kept| kept.starts_with(whole)), "a complete member is lost");
}

/// Continues an archive and returns what is left of the file; `None` if it is not an archive.
fn continue_archive(bytes: &[u8]) -> Option<Vec<u8>> {
    super::in_a_file(bytes, |file| {
        let bytes_cut_off = match Archive::open(file, Start::Continue(None), ArchiveHeader::default()) {
            Ok(archive) => archive.bytes_cut_off(),
            Err(ArchiveError::NoArchive(_)) => {
                assert_eq!(std::fs::read(file).expect("a file"), bytes, "a file of another kind was changed");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        // The file is removed if nothing in it is complete.
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

/// A member without builds, as the program writes it.
fn empty_member() -> &'static [u8] {
    static MEMBER: OnceLock<Vec<u8>> = OnceLock::new();
    MEMBER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("archive");
        let mut archive = Archive::open(&file, Start::New, ArchiveHeader::default()).expect("an archive");
        Member::begin(&mut archive).and_then(Member::finish).expect("a member");
        std::fs::read(&file).expect("a file")
    })
}
