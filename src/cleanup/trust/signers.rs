use super::{Certified, Key, Party, Role, Trust};
use crate::signature::{APPROVAL, DECOMMISSION, DENIAL, HALT, PLAN, RECEIPT, TRUST};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write;

impl Trust {
    /// The same trust in OpenSSH's own format, for whoever checks a signature with stock
    /// `ssh-keygen -Y verify`. Stock judges less: neither quorum, nor touches, nor whose plan it is.
    #[must_use]
    pub fn allowed_signers(&self) -> String {
        let mut out = format!("# of the list of trust {}\n", self.digest());
        for party in self.parties() {
            for key in &party.keys {
                line(&mut out, party, key);
            }
            for it in &party.certificates {
                certified(&mut out, party, it);
            }
        }
        out
    }
}

fn line(out: &mut String, party: &Party, key: &Key) {
    let Ok(public) = ssh_key::PublicKey::from(key.key.clone()).to_openssh() else { return };
    let _ = write!(out, "{} namespaces=\"{}\"", party.name, namespaces(party).join(","));
    if let Some(from) = key.valid_after {
        let _ = write!(out, ",valid-after=\"{}\"", stamp(from));
    }
    if let Some(until) = key.valid_before {
        let _ = write!(out, ",valid-before=\"{}\"", stamp(until));
    }
    let _ = writeln!(out, " {}", public.trim());
}

fn certified(out: &mut String, party: &Party, it: &Certified) {
    let Ok(public) = ssh_key::PublicKey::from(it.authority.clone()).to_openssh() else { return };
    let _ = writeln!(
        out,
        "{} cert-authority,namespaces=\"{}\" {}",
        it.principal,
        namespaces(party).join(","),
        public.trim()
    );
}

/// What somebody's keys may sign.
fn namespaces(party: &Party) -> Vec<&'static str> {
    let mut all = vec![DENIAL, HALT];
    if party.roles.contains(&Role::Author) {
        all.push(PLAN);
    }
    if party.approves() {
        all.extend([APPROVAL, TRUST, DECOMMISSION]);
    }
    if party.roles.contains(&Role::Applier) {
        all.push(RECEIPT);
    }
    all
}

fn stamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string()
}
