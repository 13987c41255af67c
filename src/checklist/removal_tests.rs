use super::*;

fn lines(text: &str) -> Lines {
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
        "0 0 * * * root /opt/clean.sh stat /data/circle",
        "cd /data/circle && ./clean",
        "cd /data/circle && rm -rf *",
        "cd /data && rm -rf circle",
        "cd / ; rm -rf data/circle",
        "tar czf /b.tgz /data/circle && rm -rf /data/circle",
        "tar xzf /b.tgz -C /data/circle",
        "tar czf /data/circle/x /etc",
        "tar czf /b.tgz --remove-files /data/circle",
        "rsync -a --delete /empty/ /data/circle/",
        "rsync -a --del /empty/ /data/circle/x -v",
        "rsync -a /empty/ /data/circle/x -v",
        "rsync -a /empty/ /data/circle -e ssh",
        "cp /dev/null /data/circle/x",
        "cp /dev/null /data/circle/x -f",
        "cp /dev/null /data/circle/x 2> /dev/null",
        "cp -t /data/circle /dev/null",
        "cp --target-directory=/data/circle /dev/null",
        "cat /dev/null > /data/circle/x",
        "cat /dev/null >| /data/circle/x",
        "echo x &> /data/circle/x",
        "> /data/circle/x",
        "DIR=/data/circle",
        "find /data \\\n  -mtime +7 \\\n  -delete",
        "find /data \\\r\n  -delete",
        "find /data -delete \\",
        "find /data/circle -fprint /data/circle/x",
        "find / -xdev -mtime +7 -delete",
        "find /data/circle | xargs rm",
        "rm -rf /data/c*",
        "rm -rf /*",
        "rm -rf /",
        "rm -rf /data//circle",
        "rm -rf /data/./circle",
        "rm -rf /data/x/../circle",
        "rm -rf /d*/circle",
        "rm -rf /data/{circle,x}",
        "rm -rf /dat[a]/circle",
        "rm -rf /d\"at\"a/circle",
        "sh -c 'rm -rf /data'",
        "dd if=/dev/zero of=/data/circle/x",
        "x=`rm -rf /data/circle`",
        "x=$(rm -rf /data/circle)",
        "mkfs.ext4 /data",
    ] {
        assert_eq!(lines(&format!("\n{line}")), Lines { removing: vec![2], undecided: vec![] }, "{line}");
    }
}

#[test]
fn a_value_of_the_file_is_known() {
    for (text, found) in [
        ("D=/data\nrm -rf $D/circle", 2),
        ("D=/data\n0 0 * * * root rm -rf ${D}/circle", 2),
        ("D=\"/data\"\nE=$D/circle\nrm -rf \"$E/x\"", 3),
        ("for d in /a /data; do\nrm -rf $d/circle\ndone", 2),
        ("D=/x\nD=/data\nrm -rf $D/*", 3),
    ] {
        assert!(lines(text).removing.contains(&found), "{text}: {:?}", lines(text));
    }
    for text in ["D=/var\nrm -rf $D/circle", "for d in a b; do\ncd /var/backups\nrm -f $d.bak\ndone"] {
        assert_eq!(lines(text), Lines::default(), "{text}");
    }
}

#[test]
fn what_cannot_be_said_is_undecided() {
    for line in [
        "rm -rf $D",
        "rm -rf $D/circle",
        "rm -rf \"$1\"",
        "rm -rf ${D:-/tmp}/x",
        "rm -rf $(cat list)",
        "rm -rf `cat list`",
        "rm -rf /$D",
        "eval $X",
        "cat list | while read f; do rm \"$f\"; done",
        "find $D -delete",
        "cp x $D/circle/y",
        "echo > $D",
        "find $D \\( -name x \\) -delete",
        "find $D -name x | xargs rm",
        "rsync -a /x/ /data/",
        "eval $(cat /x)",
        "/opt/clean.sh /data",
        "/opt/clean.sh /",
        "/opt/clean.sh $D/circle",
    ] {
        assert_eq!(lines(line), Lines { removing: vec![], undecided: vec![1] }, "{line}");
    }
    assert_eq!(lines(&format!("echo {}", "x".repeat(LINE))).undecided, [1]);
    // Values that grow without end are none.
    let grows = "A=xxxxxxxxxxxxxxxx\n".to_owned() + &"A=$A$A\nA=y$A\n".repeat(100) + "rm -rf $A";
    assert!(lines(&grows).undecided.contains(&202), "{:?}", lines(&grows));
}

#[test]
fn what_only_reads_or_is_elsewhere_is_not() {
    for line in [
        "# rm -rf /data/circle",
        "  # rm -rf /data/circle \\",
        "0 0 * * * root tar czf /backup/x.tgz /data/circle",
        "@daily root tar czf /backup/x.tgz /data/circle > /dev/null 2>&1",
        "0 0 * * mon-fri nice -n 10 tar czf /backup/x.tgz /data/circle",
        "tar -czf - /data/circle | ssh backup 'cat > x.tgz'",
        "du -sh /data/circle | mail root",
        "rsync -a /data/circle backup:/x",
        "rsync -a /data/circle backup:/x > /dev/null 2>&1",
        "cp -a /data/circle /backup/x",
        "find /data/circle -name x -print",
        "if test -d /data/circle; then echo there; fi",
        "find /tmp -delete",
        "find /database -delete",
        "rm -rf /data/other",
        "rm -rf /data/d*",
        "rm -rf x",
        "ls /data",
        "df /",
        "SHELL=/bin/sh",
        "PATH=/usr/local/sbin:/usr/bin:/sbin:/bin",
        "17 * * * * root cd / && run-parts --report /etc/cron.hourly",
        "25 6 * * * root test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )",
        "5 4 * * * root /usr/sbin/logrotate /etc/logrotate.conf",
        "eval $(apt-config shell RandomSleep APT::Periodic::RandomSleep)",
        "eval set -- \"$(getopt -o a -- \"$@\")\"",
        "RANDOM=$(( $(dd if=/dev/urandom bs=2 count=1 2> /dev/null | cksum | cut -d' ' -f1) % 32767 ))",
        "x=`date`; rm -f /tmp/y",
        "[ -f \"$x\" ] && rm -f /tmp/y",
        "start-stop-daemon $idle -- -c \"find /var/cache/man -name '*.gz' | xargs -r0 rm -f\"\nidle='--iosched idle'",
        "[ -s \"$dbdir/$db\" ] || exit 0",
        "cmp -s $FILE.bak /etc/$FILE && continue",
        "find /var/cache/man -type f -name '*.gz' -atime +6 -print0 | xargs -r0 rm -f",
    ] {
        assert_eq!(lines(line), Lines::default(), "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let found = removing_lines(&bytes, &["/a".to_owned()]);
        proptest::prop_assert!(found.removing.iter().chain(&found.undecided).all(|line| *line >= 1));
    }

    #[test]
    fn a_removal_is_found_however_its_path_is_written(
        slashes in "/{1,3}(\\./)?",
        quote in proptest::sample::select(&["", "\"", "'"][..]),
        end in proptest::sample::select(&["", "/", "/x", "/*", "*"][..]),
    ) {
        let line = format!("0 0 * * * root rm -rf {quote}/data{slashes}circle{end}{quote}");
        proptest::prop_assert_eq!(lines(&line).removing, [1], "{}", line);
    }
}
