use super::{Hope, Refused, Survey, Target, Why};
use crate::model::{AddressSet, Endpoint, Expect, PortSpec};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// Endpoints of one run at most: beyond, a survey is a mistake.
pub const MOST_ENDPOINTS: u64 = 20_000_000;

/// A survey of what was named on a command line, within what `may` be probed.
///
/// # Errors
/// A fragment that fits after "cannot", when there are more than [`MOST_ENDPOINTS`].
pub fn asked(
    blocks: &[IpNetwork],
    ports: &[PortSpec],
    expect: &Expect,
    may: &AddressSet,
) -> Result<Survey, String> {
    let wanted = AddressSet::from_networks(blocks.iter().copied());
    let allowed = wanted.intersect(may);
    let each: u64 = ports.iter().map(|p| u64::from(p.ports.len())).sum();
    let count = u64::try_from(allowed.size()).unwrap_or(u64::MAX).saturating_mul(each);
    if count > MOST_ENDPOINTS {
        return Err(format!(
            "probe {count} endpoints in one run: {MOST_ENDPOINTS} are the limit, name fewer addresses or ports"
        ));
    }
    let mut survey = Survey::default();
    for address in addresses(&allowed) {
        for spec in ports {
            survey.targets.extend(spec.ports.iter().map(|port| Target {
                endpoint: Endpoint { address, protocol: spec.protocol, port },
                why: Why::Asked,
                expect: expect.clone(),
                hope: Hope::Either,
            }));
        }
    }
    survey.targets.sort();
    survey.targets.dedup_by_key(|t| t.endpoint);
    for block in wanted.subtract(may).to_networks() {
        let whole = if is_one(block) { String::new() } else { format!("all of {block}: ") };
        survey.refused.push(Refused {
            address: block.network(),
            protocol: None,
            why: format!(
                "{whole}no snapshot that was read says it is ours, and scope: does not name it"
            ),
        });
    }
    survey.refused.sort();
    Ok(survey)
}

fn is_one(block: IpNetwork) -> bool {
    block.prefix() == if block.is_ipv4() { 32 } else { 128 }
}

/// Every address of a set, in order; the caller has bounded it.
fn addresses(set: &AddressSet) -> impl Iterator<Item = IpAddr> {
    set.to_networks().into_iter().flat_map(|n| n.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(blocks: &[&str]) -> AddressSet {
        blocks.iter().map(|b| b.parse::<IpNetwork>().expect("a block")).collect()
    }

    fn ask(blocks: &[&str], may: &[&str]) -> Survey {
        let blocks: Vec<IpNetwork> = blocks.iter().map(|b| b.parse().expect("a block")).collect();
        let ports = ["tcp/22".parse().expect("ports")];
        asked(&blocks, &ports, &Expect::Connect, &set(may)).expect("a survey")
    }

    #[test]
    fn only_what_is_ours_or_in_scope_is_probed() {
        let survey = ask(&["192.0.2.0/30", "198.51.100.7/32"], &["192.0.2.2/31"]);
        let probed: Vec<_> =
            survey.targets.iter().map(|t| t.endpoint.address.to_string()).collect();
        assert_eq!(probed, ["192.0.2.2", "192.0.2.3"]);
        let refused: Vec<_> = survey.refused.iter().map(|r| r.address.to_string()).collect();
        assert_eq!(refused, ["192.0.2.0", "198.51.100.7"]);
        assert!(survey.refused[0].why.contains("192.0.2.0/31"));
    }

    #[test]
    fn the_internet_is_refused_without_being_counted() {
        let survey = ask(&["0.0.0.0/0", "::/0"], &["127.0.0.1/32"]);
        assert_eq!(survey.targets.len(), 1);
        assert!(!survey.refused.is_empty());
    }

    #[test]
    fn a_survey_without_end_is_an_error() {
        let all = PortSpec::new(crate::model::Protocol::Tcp, crate::model::PortSet::all());
        let block = "2001:db8::/64".parse().expect("a block");
        let error = asked(&[block], &[all], &Expect::Connect, &set(&["2001:db8::/32"]));
        assert!(error.expect_err("too many").contains("limit"));
    }
}
