use super::*;
use proptest::prelude::*;

fn why(text: &str) -> String {
    let refused = check(text.as_bytes()).expect_err(text);
    assert_eq!(refused.reason, Reason::NonStrictJson);
    refused.says
}

#[test]
fn what_two_readers_could_read_differently_is_refused_with_its_place() {
    for (text, place, what) in [
        (r#"{"a":1,"a":2}"#, "line 1, column 8", "stands twice"),
        ("{\"x\":[{\"a\":1,\n \"\\u0061\":2}]}", "line 2, column 2", "stands twice"),
        (r#"{"a":1.0}"#, "column 6", "fraction"),
        (r#"{"a":1e3}"#, "column 6", "exponent"),
        (r#"{"a":NaN}"#, "column 6", "no JSON value"),
        (r#"{"a":9007199254740992}"#, "column 6", "2^53"),
        (r#"{"a":-9007199254740992}"#, "column 6", "2^53"),
        (r#"{"a":99999999999999999999999}"#, "column 6", "2^53"),
        (r#"{"a":-0}"#, "column 6", "no whole number"),
        (r#"{"a":01}"#, "column 6", "no whole number"),
        (r#"{"a":-}"#, "column 6", "no whole number"),
        ("{\"a\u{202e}\":1}", "column 4", "U+202E"),
        (r#"{"a":"\u202e"}"#, "column 7", "U+202E"),
        (r#"{"a":"\u001b[2J"}"#, "column 7", "U+001B"),
        (r#"{"a":"\n"}"#, "column 7", "U+000A"),
        ("{\"a\":\"\u{200b}\"}", "column 7", "U+200B"),
        (r#"{"a":"\ud83e"}"#, "column 7", "surrogate"),
        (r#"{"a":"\udd80"}"#, "column 7", "surrogate"),
        (r#"{"a":"\ud83e\u0041"}"#, "column 7", "surrogate"),
        (r#"{"a":"\x41"}"#, "column 7", "escape"),
        (r#"{"a":"\u00"}"#, "column 7", "escape"),
        (r#"{"a":1} {"#, "column 9", "follows"),
        (r#"{"a":1}x"#, "column 8", "follows"),
        (r#"{"a":1,}"#, "column 8", "key in quotes"),
        (r#"[1,]"#, "column 4", "no JSON value"),
        (r#"{"a" 1}"#, "column 6", "colon"),
        (r#"{"a":[1 2]}"#, "column 9", "comma or ]"),
        (r#"{"a":"#, "column 6", "ends early"),
        (r#"{"a"#, "column 4", "ends early"),
        ("", "column 1", "ends early"),
        ("\u{feff}{}", "column 1", "no JSON value"),
    ] {
        let says = why(text);
        assert!(says.contains(place) && says.contains(what), "{text}: {says}");
    }
    assert!(why(&"[".repeat(100_000)).contains("nested deeper"));
    let says = check(b"{\"a\":\"\xff\"}").expect_err("bytes").says;
    assert_eq!(says, "byte 6 is not UTF-8");
}

#[test]
fn what_has_one_reading_is_read() {
    for text in [
        "{}",
        "[ ]\n",
        " null ",
        r#"{"a":-9007199254740991,"b":9007199254740991,"c":[0,true,false,null,"Grüße 日本 \ud83e\udd80 \/ \""]}"#,
    ] {
        assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
    }
    assert!(read::<Vec<u32>>(b"[1,2]").is_ok());
    assert_eq!(read::<Vec<u32>>(b"[-1]").expect_err("sign").reason, Reason::NonStrictJson);
}

#[test]
fn free_text_is_made_fit() {
    assert_eq!(visible("a\u{202e}b\n"), "a\\u{202e}b\\u{a}");
    let text = serde_json::to_vec(&visible("\u{1b}[2J\u{0}x")).expect("JSON");
    assert_eq!(check(&text), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever it takes, the library takes too; and whatever the library writes of whole numbers,
    /// plain texts and maps, it takes.
    #[test]
    fn it_takes_no_more_than_json(text in "[\\[\\]{}\",:0-9truefalsn \\\\-]{0,40}") {
        if check(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn it_takes_what_is_plain(map in proptest::collection::btree_map("[a-zäö ]{0,6}", -1000i64..1000, 0..6)) {
        let text = serde_json::to_vec(&map).expect("JSON");
        prop_assert_eq!(check(&text), Ok(()));
    }
}
