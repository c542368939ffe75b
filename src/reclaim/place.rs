use super::Input;
use super::observed::Answers;
use super::uses::Uses;
use crate::cleanup::names::Led;
use crate::cleanup::{Claim, Resource, Source, aws};
use crate::snapshot::{CallKind, Interface, Outcome, RegionView, Snapshot};
use std::net::IpAddr;

/// The spec's name as a source.
pub const SPEC: &str = "spec";

/// The calls that a listing is made of. One that failed makes its source incomplete, which vetoes a
/// whole plan; one [made on request](CallKind::on_request) costs only what rests on it.
pub const NEEDS: [CallKind; 18] = [
    CallKind::Instances,
    CallKind::NetworkInterfaces,
    CallKind::SecurityGroups,
    CallKind::RouteTables,
    CallKind::Addresses,
    CallKind::NatGateways,
    CallKind::LoadBalancers,
    CallKind::TargetGroups,
    CallKind::TargetHealth,
    CallKind::ClassicLoadBalancers,
    CallKind::AutoScalingGroups,
    CallKind::DbInstances,
    CallKind::Vpcs,
    CallKind::Volumes,
    CallKind::LaunchTemplates,
    CallKind::LaunchTemplateVersions,
    CallKind::LaunchConfigurations,
    CallKind::MetricData,
];

/// Lists of which an account may have none. Of the others each has some wherever anything is cleaned up.
const MAY_BE_EMPTY: [CallKind; 13] = [
    CallKind::Addresses,
    CallKind::NatGateways,
    CallKind::LoadBalancers,
    CallKind::TargetGroups,
    CallKind::TargetHealth,
    CallKind::ClassicLoadBalancers,
    CallKind::AutoScalingGroups,
    CallKind::DbInstances,
    CallKind::Volumes,
    CallKind::LaunchTemplates,
    CallKind::LaunchTemplateVersions,
    CallKind::LaunchConfigurations,
    CallKind::MetricData,
];

/// The calls that tell whether one thing of a type is still as it was: what it is, what uses it.
#[must_use]
pub fn needs(kind: &str) -> &'static [CallKind] {
    use CallKind as K;
    match kind {
        aws::INSTANCE => &[
            K::Instances,
            K::NetworkInterfaces,
            K::RouteTables,
            K::TargetGroups,
            K::TargetHealth,
            K::ClassicLoadBalancers,
            K::AutoScalingGroups,
            K::MetricData,
        ],
        aws::INTERFACE => &[
            K::NetworkInterfaces,
            K::RouteTables,
            K::Addresses,
            K::TargetGroups,
            K::TargetHealth,
            K::LaunchTemplates,
            K::LaunchTemplateVersions,
        ],
        aws::GROUP => &[
            K::SecurityGroups,
            K::NetworkInterfaces,
            K::LoadBalancers,
            K::ClassicLoadBalancers,
            K::DbInstances,
            K::LaunchTemplates,
            K::LaunchTemplateVersions,
            K::LaunchConfigurations,
        ],
        aws::VOLUME => &[K::Volumes, K::Instances],
        aws::PERMISSION => &[K::SecurityGroups, K::NetworkInterfaces],
        aws::ADDRESS => &[
            K::Addresses,
            K::NetworkInterfaces,
            K::NatGateways,
            K::LoadBalancers,
            K::SecurityGroups,
        ],
        aws::TARGET => {
            &[K::TargetGroups, K::TargetHealth, K::Instances, K::NetworkInterfaces, K::Vpcs]
        }
        _ => &NEEDS,
    }
}

/// What nothing is said of because a call made on request was not read whole, in words.
#[must_use]
pub fn unread(snapshot: &Snapshot) -> Vec<String> {
    let mut out = Vec::new();
    for view in &snapshot.regions {
        for call in NEEDS.into_iter().filter(|call| call.on_request()) {
            let outcome = snapshot.outcome(&view.account, &view.region, call);
            let lost = match call {
                CallKind::Volumes => "no volume can be called unused",
                CallKind::MetricData => "no traffic speaks for or against an instance",
                _ => "no security group can be called unused",
            };
            if !outcome.is_complete() {
                let (name, at) = (call.name(), format!("{}/{}", view.account, view.region));
                out.push(format!("{name} {at} {outcome}: {lost}"));
            }
        }
    }
    out
}

