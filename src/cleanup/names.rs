//! Names that lead to things: what a name of ours leads to is in use, whoever calls it dead.
//!
//! A list of names is a name a line (`#` begins a remark), or what `aws route53
//! list-resource-record-sets` prints, one answer after another. Addresses of such an answer count as they
//! stand, private zones among them; each name is asked for besides, and so is what it is an alias of.

use super::{Claim, Digest, Resource};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The source that names are, and the kind of the sign of life.
pub const SOURCE: &str = "dns";
const KIND: &str = "named";

/// Most names: each is asked for twice, before each look.
pub const MAX_NAMES: usize = 10_000;

/// Names to ask for, and addresses that records name already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub ask: BTreeSet<String>,
    records: BTreeMap<IpAddr, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Zone {
    #[serde(rename = "ResourceRecordSets")]
    sets: Vec<Set>,
    #[serde(rename = "NextToken", alias = "NextRecordName", default)]
    more: Option<String>,
    #[serde(rename = "IsTruncated", default)]
    cut: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Set {
    name: String,
    r#type: String,
    #[serde(default)]
    resource_records: Vec<Record>,
    #[serde(default)]
    alias_target: Option<Alias>,
}

#[derive(Deserialize)]
struct Alias {
    #[serde(rename = "DNSName")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    value: String,
}

impl Names {
    /// Takes in one list.
    ///
    /// # Errors
    /// What of it is no list of names, with the line; an answer that ends before the last page; too
    /// many names; none at all. A name that is left out may be the one that leads to something.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut found = 0;
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
            format!("line {line} is not UTF-8")
        })?;
        if text.trim_start().starts_with('{') {
            found += self.zones(text)?;
        } else {
            for (number, line) in (1..).zip(text.lines()) {
                let name = line.split('#').next().unwrap_or_default().trim();
                if !name.is_empty() {
                    self.add(name).map_err(|why| format!("line {number}: {why}"))?;
                    found += 1;
                }
            }
        }
        if found == 0 {
            return Err("it holds no name that could lead to an address".into());
        }
        if self.ask.len() > MAX_NAMES {
            return Err(format!("there are more than {MAX_NAMES} names"));
        }
        Ok(())
    }

    /// Of all that was read, in whichever order.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let names = self.ask.iter().cloned();
        let records = self.records.iter().map(|(address, by)| {
            format!("{address} {}", by.iter().cloned().collect::<Vec<_>>().join(" "))
        });
        Digest::of(names.chain(records).collect::<Vec<_>>().join("\n").as_bytes())
    }

    /// Takes in one name.
    ///
    /// # Errors
    /// It is no host name.
    pub fn add(&mut self, name: &str) -> Result<(), String> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        // Route 53 writes the star as `\052`. Any label stands for all that a star covers.
        let any = name.strip_prefix("*.").or_else(|| name.strip_prefix("\\052."));
        let asked = any.map_or_else(|| name.clone(), |rest| format!("portcullis-any.{rest}"));
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if asked.len() > 253 || !asked.split('.').all(label) {
            return Err(format!(
                "{name:?} is no host name (an internationalised one is written as xn--…)"
            ));
        }
        self.ask.insert(asked);
        Ok(())
    }

    /// Gives how many names it found.
    fn zones(&mut self, text: &str) -> Result<usize, String> {
        let mut found = 0;
        for zone in serde_json::Deserializer::from_str(text).into_iter::<Zone>() {
            let zone =
                zone.map_err(|e| format!("it is no answer of list-resource-record-sets: {e}"))?;
            if zone.cut || zone.more.is_some() {
                return Err(
                    "it ends before the last page: leave out --no-paginate and --max-items".into(),
                );
            }
            for set in zone.sets {
                let kind = leads(&set.r#type).ok_or_else(|| {
                    format!(
                        "{} has a record of type {}: what that leads to is not known here",
                        set.name, set.r#type
                    )
                })?;
                if kind == Leads::Here {
                    self.add(&set.name)?;
                    found += 1;
                }
                for record in &set.resource_records {
                    let (hosts, addresses) = on(kind, &record.value);
                    for address in addresses {
                        let name = set.name.trim_end_matches('.').to_owned();
                        self.records.entry(address).or_default().insert(name);
                        found += 1;
                    }
                    // A private zone's name is not known outside, and what it leads on to is.
                    for host in hosts {
                        self.add(host)?;
                        found += 1;
                    }
                }
                if let Some(alias) = &set.alias_target {
                    self.add(&alias.name)?;
                    found += 1;
                }
            }
        }
        Ok(found)
    }
}

