use super::source::{Source, narrowest};
use crate::model::{Endpoint, Expect, Family, GapKind, PortSet, Protocol, SourceName};
use crate::observation::{
    Observation, Observations, ProfiledObservation, ProxySeen, State, VantageSeen,
};
use crate::spec::Profile;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What one service, address or port shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// It was seen not to work.
    Bad,
    /// The probe was made and proves nothing.
    Unproven,
    /// It could not be seen.
    Unknown(GapKind, String),
    Proven,
}

impl Part {
    /// The worse of two ports of one service: one that does not work decides. Of equals the first.
    pub(super) fn worse(self, other: Self) -> Self {
        let rank = |p: &Self| match p {
            Self::Bad => 0,
            Self::Unknown(..) => 1,
            Self::Unproven => 2,
            Self::Proven => 3,
        };
        if rank(&other) < rank(&self) { other } else { self }
    }

    /// The better of two addresses or services: what may yet work is no proof that none does. Of
    /// equals the first.
    pub(super) fn better(self, other: Self) -> Self {
        if other.hope() > self.hope() { other } else { self }
    }

    /// How near it is to working.
    pub(super) const fn hope(&self) -> u8 {
        match self {
            Self::Bad => 0,
            Self::Unproven => 1,
            Self::Unknown(..) => 2,
            Self::Proven => 3,
        }
    }
}

/// Every observation, by who made it and how.
pub(super) struct Seen<'a> {
    plain: BTreeMap<(&'a str, Endpoint), &'a Observation>,
    profiled: BTreeMap<(&'a str, &'a str, Endpoint), &'a ProfiledObservation>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(observations: &'a Observations) -> Self {
        let plain = observations.rows.iter().map(|o| ((o.vantage.as_str(), o.endpoint()), o));
        let profiled = observations.profiled.iter().map(|p| {
            ((p.profile.as_str(), p.observation.vantage.as_str(), p.observation.endpoint()), p)
        });
        Self { plain: plain.collect(), profiled: profiled.collect() }
    }
}

/// A client of one profile at one vantage.
pub(super) struct Client<'a> {
    pub(super) vantage: &'a VantageSeen,
    profile: &'a Profile,
    seen: &'a Seen<'a>,
    /// The proxy that its packets were sent through, as far as any row tells.
    via: Option<&'a ProxySeen>,
    /// Families and protocols in which anything at all answered this way: the proxy's own way out
    /// is proven by it.
    answered: BTreeSet<(Family, Protocol)>,
}

/// Everything.
const ANYWHERE: (IpAddr, IpAddr) = (
    IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    IpAddr::V6(std::net::Ipv6Addr::new(!0, !0, !0, !0, !0, !0, !0, !0)),
);

impl<'a> Client<'a> {
    pub(super) fn new(vantage: &'a VantageSeen, profile: &'a Profile, seen: &'a Seen<'a>) -> Self {
        let mut client = Self { vantage, profile, seen, via: None, answered: BTreeSet::new() };
        if profile.via.is_some() {
            for row in client.profiled(ANYWHERE.0, ANYWHERE.1) {
                client.via = client.via.or(row.via.as_ref());
                let Observation { address, protocol, state, .. } = row.observation;
                if matches!(state, State::Open | State::WrongService | State::Refused) {
                    client.answered.insert((Family::of(address), protocol));
                }
            }
        }
        client
    }

    /// Whether its packets take the way of the profile at all: it has the proxy, where one is asked for.
    pub(super) fn goes(&self) -> bool {
        self.profile.via.is_none() || self.via.is_some()
    }

    /// Rows that were made the way of the profile, of the addresses from one to another.
    fn profiled(
        &self,
        from: IpAddr,
        to: IpAddr,
    ) -> impl Iterator<Item = &'a ProfiledObservation> + use<'a> {
        let key = |address, protocol, port| {
            let endpoint = Endpoint { address, protocol, port };
            (self.profile_name(), self.vantage.name.as_str(), endpoint)
        };
        let low = key(from, Protocol::Tcp, 0);
        let high = key(to, Protocol::Other(u8::MAX), u16::MAX);
        let seen = self.seen;
        seen.profiled.range(low..=high).map(|(_, row)| *row)
    }

