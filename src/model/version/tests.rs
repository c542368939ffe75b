use super::*;
use proptest::prelude::*;
use std::cmp::Ordering;

fn said(a: &str, b: &str) -> String {
    match compare(a, b) {
        Compared::Ordered(Ordering::Less) => "<".into(),
        Compared::Ordered(Ordering::Equal) => "=".into(),
        Compared::Ordered(Ordering::Greater) => ">".into(),
        Compared::Incomparable(why) => format!("{why:?}"),
    }
}

#[test]
fn versions_are_ordered_as_their_makers_mean() {
    for line in [
        // Semver's own example, and numbers of any count.
        "1.0.0-alpha < 1.0.0-alpha.1",
        "1.0.0-alpha.1 < 1.0.0-alpha.beta",
        "1.0.0-beta.2 < 1.0.0-beta.11",
        "1.0.0-rc.1 < 1.0.0",
        "1.2 = 1.2.0",
        "v1.2.3 = 1.2.3",
        "1.9 < 1.10",
        "9 < 10",
        "18446744073709551616 < 18446744073709551617",
        // Java: old and new numbers are one line.
        "1.8.0_45 = 8u45",
        "8u45 < 8u152",
        "8u152 = 1.8.0_152",
        "1.7.0_80 < 8u5",
        "1.8.0_152 < 11.0.2+9",
        "11.0.2+9 < 17.0.1",
        "11.0.2+8 < 11.0.2+9",
        "11.0.2 < 11.0.2+9",
        "jdk8u352-b08 > 8u352",
        "1.8.0_45-b14 < 1.8.0_45-b15",
        "jdk-17.0.1+12 > 17.0.1",
        "17-ea < 17",
        // Beside an old Java version, `1.8.0` is Java 8.
        "1.8.0 < 8u45",
        "1.8.0 > 7u80",
        "8 < 8u45",
        // Debian.
        "1:1.0-1 > 2.0-1",
        "1.0~rc1-1 < 1.0-1",
        "2.4.52-1ubuntu4 < 2.4.52-1ubuntu4.1",
        "1.1.1k < 1.1.1n",
        "1.1.1n-0+deb11u4 < 1.1.1n-0+deb11u5",
        "1.1.1 < 1.1.1n-0+deb11u5",
        "8u152 < 8u212-b03-2~deb9u1",
        "1.2-3 > 1.2",
        // Dates.
        "2024-01-15 < 2024-02-01",
        "2024-01-15 < 2024-01-15T10:00:00Z",
        "2024-01-15T10:00:00Z = 2024-01-15T12:00:00+02:00",
        "2024-01-15 < 20240201",
        // The same text is equal, whatever it is.
        "deadbeef1 = deadbeef1",
        "blue = blue",
    ] {
        let mut words = line.split(' ');
        let (a, is, b) = (words.next(), words.next(), words.next());
        let (a, is, b) = (a.expect("one"), is.expect("a sign"), b.expect("another"));
        assert_eq!(said(a, b), is, "{line}: {:?}", pair(a, b));
        let back = match is {
            "<" => ">",
            ">" => "<",
            other => other,
        };
        assert_eq!(said(b, a), back, "{line}, the other way round");
    }
}

#[test]
fn what_has_no_order_is_never_less_or_greater() {
    for (a, b, why) in [
        ("deadbeef", "cafebabe", Incomparable::Hashes),
        // Nobody knows whether an abbreviation is the same commit.
        ("deadbee", "deadbeef", Incomparable::Abbreviation),
        ("deadbee", "1234567", Incomparable::Hashes),
        ("blue", "green", Incomparable::Texts),
        ("1.2.3+abc", "1.2.3+def", Incomparable::Builds),
        ("1.2.3-4", "1.2.3", Incomparable::Ambiguous),
        ("1.2.3-4-gabc", "1.2.3-10-gdef", Incomparable::Ambiguous),
        ("1.2.3", "deadbeef", Incomparable::Schemes(Scheme::Semver, Scheme::Hash)),
        ("2024-01-15", "1.2", Incomparable::Schemes(Scheme::Date, Scheme::Semver)),
        ("1.8.0_45", "1:2.0-1", Incomparable::Schemes(Scheme::Java, Scheme::Debian)),
        // For which machine a kernel is, is no step before its release, whatever number stands between.
        ("4.19.0-amd64", "4.19", Incomparable::Ambiguous),
        ("4.19.0-amd64", "4.19.0", Incomparable::Ambiguous),
        ("4.19.0-21-amd64", "4.19", Incomparable::Ambiguous),
        ("6.12-cloud-amd64", "6.12.0", Incomparable::Ambiguous),
        // There is no such day, and a package's revision it is none either.
        ("2024-02-30", "2024-02-29", Incomparable::Schemes(Scheme::Text, Scheme::Date)),
        ("2024-02-30T10:00:00Z", "2024-02-29", Incomparable::Schemes(Scheme::Text, Scheme::Date)),
        ("1.2.3-rc1", "1.2.3~rc1-1", Incomparable::Schemes(Scheme::Semver, Scheme::Debian)),
        ("", "1", Incomparable::Schemes(Scheme::Text, Scheme::Semver)),
    ] {
        assert_eq!(compare(a, b), Compared::Incomparable(why), "{a} and {b}: {:?}", pair(a, b));
        assert_eq!(compare(b, a), compare(a, b).reverse(), "{b} and {a}");
    }
    assert_eq!(compare("deadbee", "deadbeef").equal(), None);
    assert_eq!(compare("deadbeef", "cafebabe").equal(), Some(false));
    // Where both say the same, the `-` is not ambiguous.
    assert_eq!(said("1.2.3-4", "1.2.4"), "<");
    assert_eq!(said("1.2.3-4", "1.2.3-5"), "<");
    assert_eq!(said("4.19.0-amd64", "4.18"), ">");
    assert_eq!(said("4.19.0-amd64", "4.19.1"), "<");
    assert_eq!(said("4.19.0-rc1", "4.19"), "<", "a pre-release is one");
    assert_eq!(
        said("4.19.0-amd64", "4.19.0-1~deb1"),
        ">",
        "beside dpkg's, it is read as dpkg does"
    );
}

