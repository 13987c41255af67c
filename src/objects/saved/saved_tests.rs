//! Saved listings of each form, whole and cut.

use super::super::entry::Entry;
use super::read_all;

#[test]
fn lines_of_find_are_files() {
    let entry = |key: &[u8], size, written| Entry { key: key.to_vec(), size, written: Some(written) };
    let read = read_all(b"7 1763604000.1234567890 a b/c\n0 1 \xff\n");
    assert_eq!(read, Ok(vec![entry(b"a b/c", 7, 1_763_604_000_123_456), entry(b"\xff", 0, 1_000_000)]));
    assert_eq!(read_all(b"7 1 a b\x008 2 c\nd\0"), Ok(vec![entry(b"a b", 7, 1_000_000), entry(b"c\nd", 8, 2_000_000)]));
}

#[test]
fn a_cut_line_is_no_file() {
    for cut in ["7 1 a", "7 1", "7", "7 1 a\n8 2", "7 x a\n", "-7 1 a\n", "7 1.x a\n", "7 1 \n"] {
        assert!(read_all(cut.as_bytes()).is_err(), "{cut}");
    }
}

fn keys(text: &str) -> Option<Vec<String>> {
    let entries = read_all(text.as_bytes()).ok()?;
    Some(entries.into_iter().map(|entry| String::from_utf8(entry.key).expect("UTF-8")).collect())
}

#[test]
fn answers_are_read_to_their_end() {
    let object = |key: &str| format!("{{\"Key\":\"{key}\",\"Size\":1,\"LastModified\":\"2026-11-20T02:00:00+00:00\"}}");
    let (a, b) = (object("a"), object("b"));
    let both = Some(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(keys(&format!("{{\"Contents\":[{a},{b}],\"Prefix\":\"\"}}\n")), both);
    assert_eq!(keys(&format!("[{a},{b}]")), both);
    assert_eq!(
        keys(&format!("{{\"Contents\":[{a}],\"IsTruncated\":true}}{{\"Contents\":[{b}],\"IsTruncated\":false}}")),
        both
    );
    assert_eq!(keys("{\"RequestCharged\":null}"), Some(vec![]));
    assert_eq!(keys("{\"Prefix\":\"\",\"CommonPrefixes\":[]}"), Some(vec![]));
    assert_eq!(keys("{\"Contents\":null,\"Name\":\"b\"}"), Some(vec![]));
    for part in [
        format!("{{\"Contents\":[{a}],\"NextToken\":\"x\"}}"),
        format!("{{\"Contents\":[{a}],\"IsTruncated\":true}}"),
        format!("{{\"Contents\":[{a}"),
        "{\"Contents\":[{\"Key\":\"a\"}]}".to_owned(),
        "{\"Contents\":[{\"Key\":\"a\",\"Size\":-1}]}".to_owned(),
        "{\"Versions\":[]}".to_owned(),
        "{\"Versions\":[],\"RequestCharged\":null}".to_owned(),
        format!("{{\"Contents\":[{a}],\"Prefix\":\"x/\"}}"),
        format!("{{\"Contents\":[{a}],\"StartAfter\":\"x\"}}"),
        format!("{{\"Contents\":[{a}],\"CommonPrefixes\":[{{\"Prefix\":\"x/\"}}]}}"),
        "{\"EncodingType\":\"url\",\"Contents\":[]}".to_owned(),
        "{}".to_owned(),
    ] {
        assert_eq!(keys(&part), None, "{part}");
    }
}

#[test]
fn an_inventory_has_no_header() {
    let entry = |key: &str, size| Entry { key: key.as_bytes().to_vec(), size, written: Some(1_795_140_000_000_000) };
    let time = "\"2026-11-20T02:00:00.000Z\"";
    let read =
        read_all(format!("\"b\",\"a%20b%2B\",\"7\",{time},\"etag\"\n\"b\",\"c/\",\"0\",{time},\"etag\"\n").as_bytes());
    assert_eq!(read, Ok(vec![entry("a b+", 7)]));
    let versions = format!(
        "\"b\",\"a\",\"v1\",\"true\",\"false\",\"7\",{time}\n\"b\",\"a\",\"v0\",\"false\",\"false\",\"6\",{time}\n\
         \"b\",\"d\",\"v2\",\"true\",\"true\",\"\",{time}\n"
    );
    assert_eq!(read_all(versions.as_bytes()), Ok(vec![entry("a", 7)]));
    for wrong in [
        "\"b\",\"a\"\n",
        "\"b\",\"a\",\"x\"\n",
        "\"Bucket\",\"Key\",\"Size\"\n",
        "\"b\",\"a\",\"7\"\n\"c\",\"a\",\"7\"\n",
        "\"b\",\"a\",\"7\"\n\"b\"",
        "\"b\",\"a\",\"7\",\"2026-11-",
    ] {
        assert!(read_all(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
