use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A root with a secret beside it.
fn root() -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("etc/default")).expect("folders");
    fs::write(root.join("etc/passwd"), "the root's own").expect("a file");
    fs::write(root.join("etc/default/replicated"), "A=1").expect("a file");
    fs::write(folder.path().join("secret"), "of the host").expect("a file");
    let tree = Tree::open(Some(&root)).expect("a tree");
    (folder, tree)
}

fn link(folder: &tempfile::TempDir, name: &str, to: &str) {
    symlink(to, folder.path().join("root").join(name)).expect("a link");
}

#[test]
fn no_link_leads_out_of_the_root() {
    let (folder, tree) = root();
    let secret = folder.path().join("secret");
    link(&folder, "up", "../secret");
    link(&folder, "far", "../../../../../../../../../../etc/passwd");
    link(&folder, "whole", secret.to_str().expect("UTF-8"));
    link(&folder, "absolute", "/etc/passwd");
    link(&folder, "folder", "/etc/../../../etc");
    // Deep in a folder, an absolute one begins at the root all the same.
    link(&folder, "etc/default/deep", "/etc/passwd");
    for (path, read) in [
        ("/etc/passwd", Some("the root's own")),
        ("/far", Some("the root's own")),
        ("/absolute", Some("the root's own")),
        ("/etc/default/deep", Some("the root's own")),
        ("/folder/passwd", Some("the root's own")),
        ("/../../etc/./passwd", Some("the root's own")),
        ("/folder/default/../../../../etc/default/replicated", Some("A=1")),
        ("/up", None),
        ("/whole", None),
        ("/../secret", None),
        ("/etc/passwd/x", None),
    ] {
        let found = tree.read(path).ok().map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
        assert_eq!(found.as_deref(), read, "{path}");
    }
    assert_eq!(tree.find("/folder/default").expect("it is there").place, "/etc/default");
}

#[test]
fn a_path_ends_even_where_links_do_not() {
    let (folder, tree) = root();
    link(&folder, "a", "b");
    link(&folder, "b", "a");
    link(&folder, "long", &"etc/../".repeat(500));
    let why = tree.find("/a").expect_err("a circle").to_string();
    assert_eq!(why, "its path leads through more than 40 links");
    link(&folder, "twice", "long/long");
    tree.find("/long").expect("it is there");
    assert_eq!(tree.find("/long/long/long").expect_err("too long").to_string(), "its path has too many parts");
}

#[test]
fn only_plain_files_are_read() {
    let (folder, tree) = root();
    let path = folder.path().join("root/pipe");
    nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
    let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("root/socket")).expect("a socket");
    link(&folder, "to-pipe", "pipe");
    for (path, why) in [
        ("/pipe", "it is a pipe, not a file"),
        ("/to-pipe", "it is a pipe, not a file"),
        ("/socket", "it is a socket, not a file"),
        ("/etc", "it is a folder, not a file"),
    ] {
        assert_eq!(tree.read(path).expect_err(path).to_string(), why);
    }
    let large = fs::File::create(folder.path().join("root/large")).expect("a file");
    large.set_len(CHECKED.largest + 1).expect("a length");
    let why = tree.read("/large").expect_err("too large").to_string();
    assert_eq!(why, "it is larger than the 64 MiB that a file of a checklist may have");
}

#[test]
fn a_pattern_stands_for_names_of_one_folder() {
    let (folder, tree) = root();
    for name in ["replicated-operator", "replicated.rpmsave", "other"] {
        fs::write(folder.path().join("root/etc/default").join(name), "").expect("a file");
    }
    let paths = |pattern: &str| tree.paths(pattern).expect("paths");
    assert_eq!(paths("/etc/default/replicated*"), ["/etc/default/replicated", "/etc/default/replicated-operator"]);
    assert_eq!(paths("/etc/sysconfig/replicated*"), [""; 0]);
    assert_eq!(paths("/etc/nothing"), ["/etc/nothing"]);
    assert!(tree.find("/etc/default").expect("a folder").is_empty().is_ok_and(|is_empty| !is_empty));
    fs::create_dir_all(folder.path().join("root/data/lost+found")).expect("a folder");
    assert!(tree.find("/data").expect("a folder").is_empty().expect("it can be read"));
}

proptest::proptest! {
    /// Whatever is asked for, and wherever links lead: what is read is the root's own.
    #[test]
    fn nothing_outside_is_ever_read(target in "(\\.\\./|/|etc/|a/|secret|passwd|\\./){1,8}", path in "/(a/|\\.\\./|etc/|passwd|secret){1,6}") {
        let (folder, tree) = root();
        link(&folder, "a", &target);
        if let Ok(bytes) = tree.read(&path) {
            proptest::prop_assert_ne!(bytes, b"of the host");
        }
    }
}

#[test]
fn a_link_that_leads_to_nothing_is_there() {
    let (folder, tree) = root();
    let secret = folder.path().join("secret");
    link(&folder, "out", secret.to_str().expect("UTF-8"));
    link(&folder, "gone", "etc/gone/x");
    link(&folder, "through", "etc/passwd/x");
    link(&folder, "twice", "gone");
    for path in ["/out", "/gone", "/through", "/twice", "/gone/x"] {
        let why = tree.find(path).expect_err(path);
        assert!(!is_absent(&why) && why.to_string().contains("a link is there"), "{path}: {why}");
    }
    // What is not there beside or behind a link that leads somewhere is not there.
    link(&folder, "good", "etc/default");
    link(&folder, "root", "/");
    for path in ["/none", "/good/none", "/root/none", "/good/../none", "/good/replicated/x"] {
        assert!(is_absent(&tree.find(path).expect_err(path)), "{path}");
    }
}
