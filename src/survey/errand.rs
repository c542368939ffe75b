//! A survey on its way to another vantage: what it is asked, as one line that an auditor can sign.

use super::{Hope, ProfiledTarget, Refused, Survey, Target, Why};
use crate::model::{AddressSet, Endpoint, Expect, PortSet, PortSpec};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The format tag.
pub const ERRAND: &str = "portcullis/survey/v1";
/// The longest errand that is read: a hundred thousand declared ports take a tenth of it.
pub const MAX_ERRAND_BYTES: usize = 16 * 1024 * 1024;
/// Endpoints of one errand at most: every TCP port of thirty hosts.
pub const MOST_SENT: u64 = 2_000_000;
/// How far the clocks of an auditor and a vantage may differ, either way.
pub const MAX_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What a vantage is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errand {
    pub format: String,
    /// What the auditor calls the vantage.
    pub vantage: String,
    /// 32 hex digits, of this errand alone.
    pub nonce: String,
    /// When it was made, by the auditor's clock.
    pub at: Timestamp,
    pub manners: Manners,
    /// `host:port` of the STUN server that tells the vantage its address.
    pub reflect: Option<String>,
    targets: Vec<Ports>,
    profiled: Vec<As>,
}

/// How hard it may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manners {
    /// Packets a second; 0 is as fast as the path carries.
    pub rate: u32,
    pub timeout_ms: u64,
    pub tries: u32,
    pub in_flight: Option<usize>,
    pub seed: u64,
    pub slow_lane_ms: u64,
    /// When it ends, done or not.
    pub deadline_ms: u64,
}

/// Ports of one address that are asked the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ports {
    address: IpAddr,
    port: PortSpec,
    why: Why,
    hope: Hope,
    #[serde(default = "connect", skip_serializing_if = "is_connect")]
    expect: Expect,
}

/// One endpoint that is asked the way of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct As {
    profile: String,
    address: IpAddr,
    port: PortSpec,
    why: Why,
    expect: Expect,
    via: Option<String>,
    mtu: Option<u16>,
}

const fn connect() -> Expect {
    Expect::Connect
}

fn is_connect(expect: &Expect) -> bool {
    *expect == Expect::Connect
}

/// What is not in the survey itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending<'a> {
    pub vantage: &'a str,
    pub nonce: String,
    pub at: Timestamp,
    pub manners: Manners,
    pub reflect: Option<&'a str>,
}

impl Errand {
    /// The errand of a survey.
    ///
    /// # Errors
    /// More endpoints than [`MOST_SENT`], in words.
    pub fn new(survey: &Survey, sending: Sending<'_>) -> Result<Self, String> {
        let count = survey.targets.len() as u64;
        if count > MOST_SENT {
            return Err(format!("it is {count} endpoints, {MOST_SENT} are the limit"));
        }
        // A survey is sorted: what is asked the same stands together.
        let same = |a: &Target, b: &Target| {
            (a.endpoint.address, a.endpoint.protocol, a.why, a.hope, &a.expect)
                == (b.endpoint.address, b.endpoint.protocol, b.why, b.hope, &b.expect)
        };
        let targets = survey.targets.chunk_by(same).map(|part| {
            let Target { endpoint, why, expect, hope } = &part[0];
            let ports: PortSet = part.iter().map(|t| (t.endpoint.port, t.endpoint.port)).collect();
            Ports {
                address: endpoint.address,
                port: PortSpec::new(endpoint.protocol, ports),
                why: *why,
                hope: *hope,
                expect: expect.clone(),
            }
        });
        let profiled = survey.profiled.iter().map(|t| As {
            profile: t.profile.clone(),
            address: t.endpoint.address,
            port: PortSpec::new(t.endpoint.protocol, PortSet::one(t.endpoint.port)),
            why: t.why,
            expect: t.expect.clone(),
            via: t.via.clone(),
            mtu: t.mtu,
        });
        Ok(Self {
            format: ERRAND.into(),
            vantage: sending.vantage.into(),
            nonce: sending.nonce,
            at: sending.at,
            manners: sending.manners,
            reflect: sending.reflect.map(str::to_owned),
            targets: targets.collect(),
            profiled: profiled.collect(),
        })
    }