/// How a type of record leads to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    /// The name itself has addresses, or is another one's.
    Here,
    /// Its last word is a host.
    Host,
    /// Its second word is a host, and parameters may name addresses.
    Service,
    /// Words that may name addresses.
    Text,
    /// To no address.
    Nowhere,
}

/// `None` for a type that is not known.
fn leads(kind: &str) -> Option<Leads> {
    Some(match kind {
        "A" | "AAAA" | "CNAME" => Leads::Here,
        "MX" | "NAPTR" | "NS" | "PTR" | "SRV" => Leads::Host,
        "HTTPS" | "SVCB" => Leads::Service,
        "TXT" | "SPF" => Leads::Text,
        "CAA" | "DS" | "SOA" | "SSHFP" | "TLSA" => Leads::Nowhere,
        _ => return None,
    })
}

/// The hosts and the addresses that a record's value leads on to.
fn on(kind: Leads, value: &str) -> (Vec<&str>, Vec<IpAddr>) {
    fn host(word: Option<&str>) -> Option<&str> {
        word.filter(|w| !w.trim_end_matches('.').is_empty())
    }
    let (mut hosts, mut addresses) = (Vec::new(), Vec::new());
    let mut words = value.split_whitespace();
    match kind {
        Leads::Here => match address(value) {
            Some(address) => addresses.push(address),
            None => hosts.extend(host(Some(value.trim()))),
        },
        Leads::Host => hosts.extend(host(words.next_back())),
        Leads::Service => {
            hosts.extend(host(words.nth(1)));
            let hints = words.filter_map(|w| {
                w.strip_prefix("ipv4hint=").or_else(|| w.strip_prefix("ipv6hint="))
            });
            let hints = hints.flat_map(|list| list.trim_matches('"').split(','));
            addresses.extend(hints.filter_map(|hint| hint.parse::<IpAddr>().ok()));
        }
        // Who may send mail in our name (SPF): whoever gets the address next could.
        Leads::Text => {
            let named = words.filter_map(|word| {
                let word = word.trim_matches('"').trim_start_matches(['+', '?', '~']);
                let block = word.strip_prefix("ip4:").or_else(|| word.strip_prefix("ip6:"))?;
                let single = block.strip_suffix("/32").or_else(|| block.strip_suffix("/128"));
                single.unwrap_or(block).parse::<IpAddr>().ok()
            });
            addresses.extend(named);
        }
        Leads::Nowhere => {}
    }
    (hosts, addresses)
}

/// The address that a record's value is, or that AWS's own name of an instance spells out:
/// `ec2-203-0-113-7.compute-1.amazonaws.com`, `ip-10-0-0-5.ec2.internal`.
fn address(value: &str) -> Option<IpAddr> {
    let value = value.trim().trim_end_matches('.');
    if let Ok(address) = value.parse() {
        return Some(address);
    }
    let (label, rest) = value.split_once('.')?;
    let ours = rest.ends_with(".amazonaws.com")
        || rest.ends_with(".amazonaws.com.cn")
        || rest.ends_with(".internal");
    let numbers = label.strip_prefix("ec2-").or_else(|| label.strip_prefix("ip-"))?;
    numbers.replace('-', ".").parse().ok().filter(|_| ours)
}

/// Where names led at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Led {
    to: BTreeMap<IpAddr, String>,
    /// Names of which nobody said where they lead, with why.
    unanswered: BTreeMap<String, String>,
    names: usize,
    at: Timestamp,
}

impl Led {
    /// `answers` are those for `names.ask`, each with the addresses or why there are none.
    #[must_use]
    pub fn new(
        names: &Names,
        answers: BTreeMap<String, Result<BTreeSet<IpAddr>, String>>,
        at: Timestamp,
    ) -> Self {
        let mut led = Self { names: names.ask.len(), at, ..Self::default() };
        for (address, by) in &names.records {
            let by = by.first().map(String::as_str).unwrap_or_default();
            led.to.insert(*address, format!("{by} has a record that names {address}"));
        }
        for (name, answer) in answers {
            match answer {
                Ok(to) => {
                    for address in to {
                        led.to.insert(address, format!("{name} leads to {address}"));
                    }
                }
                Err(why) => drop(led.unanswered.insert(name, why)),
            }
        }
        led
    }

