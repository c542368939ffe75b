//! Resources whose own addresses are not in the snapshot: what surely keeps a packet from them, and
//! databases, of which the place is known well enough.

use super::combine::{Decision, combine};
use super::ends::From;
use super::group::{self, Direction};
use super::index::Place;
use super::peers::{self, Peers, Stands, Unseen};
use super::span::{Ends, Span, Stage, Way, way};
use super::ways::Ways;
use super::{Layer, Reach};
use crate::model::{AddressSet, Gap, GapKind, PortSet};
use crate::snapshot::{Balancer, CallKind, DbInstance};
use std::sync::Arc;

/// A resource whose addresses are not known, and what is known of it all the same.
#[derive(Debug, Clone)]
pub(super) struct Hidden<'a> {
    pub(super) id: String,
    pub(super) gap: Gap,
    /// Its groups; empty where they are not known.
    pub(super) groups: Vec<&'a str>,
    /// The balancer it is, with the view it was read in.
    pub(super) balancer: Option<(&'a Balancer, usize)>,
    pub(super) database: Option<&'a DbInstance>,
}

impl<'a> Hidden<'a> {
    /// One of which nothing is known but that it is there.
    pub(super) fn new(id: &str, gap: Gap) -> Self {
        Self { id: id.into(), gap, groups: Vec::new(), balancer: None, database: None }
    }

    pub(super) fn of_balancer(id: &str, gap: Gap, balancer: &'a Balancer, view: usize) -> Self {
        let groups = balancer.security_groups.iter().map(String::as_str).collect();
        Self { groups, balancer: Some((balancer, view)), ..Self::new(id, gap) }
    }

    pub(super) fn of_database(id: &str, gap: Gap, database: &'a DbInstance) -> Self {
        let groups = &database.vpc_security_groups;
        let groups = groups.iter().map(|g| g.vpc_security_group_id.as_str()).collect();
        Self { groups, database: Some(database), ..Self::new(id, gap) }
    }
}

impl<'a> Reach<'a> {
    /// The stages that are known: its groups and its listeners. What they keep out is kept out
    /// wherever it stands; the rest is unknown.
    pub(super) fn hidden(
        &self,
        ways: &Ways<'_, 'a>,
        hidden: &Hidden<'a>,
        from: &From<'_, 'a>,
        ends: &Arc<AddressSet>,
    ) -> Vec<Stage> {
        let mut stages = Vec::new();
        // Where it stands is not known either: any group of whoever is not known may count.
        let (mut nic, mut unseen) = (None, Vec::new());
        match from {
            From::Outside(_) => stages.push(Stage::node(Layer::Internet, "internet")),
            From::Ours(start, _) => {
                nic = start.nic;
                unseen = ways.unseen_start(start);
            }
            From::Far(..) => unseen.push(Unseen {
                ends: AddressSet::all(),
                place: Stands::Anywhere,
                gap: hidden.gap.clone(),
            }),
        }
        let peers = peers::of(&self.index, nic, &unseen);
        stages.extend(group_stage(ways, hidden, ends, peers));
        stages.extend(hidden.balancer.and_then(|(b, view)| listening(ways, b, view)));
        let layer = match hidden.gap.kind {
            GapKind::NetworkInterfaces => Layer::Instance,
            GapKind::DbInstances => Layer::Address,
            _ => Layer::LoadBalancer,
        };
        stages.push(Stage::unknown(layer, &hidden.id, vec![hidden.gap.clone()]));
        stages
    }

    /// The answer for a publicly accessible database, where it is the same in each subnet that it may
    /// stand in, and the way in one of them.
    pub(super) fn database_parts(
        &self,
        ways: &Ways<'_, 'a>,
        hidden: &Hidden<'a>,
        (asked, needed): (&Arc<AddressSet>, &Arc<AddressSet>),
        ports: &PortSet,
    ) -> Option<(Vec<(PortSet, Decision)>, Way)> {
        let mut told: Option<(Vec<(PortSet, Decision)>, Way)> = None;
        for stages in self.database_ways(ways, hidden, asked) {
            let way = way(stages);
            let parts = combine(&way, asked, needed, ports);
            let alike = |have: &[(PortSet, Decision)]| {
                have.len() == parts.len()
                    && have.iter().zip(&parts).all(|((p, a), (q, b))| {
                        p == q && (a.verdict, &a.yes, &a.maybe) == (b.verdict, &b.yes, &b.maybe)
                    })
            };
            match &told {
                Some((have, _)) if !alike(have) => return None,
                Some(_) => {}
                None => told = Some((parts, way)),
            }
        }
        told
    }

