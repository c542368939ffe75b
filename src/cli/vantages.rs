//! Probes a survey from every vantage of the configuration, side by side.

use super::audit::Probing;
use super::cleanup::nonce::nonce;
use super::{CliError, Global, interrupt, probe as command, reflect};
use crate::model::{Family, Gap, GapKind};
use crate::observation::{Observation, Observations, State, VantageSeen, most_told};
use crate::pathproof::Auditor;
use crate::probe::{self, DEFAULT_RATE, DEFAULT_TIMEOUT, DEFAULT_TRIES, Options, SLOW_LANE};
use crate::signature::SURVEY;
use crate::spec::config::{Config, Vantage};
use crate::survey::{self, Errand, Manners, Sending, Survey, Target, Why};
use crate::vantage::{Remote, Told, ask};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of another vantage's time, what is left for reaching it and for its last lines.
const MARGIN: Duration = Duration::from_secs(10);

/// As [`probe_until`]; an interrupt ends the process.
pub(super) fn probe_all(
    survey: &Survey,
    gaps: &mut Vec<Gap>,
    probing: &Probing,
    config: &Config,
    auditor: &Option<Auditor>,
    global: &Global,
) -> Observations {
    let all = probe_until(survey, gaps, probing, config, auditor, global);
    interrupt::check(|| {
        let (done, of) = (all.rows.len(), survey.targets.len() * all.vantages.len());
        format!("{done} of {of} endpoints were probed, no report was written")
    });
    all
}

/// Probes from this machine, unless it is off, and from every other vantage, with progress where a
/// person watches. What a vantage did not tell is a gap of its name, and never silence. An interrupt
/// leaves the rest out.
pub(super) fn probe_until(
    survey: &Survey,
    gaps: &mut Vec<Gap>,
    probing: &Probing,
    config: &Config,
    auditor: &Option<Auditor>,
    global: &Global,
) -> Observations {
    let heeding = interrupt::heed();
    let here = config.local().is_none_or(|v| !v.off);
    let others: Vec<(&Vantage, Survey)> = config.remote().map(|v| (v, of(survey, v))).collect();
    let endpoints = others.iter().map(|(_, s)| s.targets.len()).sum::<usize>();
    let endpoints = endpoints + if here { survey.targets.len() } else { 0 };
    let bar = command::progress(endpoints, global);
    let parts: Vec<(Observations, Vec<Gap>)> = std::thread::scope(|scope| {
        let asked: Vec<_> = others
            .iter()
            .map(|(vantage, survey)| {
                let bar = &bar;
                scope.spawn(move || {
                    there(vantage, survey, probing, config, auditor, global, &mut || bar.inc(1))
                })
            })
            .collect();
        let local = here.then(|| {
            let mut gaps = Vec::new();
            let options = options(probing, config, auditor, global);
            let seen = locally(survey, &mut gaps, options, config, &bar);
            (seen, gaps)
        });
        // A panic there is one here.
        let told =
            asked.into_iter().map(|a| a.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        local.into_iter().chain(told).collect()
    });
    bar.finish_and_clear();
    drop(heeding);
    let mut all = Observations::default();
    for (seen, told) in parts {
        gaps.extend(told);
        all.vantages.extend(seen.vantages);
        all.rows.extend(seen.rows);
        all.profiled.extend(seen.profiled);
    }
    all.rows.sort_by(|a, b| (a.endpoint(), &a.vantage).cmp(&(b.endpoint(), &b.vantage)));
    all.profiled.sort_by(|a, b| {
        let key = |o: &Observation| (o.endpoint(), o.vantage.clone());
        (&a.profile, key(&a.observation)).cmp(&(&b.profile, key(&b.observation)))
    });
    all
}

/// What one vantage is asked of a survey.
fn of(survey: &Survey, vantage: &Vantage) -> Survey {
    let asked = |t: &&Target| vantage.sweep || t.why != Why::Swept;
    Survey {
        targets: survey.targets.iter().filter(asked).cloned().collect(),
        profiled: survey.profiled.clone(),
        ..Survey::default()
    }
}

/// How this machine probes.
fn options(
    probing: &Probing,
    config: &Config,
    auditor: &Option<Auditor>,
    global: &Global,
) -> Options {
    let limits = &config.limits;
    Options {
        vantage: command::here(config),
        rate: probing.rate.or(limits.rate).unwrap_or(DEFAULT_RATE),
        in_flight: limits.in_flight.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX),
        deadline: limits.deadline.and_then(|d| Duration::try_from(d).ok()),
        second_look: true,
        auditor: auditor.clone(),
        stop: interrupt::stop(),
        proxies: super::proxies::proxies(config, global),
        ..Options::default()
    }
}

/// Probes from this machine; what its own address is, the configured STUN server is asked first.
fn locally(
    survey: &Survey,
    gaps: &mut Vec<Gap>,
    mut options: Options,
    config: &Config,
    bar: &indicatif::ProgressBar,
) -> Observations {
    let local = config.local();
    let swept;
    let survey = match local.filter(|v| !v.sweep) {
        Some(vantage) => {
            swept = of(survey, vantage);
            &swept
        }
        None => survey,
    };
    if let Some(server) = local.and_then(|v| v.reflect.as_deref()) {
        gaps.extend(reflect::reflect(server, survey, &mut options));
    }
    probe::run(survey, &options, &mut |_| bar.inc(1))
}