#[test]
fn a_scheme_that_is_named_decides() {
    let as_ = |scheme, a, b| {
        let read = |t| Version::read_as(scheme, t).expect("reads");
        read(a).compare(&read(b))
    };
    assert_eq!(as_(Scheme::Debian, "1.2.3-4", "1.2.3"), Ordering::Greater.into());
    assert_eq!(as_(Scheme::Semver, "1.2.3-4", "1.2.3"), Ordering::Less.into());
    assert_eq!(as_(Scheme::Java, "1.8.0", "7"), Ordering::Greater.into());
    assert!(Version::read_as(Scheme::Date, "1.2").is_none());
    assert!(Version::read_as(Scheme::Debian, "1.8.0_45").is_none());
    for scheme in Scheme::ALL {
        assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
    }
}

/// Texts of every scheme, few of each part so that equal and near ones meet.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "v?[0-2](\\.[0-2]){0,3}(-(rc|beta)(\\.[0-2])?)?(\\+([1-3]|[1-3]-x|abc|def))?",
        "1\\.[78](\\.0)?(_[1-3](-b[12])?)?",
        "[78]u[1-3](-(b[12]|ea))?",
        "([01]:)?[01]\\.[01](~[ab])?-[01](ubuntu[01]|~x|\\+deb1)?",
        "1\\.[01]\\.0-[1-3](-x|-y|\\.1)?",
        "1\\.[01](\\.0)?-(1-)?(amd64|rt)",
        "202[45]-0[12]-01(T1[01]:00:00Z)?",
        "2024010[12]",
        "dead(be[ef]|bee[0-2])[0-9a-b]?",
        "[a-c.~:+ -]{0,3}",
        "[0-2a.~+:-]{0,6}",
    ]
}

fn at_most(a: &Version, b: &Version) -> bool {
    matches!(a.compare(b).ordering(), Some(Ordering::Less | Ordering::Equal))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn two_texts_say_the_same_both_ways(a in texts(), b in texts()) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert_eq!(compare(&a, &a), Compared::EQUAL);
    }

    #[test]
    fn versions_are_a_partial_order(a in texts(), b in texts(), c in texts()) {
        let [a, b, c] = [a, b, c].map(|t| Version::read(&t));
        prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
        if at_most(&a, &b) && at_most(&b, &c) {
            prop_assert!(at_most(&a, &c), "{} {} {}", a, b, c);
            let strict = a.compare(&b) != Compared::EQUAL || b.compare(&c) != Compared::EQUAL;
            prop_assert_eq!(strict, a.compare(&c) != Compared::EQUAL, "{} {} {}", a, b, c);
        }
    }

    #[test]
    fn so_are_those_of_a_named_scheme(a in texts(), b in texts(), c in texts()) {
        for scheme in Scheme::ALL {
            let read = [&a, &b, &c].map(|t| Version::read_as(scheme, t));
            let [Some(a), Some(b), Some(c)] = read else { continue };
            if at_most(&a, &b) && at_most(&b, &c) {
                prop_assert!(at_most(&a, &c), "{:?}: {} {} {}", scheme, a, b, c);
            }
        }
    }

    #[test]
    fn any_text_is_read(a in any::<String>(), b in any::<String>()) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }
}

/// What another packager writes is never taken for newer than it is: no order, and so a gap.
#[test]
fn an_epoch_or_a_vendors_count_is_not_held_against_what_knows_none() {
    for (value, asked) in [
        ("1:1.8.0.45.b13-1.el7", "8u152"),
        ("1:8u45-b14-1", "8u152"),
        ("1:8.9p1-3ubuntu0.10", "9.6"),
        ("32:9.11.4-26.P2.el7", "9.18.19"),
        ("1:17.0.2.0.8-4.el9", "17.0.9"),
        ("1.8.0.392.b08-2.el7", "8u152"),
        ("1.8.0.392.b08", "8u152"),
        ("8.72.15-r2", "8u152"),
        ("8.45.14-r0", "8u152"),
        ("8.21.0.1", "8u152"),
    ] {
        assert_eq!(compare(value, asked).ordering(), None, "{value} against {asked}");
        assert_eq!(compare(asked, value).ordering(), None, "{asked} against {value}");
    }
    let as_java = |text| Version::read_as(Scheme::Java, text);
    assert!(as_java("8.72.15-r2").is_none() && as_java("8.21.0.1").is_none());
    // Both know epochs, or Debian packages what Java wrote, or RPM writes the update with a dot.
    for (less, more) in [
        ("1:8.9p1-3", "1:9.6p1-3"),
        ("8u152-b01-1", "8u392-ga-1~deb12u1"),
        ("8u45", "1.8.0.392"),
        ("1.8.0.45", "8u152"),
        ("8u152", "11.0.2"),
    ] {
        assert_eq!(compare(less, more).ordering(), Some(Ordering::Less), "{less} and {more}");
    }
    assert_eq!(compare("9FCEB02", "9fceb02").equal(), Some(true));
}
