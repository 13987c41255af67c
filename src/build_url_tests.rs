use super::*;

const CANONICAL: &str = "https://ci.example.com/gh/acme/api/1234";

#[test]
fn the_spellings_people_paste_are_one_build() {
    for pasted in [
        CANONICAL,
        "https://ci.example.com/github/acme/api/1234",
        "https://ci.example.com/gh/acme/api/1234/",
        "https://ci.example.com/gh/acme/api/1234?tab=steps",
        "https://ci.example.com/gh/acme/api/1234#queue",
        "https://CI.example.com:443/gh/acme/api/1234",
        "  https://ci.example.com/gh/acme/api/1234\r\n",
    ] {
        let url = BuildUrl::parse(pasted).unwrap_or_else(|error| panic!("{pasted}: {error}"));
        assert_eq!(url.to_string(), CANONICAL, "{pasted}");
    }
}

#[test]
fn it_is_split_into_its_parts() {
    let url = BuildUrl::parse("http://127.0.0.1:8080/bb/acme/web.site/7").expect("a build URL");
    assert_eq!(url.host(), "127.0.0.1:8080");
    assert_eq!(url.project().as_deref(), Some("acme/web.site"));
    assert_eq!(url.number(), Some(7));
    assert_eq!(
        url.spellings(),
        ["http://127.0.0.1:8080/bb/acme/web.site/7", "http://127.0.0.1:8080/bitbucket/acme/web.site/7"]
    );
}

#[test]
fn what_is_not_a_build_is_refused() {
    for hostile in [
        "",
        "/gh/acme/api/1234",
        "ci.example.com/gh/acme/api/1234",
        "ftp://ci.example.com/gh/acme/api/1234",
        "https://user:secret@ci.example.com/gh/acme/api/1234",
        "https://ci.example.com/gh/acme/api",
        "https://ci.example.com/gh/acme/api/1234/artifacts",
        "https://ci.example.com/gh/acme/../1234",
        "https://ci.example.com/gh/acme/x/../api/1234",
        "https://ci.example.com/gh/acme/a\tpi/1234",
        "https://ci.example.com/gh/acme/a\tpi/1234?/gh/acme/api/1234",
        "https://ci.example.com/gh/acme/x/../api/1234#/gh/acme/api/1234",
        "https://ci.example.com/svn/acme/api/1234",
        "https://ci.example.com/gh/acme/api/12a4",
        "https://ci.example.com/gh/acme/api/-1",
        "https://ci.example.com/gh/acme/api/007",
        "https://ci.example.com/gh/acme/api/99999999999999999999",
        "https://ci.example.com/gh/acme/api\")(System/exit 0)(\"/1",
        "https://ci.example.com/gh/acme/api%22/1",
        "https://ci.example.com/gh//api/1",
        "\")(System/exit 0)(\"",
    ] {
        assert!(BuildUrl::parse(hostile).is_err(), "{hostile:?} was accepted as a build");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_parses_is_plain_and_parses_again(text in "(https?://)?[ -~]{0,20}/(gh|bb|github)/[ -~]{0,12}/[ -~]{0,12}/[0-9]{1,19}[ -~]{0,4}") {
        if let Ok(url) = BuildUrl::parse(&text) {
            let shown = url.to_string();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/[]".contains(c);
            proptest::prop_assert!(shown.chars().all(plain), "{}", shown);
            proptest::prop_assert_eq!(BuildUrl::parse(&shown), Ok(url));
        }
    }
}

#[test]
fn an_address_as_written_keeps_every_letter() {
    for address in [
        "https://openqa.example.com/tests/4711",
        "https://CI.example.com:443/scheduler/job/7/",
        "http://127.0.0.1:8010/#/builders/1/builds/2",
        "https://ci.example.com/github/acme/api/1234/?tab=steps#queue",
        "https://tasks.example.com/project/1/history?t=12&x=%2F",
        "http://[::1]:9526/tests/1",
    ] {
        let url = BuildUrl::parse_as_written(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(url.to_string(), address);
        assert_eq!(url.spellings(), [address]);
        assert_eq!((url.number(), url.project()), (None, None));
        assert!(url.names(Some(5), Some("a/b")));
    }
    let url = BuildUrl::parse_as_written("https://CI.example.com:443/tests/1").expect("an address");
    assert_eq!(url.host(), "ci.example.com");
}

#[test]
fn what_is_no_address_is_refused() {
    for hostile in [
        "",
        "/tests/1",
        "ftp://ci.example.com/tests/1",
        "javascript:alert(1)",
        "https://ci.example.com",
        "https://ci.example.com/",
        "https://user:secret@ci.example.com/tests/1",
        "https://user@ci.example.com/tests/1",
        "https:/ci.example.com/tests/1",
        "https:ci.example.com/tests/1",
        "https://ci.example.com\\@evil.example.com/tests/1",
        "https://ci.exam\tple.com/tests/1",
        "https://ci.example.com/tests/1\r\nX-Token: 1",
        "https://0x7f.1/tests/1",
        "https://%65vil.example.com/tests/1",
        "https://ci.example.com/tests/\"1",
        "https://ci.example.com/tests/<1>",
        "https://ci.example.com/tests/1 2",
        "https://ci.example.com/tests/%zz",
        "https://ci.example.com/tests/1%2",
        "https://ci.example.com/tests/\u{202e}1",
        "https://m\u{fc}nchen.example.com/tests/1",
    ] {
        assert!(BuildUrl::parse_as_written(hostile).is_err(), "{hostile:?} was accepted as an address");
    }
    let long = format!("https://ci.example.com/{}", "a".repeat(MAX_LENGTH));
    assert_eq!(BuildUrl::parse_as_written(&long), Err(BuildUrlError::TooLong));
}

#[test]
fn another_host_or_a_slash_at_the_end_is_another_address_that_resembles_it() {
    let parse = |text| BuildUrl::parse_as_written(text).expect("an address");
    let own = parse("https://ci.example.com/tests/1");
    for other in ["http://127.0.0.1:9526/tests/1", "https://ci.example.com/tests/1/", "https://ci.example.com/Tests/1"]
    {
        assert_ne!(own, parse(other));
        assert!(own.resembles(&parse(other)), "{other}");
    }
    for other in
        ["https://ci.example.com/tests/11", "https://ci.example.com/tests?1", "https://ci.example.com/a/tests/1"]
    {
        assert!(!own.resembles(&parse(other)), "{other}");
    }
    let of_circleci = BuildUrl::parse(CANONICAL).expect("a build URL");
    assert!(!of_circleci.resembles(&parse(CANONICAL)));
}

proptest::proptest! {
    #[test]
    fn whatever_is_an_address_as_written_is_what_was_written(text in "https?://[ -~]{0,24}[/?#][ -~\\u{80}-\\u{90}]{0,40}") {
        if let Ok(url) = BuildUrl::parse_as_written(&text) {
            let shown = url.to_string();
            proptest::prop_assert_eq!(&shown, text.trim());
            proptest::prop_assert!(shown.chars().all(may_be_in_an_address), "{}", shown);
            // The host that is confirmed is the host that a browser or a client would go to.
            let parsed = Url::parse(&shown).expect("a URL");
            proptest::prop_assert_eq!(host_and_port(&parsed), Ok(url.host().to_owned()));
            proptest::prop_assert_eq!(BuildUrl::parse_as_written(&shown), Ok(url));
        }
    }
}