/// Has another vantage probe.
fn there(
    vantage: &Vantage,
    survey: &Survey,
    probing: &Probing,
    config: &Config,
    auditor: &Option<Auditor>,
    global: &Global,
    on_settled: &mut dyn FnMut(),
) -> (Observations, Vec<Gap>) {
    let gap = |why: String| Gap::new(GapKind::Vantage, &vantage.name, why);
    let mut seen = VantageSeen {
        outside_v4: vantage.address,
        outside_v6: vantage.address_v6,
        ..VantageSeen::new(&vantage.name)
    };
    let timeout = Duration::try_from(vantage.timeout).unwrap_or_default();
    let told = match errand(vantage, survey, timeout, probing, config, auditor) {
        Err(why) => Told { troubles: vec![why], ..Told::default() },
        Ok((nonce, input)) => {
            let folder = global.config.as_ref().and_then(|c| c.parent());
            let folder = folder.filter(|f| !f.as_os_str().is_empty());
            let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
            let argv = vantage.via.as_deref().unwrap_or_default();
            let remote = Remote { name: &vantage.name, argv, folder: &folder, timeout };
            ask(&remote, input, &nonce, survey, &interrupt::stop(), on_settled)
        }
    };
    let Told { reflected_v4, reflected_v6, mut rows, profiled, troubles } = told;
    let mut gaps: Vec<Gap> = troubles.into_iter().map(gap).collect();
    for (claimed, reflected) in [(seen.outside_v4, reflected_v4), (seen.outside_v6, reflected_v6)] {
        if let (Some(claimed), Some(reflected)) = (claimed, reflected)
            && claimed != reflected
        {
            let why = format!("it is configured as {claimed} and seen from outside as {reflected}");
            gaps.push(Gap::new(GapKind::Vantage, &vantage.name, why));
        }
    }
    (seen.reflected_v4, seen.reflected_v6) = (reflected_v4, reflected_v6);
    let told = |family| most_told(rows.iter().filter_map(|row| row.seen_from), family);
    seen.outside_v4 = seen.outside_v4.or(reflected_v4).or_else(|| told(Family::V4));
    seen.outside_v6 = seen.outside_v6.or(reflected_v6).or_else(|| told(Family::V6));
    // Its controls are those that it told an answer of, whatever it makes of them.
    (seen.controls_v4, seen.controls_v6) = survey::controls(survey, &rows);
    rows.extend(untold(survey, &rows, &seen));
    (Observations { vantages: vec![seen], rows, profiled }, gaps)
}

/// What a vantage is given: the errand, signed where somebody can; and its nonce.
fn errand(
    vantage: &Vantage,
    survey: &Survey,
    timeout: Duration,
    probing: &Probing,
    config: &Config,
    auditor: &Option<Auditor>,
) -> Result<(String, Vec<u8>), String> {
    let limits = &config.limits;
    let nonce = nonce().map_err(|e: CliError| e.to_string())?;
    let ends = timeout.saturating_sub(MARGIN.min(timeout / 4));
    let ends =
        limits.deadline.and_then(|d| Duration::try_from(d).ok()).map_or(ends, |d| d.min(ends));
    let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    let manners = Manners {
        rate: probing.rate.or(limits.rate).unwrap_or(DEFAULT_RATE),
        timeout_ms: millis(DEFAULT_TIMEOUT),
        tries: DEFAULT_TRIES,
        in_flight: limits.in_flight.and_then(|n| usize::try_from(n).ok()),
        seed: Options::default().seed,
        slow_lane_ms: millis(SLOW_LANE),
        deadline_ms: millis(ends),
    };
    let sending = Sending {
        vantage: &vantage.name,
        nonce: nonce.clone(),
        at: Timestamp::now(),
        manners,
        reflect: vantage.reflect.as_deref(),
    };
    let mut input = Errand::new(survey, sending)?.line();
    if let Some(auditor) = auditor {
        let signed = auditor.sign(SURVEY, &input).ok_or("the auditor's key cannot sign it")?;
        input.extend(signed.as_bytes());
    }
    Ok((nonce, input))
}

/// Endpoints that a vantage did not tell of, where it is known whose clients they stand for.
fn untold(survey: &Survey, told: &[Observation], seen: &VantageSeen) -> Vec<Observation> {
    let told: BTreeSet<_> = told.iter().map(Observation::endpoint).collect();
    let placed = |address: IpAddr| seen.outside(Family::of(address)).is_some();
    let missing = survey.targets.iter().map(|t| t.endpoint);
    missing
        .filter(|e| placed(e.address) && !told.contains(e))
        .map(|endpoint| Observation {
            detail: Some("the vantage did not tell of it".into()),
            ..Observation::new(endpoint, State::Unprobed, &seen.name)
        })
        .collect()
}
