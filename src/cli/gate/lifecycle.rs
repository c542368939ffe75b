//! The lifecycle action of hosts that pass, continued; of hosts that are held, withheld.

use super::super::{CliError, ExitStatus, Global, input};
#[cfg(feature = "aws")]
use crate::gate::Answer;
use crate::gate::Verdicts;
use crate::lifecycle;
use crate::report::escape::visible;
use crate::spec::config::Config;
use clap::Args;
use std::io::Write;

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
    hook: lifecycle::Hook,
    global: &'a Global,
    beat: Option<std::time::Instant>,
}

#[cfg(feature = "aws")]
impl<'a> Continuing<'a> {
    pub(super) fn open(
        wanted: Option<(String, String)>,
        config: &Config,
        regions: &[String],
        global: &'a Global,
    ) -> Result<Option<Self>, CliError> {
        let Some((hook, asg)) = wanted else { return Ok(None) };
        let cannot = CliError::new(format!("use the lifecycle hook {}", visible(&hook)));
        let region = match regions {
            [one] => Some(one.clone()),
            _ => None,
        };
        let profile = config.lifecycle.profile.clone();
        let settings = lifecycle::Settings { hook, asg, profile, region };
        match lifecycle::Hook::new(settings) {
            Ok(hook) => Ok(Some(Self { hook, global, beat: None })),
            Err(why) => Err(cannot.because(visible(&why.to_string()))),
        }
    }

    /// A heartbeat for every instance, as often as the hook needs one.
    pub(super) fn keep(&mut self, verdicts: &Verdicts) {
        let now = std::time::Instant::now();
        if self.beat.is_some_and(|last| now.duration_since(last) < self.hook.every()) {
            return;
        }
        self.beat = Some(now);
        for host in instances(verdicts) {
            if let Err(why) = self.hook.heartbeat(host) {
                let why = visible(&why.to_string()).into_owned();
                anstream::eprintln!("cannot give {} more time: {why}", visible(host));
            }
        }
    }

    /// Continues what passes and says what is withheld.
    ///
    /// # Errors
    /// When an instance that passes could not be continued.
    pub(super) fn finish(&self, verdicts: &Verdicts) -> Result<(), CliError> {
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
fn instances(verdicts: &Verdicts) -> impl Iterator<Item = &str> {
    verdicts.hosts.iter().map(|h| h.host.as_str()).filter(|h| h.starts_with("i-"))
}

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

    pub(super) fn keep(&mut self, _: &Verdicts) {
        match self.0 {}
    }

    pub(super) fn finish(&self, _: &Verdicts) -> Result<(), CliError> {
        match self.0 {}
    }
}