    /// One line, with its end: the bytes that an auditor signs.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // Shapes of ours, all of which have a text.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// Reads an errand; nothing of it is trusted yet.
    ///
    /// # Errors
    /// In words: another format, a shape that is not ours, more than the limits.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            format: Option<String>,
        }
        if line.len() > MAX_ERRAND_BYTES {
            return Err(format!("it is longer than {} MiB", MAX_ERRAND_BYTES >> 20));
        }
        let head: Head = serde_json::from_slice(line).map_err(|e| format!("it is no JSON: {e}"))?;
        match head.format.as_deref() {
            Some(ERRAND) => {}
            Some(other) => {
                return Err(format!(
                    "its format is `{other}`, this reads `{ERRAND}`: use the same portcullis on both sides"
                ));
            }
            None => return Err("it is JSON, and no survey of portcullis".into()),
        }
        let read: Self = serde_json::from_slice(line).map_err(|e| e.to_string())?;
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if read.nonce.len() != 32 || !read.nonce.bytes().all(hex) {
            return Err("its nonce is not 32 hex digits".into());
        }
        let count: u64 = read.targets.iter().map(|t| u64::from(t.port.ports.len())).sum();
        if count + read.profiled.len() as u64 > MOST_SENT {
            return Err(format!("it asks {count} endpoints, {MOST_SENT} are the limit"));
        }
        let ours = |p: &PortSpec| p.protocol.has_ports();
        if !read.targets.iter().all(|t| ours(&t.port))
            || !read.profiled.iter().all(|t| ours(&t.port) && t.port.ports.len() == 1)
        {
            return Err("it asks what has no port".into());
        }
        Ok(read)
    }

    /// What of it is probed within what `may` be; the rest is refused by name, with `why`.
    ///
    /// # Errors
    /// An endpoint that is asked twice, in words.
    pub fn survey(&self, may: &AddressSet, why: &str) -> Result<Survey, String> {
        let mut survey = Survey::default();
        let (mut asked, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for Ports { address, port, why, hope, expect } in &self.targets {
            if !may.contains(*address) {
                refused.insert(*address);
                continue;
            }
            for number in port.ports.iter() {
                let endpoint =
                    Endpoint { address: *address, protocol: port.protocol, port: number };
                if !asked.insert(endpoint) {
                    return Err(format!("it asks {endpoint} twice"));
                }
                let (why, hope) = (*why, *hope);
                survey.targets.push(Target { endpoint, why, expect: expect.clone(), hope });
            }
        }
        for one in &self.profiled {
            if !may.contains(one.address) {
                refused.insert(one.address);
                continue;
            }
            let port = one.port.ports.first().unwrap_or(0);
            survey.profiled.push(ProfiledTarget {
                profile: one.profile.clone(),
                endpoint: Endpoint { address: one.address, protocol: one.port.protocol, port },
                why: one.why,
                expect: one.expect.clone(),
                via: one.via.clone(),
                mtu: one.mtu,
            });
        }
        let refusal = |address| Refused { address, protocol: None, why: why.into() };
        survey.refused = refused.into_iter().map(refusal).collect();
        Ok(survey)
    }

    /// Whether it was made about now, by this clock.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).abs() <= MAX_SKEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Protocol;

    fn target(address: &str, port: u16, why: Why) -> Target {
        let address = address.parse().expect("an address");
        let endpoint = Endpoint { address, protocol: Protocol::Tcp, port };
        let expect = if port == 443 { Expect::Tls(Default::default()) } else { Expect::Connect };
        Target { endpoint, why, expect, hope: Hope::Answer }
    }

    fn survey() -> Survey {
        let swept = (1..=65_535).filter(|p| *p != 443 && *p != 22);
        let mut survey = Survey {
            targets: vec![
                target("192.0.2.1", 443, Why::Control),
                target("203.0.113.7", 443, Why::Declared),
            ],
            ..Survey::default()
        };
        survey.targets.extend(swept.map(|p| target("203.0.113.7", p, Why::Swept)));
        survey.profiled.push(ProfiledTarget {
            profile: "web".into(),
            endpoint: survey.targets[1].endpoint,
            why: Why::Declared,
            expect: Expect::Ssh,
            via: Some("http-connect".into()),
            mtu: None,
        });
        survey
    }

    fn errand(survey: &Survey) -> Errand {
        let manners = Manners {
            rate: 0,
            timeout_ms: 1500,
            tries: 10,
            in_flight: None,
            seed: 1,
            slow_lane_ms: 0,
            deadline_ms: 60_000,
        };
        let sending = Sending {
            vantage: "office",
            nonce: "0123456789abcdef0123456789abcdef".into(),
            at: "2026-11-29T12:00:00Z".parse().expect("a time"),
            manners,
            reflect: Some("192.0.2.1:3478"),
        };
        Errand::new(survey, sending).expect("an errand")
    }

    fn set(blocks: &[&str]) -> AddressSet {
        blocks.iter().map(|b| b.parse::<ipnetwork::IpNetwork>().expect("a block")).collect()
    }

    #[test]
    fn a_survey_comes_out_as_it_went_in_and_a_sweep_is_one_line_of_it() {
        let survey = survey();
        let line = errand(&survey).line();
        assert!(line.len() < 2_000, "{} bytes", line.len());
        let read = Errand::read(&line).expect("an errand");
        let back = read.survey(&AddressSet::outside(), "why").expect("a survey");
        assert_eq!((back.targets, back.profiled), (survey.targets, survey.profiled));
        assert_eq!(back.refused, []);
    }

    #[test]
    fn what_may_not_be_probed_is_refused_by_name_whatever_asks_for_it() {
        let mut survey = survey();
        for address in ["10.0.0.9", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.9", "::1"] {
            survey.targets.push(target(address, 22, Why::Declared));
        }
        let errand = errand(&survey);
        let back = errand.survey(&AddressSet::outside(), "not ours").expect("a survey");
        let refused: Vec<String> =
            back.refused.iter().map(|r| format!("{} {}", r.address, r.why)).collect();
        assert_eq!(refused.len(), 5, "{refused:?}");
        assert!(refused.contains(&"169.254.169.254 not ours".into()), "{refused:?}");
        let back = errand.survey(&set(&["203.0.113.8/32"]), "not ours").expect("a survey");
        assert!(back.targets.is_empty() && back.profiled.is_empty());
        assert_eq!(back.refused.len(), 7);
    }

    #[test]
    fn what_is_no_errand_of_ours_says_why() {
        let good = String::from_utf8(errand(&survey()).line()).expect("text");
        for (text, why) in [
            ("no".to_owned(), "no JSON"),
            ("{}".to_owned(), "no survey"),
            (good[..good.len() / 2].to_owned(), "no JSON"),
            (good.replace("survey/v1", "survey/v2"), "its format is `portcullis/survey/v2`"),
            (good.replace("\"seed\"", "\"sede\""), "unknown field `sede`"),
            (good.replace("0123456789abcdef0", "../../../../../x0"), "32 hex digits"),
            (good.replace("tcp/443", "icmp/echo"), "has no port"),
        ] {
            let said = Errand::read(text.as_bytes()).expect_err(why);
            assert!(said.contains(why), "{said}");
        }
        let twice = good.replace("1-21,23-442", "443,1-21,23-442");
        let errand = Errand::read(twice.as_bytes()).expect("an errand");
        let said = errand.survey(&AddressSet::outside(), "why").expect_err("twice");
        assert!(said.contains("203.0.113.7 tcp/443 twice"), "{said}");
        // As many as fit into a few bytes, were nobody to count them first.
        let part =
            "{\"address\":\"203.0.113.7\",\"port\":\"tcp\",\"why\":\"swept\",\"hope\":\"either\"},";
        let many = good.replace("\"targets\":[", &format!("\"targets\":[{}", part.repeat(31)));
        let said = Errand::read(many.as_bytes()).expect_err("too many");
        assert!(said.contains("are the limit"), "{said}");
    }

    #[test]
    fn it_is_fresh_for_a_minute_by_either_clock() {
        let errand = errand(&survey());
        for (seconds, fresh) in [(0, true), (60, true), (61, false), (-60, true), (-61, false)] {
            let now = errand.at + SignedDuration::from_secs(seconds);
            assert_eq!(errand.is_fresh(now), fresh, "{seconds}");
        }
    }
}
