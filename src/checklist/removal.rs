//! Which lines of a cron file or a script remove files below a folder, as far as their words say.

/// Programs that only read what they are given.
const READERS: [&str; 9] = ["tar", "du", "df", "ls", "stat", "cat", "find", "cp", "rsync"];
/// Of these, those that write to what comes last.
const COPIERS: [&str; 2] = ["cp", "rsync"];
/// Words that remove, or may.
const REMOVERS: [&str; 16] = [
    "rm",
    "rmdir",
    "unlink",
    "shred",
    "truncate",
    "mv",
    "tmpwatch",
    "tmpreaper",
    "dd",
    "xargs",
    "eval",
    "-delete",
    "-exec",
    "-execdir",
    "-ok",
    "-okdir",
];

/// The lines, from 1, that may remove something below one of these folders. A line that ends with a backslash goes on in the next.
pub(super) fn removing_lines(text: &[u8], folders: &[String]) -> Vec<usize> {
    let (mut found, mut line, mut begin) = (Vec::new(), String::new(), 1);
    for (place, piece) in text.split(|byte| *byte == b'\n').enumerate() {
        let piece = String::from_utf8_lossy(piece);
        let piece = piece.trim_end_matches('\r');
        if line.is_empty() {
            begin = place + 1;
        }
        match piece.strip_suffix('\\') {
            Some(more) if !(line.is_empty() && is_comment(piece)) => line.push_str(&format!("{more} ")),
            _ => {
                line.push_str(piece);
                if folders.iter().any(|folder| removes(&line, folder)) {
                    found.push(begin);
                }
                line.clear();
            }
        }
    }
    if folders.iter().any(|folder| removes(&line, folder)) {
        found.push(begin);
    }
    found
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Whether a line may remove something below a folder: it names the folder and does not only read, or it removes below a folder above.
fn removes(line: &str, folder: &str) -> bool {
    if is_comment(line) {
        return false;
    }
    let removes = words(line).any(is_remover);
    if line.contains(folder) {
        return removes || !line.split([';', '|', '&', '`', '(']).all(|piece| only_reads(piece, folder));
    }
    let is_above = |word: &str| {
        let word = word.trim_end_matches(['*', '/']);
        !word.is_empty() && folder.strip_prefix(word).is_some_and(|rest| rest.starts_with('/'))
    };
    removes && words(line).any(is_above)
}

/// The words of a line, without quotes.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || ";|&`()\"'={}<>$".contains(c)).filter(|word| !word.is_empty())
}

fn is_remover(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    REMOVERS.contains(&name) || word.starts_with("--delete") || word.starts_with("--remove")
}

/// Whether a command does not concern a folder, or only reads it.
fn only_reads(command: &str, folder: &str) -> bool {
    if !command.contains(folder) {
        return true;
    }
    let mut words = words(command).map(|word| word.rsplit('/').next().unwrap_or_default());
    let Some(program) = words.find(|word| READERS.contains(word)) else { return false };
    let writes_there = command.split_once('>').is_some_and(|(_, to)| to.contains(folder));
    let ends_there = command.split_whitespace().last().is_some_and(|word| word.contains(folder));
    let how = words.next().unwrap_or_default();
    match program {
        _ if writes_there => false,
        "tar" => how == "--create" || (!how.starts_with("--") && how.contains('c') && !how.contains('x')),
        program if COPIERS.contains(&program) => !ends_there,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        removing_lines(text.as_bytes(), &["/data/circle".to_owned()])
    }

    #[test]
    fn what_may_remove_is_found() {
        for line in [
            "0 0 * * * root find /data/circle -mtime +7 -delete",
            "find /data -mtime +7 -delete",
            "find /data/ -name x -exec rm {} +",
            "rm -rf /data/*",
            "/bin/rm -rf /data/circle/x",
            "/opt/clean.sh /data/circle",
            "cd /data/circle && ./clean",
            "tar czf /b.tgz /data/circle && rm -rf /data/circle",
            "tar xzf /b.tgz -C /data/circle",
            "tar czf /b.tgz --remove-files /data/circle",
            "rsync -a --delete /empty/ /data/circle/",
            "cp /dev/null /data/circle/x",
            "cat /dev/null > /data/circle/x",
            "DIR=/data/circle",
            "find /data \\\n  -mtime +7 \\\n  -delete",
            "find /data \\\r\n  -delete",
            "find /data -delete \\",
        ] {
            assert_eq!(lines(&format!("\n{line}")), [2], "{line}");
        }
    }

    #[test]
    fn what_only_reads_or_is_elsewhere_is_not() {
        for line in [
            "# rm -rf /data/circle",
            "  # rm -rf /data/circle \\",
            "0 0 * * * root tar czf /backup/x.tgz /data/circle",
            "tar -czf - /data/circle | ssh backup 'cat > x.tgz'",
            "du -sh /data/circle | mail root",
            "rsync -a /data/circle backup:/x",
            "find /tmp -delete",
            "find /database -delete",
            "rm -rf /data/other",
            "ls /data",
        ] {
            assert_eq!(lines(line), [0; 0], "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            proptest::prop_assert!(removing_lines(&bytes, &["/a".to_owned()]).iter().all(|line| *line >= 1));
        }
    }
}
