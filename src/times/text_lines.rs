//! The lines of a text file, each as far as it is of interest.

/// How many bytes of a line are looked at.
const LINE_BYTES: usize = 2000;

/// The lines of a file, each without what follows its first bytes. What is no UTF-8 is replaced.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8_lossy(&line[..line.len().min(LINE_BYTES)]).into_owned()
    })
}