    /// What names say where nobody may be asked: their records count, and where they lead is unknown.
    #[must_use]
    pub fn unasked(names: &Names, at: Timestamp) -> Self {
        let unasked = |name: &String| (name.clone(), Err("--offline asks nobody".to_owned()));
        Self::new(names, names.ask.iter().map(unasked).collect(), at)
    }

    /// How many names were asked for.
    #[must_use]
    pub const fn names(&self) -> usize {
        self.names
    }

    /// The sign of life of whatever has one of these addresses.
    #[must_use]
    pub fn claim(&self, addresses: impl IntoIterator<Item = IpAddr>) -> Option<Claim> {
        let says = addresses.into_iter().find_map(|a| self.to.get(&a))?;
        Some(Claim {
            kind: KIND.into(),
            source: SOURCE.into(),
            at: Some(self.at),
            record: None,
            detail: says.clone(),
        })
    }

    /// Where they led.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.to.keys().copied()
    }

    /// Why of some name nobody can say where it leads: it may lead to anything that has an address.
    #[must_use]
    pub fn unknown(&self) -> Option<String> {
        let (name, why) = self.unanswered.first_key_value()?;
        let more = match self.unanswered.len() - 1 {
            0 => String::new(),
            n => format!(", and {n} more names"),
        };
        Some(format!("where {name} leads nobody said: {why}{more}"))
    }

    /// Says of a thing with these addresses what names say of it.
    pub fn mark(&self, thing: &mut Resource, addresses: impl IntoIterator<Item = IpAddr>) {
        let mut addresses = addresses.into_iter().peekable();
        if addresses.peek().is_none() {
            return;
        }
        match self.claim(addresses) {
            Some(claim) => thing.live.push(claim),
            None => thing.unknown.extend(self.unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Names, String> {
        let mut names = Names::default();
        names.read(text.as_bytes()).map(|()| names)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn names_come_a_line_each_or_as_route_53_prints_them() {
        let names =
            read("# ours\nLive.example.org.\n\n*.shop.example.org  # any\n").expect("names");
        let asked: Vec<&str> = names.ask.iter().map(String::as_str).collect();
        assert_eq!(asked, ["live.example.org", "portcullis-any.shop.example.org"]);
        let zone = r#"{"ResourceRecordSets": [
            {"Name": "a.example.org.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.5"}]},
            {"Name": "b.example.org.", "Type": "CNAME", "ResourceRecords": [{"Value": "ec2-203-0-113-7.compute-1.amazonaws.com"}]},
            {"Name": "c.example.org.", "Type": "A", "AliasTarget": {"DNSName": "x.elb.amazonaws.com."}},
            {"Name": "d.example.org.", "Type": "CNAME", "ResourceRecords": [{"Value": "public.example.net"}]},
            {"Name": "example.org.", "Type": "MX", "ResourceRecords": [{"Value": "10 mx.example.org"}]}]}
            {"ResourceRecordSets": [{"Name": "\\052.example.net.", "Type": "AAAA", "ResourceRecords": [{"Value": "2001:db8::1"}]}]}"#;
        let names = read(zone).expect("two answers");
        // … and what they lead on to.
        for asked in ["public.example.net", "x.elb.amazonaws.com", "portcullis-any.example.net"] {
            assert!(names.ask.contains(asked), "{asked}: {:?}", names.ask);
        }
        assert_eq!(names.ask.len(), 8, "{:?}", names.ask);
        assert_ne!(names.digest(), read("a.example.org\n").expect("names").digest());
        let led = Led::new(&names, BTreeMap::new(), Timestamp::UNIX_EPOCH);
        for (address, by) in [
            ("10.0.0.5", "a.example.org"),
            ("203.0.113.7", "b.example.org"),
            ("2001:db8::1", "example.net"),
        ] {
            let claim = led.claim([ip(address)]).expect("named");
            assert!(claim.detail.contains(by), "{claim:?}");
        }
        assert_eq!(led.claim([ip("10.0.0.6")]), None);
    }

    #[test]
    fn every_type_of_record_leads_on_to_what_it_names() {
        let read = |kind: &str, value: &str| {
            let set = serde_json::json!({"Name": "_x._tcp.example.org.", "Type": kind, "ResourceRecords": [{"Value": value}]});
            let own = serde_json::json!({"Name": "own.example.org.", "Type": "A", "ResourceRecords": [{"Value": "10.0.0.1"}]});
            let text = serde_json::json!({ "ResourceRecordSets": [own, set] }).to_string();
            read(&text).map(|names| {
                let own = |n: &&String| n.as_str() != "own.example.org";
                let asked: Vec<String> = names.ask.iter().filter(own).cloned().collect();
                let of = |(a, by): (&IpAddr, &BTreeSet<String>)| {
                    (!by.contains("own.example.org")).then(|| a.to_string())
                };
                let named: Vec<String> = names.records.iter().filter_map(of).collect();
                (asked.join(" "), named.join(" "))
            })
        };
        for (kind, value, asked, named) in [
            ("MX", "10 mx.example.org.", "mx.example.org", ""),
            ("MX", "0 .", "", ""),
            ("SRV", "1 10 5269 xmpp.example.org", "xmpp.example.org", ""),
            ("NS", "ns1.example.org.", "ns1.example.org", ""),
            ("PTR", "host.example.org", "host.example.org", ""),
            ("NAPTR", "100 50 \"s\" \"SIP+D2U\" \"\" sip.example.org.", "sip.example.org", ""),
            (
                "HTTPS",
                "1 . alpn=\"h2\" ipv4hint=203.0.113.7,203.0.113.8",
                "",
                "203.0.113.7 203.0.113.8",
            ),
            (
                "SVCB",
                "1 svc.example.org. ipv6hint=\"2001:db8::7\"",
                "svc.example.org",
                "2001:db8::7",
            ),
            (
                "TXT",
                "\"v=spf1 ip4:203.0.113.9 +ip6:2001:db8::9/128 ip4:192.0.2.0/24 -all\"",
                "",
                "203.0.113.9 2001:db8::9",
            ),
            ("CAA", "0 issue \"ca.example.net\"", "", ""),
        ] {
            let found = read(kind, value).expect("records");
            assert_eq!(found, (asked.into(), named.into()), "{kind} {value}");
        }
        let error = read("LOC", "1 1 1 N").expect_err("not known");
        assert!(error.contains("type LOC") && error.contains("_x._tcp.example.org"), "{error}");
    }

    #[test]
    fn what_may_hide_a_name_is_refused() {
        for (text, why) in [
            ("", "no name"),
            ("# nothing\n", "no name"),
            ("a.example.org\nnot a name\n", "line 2"),
            ("-\u{fc}.example", "xn--"),
            ("{\"ResourceRecordSets\": [], \"NextToken\": \"x\"}", "last page"),
            ("{\"ResourceRecordSets\": [], \"IsTruncated\": true}", "last page"),
            ("{\"Reservations\": []}", "list-resource-record-sets"),
            ("{\"ResourceRecordSets\": [{\"Name\": \"x.\"", "list-resource-record-sets"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
        let mut bytes = Names::default();
        assert!(bytes.read(b"a.example\n\xff").expect_err("not UTF-8").contains("line 2"));
        let many: String = (0..=MAX_NAMES).map(|n| format!("n{n}.example\n")).collect();
        assert!(read(&many).expect_err("too many").contains("10000"));
    }

    #[test]
    fn no_answer_is_unknown_for_whatever_has_an_address_and_no_name() {
        let names = read("a.example\nb.example\n").expect("names");
        let answers = BTreeMap::from([
            ("a.example".to_owned(), Ok(BTreeSet::from([ip("192.0.2.1")]))),
            ("b.example".to_owned(), Err("SERVFAIL".to_owned())),
        ]);
        let led = Led::new(&names, answers, Timestamp::UNIX_EPOCH);
        let marked = |addresses: &[&str]| {
            let mut thing: Resource = serde_json::from_value(
                serde_json::json!({"type": "t", "id": "x", "immutable": {}, "candidate": true}),
            )
            .expect("a thing");
            led.mark(&mut thing, addresses.iter().map(|a| ip(a)));
            (thing.live.len(), thing.unknown.join(" "))
        };
        assert_eq!(marked(&["192.0.2.9", "192.0.2.1"]), (1, String::new()));
        let (live, unknown) = marked(&["192.0.2.2"]);
        assert!(live == 0 && unknown.contains("b.example") && unknown.contains("SERVFAIL"));
        assert_eq!(marked(&[]), (0, String::new()), "no name leads to what has no address");
    }
}
