//! The lifecycle action of hosts that pass, continued; of hosts that are held, withheld.

use super::super::{CliError, ExitStatus, Global, input};
#[cfg(feature = "aws")]
use crate::gate::Answer;
use crate::gate::Verdicts;
use crate::lifecycle;
use crate::report::escape::visible;
use crate::spec::config::Config;
use clap::Args;
#[cfg(feature = "aws")]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Write;
#[cfg(feature = "aws")]
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "aws")]
use std::time::{Duration, Instant};

/// What is told to Auto Scaling.
#[derive(Debug, Args)]
#[command(next_help_heading = "Auto Scaling")]
pub struct LifecycleArgs {
    /// Continue this lifecycle hook for the instances that pass [default: the configuration's, with --asg]
    #[arg(long, value_name = "NAME")]
    pub lifecycle_hook: Option<String>,
    /// Print the IAM policy that continuing a hook needs, and do nothing else
    #[arg(long)]
    pub print_lifecycle_policy: bool,
}

/// Prints the policy that continuing a hook needs, bound to the configuration's group.
pub(super) fn print_policy(global: &Global) -> Result<ExitStatus, CliError> {
    let config = input::config(global)?;
    let text = serde_json::to_string_pretty(&lifecycle::policy(config.lifecycle.asg.as_deref()))
        .map_err(|e| CliError::new("print the policy").because(e))?;
    match writeln!(std::io::stdout(), "{text}") {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::new("print the policy").because(e))
        }
        _ => Ok(ExitStatus::Clean),
    }
}

/// The hook that is continued, where one was asked for by name or by the configuration.
///
/// The configuration's hook alone continues nothing: it needs its group to be the one gated, or the
/// flag, so that a gate by hand changes nothing by surprise.
pub(super) fn wanted(
    args: &LifecycleArgs,
    asg: Option<&str>,
    config: &Config,
) -> Result<Option<Named>, CliError> {
    let configured = &config.lifecycle;
    let group = asg.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
    let same = group.is_some() && group == configured.asg;
    let hook = match (&args.lifecycle_hook, &configured.hook) {
        (Some(hook), _) => hook.clone(),
        (None, Some(hook)) if same => hook.clone(),
        _ => return Ok(None),
    };
    let group = group.or_else(|| configured.asg.clone()).ok_or_else(|| {
        CliError::new(format!("continue the hook {}", visible(&hook)))
            .because("its Auto Scaling group is not known")
            .hint("gate with --asg NAME, or set lifecycle: { asg: NAME } in portcullis.yaml")
    })?;
    // `arn:aws:autoscaling:REGION:ACCOUNT:autoScalingGroup:…`
    let named = asg.filter(|name| name.starts_with("arn:")).and_then(|arn| arn.split(':').nth(3));
    let region = named.map(str::to_owned).or_else(|| configured.region.clone());
    Ok(Some(Named { hook, asg: group, region }))
}

/// A hook that is to be continued.
#[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "without AWS its name alone is told"))]
pub(super) struct Named {
    hook: String,
    asg: String,
    /// Where somebody said it.
    region: Option<String>,
}

/// Keeps instances waiting while they are looked at, and lets those go on that pass.
#[cfg(feature = "aws")]
pub(super) struct Continuing<'a> {
    hook: Arc<lifecycle::Hook>,
    global: &'a Global,
    kept: Arc<Kept>,
    /// Joined at the end: no heartbeat is under way when the process says that it is done.
    beating: Option<std::thread::JoinHandle<()>>,
}

/// Instances that are kept waiting, each with when it is to get more time; `None` at once.
#[cfg(feature = "aws")]
#[derive(Default)]
struct Kept {
    instances: Mutex<Waiting>,
    changed: Condvar,
}

#[cfg(feature = "aws")]
#[derive(Default)]
struct Waiting {
    next: BTreeMap<String, Option<Instant>>,
    over: bool,
}

