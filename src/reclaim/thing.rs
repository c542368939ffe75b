use super::observed::PROBE;
use super::place::Place;
use crate::cleanup::aws::{CONDEMNED_TAG, protects};
use crate::cleanup::{CONDEMNED, Claim, Resource};
use crate::snapshot::{CallKind, Tag};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What begins the tags of those who keep a thing themselves, and would make it anew or miss it.
const KEEPERS: [(&str, &str); 11] = [
    ("aws:autoscaling:", "Auto Scaling"),
    ("aws:cloudformation:", "CloudFormation"),
    ("aws:ec2spot:", "a spot fleet"),
    ("aws:eks:", "EKS"),
    ("aws:elasticmapreduce:", "EMR"),
    ("csivolumename", "Kubernetes"),
    ("ebs.csi.aws.com/", "Kubernetes"),
    ("elasticbeanstalk:", "Elastic Beanstalk"),
    ("karpenter.sh/", "Karpenter"),
    ("kubernetes.io/", "Kubernetes"),
    ("opsworks:", "OpsWorks"),
];

/// Tags that say whom to tell, in lower case.
const OWNER: [&str; 3] = ["owner", "team", "contact"];

/// Tags that say which generation a thing is of, in lower case.
const GENERATION: [&str; 4] = ["generation", "gen", "host-generation", "host_gen"];

/// A thing before anything was said about it.
pub(super) fn new(place: &Place<'_>, kind: &str, id: impl Into<String>) -> Resource {
    let view = place.view;
    let here = || {
        BTreeMap::from([
            ("account".to_owned(), view.account.clone()),
            ("region".to_owned(), view.region.clone()),
        ])
    };
    Resource {
        kind: kind.into(),
        id: id.into(),
        immutable: here(),
        attributes: here(),
        state: BTreeMap::new(),
        owner: None,
        domain: None,
        set: None,
        children: Vec::new(),
        candidate: false,
        action: None,
        dead: Vec::new(),
        live: Vec::new(),
        protected: Vec::new(),
        unknown: Vec::new(),
    }
}

/// Puts an entry where there is one to put.
pub(super) fn put(map: &mut BTreeMap<String, String>, key: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|v| !v.is_empty()) {
        map.insert(key.into(), value.into());
    }
}

/// Reads the tags: strata, owner, protection, state (a changed tag is a changed thing).
pub(super) fn tags(place: &Place<'_>, thing: &mut Resource, call: CallKind, tags: &[Tag]) {
    let mut all = Vec::new();
    for Tag { key, value } in tags {
        all.push(format!("{key}={value}"));
        if key == CONDEMNED_TAG {
            thing.state.insert(CONDEMNED.into(), value.clone());
        }
        let lower = key.to_lowercase();
        if protects(key, value) {
            let said = format!("tag {key}={value}");
            thing.protected.push(place.says(call, "tag-protect", said));
        }
        if let Some((_, keeper)) = KEEPERS.iter().find(|(begin, _)| lower.starts_with(begin)) {
            let said = format!("{keeper} keeps it (tag {key})");
            thing.protected.push(place.says(call, "managed", said));
        }
        if OWNER.contains(&lower.as_str()) && thing.owner.is_none() && !value.is_empty() {
            thing.owner = Some(value.clone());
            thing.attributes.insert("owner".into(), value.clone());
        }
        // Every other tag tells no class that anything is wrong in together.
        if GENERATION.contains(&lower.as_str()) {
            thing.attributes.insert("generation".into(), value.clone());
        }
    }
    all.sort();
    thing.protected.dedup_by(|a, b| a.detail == b.detail);
    thing.state.insert("tags".into(), all.join(", "));
}

/// The decade of an age: things of one time were made alike.
pub(super) fn age(place: &Place<'_>, made: Option<&str>) -> String {
    let Some(made) = made.and_then(|m| m.parse::<Timestamp>().ok()) else {
        return "unknown".into();
    };
    let seconds = place.input.snapshot.taken_at.duration_since(made).as_secs();
    match seconds / 86_400 {
        ..0 => "in the future".into(),
        0 => "under a day".into(),
        1..10 => "1 to 9 days".into(),
        10..100 => "10 to 99 days".into(),
        100..1000 => "100 to 999 days".into(),
        _ => "1000 days and more".into(),
    }
}

/// Whether anything that was read uses it. An answer to a probe is no such thing: it proves life on its
/// own, and so tests the judgement.
pub(super) fn used(thing: &Resource) -> bool {
    thing.live.iter().any(|claim| claim.source != PROBE)
}

/// Makes it a candidate for a quarantine, or where it is condemned already for what comes after, with
/// what speaks for it.
pub(super) fn condemn(
    thing: &mut Resource,
    quarantine: &str,
    after: &str,
    dead: impl IntoIterator<Item = Claim>,
) {
    let marked = thing.state.contains_key(CONDEMNED);
    ask(thing, if marked { after } else { quarantine }, dead);
}

/// Makes it a candidate for an act, with what speaks for it.
pub(super) fn ask(thing: &mut Resource, action: &str, dead: impl IntoIterator<Item = Claim>) {
    thing.candidate = true;
    thing.action = Some(action.into());
    thing.dead.extend(dead);
}
