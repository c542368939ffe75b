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
) -> Result<Option<(String, String)>, CliError> {
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
    Ok(Some((hook, group)))
}

/// Keeps instances waiting while they are looked at, and lets those go on that pass.
#[cfg(feature = "aws")]
pub(super) struct Continuing<'a> {
    hook: Arc<lifecycle::Hook>,
    global: &'a Global,
    kept: Arc<Kept>,
}

/// Instances that are kept waiting, each with when it last got more time.
#[cfg(feature = "aws")]
#[derive(Default)]
struct Kept {
    instances: Mutex<Waiting>,
    changed: Condvar,
}

#[cfg(feature = "aws")]
#[derive(Default)]
struct Waiting {
    last: BTreeMap<String, Option<Instant>>,
    over: bool,
}

#[cfg(feature = "aws")]
impl<'a> Continuing<'a> {
    /// Finds the hook. Heartbeats go from a thread of their own, so that no look, however long, lets the
    /// hook's time run out: what its default result would do then is mostly to end the instance.
    pub(super) fn open(
        wanted: Option<(String, String)>,
        config: &Config,
        regions: &[String],
        global: &'a Global,
    ) -> Result<Option<Self>, CliError> {
        let Some((hook, asg)) = wanted else { return Ok(None) };
        let cannot = || CliError::new(format!("use the lifecycle hook {}", visible(&hook)));
        let regions = if regions.is_empty() { &config.regions } else { regions };
        let region = match regions {
            [one] => Some(one.clone()),
            _ => None,
        };
        let profile = config.lifecycle.profile.clone();
        let settings = lifecycle::Settings { hook: hook.clone(), asg, profile, region };
        let found = lifecycle::Hook::new(settings)
            .map_err(|why| cannot().because(visible(&why.to_string())))?;
        let (hook, kept) = (Arc::new(found), Arc::new(Kept::default()));
        let (beating, waiting) = (Arc::clone(&hook), Arc::clone(&kept));
        std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || waiting.beat(&beating))
            .map_err(|e| cannot().because(e))?;
        Ok(Some(Self { hook, global, kept }))
    }

    /// These instances are looked at from now on: each gets more time at once, and then as often as the
    /// hook needs it.
    pub(super) fn keep<'h>(&self, hosts: impl Iterator<Item = &'h str>) {
        let mut waiting = self.kept.lock();
        let had = std::mem::take(&mut waiting.last);
        let ids = hosts.filter(|h| h.starts_with("i-")).map(str::to_owned);
        waiting.last = ids.map(|id| (id.clone(), had.get(&id).copied().flatten())).collect();
        self.kept.changed.notify_all();
    }

    /// Continues what passes and says what is withheld.
    ///
    /// # Errors
    /// When an instance that passes could not be continued.
    pub(super) fn finish(&self, verdicts: &Verdicts) -> Result<(), CliError> {
        self.kept.lock().over = true;
        let mut failed: Option<CliError> = None;
        for host in &verdicts.hosts {
            let name = visible(&host.host).into_owned();
            if host.answer() == Answer::Hold {
                anstream::eprintln!("{name} is {}", self.hook.withheld());
                continue;
            }
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
    }
}

#[cfg(feature = "aws")]
impl Kept {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives each instance more time when it is due, until it is over.
    fn beat(&self, hook: &lifecycle::Hook) {
        let every = hook.every();
        let mut waiting = self.lock();
        while !waiting.over {
            let due = |last: &Option<Instant>| last.is_none_or(|last| last.elapsed() >= every);
            let id = waiting.last.iter().find(|(_, last)| due(last)).map(|(id, _)| id.clone());
            let Some(id) = id else {
                // Nothing is due sooner than in a third of the hook's time, or somebody says so.
                let woken = self.changed.wait_timeout(waiting, every.min(AWAKE));
                waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            };
            waiting.last.insert(id.clone(), Some(Instant::now()));
            // The call takes its time: nobody waits for the lock meanwhile.
            drop(waiting);
            if let Err(why) = hook.heartbeat(&id) {
                let why = visible(&why.to_string()).into_owned();
                anstream::eprintln!("cannot give {} more time: {why}", visible(&id));
            }
            waiting = self.lock();
        }
    }
}

/// The longest that a heartbeat which came due waits.
#[cfg(feature = "aws")]
const AWAKE: Duration = Duration::from_secs(1);

/// Without the AWS SDKs nothing can be continued, and asking for it is an error.
#[cfg(not(feature = "aws"))]
pub(super) struct Continuing<'a>(std::convert::Infallible, std::marker::PhantomData<&'a ()>);

#[cfg(not(feature = "aws"))]
impl<'a> Continuing<'a> {
    pub(super) fn open(
        wanted: Option<(String, String)>,
        _: &Config,
        _: &[String],
        _: &'a Global,
    ) -> Result<Option<Self>, CliError> {
        match wanted {
            None => Ok(None),
            Some((hook, _)) => {
                Err(CliError::new(format!("use the lifecycle hook {}", visible(&hook)))
                    .because("this portcullis was built without AWS")
                    .hint("build it with the feature aws"))
            }
        }
    }

    pub(super) fn keep<'h>(&self, _: impl Iterator<Item = &'h str>) {
        match self.0 {}
    }

    pub(super) fn finish(&self, _: &Verdicts) -> Result<(), CliError> {
        match self.0 {}
    }
}
