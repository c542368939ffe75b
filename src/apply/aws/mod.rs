//! The AWS world: acts through the SDKs, each checked just before, never retried by the SDK.
//!
//! What it may do stands in [`crate::cleanup::aws`]. Observing is handed in: the shell collects a
//! fresh snapshot and lists it as planning did, so that a thing is compared with itself, not with
//! another program's idea of it.

mod address;
mod client;
mod group;
mod health;
mod instance;
mod interface;
mod mark;
mod outcome;
mod permission;
mod role;
mod target;
mod volume;

use crate::cleanup::{
    ActRequest, Acted, Health, Hello, ItemRef, Listing, Observed, Target, World, WorldError, aws,
};
use client::{Clients, Setup};
use outcome::No;
pub use role::RoleArn;
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::{Builder, Runtime};

/// Whose rights acts are done with, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// A profile of the AWS configuration: apply's own. The default credentials without one.
    pub profile: Option<String>,
    /// Regions that may be acted in.
    pub regions: BTreeSet<String>,
    /// What the world was asked for.
    pub scope: String,
    /// What acts are done by, in place of the credentials themselves.
    pub session: Option<Session>,
    /// For tests: a server on this port of 127.0.0.1, reached with dummy credentials.
    pub loopback: Option<u16>,
}

/// A role that is assumed anew for each act, with a policy that allows that act on that thing alone
/// ([`aws::session`]). The credentials that assume it need no right to change anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    pub role: RoleArn,
    pub external_id: Option<String>,
    /// Everything that people agreed to, each with the name of what takes it back. A policy is made for
    /// these and nothing else, whatever is asked for.
    pub acts: BTreeSet<(ItemRef, String, Option<String>)>,
}

impl Session {
    fn agreed(&self, request: &ActRequest, back: bool) -> bool {
        self.acts.iter().any(|(item, action, undo)| {
            let named = if back { undo.as_ref() } else { Some(action) };
            *item == request.item && named == Some(&request.action)
        })
    }
}

/// Lists everything of the scope, by a fresh reading.
pub type Lister<'a> =
    Box<dyn FnMut(&str, &BTreeMap<String, String>) -> Result<Listing, WorldError> + 'a>;
/// Looks at one thing, by a fresh reading of what concerns its type.
pub type Observer<'a> = Box<dyn FnMut(&ItemRef) -> Result<Observed, WorldError> + 'a>;

/// AWS as a [`World`].
pub struct AwsWorld<'a> {
    runtime: Runtime,
    setup: Setup,
    settings: Settings,
    list: Lister<'a>,
    observe: Observer<'a>,
    clients: BTreeMap<String, Clients>,
    /// Of the credentials, once they were asked.
    account: Option<String>,
}

/// What an act gave: what taking it back will need.
type Done = Result<BTreeMap<String, String>, No>;

impl<'a> AwsWorld<'a> {
    /// Loads credentials and endpoint as the SDKs do; nothing is asked yet.
    ///
    /// # Errors
    /// What keeps this machine from making calls.
    pub fn new(
        settings: Settings,
        list: Lister<'a>,
        observe: Observer<'a>,
    ) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let setup = runtime.block_on(Setup::load(settings.profile.as_deref(), settings.loopback));
        let clients = BTreeMap::new();
        Ok(Self { runtime, setup, settings, list, observe, clients, account: None })
    }

    fn account(&mut self) -> Result<client::Caller, WorldError> {
        let region = self.settings.regions.first().map(String::as_str);
        let error = |why| WorldError { verb: "hello".into(), why };
        let caller = self.runtime.block_on(self.setup.caller(region)).map_err(error)?;
        self.account = Some(caller.account.clone());
        Ok(caller)
    }

    /// The thing's place is where the credentials and the settings say, or nothing is done.
    fn at(
        &mut self,
        request: &ActRequest,
        handed: Option<&BTreeMap<String, String>>,
    ) -> Result<Clients, No> {
        let no = |why: String| Err(No::Failed(why));
        let field = |key: &str| request.immutable.get(key).cloned();
        let Some(region) = field("region").filter(|r| !r.is_empty()) else {
            return no("the request names no region".into());
        };
        if !self.settings.regions.contains(&region) {
            return no(format!("{region} is no region of this run"));
        }
        if self.account.is_none() {
            self.account().map_err(|e| No::Failed(e.to_string()))?;
        }
        if field("account") != self.account {
            let here = self.account.as_deref().unwrap_or("another");
            return no(format!(
                "it belongs to account {}, the credentials to {here}",
                field("account").unwrap_or_else(|| "unknown".into())
            ));
        }
        if let Some(session) = &self.settings.session {
            return self.narrowed(session, request, handed, &region);
        }
        if let Some(clients) = self.clients.get(&region) {
            return Ok(clients.clone());
        }
        let clients = self.setup.clients(&region);
        self.clients.insert(region, clients.clone());
        Ok(clients)
    }

    /// Clients that may do this act and nothing else.
    fn narrowed(
        &self,
        session: &Session,
        request: &ActRequest,
        handed: Option<&BTreeMap<String, String>>,
        region: &str,
    ) -> Result<Clients, No> {
        let (act, item) = (&request.action, &request.item);
        let no = |why: String| Err(No::Failed(why));
        if !session.agreed(request, handed.is_some()) {
            return no(format!("the plan has no {act} of {item}, so no session may do it"));
        }
        if Some(&session.role.account) != self.account.as_ref() {
            return no(format!("{} is a role of another account", session.role));
        }
        let Some(policy) = aws::session(&session.role.partition, request, handed) else {
            return no(format!("there is no session policy for {act} of {item}"));
        };
        self.runtime.block_on(self.setup.narrowed(session, &policy.to_string(), region))
    }

    fn run(&mut self, request: &ActRequest, handed: Option<&BTreeMap<String, String>>) -> Acted {
        let clients = match self.at(request, handed) {
            Ok(clients) => clients,
            Err(no) => return no.acted(false),
        };
        self.setup.sent.clear();
        let none = BTreeMap::new();
        let done = self.runtime.block_on(dispatch(
            &clients,
            request,
            handed.is_some(),
            handed.unwrap_or(&none),
        ));
        match done {
            Ok(undo) => {
                let (item, action) = (request.item.clone(), request.action.clone());
                Acted::Done { item, action, undo }
            }
            Err(no) => no.acted(self.setup.sent.any()),
        }
    }
}

