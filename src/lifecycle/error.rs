use std::fmt;

/// Why the lifecycle action is where it was. Fits after "cannot continue INSTANCE: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifecycleError {
    /// The group has no such hook.
    NoHook { hook: String, asg: String },
    /// The hook belongs to instances that end: continuing it would end one sooner.
    NotLaunching { hook: String, transition: String },
    /// No action of the hook waits for the instance: its time is over, it was completed, or it never
    /// waited.
    NotWaiting { instance: String, hook: String, asg: String, said: String },
    /// The credentials may not.
    Denied(String),
    /// The service asked to be left alone, after every retry.
    Throttled(String),
    /// No answer came: whether the call took effect nobody knows.
    Unanswered(String),
    /// The service's own words.
    Refused { code: String, said: String },
    /// This machine cannot make calls at all.
    Local(String),
}

impl fmt::Display for LifecycleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHook { hook, asg } => {
                write!(f, "the Auto Scaling group {asg} has no lifecycle hook {hook}")
            }
            Self::NotLaunching { hook, transition } => write!(
                f,
                "the hook {hook} is one of {transition}: only hooks of launching instances are continued"
            ),
            Self::NotWaiting { instance, hook, asg, said } => write!(
                f,
                "no action of the hook {hook} of {asg} waits for {instance}: its time is over, it was \
                 completed, or it never waited ({said})"
            ),
            Self::Denied(code) => write!(
                f,
                "the credentials may not ({code}): `portcullis gate --print-lifecycle-policy` prints what they need"
            ),
            Self::Throttled(code) => {
                write!(f, "the service asked for less, until the last try ({code})")
            }
            Self::Unanswered(why) => {
                write!(f, "no answer came ({why}), so whether it took effect is unknown")
            }
            Self::Refused { code, said } => write!(f, "the service refused: {code}: {said}"),
            Self::Local(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for LifecycleError {}
