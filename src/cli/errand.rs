//! `portcullis probe --survey`: probes what an auditor elsewhere asks, and says what it saw.
//!
//! Whoever can start this must not get a scanner by it: it probes what its own `scope:` covers, and
//! beyond that public addresses alone, of a survey that an auditor it was told of signed just now.

use super::probe::{Print, print};
use super::{CliError, ExitStatus, Global, input, interrupt, listen, reflect};
use crate::model::{AddressSet, Gap};
use crate::observation::{Begin, End, Observations, SAID, Said, State};
use crate::pathproof::Trusted;
use crate::probe::{self, Options};
use crate::signature::{self, SURVEY};
use crate::spec::config::Config;
use crate::survey::{Errand, MAX_ERRAND_BYTES, MAX_SKEW, Survey};
use crate::vantage;
use clap::Args;
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

/// Probing for an auditor elsewhere.
#[derive(Debug, Args)]
#[command(next_help_heading = "As another vantage")]
pub(super) struct ErrandArgs {
    /// Probe the survey that an audit or gate elsewhere sends (`via:` of its vantages), and answer it
    /// on standard output; `-` is standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["targets", "ports", "expect", "snapshot", "format", "sorted", "rate", "timeout", "tries", "in_flight", "deadline", "seed", "no_identify"])]
    pub(super) survey: Option<PathBuf>,
    /// Public keys of the auditors whose signed surveys may name public addresses beyond `scope:`
    #[arg(long, value_name = "KEY.pub", requires = "survey", num_args = 1..)]
    auditor: Vec<PathBuf>,
    /// Where surveys that were answered are remembered, so that none is answered twice
    /// [default: portcullis/surveys of $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR", requires = "auditor")]
    answered: Option<PathBuf>,
}

/// Who vouches for a survey.
enum Vouched {
    /// An auditor whom we were told of, just now.
    Auditor,
    /// Nobody: our own `scope:` alone says what may be probed. Fits after "scope: does not name it, and ".
    Nobody(&'static str),
}

/// Runs `portcullis probe --survey`.
///
/// # Errors
/// A survey that cannot be read, is refused, or of which everything is.
pub(super) fn run(args: &ErrandArgs, file: &Path, global: &Global) -> Result<ExitStatus, CliError> {
    let config = input::config(global)?;
    let trusted = listen::trusted(&args.auditor)?;
    let bytes = read(file)?;
    let (line, signature) = parts(&bytes);
    let cannot = || CliError::new(format!("take the survey {}", shown(file)));
    let errand = Errand::read(line).map_err(|why| cannot().because(super::saved::escape(&why)))?;
    let vouched = vouched(line, signature, &errand, &trusted, args).map_err(|why| {
        CliError::new(format!("take the survey {}", shown(file)))
            .because(why)
            .with_status(ExitStatus::Refused)
    })?;
    let scope = config.scope_addresses();
    let (may, why) = match vouched {
        Vouched::Auditor => (
            scope.union(&AddressSet::outside()),
            "it is no public address, and scope: of this vantage does not name it".to_owned(),
        ),
        Vouched::Nobody(why) => {
            (scope, format!("scope: of this vantage does not name it, and {why}"))
        }
    };
    let survey = errand.survey(&may, &why).map_err(|why| cannot().because(why))?;
    let shown = survey.refused.iter().take(SHOWN);
    for refused in shown {
        anstream::eprintln!("refused: cannot probe {}: {}", refused.address, refused.why);
    }
    if survey.targets.is_empty() && !survey.refused.is_empty() {
        return Err(cannot()
            .because(format!("none of what it asks may be probed from here: {why}"))
            .hint("start this with `--auditor KEY.pub` of the auditor who signs, or name the addresses in scope: of its own portcullis.yaml")
            .with_status(ExitStatus::Refused));
    }
    answer(&errand, &survey, &vouched, &config, global)
}

/// Refused addresses named one by one.
const SHOWN: usize = 20;

fn shown(file: &Path) -> String {
    if file.as_os_str() == "-" { "on standard input".into() } else { file.display().to_string() }
}

fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let cannot =
        |why: io::Error| CliError::new(format!("read the survey {}", shown(file))).because(why);
    let most = (MAX_ERRAND_BYTES + signature::MAX_SIGNATURE_BYTES) as u64;
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        File::open(file).map_err(cannot)?.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    }
    Ok(bytes)
}

