use super::*;

#[test]
fn every_act_has_one_row_with_an_identity_and_rights() {
    let mut seen = BTreeSet::new();
    for act in acts() {
        assert!(seen.insert((act.kind.clone(), act.action.clone())), "{act:?} is there twice");
        assert!(!act.identity.is_empty(), "{act:?}");
        assert_eq!(act.risk == Risk::Irreversible, act.undo.is_none(), "{act:?}");
    }
    let rights: Vec<&Right> = TABLE.iter().flat_map(Row::all_rights).collect();
    assert!(rights.iter().all(|r| !r.iam.is_empty() && !r.resources.is_empty()));
    // What cannot be taken back has something of its type before it that can.
    for row in TABLE.iter().filter(|row| row.undo.is_none()) {
        let quarantine = TABLE.iter().any(|r| r.kind == row.kind && r.undo.is_some());
        assert!(quarantine, "{} of a {} has no quarantine", row.action, row.kind);
    }
}

#[test]
fn the_policy_allows_what_is_asked_for_and_nothing_else() {
    let only = |name: &str| policy("aws", &BTreeSet::from([name.to_owned()]), &BTreeSet::new());
    let text = only("stop").to_string();
    assert!(text.contains("ec2:StopInstances") && text.contains("ec2:StartInstances"));
    assert!(!text.contains("Terminate") && !text.contains("Delete"), "{text}");
    // Rights to take it back alone still name both: one row is one pair.
    assert_eq!(only("start"), only("stop"));
    let all = policy("aws", &BTreeSet::new(), &BTreeSet::new());
    let denied = all["Statement"].as_array().and_then(|s| s.iter().find(|s| s["Effect"] == "Deny"));
    let denied = denied.expect("a denial")["Action"].to_string();
    for row in TABLE.iter().filter(|row| row.undo.is_none()) {
        // A snapshot takes nothing away.
        let mut iam = row.rights.iter().flat_map(|r| r.iam);
        assert!(
            iam.all(|iam| *iam == "ec2:CreateSnapshot" || denied.contains(iam)),
            "{} is not denied",
            row.action
        );
    }
    assert!(denied.contains("ec2:CreateTags") && !denied.contains("ec2:DeleteTags"));
    // Every right over tags is bound: to our mark, or to the making of a snapshot.
    for statement in all["Statement"].as_array().expect("a list") {
        let tags = statement["Action"].to_string().contains("Tags\"");
        if statement["Effect"] == "Allow" && tags && statement["Sid"] != "PortcullisObserve" {
            let bound = statement["Condition"].to_string();
            let to_mark = bound.contains(CONDEMNED_TAG) && bound.contains("Null");
            let made = ["CreateSnapshot", "AuthorizeSecurityGroupIngress"];
            assert!(to_mark || made.iter().any(|m| bound.contains(m)), "{statement}");
        }
    }
    for statement in all["Statement"].as_array().expect("a list") {
        let wide = statement["Resource"] == "*" && statement["Effect"] == "Allow";
        let acts = statement["Action"].to_string();
        assert!(!wide || acts.split(',').all(|a| a.contains(":Describe")), "{acts}");
    }
}

fn act(kind: &str, action: &str, id: &str) -> ActRequest {
    let arn = format!(
        "arn:aws:elasticloadbalancing:us-gov-west-1:123456789012:targetgroup/{}/0123456789abcdef",
        "n".repeat(32)
    );
    let immutable = [
        ("account", "123456789012"),
        ("region", "us-gov-west-1"),
        ("group", "sg-0123456789abcdef0"),
        ("target-group", arn.as_str()),
    ];
    ActRequest {
        plan: String::new(),
        n: 1,
        item: crate::cleanup::ItemRef { kind: kind.into(), id: id.into() },
        action: action.into(),
        immutable: immutable.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        state: BTreeMap::new(),
        token: String::new(),
        fence: 1,
        not_after: jiff::Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn a_session_may_do_one_act_to_one_thing() {
    let stop = session("aws", &act(INSTANCE, "stop", "i-0a"), None).expect("an act");
    assert_eq!(
        stop["Statement"][0],
        json!({"Effect": "Allow", "Action": ["ec2:StopInstances"],
               "Resource": ["arn:aws:ec2:us-gov-west-1:123456789012:instance/i-0a"]})
    );
    let start =
        session("aws", &act(INSTANCE, "start", "i-0a"), Some(&BTreeMap::new())).expect("an undo");
    assert_eq!(start["Statement"][0]["Action"], json!(["ec2:StartInstances"]));
    assert_eq!(session("aws", &act(INSTANCE, "start", "i-0a"), None), None, "it is no act");
    assert_eq!(session("aws", &act(VOLUME, "stop", "vol-1"), None), None);
    let mut nowhere = act(INSTANCE, "stop", "i-0a");
    nowhere.immutable.remove("region");
    assert_eq!(session("aws", &nowhere, None), None);
    let rule = session("aws", &act(PERMISSION, "revoke", "sg-0123456789abcdef0/x"), None);
    let text = rule.expect("an act").to_string();
    assert!(text.contains("security-group/sg-0123456789abcdef0") && !text.contains("Authorize"));
}

#[test]
fn a_session_names_its_thing_and_fits_into_what_aws_takes() {
    for row in TABLE {
        for (action, back) in [(Some(row.action), false), (row.undo, true)] {
            let Some(action) = action else { continue };
            let id = match row.kind {
                PERMISSION => "sg-0123456789abcdef0/ingress/tcp/1/1/2001:db8::/128",
                _ => "vol-0123456789abcdef0",
            };
            let handed =
                BTreeMap::from([("snapshot".to_owned(), "snap-0123456789abcdef0".to_owned())]);
            let policy = session("aws-us-gov", &act(row.kind, action, id), back.then_some(&handed));
            let policy = policy.unwrap_or_else(|| panic!("{} {action}", row.kind));
            let text = policy.to_string();
            assert!(text.len() <= 2048, "{} {action}: {}", row.kind, text.len());
            let whole = |r: &Value| !r.as_str().unwrap_or_default().ends_with('*');
            let statements = policy["Statement"].as_array().expect("a list");
            // What a thing is attached to or carries, beside the thing itself.
            let makes = match row.kind {
                VOLUME => ["snapshot", "delete"].contains(&action),
                kind => kind == PERMISSION && action == "authorize",
            };
            let others = |r: &&Value| {
                let text = r.as_str().unwrap_or_default();
                let of = |nouns: &[&str]| nouns.iter().any(|n| text.contains(n));
                match row.kind {
                    INSTANCE => of(&["network-interface/", "security-group/", "volume/"]),
                    INTERFACE | VOLUME => of(&["instance/"]) || (makes && of(&["snapshot/"])),
                    PERMISSION => of(&["security-group-rule/"]),
                    _ => false,
                }
            };
            let named = statements.iter().filter(|s| s["Resource"] != "*").all(|s| {
                let all = s["Resource"].as_array().expect("a list");
                let own = all.iter().filter(|r| !others(r));
                // What an act makes has no name before.
                own.clone().next().is_none() && makes
                    || own.clone().next().is_some() && own.clone().all(whole)
            });
            assert!(named, "{} {action}: {text}", row.kind);
            let acts = |s: &&Value| s["Resource"] == "*";
            let wide = statements.iter().filter(acts).map(|s| s["Action"].to_string());
            assert!(
                wide.flat_map(|a| a.split(',').map(str::to_owned).collect::<Vec<_>>())
                    .all(|a| a.contains(":Describe"))
            );
        }
    }
}