/// The one place where a type and an action become calls. What is not here is not done; an act and
/// what takes it back are never mistaken for each other.
async fn dispatch(
    clients: &Clients,
    request: &ActRequest,
    back: bool,
    handed: &BTreeMap<String, String>,
) -> Done {
    let Clients { ec2, elb } = clients;
    match (request.item.kind.as_str(), request.action.as_str(), back) {
        (aws::INSTANCE, "stop", false) => instance::stop(ec2, request).await,
        (aws::INSTANCE, "start", true) => instance::start(ec2, request).await,
        (aws::INSTANCE, "isolate", false) => instance::isolate(ec2, request).await,
        (aws::INSTANCE, "rejoin", true) => instance::rejoin(ec2, request, handed).await,
        (aws::INSTANCE, "terminate", false) => instance::terminate(ec2, request).await,
        (aws::INTERFACE, "detach", false) => interface::detach(ec2, request).await,
        (aws::INTERFACE, "attach", true) => interface::attach(ec2, request, handed).await,
        (aws::INTERFACE, "mark", false) => interface::mark(ec2, request).await,
        (aws::INTERFACE, "delete", false) => interface::delete(ec2, request).await,
        (aws::VOLUME, "detach", false) => volume::detach(ec2, request).await,
        (aws::VOLUME, "attach", true) => volume::attach(ec2, request, handed).await,
        (aws::VOLUME, "mark", false) => volume::mark(ec2, request).await,
        (aws::VOLUME, "snapshot", false) => volume::snapshot(ec2, request).await,
        (aws::VOLUME, "drop-snapshot", true) => volume::drop_snapshot(ec2, request, handed).await,
        (aws::VOLUME, "delete", false) => volume::delete(ec2, request).await,
        (aws::PERMISSION, "revoke", _) => permission::revoke(ec2, request).await,
        (aws::PERMISSION, "authorize", false) => permission::repair(ec2, request).await,
        (aws::PERMISSION, "authorize", true) => permission::authorize(ec2, request, handed).await,
        (aws::GROUP, "mark", false) => group::mark(ec2, request).await,
        (aws::GROUP, "delete", false) => group::delete(ec2, request).await,
        (aws::ADDRESS, "mark", false) => address::mark(ec2, request).await,
        (aws::INTERFACE | aws::VOLUME | aws::GROUP | aws::ADDRESS, "unmark", true) => {
            mark::remove(ec2, request).await
        }
        (aws::ADDRESS, "release", false) => address::release(ec2, request).await,
        (aws::TARGET, "deregister", false) => target::deregister(elb, request).await,
        (aws::TARGET, "register", true) => target::register(elb, request).await,
        (kind, action, _) => Err(No::Failed(format!("there is no act {action} on {kind}"))),
    }
}

impl World for AwsWorld<'_> {
    fn hello(&mut self) -> Result<Hello, WorldError> {
        let caller = self.account()?;
        Ok(Hello {
            protocol: 1,
            adapter: "aws".into(),
            target: Target {
                provider: "aws".into(),
                partition: caller.partition,
                account: caller.account,
                regions: self.settings.regions.clone(),
                scope: self.settings.scope.clone(),
            },
            clock: caller.clock,
            acts: aws::acts(),
        })
    }

    fn list(
        &mut self,
        scope: &str,
        selector: &BTreeMap<String, String>,
    ) -> Result<Listing, WorldError> {
        (self.list)(scope, selector)
    }

    fn observe(&mut self, item: &ItemRef) -> Result<Observed, WorldError> {
        (self.observe)(item)
    }

    fn act(&mut self, request: &ActRequest) -> Result<Acted, WorldError> {
        Ok(self.run(request, None))
    }

    fn undo(
        &mut self,
        request: &ActRequest,
        handed: &BTreeMap<String, String>,
    ) -> Result<Acted, WorldError> {
        Ok(self.run(request, Some(handed)))
    }

    fn health(&mut self) -> Result<Health, WorldError> {
        let mut health = Health { healthy: true, checks: Vec::new() };
        for region in self.settings.regions.clone() {
            let clients = self.setup.clients(&region);
            let seen = self.runtime.block_on(health::look(&clients, &region));
            let seen = seen.map_err(|no| WorldError { verb: "health".into(), why: no.why() })?;
            health.healthy &= seen.healthy;
            health.checks.extend(seen.checks);
        }
        Ok(health)
    }
}