/// One account and region, with what uses what in it.
pub(super) struct Place<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) view: &'a RegionView,
    pub(super) uses: Uses<'a>,
    pub(super) answers: &'a Answers<'a>,
}

impl<'a> Place<'a> {
    pub(super) fn new(
        input: &'a Input<'a>,
        view: &'a RegionView,
        answers: &'a Answers<'a>,
    ) -> Self {
        Self { input, view, uses: Uses::new(input.snapshot, view), answers }
    }

    /// The call's name as a source: the call, the account and the region.
    pub(super) fn source(&self, call: CallKind) -> String {
        format!("{} {}/{}", call.name(), self.view.account, self.view.region)
    }

    fn outcome(&self, call: CallKind) -> Outcome {
        self.input.snapshot.outcome(&self.view.account, &self.view.region, call)
    }

    /// Whether the call was made at all.
    pub(super) fn asked(&self, call: CallKind) -> bool {
        self.outcome(call) != Outcome::Missing
    }

    /// Whether every row of the call is there, so that an absence says something.
    pub(super) fn whole(&self, call: CallKind) -> bool {
        self.outcome(call).is_complete()
    }

    /// Something that a row of the call says.
    pub(super) fn says(&self, call: CallKind, kind: &str, detail: impl Into<String>) -> Claim {
        self.claim(self.source(call), kind, detail)
    }

    /// Something that the absence of a row says; `None` where rows may be missing.
    pub(super) fn lacks(
        &self,
        call: CallKind,
        kind: &str,
        detail: impl Into<String>,
    ) -> Option<Claim> {
        self.whole(call).then(|| self.says(call, kind, detail))
    }

    pub(super) fn claim(&self, source: String, kind: &str, detail: impl Into<String>) -> Claim {
        Claim {
            kind: kind.into(),
            source,
            at: Some(self.input.snapshot.taken_at),
            record: None,
            detail: detail.into(),
        }
    }

    /// Whether an instance is stopped.
    pub(super) fn is_stopped(&self, instance: &str) -> bool {
        self.uses.instances.get(instance).is_some_and(|i| i.state.name == "stopped")
    }

    /// Every address of an interface, and of the blocks that are delegated to it those that anything tells of:
    /// a balancer, a name, a probe.
    pub(super) fn addresses(&self, interface: &Interface) -> Vec<IpAddr> {
        let mut all: Vec<IpAddr> = super::uses::addresses(interface).collect();
        let blocks = || interface.ipv4_prefixes.iter().chain(&interface.ipv6_prefixes);
        if blocks().next().is_some() {
            let targets = self.uses.targets.keys().filter_map(|id| id.parse().ok());
            let named = self.input.named.into_iter().flat_map(Led::addresses);
            let told = targets.chain(named).chain(self.answers.addresses());
            all.extend(told.filter(|address| blocks().any(|block| block.contains(*address))));
        }
        all
    }

    /// Says of a thing with these addresses what names say of it, where names were asked.
    pub(super) fn named(&self, thing: &mut Resource, addresses: impl IntoIterator<Item = IpAddr>) {
        if let Some(led) = self.input.named {
            led.mark(thing, addresses);
        }
    }

    /// Calls of these that were not read whole, in words.
    pub(super) fn blind(&self, calls: &[CallKind]) -> Vec<String> {
        calls
            .iter()
            .map(|call| (call, self.outcome(*call)))
            .filter(|(_, outcome)| !outcome.is_complete())
            .map(|(call, outcome)| format!("{} {outcome}", call.name()))
            .collect()
    }

    /// Every call as a source, whether it was read whole or not; of those made on request only the
    /// whole ones, because nothing rests on the others.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source> + '_ {
        let snapshot = self.input.snapshot;
        let told = |call: &CallKind| !call.on_request() || self.whole(*call);
        NEEDS.into_iter().filter(told).map(move |call| {
            let of = |c: &&crate::snapshot::Call| {
                c.kind == call && c.account == self.view.account && c.region == self.view.region
            };
            Source {
                name: self.source(call),
                fetched_at: snapshot.taken_at,
                newest: None,
                complete: self.whole(call),
                rows: snapshot.calls.iter().find(of).map_or(0, |c| c.items as u64),
                cross_count: None,
                keeps: false,
                may_be_empty: MAY_BE_EMPTY.contains(&call),
                selector: Default::default(),
            }
        })
    }
}