#[cfg(feature = "aws")]
impl<'a> Continuing<'a> {
    /// Finds the hook. Heartbeats go from a thread of their own, so that no look, however long, lets the
    /// hook's time run out: what its default result would do then is mostly to end the instance.
    pub(super) fn open(
        wanted: Option<Named>,
        config: &Config,
        regions: &[String],
        global: &'a Global,
    ) -> Result<Option<Self>, CliError> {
        let Some(Named { hook, asg, region }) = wanted else { return Ok(None) };
        let cannot = || CliError::new(format!("use the lifecycle hook {}", visible(&hook)));
        let regions: &[String] = if regions.is_empty() { &config.regions } else { regions };
        let region = match (region, regions) {
            (Some(region), _) => Some(region),
            (None, []) => None,
            (None, [one]) => Some(one.clone()),
            (None, several) => {
                let why = format!(
                    "which of {} the Auto Scaling group {} is in is not known",
                    several.join(", "),
                    visible(&asg)
                );
                let hint = "give --asg its ARN, or set lifecycle: { region: … } in portcullis.yaml";
                return Err(cannot().because(why).hint(hint));
            }
        };
        let profile = config.lifecycle.profile.clone();
        let settings = lifecycle::Settings { hook: hook.clone(), asg, profile, region };
        let found = lifecycle::Hook::new(settings)
            .map_err(|why| cannot().because(visible(&why.to_string())))?;
        let (hook, kept) = (Arc::new(found), Arc::new(Kept::default()));
        let (beats, waiting) = (Arc::clone(&hook), Arc::clone(&kept));
        let beating = std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || waiting.beat(beats.every(), &mut |id| beats.heartbeat(id)))
            .map_err(|e| cannot().because(e))?;
        Ok(Some(Self { hook, global, kept, beating: Some(beating) }))
    }

    /// These instances are looked at from now on: each gets more time at once, and then as often as the
    /// hook needs it.
    pub(super) fn keep<'h>(&self, hosts: impl Iterator<Item = &'h str>) {
        let mut waiting = self.kept.lock();
        let had = std::mem::take(&mut waiting.next);
        let ids = hosts.filter(|h| h.starts_with("i-")).map(str::to_owned);
        waiting.next = ids.map(|id| (id.clone(), had.get(&id).copied().flatten())).collect();
        self.kept.changed.notify_all();
    }

    /// Continues what passes and says what is withheld. What is yet to be continued is kept waiting
    /// until its turn comes; for those that `entered` service since they were first looked at, nothing waits.
    ///
    /// # Errors
    /// When an instance that passes could not be continued.
    pub(super) fn finish(
        &self,
        verdicts: &Verdicts,
        entered: &BTreeSet<String>,
    ) -> Result<(), CliError> {
        let held = verdicts.hosts.iter().filter(|h| h.answer() == Answer::Hold);
        held.for_each(|h| self.kept.forget(&h.host));
        let mut failed: Option<CliError> = None;
        for host in &verdicts.hosts {
            let name = visible(&host.host).into_owned();
            if entered.contains(&host.host) {
                anstream::eprintln!(
                    "{name} is in service already: there is nothing to continue or withhold"
                );
                continue;
            }
            if host.answer() == Answer::Hold {
                anstream::eprintln!("{name} is {}", self.hook.withheld());
                continue;
            }
            self.kept.forget(&host.host);
            let done = if host.host.starts_with("i-") {
                self.hook.proceed(&host.host).map_err(|e| e.to_string())
            } else {
                Err("it is no instance that Auto Scaling could wait for".into())
            };
            match done {
                Ok(()) if self.global.quiet => {}
                Ok(()) => anstream::eprintln!("{name} was continued into service"),
                Err(why) => {
                    let error = failed
                        .take()
                        .unwrap_or_else(|| CliError::new("continue every host that passes"));
                    failed = Some(error.because(format!("{name}: {}", visible(&why))));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

#[cfg(feature = "aws")]
impl Drop for Continuing<'_> {
    fn drop(&mut self) {
        self.kept.lock().over = true;
        self.kept.changed.notify_all();
        // A panic there was said there.
        let _ = self.beating.take().map(std::thread::JoinHandle::join);
    }
}

#[cfg(feature = "aws")]
impl Kept {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This one is kept waiting no longer.
    fn forget(&self, id: &str) {
        self.lock().next.remove(id);
    }

    /// Gives each instance more time when it is due, the one that waits longest first, until it is over.
    /// One that could not be given any is asked for again soon: the hook's time runs on.
    fn beat<E: std::fmt::Display>(
        &self,
        every: Duration,
        give: &mut dyn FnMut(&str) -> Result<(), E>,
    ) {
        let mut waiting = self.lock();
        while !waiting.over {
            let now = Instant::now();
            let first = waiting.next.iter().min_by_key(|(_, at)| **at);
            let due = first.filter(|(_, at)| at.is_none_or(|at| at <= now));
            let Some(id) = due.map(|(id, _)| id.clone()) else {
                let left = first.and_then(|(_, at)| *at).map(|at| at - now);
                let left = left.unwrap_or(every);
                let woken = self.changed.wait_timeout(waiting, left);
                waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            };
            // The call takes its time: nobody waits for the lock meanwhile.
            drop(waiting);
            let given = give(&id);
            if let Err(why) = &given {
                let why = visible(&why.to_string()).into_owned();
                anstream::eprintln!("cannot give {} more time: {why}", visible(&id));
            }
            let wait = if given.is_ok() { every } else { (every / 4).min(AGAIN) };
            waiting = self.lock();
            if let Some(next) = waiting.next.get_mut(&id) {
                *next = Some(Instant::now() + wait);
            }
        }
    }
}

/// The longest until a heartbeat that failed is tried again.
#[cfg(feature = "aws")]
const AGAIN: Duration = Duration::from_secs(15);

#[cfg(all(test, feature = "aws"))]
mod tests {
    use super::*;

    /// Beats until `ends` says so of what was given so far.
    fn beats(every: Duration, fails: &str, ends: fn(&[String]) -> bool) -> Vec<String> {
        let kept = Kept::default();
        kept.lock().next = ["i-1", "i-2"].map(|id| (id.to_owned(), None)).into();
        let mut given = Vec::new();
        kept.beat(every, &mut |id| {
            given.push(id.to_owned());
            kept.lock().over = ends(&given);
            if id == fails { Err("throttled") } else { Ok(()) }
        });
        given
    }

    #[test]
    fn one_that_fails_is_tried_again_soon_and_keeps_nobody_waiting() {
        let (hour, count) = (Duration::from_secs(3600), |ids: &[String], id: &str| {
            ids.iter().filter(|i| *i == id).count()
        });
        let given = beats(Duration::from_millis(40), "i-1", |g| g.len() >= 8);
        assert!(count(&given, "i-1") > count(&given, "i-2"), "{given:?}");
        assert!(count(&given, "i-2") >= 1, "{given:?}");
        // Both before either again.
        let given = beats(hour, "", |g| g.len() >= 2);
        assert_eq!(given, ["i-1", "i-2"]);
    }

    #[test]
    fn one_that_is_forgotten_while_it_is_given_time_gets_no_more() {
        let kept = Kept::default();
        kept.lock().next = ["i-1", "i-2"].map(|id| (id.to_owned(), None)).into();
        let mut given = Vec::new();
        kept.beat(Duration::from_millis(5), &mut |id| {
            given.push(id.to_owned());
            kept.forget("i-1");
            kept.lock().over = given.len() >= 4;
            Ok::<(), String>(())
        });
        assert_eq!(given, ["i-1", "i-2", "i-2", "i-2"]);
    }
}

/// Without the AWS SDKs nothing can be continued, and asking for it is an error.
#[cfg(not(feature = "aws"))]
pub(super) struct Continuing<'a>(std::convert::Infallible, std::marker::PhantomData<&'a ()>);

#[cfg(not(feature = "aws"))]
impl<'a> Continuing<'a> {
    pub(super) fn open(
        wanted: Option<Named>,
        _: &Config,
        _: &[String],
        _: &'a Global,
    ) -> Result<Option<Self>, CliError> {
        match wanted {
            None => Ok(None),
            Some(named) => {
                Err(CliError::new(format!("use the lifecycle hook {}", visible(&named.hook)))
                    .because("this portcullis was built without AWS")
                    .hint("build it with the feature aws"))
            }
        }
    }

    pub(super) fn keep<'h>(&self, _: impl Iterator<Item = &'h str>) {
        match self.0 {}
    }

    pub(super) fn finish(&self, _: &Verdicts, _: &BTreeSet<String>) -> Result<(), CliError> {
        match self.0 {}
    }
}
