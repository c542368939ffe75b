use super::{add, read};
use crate::spec::{DeclaredHost, Source, Spec};
use std::collections::BTreeMap;

fn hosts(text: &str) -> Vec<DeclaredHost> {
    read(&Source::new("hosts", text)).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Each error with its place, and the hint.
fn wrong(text: impl Into<Vec<u8>>) -> Vec<String> {
    let errors = read(&Source::new("hosts", text)).expect_err("an error");
    let told = errors.told.iter();
    told.map(|t| format!("{} {} ({})", t.at, t.message, t.hint.as_deref().unwrap_or("-"))).collect()
}

fn brief(host: &DeclaredHost) -> String {
    let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
    let tags: Vec<String> = host.tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("{} {} [{}] {}", host.at, host.name, addresses.join(" "), tags.join(" "))
}

fn briefs(text: &str) -> Vec<String> {
    hosts(text).iter().map(brief).collect()
}

#[test]
fn every_form_of_a_list_gives_the_same_hosts() {
    let want = ["web-1 [192.0.2.1 2001:db8::1] gen=2 role=web", "web-2 [192.0.2.2] role=web"];
    let forms = [
        r#"[{"name": "web-1", "addresses": ["192.0.2.1", "2001:db8::1"], "tags": {"role": "web", "gen": 2}},
            {"hostname": "web-2", "ip": "192.0.2.2", "role": "web", "disks": [1, 2]}]"#,
        r#"{"web-1": {"address": "192.0.2.1 2001:db8::1", "role": "web", "gen": "2"},
            "web-2": {"addresses": "192.0.2.2", "tags": {"role": "web"}, "role": "other"}}"#,
        r#"{"hosts": {"web-1": {"addresses": ["192.0.2.1", "2001:db8::1"], "tags": {"role": "web", "gen": "2"}},
            "web-2": {"addresses": ["192.0.2.2"], "tags": {"role": "web"}}}}"#,
        "{\"name\": \"web-1\", \"ip\": \"192.0.2.1;2001:db8::1\", \"role\": \"web\", \"gen\": 2}\n\
         {\"name\": \"web-2\", \"ip\": \"192.0.2.2\", \"role\": \"web\"}\n",
        "\u{feff}Name, Addresses, role, gen\nweb-1, 192.0.2.1 2001:db8::1, web, 2\nweb-2,192.0.2.2,web,\n",
        "hostname,gen,ip,role\r\nweb-1,2,192.0.2.1;2001:db8::1,web\r\n\"web-2\",,192.0.2.2,\"web\"\r\n",
    ];
    for form in forms {
        let got: Vec<String> =
            briefs(form).iter().map(|b| b.split_once(' ').expect("a place").1.to_owned()).collect();
        assert_eq!(got, want, "{form}");
    }
}

#[test]
fn a_host_stands_where_its_record_begins() {
    let json = briefs(
        "[\n  {\"name\": \"a\", \"ip\": \"192.0.2.1\"},\n  {\"name\": \"b\", \"ip\": \"192.0.2.2\"}\n]",
    );
    assert!(json[1].starts_with("hosts:3:3 b"), "{json:?}");
    let csv = briefs("name,ip,note\na,192.0.2.1,\"two\nlines\"\nb,192.0.2.2,\n");
    assert!(csv[1].starts_with("hosts:4:1 b"), "{csv:?}");
}

#[test]
fn an_ansible_inventory_gives_addresses_variables_and_groups() {
    let text = r#"{
        "_meta": {"hostvars": {
            "web-1": {"ansible_host": "192.0.2.1", "ansible_user": "root", "generation": 2, "nested": {"a": 1}},
            "192.0.2.9": {},
            "db-1": {"ansible_host": "db.example", "addresses": ["192.0.2.3"], "tags": {"role": "db"}}
        }},
        "all": {"children": ["ungrouped", "edge"]},
        "edge": {"children": ["web"]},
        "web": {"hosts": ["web-1", "192.0.2.9"]},
        "ungrouped": {"hosts": ["db-1", "192.0.2.7"]}
    }"#;
    let got: BTreeMap<String, String> =
        hosts(text).iter().map(|h| (h.name.clone(), brief(h))).collect();
    assert!(
        got["web-1"]
            .ends_with("web-1 [192.0.2.1] generation=2 group:all=yes group:edge=yes group:web=yes")
    );
    assert!(got["db-1"].contains("[192.0.2.3]") && got["db-1"].contains("role=db"), "{got:?}");
    assert!(got["192.0.2.9"].contains("[192.0.2.9]"), "its name is its address");
    assert!(got["192.0.2.7"].contains("group:ungrouped=yes"), "known from its group alone");
}

#[test]
fn all_that_is_wrong_is_told_with_its_place() {
    let all = wrong(
        "name,addresses,role\n,192.0.2.1,web\nweb 2,192.0.2.300,web\nweb-3,,web\nweb-4,192.0.2.4\n",
    )
    .join("\n");
    for part in [
        "hosts:2:1 cannot use a host without a name",
        "hosts:3:1 cannot use the host `web 2`: cannot use `web 2` as a name",
        "hosts:3:1 cannot use the host `web 2`: cannot read `192.0.2.300` as an address",
        "hosts:4:1 cannot use the host `web-3`: it has no address (names are not looked up",
        "hosts:5:1 this row has 2 fields, and the first line names 3 columns",
    ] {
        assert!(all.contains(part), "{part} in\n{all}");
    }
    for (text, part) in [
        ("", "it is empty"),
        ("[]", "it names no host"),
        ("{\"name\": \"a\", \"ip\": \"192.0.2.1\"}\n{\"name\": \"b\", \"ip", "hosts:2:"),
        ("[{\"name\": \"a\", \"ip\": \"192.0.2.1\"},]", "it is no JSON"),
        ("[7]", "it is no object"),
        ("{\"a\": {\"ip\": \"::ffff:192.0.2.1\"}}", "write it as IPv4: `192.0.2.1`"),
        ("{\"a\": {\"ip\": \"192.0.2.0/24\"}}", "not a block"),
        ("{\"a\": {\"ip\": \"192.0.2.1\", \"ip\": \"192.0.2.2\"}}", "`ip` stands twice"),
        ("{\"a\": {\"ip\": 7}}", "neither an address nor a list"),
        ("{\"a\": {\"ip\": \"192.0.2.1\", \"tags\": [\"web\"]}}", "`tags` is no object"),
        ("{\"_meta\": {}}", "has no `hostvars`"),
        ("one two three\n", "no columns `name` and `addresses` here"),
        ("name,ip,x,x\na,192.0.2.1,1,2\n", "column 4 is the second `x`"),
    ] {
        let all = wrong(text).join("\n");
        assert!(all.contains(part), "{text}: {part} in\n{all}");
    }
    assert!(
        wrong(b"name,ip\na\xff,192.0.2.1\n".as_slice())[0].contains("hosts:2:1 it is not UTF-8")
    );
    let long = vec![b'x'; crate::spec::MAX_FILE_BYTES + 1];
    assert!(wrong(long)[0].contains("longer than"));
}

#[test]
fn a_name_is_declared_once() {
    let mut spec = Spec::default();
    add(&mut spec, hosts("name,ip\na,192.0.2.1\n")).expect("the first");
    let twice = add(&mut spec, hosts("name,ip\nb,192.0.2.2\na,192.0.2.3\n")).expect_err("again");
    assert_eq!((twice.count(), spec.hosts.len()), (1, 2));
    assert!(twice.told[0].message.contains("`a` is declared twice"), "{twice}");
    assert!(twice.to_string().contains("hosts:2:1"), "{twice}");
}