/// The first line, with its end, and the signature of exactly these bytes that may follow it.
fn parts(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.split_at(end)
}

/// Who vouches for a survey. A signature that does not hold is refused, whatever `scope:` covers:
/// somebody changed something.
fn vouched(
    line: &[u8],
    signature: &[u8],
    errand: &Errand,
    trusted: &Trusted,
    args: &ErrandArgs,
) -> Result<Vouched, String> {
    if signature.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vouched::Nobody("the survey is not signed"));
    }
    let text = std::str::from_utf8(signature)
        .map_err(|_| "what follows its first line is no signature".to_owned())?;
    let maker = signature::maker(line, text, SURVEY)
        .map_err(|why| format!("its signature does not hold: {why}"))?;
    if trusted.is_empty() {
        return Ok(Vouched::Nobody("no --auditor was told whose signature counts"));
    }
    if !trusted.knows(&maker.key) {
        return Err(format!("it is signed by {}, whom --auditor does not name", maker.fingerprint));
    }
    let now = Timestamp::now();
    if !errand.is_fresh(now) {
        return Err(format!(
            "it was made at {} and it is {now} here: clocks may differ by {:#}",
            errand.at, MAX_SKEW
        ));
    }
    remember(errand, args)?;
    Ok(Vouched::Auditor)
}

/// Remembers that a survey is answered; one that was is refused, and so is every one where nothing
/// can be remembered.
fn remember(errand: &Errand, args: &ErrandArgs) -> Result<(), String> {
    let folder = match &args.answered {
        Some(folder) => folder.clone(),
        None => {
            state().ok_or("there is no home to remember it in: name a folder with --answered")?
        }
    };
    let cannot = |why: io::Error| {
        format!(
            "it cannot be remembered in {}: {why}; name a folder with --answered",
            folder.display()
        )
    };
    fs::create_dir_all(&folder).map_err(cannot)?;
    forget(&folder).map_err(cannot)?;
    match File::create_new(folder.join(&errand.nonce)) {
        Ok(_) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
            Err("it was answered already".into())
        }
        Err(why) => Err(cannot(why)),
    }
}

/// Takes away what is too old to be fresh, by any clock within the limit.
fn forget(folder: &Path) -> io::Result<()> {
    let keep = Duration::try_from(MAX_SKEW * 4).unwrap_or_default();
    let long_ago = SystemTime::now().checked_sub(keep);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let made = entry.metadata().and_then(|m| m.modified());
        let name = entry.file_name();
        let ours =
            name.len() == 32 && name.to_string_lossy().bytes().all(|b| b.is_ascii_hexdigit());
        if let (true, Ok(made), Some(long_ago)) = (ours, made, long_ago)
            && made < long_ago
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

fn state() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || absolute("HOME").map(|h| h.join(".local/state"));
    absolute("XDG_STATE_HOME").or_else(home).map(|s| s.join("portcullis/surveys"))
}