    fn profile_name(&self) -> &'a str {
        &self.profile.name
    }

    /// Whether what a target sees of this client lies in one of these sources.
    pub(super) fn lies_in(&self, family: Family, from: &[SourceName], sources: &[Source]) -> bool {
        if !self.profile.speaks(family) {
            return false;
        }
        let (v4, v6) = match (&self.profile.via, self.via) {
            (None, _) => (self.vantage.outside_v4, self.vantage.outside_v6),
            (Some(_), Some(proxy)) => (proxy.outside_v4, proxy.outside_v6),
            (Some(_), None) => (None, None),
        };
        let (address, other) = match family {
            Family::V4 => (v4, v6),
            Family::V6 => (v6, v4),
        };
        match address {
            Some(at) => narrowest(sources, at).iter().any(|i| from.contains(&sources[*i].name)),
            // A proxy that is known in the other family, or that got through in it only, may well
            // have no more than that one.
            None if self.profile.via.is_some() && other.is_none() => {
                let any = self.answered.iter().any(|(f, _)| *f == family);
                from.contains(&SourceName::Internet) && (any || self.answered.is_empty())
            }
            None => false,
        }
    }

    /// What was seen of the ports of one address.
    pub(super) fn rows(
        &self,
        address: IpAddr,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Box<dyn Iterator<Item = &'a Observation> + '_> {
        let ports = ports.clone();
        let fits = move |o: &&Observation| o.protocol == protocol && ports.contains(o.port);
        if !self.profile.is_plain() {
            return Box::new(self.profiled(address, address).map(|p| &p.observation).filter(fits));
        }
        let name = self.vantage.name.as_str();
        let low = (name, Endpoint { address, protocol, port: 0 });
        let high = (name, Endpoint { address, protocol, port: u16::MAX });
        Box::new(self.seen.plain.range(low..=high).map(|(_, o)| *o).filter(fits))
    }

    /// Why there is no row.
    pub(super) fn unprobed(&self) -> String {
        let vantage = &self.vantage.name;
        if self.profile.is_plain() {
            format!("not probed by {vantage}")
        } else {
            format!("not probed by {vantage} the way of {}", self.profile.name)
        }
    }

    /// What one observation shows, and why, in words.
    pub(super) fn judge(&self, row: &Observation, expect: &Expect) -> (Part, String) {
        let said = row.detail.clone().unwrap_or_default();
        let words = |what: &str| match said.as_str() {
            "" => what.to_owned(),
            said => format!("{what}: {said}"),
        };
        let unknown = |kind, why: String| (Part::Unknown(kind, why.clone()), why);
        match row.state {
            State::Open if row.confirmed || !expect.needs_protocol() => {
                (Part::Proven, row.service.clone().unwrap_or_else(|| "open".into()))
            }
            State::Open if self.proven_plainly(row) => {
                (Part::Bad, words("open to others, and does not prove itself to these clients"))
            }
            State::Open => (Part::Unproven, words("open, and did not prove what it is")),
            State::Refused
                if *expect == Expect::Path && self.profile.via.is_none() && row.is_by_target() =>
            {
                (Part::Proven, "the host itself refused: the path is open".into())
            }
            State::Refused if *expect == Expect::Path => {
                (Part::Unproven, "refused, by the host or by something before it".into())
            }
            State::WrongService | State::Refused | State::Rejected => {
                (Part::Bad, words(row.state.name()))
            }
            State::Unreachable if self.profile.via.is_none() => (Part::Bad, words("unreachable")),
            State::Silent | State::Unreachable => match self.way_out(row) {
                None => (Part::Bad, words(row.state.name())),
                Some(why) => unknown(GapKind::Control, format!("{}, and {why}", row.state)),
            },
            State::Unproven => {
                (Part::Unproven, words("unproven, because nothing it could say would prove it"))
            }
            State::Failed => {
                unknown(GapKind::Probe, words("not seen, because the probe failed on our own side"))
            }
            State::Unprobed => unknown(GapKind::Probe, words("not probed")),
        }
    }

    /// Whether the same endpoint proved itself to a plain probe of this vantage.
    fn proven_plainly(&self, row: &Observation) -> bool {
        let plain = self.seen.plain.get(&(self.vantage.name.as_str(), row.endpoint()));
        !self.profile.is_plain() && plain.is_some_and(|o| o.state == State::Open && o.confirmed)
    }

    /// Why no answer proves nothing; `None` where the way out is proven.
    fn way_out(&self, row: &Observation) -> Option<String> {
        let family = Family::of(row.address);
        if let Some(via) = &self.profile.via {
            let proven = self.answered.contains(&(family, row.protocol));
            return (!proven)
                .then(|| format!("nothing at all answered over {} through {via}", row.protocol));
        }
        let controls = match family {
            Family::V4 => self.vantage.controls_v4,
            Family::V6 => self.vantage.controls_v6,
        };
        match controls {
            Some(true) => None,
            Some(false) => Some(format!(
                "the controls of {} did not answer, or refused and nothing shows that they did",
                self.vantage.name
            )),
            None => Some(format!("no control proved the egress of {}", self.vantage.name)),
        }
    }
}
