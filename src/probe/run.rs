use super::engine::{Sockets, raise_file_limit};
use super::options::Options;
use super::profile;
use super::protocol::{self, Proof, Trust};
use super::schedule::Scheduler;
use crate::model::Family;
use crate::observation::{Observation, Observations, State, most_told};
use crate::survey::{Survey, Target};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

/// Descriptors left to everything else: files, the runtime, the user's terminal.
const RESERVE: usize = 128;

/// How long the run goes without a look at its `stop`.
const LONGEST_TURN: Duration = Duration::from_millis(100);

/// Probes a survey from this machine. Every observation is handed to `on_settled` as it settles,
/// and all of them, sorted, are returned, with what was asked the way of a profile; only a raised
/// `stop` leaves some of the survey out.
///
/// Nothing is an error: what could not be sent is an observation in state `failed` that says why.
pub fn run(
    survey: &Survey,
    options: &Options,
    on_settled: &mut dyn FnMut(&Observation),
) -> Observations {
    std::thread::scope(|scope| {
        // Beside the sweep: what it waits for is mostly other machines.
        let profiled = scope.spawn(|| profile::run(&survey.profiled, options));
        let seen = plain(survey, options, on_settled);
        // A panic there is one here.
        let profiled = profiled.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
        Observations { profiled, ..seen }
    })
}

fn plain(
    survey: &Survey,
    options: &Options,
    on_settled: &mut dyn FnMut(&Observation),
) -> Observations {
    let mut rows = match Sockets::new() {
        Ok(engine) => sweep(&survey.targets, options, engine, on_settled),
        Err(e) => {
            let rows: Vec<_> =
                survey.targets.iter().map(|t| failed(t, options, &e.to_string())).collect();
            rows.iter().for_each(&mut *on_settled);
            rows
        }
    };
    rows.sort_by(|a, b| {
        (a.endpoint(), &a.vantage).cmp(&(b.endpoint(), &b.vantage)).then(a.state.cmp(&b.state))
    });
    let mut vantage = options.vantage.clone();
    (vantage.controls_v4, vantage.controls_v6) = crate::survey::controls(survey, &rows);
    // What is looked at may place a vantage that nothing else does, and proves no place: it may see it
    // by a way that no client outside has.
    let told = |family| most_told(rows.iter().filter_map(|row| row.seen_from), family);
    vantage.outside_v4 = vantage.outside_v4.or(vantage.reflected_v4).or_else(|| told(Family::V4));
    vantage.outside_v6 = vantage.outside_v6.or(vantage.reflected_v6).or_else(|| told(Family::V6));
    Observations { vantages: vec![vantage], rows, profiled: Vec::new() }
}

fn sweep(
    targets: &[Target],
    options: &Options,
    engine: Sockets,
    on_settled: &mut dyn FnMut(&Observation),
) -> Vec<Observation> {
    let files = raise_file_limit().saturating_sub(RESERVE).max(16);
    let waker = engine.waker();
    let mut scheduler = Scheduler::new(targets, options, engine, files);
    let (proofs, proven) = mpsc::channel::<(usize, Proof)>();
    let trust = Arc::new(Trust::default());
    // One thread asks services who they are while this one sends and hears.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let mut rows = Vec::with_capacity(targets.len());
    loop {
        if options.stop.is_raised() {
            scheduler.say_known("the run was interrupted");
        }
        for seen in scheduler.take_settled() {
            on_settled(&seen);
            rows.push(seen);
        }
        if scheduler.finished() || options.stop.is_raised() {
            break;
        }
        for confirm in scheduler.take_confirms() {
            let Ok(runtime) = &runtime else {
                scheduler.proven(confirm.probe, Proof::unasked());
                continue;
            };
            let (proofs, waker, trust) = (proofs.clone(), waker.clone(), trust.clone());
            runtime.spawn(async move {
                let proof = protocol::prove(confirm.socket, &confirm.question, &trust).await;
                // The receiver is gone only when the run is over.
                let _ = proofs.send((confirm.probe, proof));
                waker.wake();
            });
        }
        scheduler.turn(LONGEST_TURN);
        while let Ok((probe, proof)) = proven.try_recv() {
            scheduler.proven(probe, proof);
        }
    }
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    rows
}

fn failed(target: &Target, options: &Options, why: &str) -> Observation {
    let name = &options.vantage.name;
    Observation {
        detail: Some(why.into()),
        ..Observation::new(target.endpoint, State::Failed, name)
    }
}