/// Probes, and says a line for each thing.
fn answer(
    errand: &Errand,
    survey: &Survey,
    vouched: &Vouched,
    config: &Config,
    global: &Global,
) -> Result<ExitStatus, CliError> {
    let mut options = options(errand, config, global)?;
    let local = config.local();
    // An auditor may name whom to ask for our address; anybody else may not have us send anywhere.
    let server = match vouched {
        Vouched::Auditor => errand.reflect.as_deref(),
        Vouched::Nobody(_) => None,
    };
    let server = server.or_else(|| local.and_then(|v| v.reflect.as_deref()));
    let heeding = interrupt::heed();
    let mut troubles: Vec<String> = Vec::new();
    if let Some(server) = server {
        let told = reflect::reflect(server, survey, &mut options);
        troubles.extend(told.into_iter().map(|Gap { why, .. }| why));
    }
    let (lines, printed) = mpsc::channel::<Print>();
    let bar = indicatif::ProgressBar::hidden();
    let printer = std::thread::spawn(move || print(&printed, &bar));
    let say = |said: Said| {
        // The printer is gone only when nobody reads.
        let _ = lines.send(Print::Line(serde_json::to_string(&said).unwrap_or_default()));
    };
    let seen = &options.vantage;
    say(Said::Begin(Begin {
        format: SAID.into(),
        survey: errand.nonce.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        at: Timestamp::now(),
        reflected_v4: seen.reflected_v4,
        reflected_v6: seen.reflected_v6,
    }));
    let mut left = 0usize;
    let Observations { vantages, rows, profiled } = probe::run(survey, &options, &mut |seen| {
        left += usize::from(seen.state == State::Unprobed);
        say(Said::Seen(Box::new(seen.clone())));
    });
    drop(heeding);
    let done = rows.len();
    let stopped = options.stop.is_raised() && done < survey.targets.len();
    if !stopped {
        profiled.into_iter().for_each(|p| say(Said::Profiled(Box::new(p))));
        let refused = survey.refused.len();
        troubles.extend(
            survey
                .refused
                .iter()
                .take(SHOWN)
                .map(|r| format!("it refused to probe {}: {}", r.address, r.why)),
        );
        if refused > SHOWN {
            troubles.push(format!("it refused {} addresses more", refused - SHOWN));
        }
        let told = vantages.first();
        say(Said::End(End {
            at: Timestamp::now(),
            reflected_v4: told.and_then(|v| v.reflected_v4),
            reflected_v6: told.and_then(|v| v.reflected_v6),
            troubles,
        }));
    }
    drop(lines);
    match printer.join() {
        Ok(Ok(())) => {}
        Ok(Err(e)) => return Err(CliError::new("write the answer").because(e)),
        Err(_) => return Err(CliError::new("write the answer")),
    }
    if stopped {
        let of = survey.targets.len();
        return Err(interrupt::error(&format!("{done} of {of} endpoints were probed")));
    }
    let whole = survey.refused.is_empty() && left == 0;
    Ok(if whole { ExitStatus::Clean } else { ExitStatus::Incomplete })
}

/// As the auditor asks, and no faster than this machine's own configuration lets.
fn options(errand: &Errand, config: &Config, global: &Global) -> Result<Options, CliError> {
    let (asked, limits) = (errand.manners, &config.limits);
    let rate = match (asked.rate, limits.rate.unwrap_or(0)) {
        (0, own) => own,
        (asked, 0) => asked,
        (asked, own) => asked.min(own),
    };
    let own = limits.in_flight.and_then(|n| usize::try_from(n).ok());
    let in_flight = asked.in_flight.unwrap_or(usize::MAX).min(own.unwrap_or(usize::MAX));
    let deadline = Duration::from_millis(asked.deadline_ms);
    let own = limits.deadline.and_then(|d| Duration::try_from(d).ok());
    // What this machine claims of itself stays here: the auditor's configuration says what counts.
    let name = config.local().map_or(&*errand.vantage, |v| &*v.name);
    Ok(Options {
        vantage: vantage::local(name, &[]),
        rate,
        timeout: Duration::from_millis(asked.timeout_ms.clamp(10, 60_000)),
        tries: asked.tries.clamp(1, 50),
        in_flight,
        seed: asked.seed,
        second_look: true,
        slow_lane: Duration::from_millis(asked.slow_lane_ms),
        deadline: Some(own.map_or(deadline, |own| own.min(deadline))),
        auditor: input::auditor(config, global)?,
        stop: interrupt::stop(),
        proxies: super::proxies::proxies(config, global),
        ..Options::default()
    })
}