    /// From outside to a publicly accessible database: one way for each subnet that it may stand in
    /// (R32). It has a public address there; where all ways end alike, that is the answer.
    fn database_ways(
        &self,
        ways: &Ways<'_, 'a>,
        hidden: &Hidden<'a>,
        ends: &Arc<AddressSet>,
    ) -> Vec<Vec<Stage>> {
        let places = hidden.database.and_then(|d| self.places_of(d)).unwrap_or_default();
        let Some(database) = hidden.database.filter(|d| !d.vpc_security_groups.is_empty()) else {
            return Vec::new();
        };
        let way = |place: &&Place<'a>| {
            let mut stages = vec![Stage::node(Layer::Internet, "internet")];
            stages.extend(ways.before(place, ends));
            let id = database.db_instance_identifier.as_str();
            stages.push(match database.db_instance_status.as_deref() {
                Some(state @ ("stopped" | "stopping" | "deleting")) => {
                    Stage::blocks(Layer::Instance, id, format!("it is {state}"))
                }
                _ => Stage::node(Layer::Instance, id).assume(
                    "DB_HAS_PUBLIC_ADDRESS",
                    "a publicly accessible database has a public address",
                    self.database_gap(database),
                ),
            });
            stages.extend(group_stage(ways, hidden, ends, Peers::Nobody));
            stages.extend(ways.behind(place, ends));
            stages
        };
        places.iter().map(way).collect()
    }

    /// The subnets of a database's group; `None` where one is not in the snapshot.
    fn places_of(&self, database: &DbInstance) -> Option<Vec<&Place<'a>>> {
        let subnets = database.db_subnet_group.iter().flat_map(|g| &g.subnets);
        let place = |id: Option<&str>| self.index.subnets.get(id?);
        subnets.map(|s| place(s.subnet_identifier.as_deref())).collect()
    }
}

fn group_stage<'a>(
    ways: &Ways<'_, 'a>,
    hidden: &Hidden<'a>,
    ends: &Arc<AddressSet>,
    peers: Peers<'_>,
) -> Option<Stage> {
    let first = hidden.groups.first()?;
    let (protocol, family) = (ways.protocol, ways.family);
    let direction = Direction::Ingress;
    let spans = group::spans(ways.index, &hidden.groups, direction, protocol, family, ends, peers);
    let absent = format!(
        "no {} permission in {} on {}",
        direction.name(),
        hidden.groups.join(", "),
        hidden.id
    );
    Some(Stage::filter(Layer::SecurityGroup, first, spans, absent.into()))
}

/// The ports that a balancer listens on, where all of them are known.
fn listening<'a>(ways: &Ways<'_, 'a>, balancer: &'a Balancer, view: usize) -> Option<Stage> {
    let arn = balancer.load_balancer_arn.as_str();
    let classic = balancer.balancer_type.as_deref() == Some("classic");
    let complete =
        classic || (ways.index.complete(view, CallKind::Listeners) && !balancer.listeners_unread);
    if !complete || !ways.protocol.has_ports() {
        return None;
    }
    let listeners = ways.index.listeners.get(arn).map_or(&[][..], Vec::as_slice);
    let carried = listeners.iter().filter(|l| super::balancer::carries(l, ways.protocol));
    let mut ports: Vec<u16> = carried.filter_map(|l| l.port).collect();
    ports.sort_unstable();
    ports.dedup();
    let span = |port: u16| {
        let entry = Some(format!("listener {}/{port}", ways.protocol).into());
        Span { low: port, high: port, ..Span::whole(Ends::All, Ends::All, entry, Vec::new()) }
    };
    let absent = format!("no {} listener on this port", ways.protocol);
    let spans = ports.into_iter().map(span).collect();
    Some(Stage::filter(Layer::LoadBalancer, arn, spans, absent.into()))
}
