//! A port that is missing is opened by a plan, through the binary, on a moto. What moto lacks of
//! block-public-access is answered by a mock (serve.py): without it nobody can say what a permission opens.

use crate::account::{Account, items, refused};
use crate::world::Server;
use serde_json::{Value, json};

const SPEC: &str = "version: 1
networks: { office: [192.0.2.0/24] }
roles:
  web:
    select: { tags: { role: web } }
    services: { https: { port: tcp/443, from: internet } }
    allow: [ { port: tcp/22, from: office } ]
";

fn account(name: &str) -> Account {
    Account::new(name, Server::moto_with_bpa(), "repair.py", SPEC)
}

fn id(it: &Account) -> String {
    format!("{}/ingress/tcp/443/443/0.0.0.0/0", it.id("web"))
}

/// A first run learns, the second plans.
fn planned(it: &Account) -> (Value, String) {
    it.plan(&["--repair"]);
    let (plan, place) = it.plan(&["--repair"]);
    let wanted = id(it);
    let acts: Vec<(&str, &str)> = items(&plan).collect();
    assert_eq!(acts, [(wanted.as_str(), "authorize")], "{plan:#}");
    (plan, place)
}

#[test]
fn a_missing_permission_is_authorized_as_agreed_and_taken_back_from_its_receipt() {
    let it = account("repair");
    let before = it.show();
    let (plan, place) = planned(&it);
    let item = &plan["items"][0];
    assert_eq!((&plan["phase"], &item["risk"]), (&json!("repair"), &json!("exposing")));
    let (server, ip) = (it.id("server"), it.id("ip"));
    assert_eq!(item["state"]["opens"], format!("tcp/443 of {server} ({ip}) to internet"));
    let said = item["dead"].to_string();
    assert!(said.contains("requires https from internet"), "{said}");
    // Opening takes more people than removing: one of them is not enough.
    let words = "1 item in 123456789012";
    let one = it.cleanup(&["approve", &place, "--key=bob", "--as=bob", "--confirm", words]);
    assert_eq!(one.0, Some(0), "{}", one.1);
    assert_eq!(it.cleanup(&["halt", "--init", "--key=bob"]).0, Some(0));
    let (code, said) = it.cleanup(&["apply", &place, "--attached"]);
    assert!(code == Some(4) && said.contains("quorum"), "{said}");
    assert_eq!(it.show(), before);
    let two = it.cleanup(&["approve", &place, "--key=carol", "--as=carol", "--confirm", words]);
    assert_eq!(two.0, Some(0), "{}", two.1);
    let (code, said) = it.cleanup(&["apply", &place, "--attached"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(it.show(), json!([["web", 22, "192.0.2.0/24", ""], ["web", 443, "0.0.0.0/0", ""]]));
    let (again, _) = it.plan(&["--repair"]);
    assert_eq!(again["totals"]["items"], 0, "nothing is missing any more: {again:#}");
    // Closing opens nothing, so no spec is asked for.
    let receipt = format!("{place}/receipt.json");
    let (code, said) = it.cleanup(&["undo", &receipt]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(it.show(), before);
}

#[test]
fn what_would_open_something_else_by_now_is_left_out() {
    let it = account("spread");
    let (plan, place) = planned(&it);
    let before = it.show();
    // The same permission would let the internet in to another server now.
    it.does(&["spread"]);
    let (_, said) = it.apply(&plan, &place, &[]);
    assert!(said.contains("state-changed"), "{said}");
    assert_eq!(it.show(), before);
    // And it is not planned: nobody declared that server's.
    let (plan, _) = it.plan(&["--repair"]);
    let why = refused(&plan, &id(&it));
    assert!(why.starts_with("protected: exposes") && why.contains("nobody declared"), "{why}");
    assert!(why.contains(&it.id("second")), "{why}");
}

#[test]
fn what_a_declared_group_lacks_comes_back_with_its_words() {
    let it = account("declared");
    let group = it.id("web");
    let spec = format!(
        "{SPEC}groups:\n  {group}:\n    ingress:\n      - {{ port: tcp/22, from: office }}\n      \
         - {{ port: tcp/443, from: 0.0.0.0/0, description: clients }}\n"
    );
    std::fs::write(it.folder.join("spec.yaml"), spec).unwrap();
    let (plan, place) = planned(&it);
    assert!(plan["items"][0]["dead"].to_string().contains("declares it for"), "{plan:#}");
    // Asked too often, nothing is done; asked again, it is done once.
    let rules = json!([{
        "service": "ec2", "operation": "AuthorizeSecurityGroupIngress", "times": 1,
        "error": {"code": "RequestLimitExceeded", "status": 503},
    }]);
    let proxy = Server::microburst(&it.moto, &rules);
    for who in ["bob", "carol"] {
        let words = "1 item in 123456789012";
        let (code, said) =
            it.cleanup(&["approve", &place, "--key", who, "--as", who, "--confirm", words]);
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(it.cleanup(&["halt", "--init", "--key=bob"]).0, Some(0));
    let (code, said) = it.cleanup_at(&proxy, &["apply", &place, "--attached"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(proxy.fired().len(), 1, "it was throttled once");
    let shown = it.show();
    assert_eq!(shown[1], json!(["web", 443, "0.0.0.0/0", "clients"]), "{shown}");
}

/// Many that are missing are no class of their own, in which all are wrong.
#[test]
fn several_missing_permissions_are_one_plan() {
    let it = account("several");
    let spec = SPEC.replace(
        "services: { https",
        "services: { http: { port: tcp/80, from: internet }, alt: { port: tcp/8443, from: internet }, https",
    );
    std::fs::write(it.folder.join("spec.yaml"), spec).unwrap();
    it.plan(&["--repair"]);
    let (plan, _) = it.plan(&["--repair"]);
    assert_eq!(plan["totals"]["by_action"]["authorize"], 3, "{:#}", plan["strata"]);
}

/// What was revoked comes back by the spec that its plan was made by, and by no other.
#[test]
fn an_undo_is_judged_by_the_spec_that_people_agreed_to() {
    let it = account("undone");
    let (plan, place) = planned(&it);
    let (code, said) = it.apply(&plan, &place, &[]);
    assert_eq!(code, Some(0), "{said}");
    let wide = SPEC.replace("port: tcp/22, from: office", "port: tcp/22, from: internet");
    std::fs::write(it.folder.join("mine.yaml"), wide).unwrap();
    let receipt = format!("{place}/receipt.json");
    let (code, said) = it.cleanup(&["undo", &receipt, "--spec", "mine.yaml"]);
    assert!(code == Some(2) && said.contains("not the spec that the plan was made by"), "{said}");
    let (code, said) = it.cleanup(&["undo", &receipt, "--spec", "spec.yaml"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn without_a_word_on_block_public_access_nothing_is_opened() {
    let it = Account::new("blind", Server::moto(), "repair.py", SPEC);
    it.plan(&["--repair"]);
    let (plan, _) = it.plan(&["--repair"]);
    assert_eq!(plan["totals"]["items"], 0);
    let why = refused(&plan, &id(&it));
    assert!(why.starts_with("unknown") && why.contains("nobody can say"), "{why}");
}
