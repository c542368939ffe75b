//! Two appliers over one world, interleaved at every call, with crashes and claims taken over:
//! never an act outside the plan, never one twice, nothing lost.

use crate::job::Job;
use crate::simworld::Sim;
use jiff::{SignedDuration, Timestamp};
use portcullis::apply::{
    Clock, DayBook, HaltSwitch, Held, JournalStore, Mode, NewestBook, NoLook, Register, Setup,
    Swapped, run,
};
use portcullis::cleanup::approval::Approved;
use portcullis::cleanup::halt::Halted;
use portcullis::cleanup::journal::{ItemState, read};
use portcullis::cleanup::{
    ActRequest, Acted, Digest, Guards, Health, Hello, ItemRef, Listing, Observed, Resource, World,
    WorldError,
};
use portcullis::model::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const ROUNDS: u64 = 200;

/// Everything that the appliers share.
struct Shared {
    resources: BTreeMap<String, Resource>,
    tokens: BTreeMap<String, Acted>,
    /// Ids that were changed, each time.
    applied: Vec<String>,
    /// The highest fence that the provider saw: it refuses lower ones.
    journal: Vec<u8>,
    paper: Option<(u64, Vec<u8>)>,
    now: Timestamp,
    random: u64,
    /// Whose turn it is, and who is still running.
    turn: usize,
    running: [bool; 2],
    /// Calls until this applier crashes.
    crash: [u32; 2],
}

impl Shared {
    fn random(&mut self, below: u64) -> u64 {
        // xorshift64*
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }
}

/// One applier's hold on what is shared: each call waits for its turn, and may be its last.
#[derive(Clone)]
struct Hand {
    who: usize,
    shared: Arc<(Mutex<Shared>, Condvar)>,
}

struct Crashed;

impl Hand {
    fn with<T>(&self, work: impl FnOnce(&mut Shared) -> T) -> Result<T, Crashed> {
        let (mutex, turned) = &*self.shared;
        let mut shared = mutex.lock().expect("shared");
        while shared.turn != self.who && shared.running[1 - self.who] {
            shared = turned.wait(shared).expect("shared");
        }
        let crashed = shared.crash[self.who] == 0;
        let answer = if crashed {
            Err(Crashed)
        } else {
            shared.crash[self.who] -= 1;
            Ok(work(&mut shared))
        };
        shared.turn = usize::try_from(shared.random(2)).expect("0 or 1");
        // Now and then an hour goes by for whoever is not looking.
        if shared.random(40) == 0 {
            shared.now += SignedDuration::from_hours(1);
        }
        turned.notify_all();
        answer
    }

    fn end(&self) {
        let (mutex, turned) = &*self.shared;
        mutex.lock().expect("shared").running[self.who] = false;
        turned.notify_all();
    }

    fn lost<T>(&self, verb: &str, work: impl FnOnce(&mut Shared) -> T) -> Result<T, WorldError> {
        self.with(work).map_err(|_| WorldError { verb: verb.into(), why: "it crashed".into() })
    }
}

struct Twin(Hand, Hello);

impl World for Twin {
    fn hello(&mut self) -> Result<Hello, WorldError> {
        let clock = Some(self.0.shared.0.lock().expect("shared").now);
        Ok(Hello { clock, ..self.1.clone() })
    }
    fn list(&mut self, _: &str, _: &BTreeMap<String, String>) -> Result<Listing, WorldError> {
        Ok(Listing::default())
    }
    fn observe(&mut self, item: &ItemRef) -> Result<Observed, WorldError> {
        self.0.lost("observe", |s| match s.resources.get(&item.id) {
            Some(it) => Observed::Yes { resource: Box::new(it.clone()) },
            None => Observed::No,
        })
    }
    fn act(&mut self, request: &ActRequest) -> Result<Acted, WorldError> {
        self.0.lost("act", |s| {
            if let Some(done) = s.tokens.get(&request.token) {
                return done.clone();
            }
            if s.random(12) == 0 {
                return Acted::Throttled { retry_after_ms: None };
            }
            let Some(it) = s.resources.get_mut(&request.item.id) else {
                return Acted::Failed { why: "gone".into() };
            };
            it.state.insert("status".into(), "stopped".into());
            s.applied.push(request.item.id.clone());
            let done = Acted::Done {
                item: request.item.clone(),
                action: request.action.clone(),
                undo: BTreeMap::new(),
            };
            s.tokens.insert(request.token.clone(), done.clone());
            // The answer may be lost, or be another one.
            match s.random(24) {
                0 | 1 => Acted::Unknown { why: "lost".into() },
                2 => Acted::Throttled { retry_after_ms: None },
                3 => Acted::Failed { why: "no".into() },
                _ => done,
            }
        })
    }
    fn undo(&mut self, _: &ActRequest, _: &BTreeMap<String, String>) -> Result<Acted, WorldError> {
        unreachable!("nobody takes anything back")
    }
    fn health(&mut self) -> Result<Health, WorldError> {
        self.0.lost("health", |_| Health { healthy: true, checks: vec![] })
    }
}

struct Store(Hand);

impl JournalStore for Store {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        self.0.with(|s| s.journal.clone()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
    fn cut(&mut self, length: usize) -> io::Result<()> {
        self.0.with(|s| s.journal.truncate(length)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
    fn append(&mut self, length: usize, bytes: &[u8]) -> io::Result<()> {
        let work = |s: &mut Shared| {
            if s.journal.len() != length {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            s.journal.extend_from_slice(bytes);
            Ok(())
        };
        self.0.with(work).unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

struct Paper(Hand);

impl Register for Paper {
    fn read(&mut self) -> Result<Option<Held>, String> {
        let held = |s: &mut Shared| {
            s.paper.clone().map(|(n, bytes)| Held { bytes, version: n.to_string() })
        };
        self.0.with(held).map_err(|_| "it crashed".into())
    }
    fn swap(&mut self, over: Option<&str>, bytes: &[u8]) -> Result<Swapped, String> {
        self.0
            .with(|s| {
                let version = s.paper.as_ref().map(|(n, _)| n.to_string());
                if version.as_deref() != over {
                    return Swapped::No;
                }
                let next = s.paper.as_ref().map_or(0, |(n, _)| *n) + 1;
                s.paper = Some((next, bytes.to_vec()));
                Swapped::Yes { version: next.to_string() }
            })
            .map_err(|_| "it crashed".into())
    }
}

struct Ticks(Hand);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        self.0.shared.0.lock().expect("shared").now
    }
    fn wait(&self, how_long: Duration) {
        let more = SignedDuration::try_from(how_long).expect("a short time");
        self.0.shared.0.lock().expect("shared").now += more;
    }
}

struct Runs;

impl HaltSwitch for Runs {
    fn look(&mut self, _: &BTreeSet<Digest>, _: Timestamp) -> Result<(), Halted> {
        Ok(())
    }
}

/// The acts of a day, of one run by itself: what this is about is the claim.
struct Alone(Option<Held>);

impl Register for Alone {
    fn read(&mut self) -> Result<Option<Held>, String> {
        Ok(self.0.clone())
    }

    fn swap(&mut self, _: Option<&str>, bytes: &[u8]) -> Result<Swapped, String> {
        self.0 = Some(Held { bytes: bytes.to_vec(), version: "1".into() });
        Ok(Swapped::Yes { version: "1".into() })
    }
}

fn applier(hand: &Hand, approved: &Approved, hello: &Hello, nonce: String) {
    let clock = Ticks(hand.clone());
    let _ = run(Setup {
        approved,
        limits: approved.plan().limits.clone(),
        guards: Guards::all(),
        mode: Mode::Attached,
        receipt: None,
        world: &mut Twin(hand.clone(), hello.clone()),
        journal: &mut Store(hand.clone()),
        register: &mut Paper(hand.clone()),
        day: &mut DayBook { register: Box::new(Alone(None)), most: 25, known: Vec::new() },
        newest: &mut NewestBook { register: Box::new(Alone(None)) },
        halt: &mut Runs,
        live: &mut NoLook,
        watch: None,
        still: &mut |_| Ok(()),
        receipted: &mut |_| Ok(()),
        clock: &clock,
        nonce,
        by: format!("applier {}", hand.who),
        lease: SignedDuration::from_mins(10),
        stop: Stop::default(),
    });
    hand.end();
}

#[test]
fn d04_two_hundred_interleavings_of_two_appliers() {
    let mut sim = Sim::new();
    let ids = ["sv-1", "sv-2", "sv-3", "sv-4", "sv-5"];
    for id in ids.iter().chain(&["sv-6"]) {
        sim = sim.servo(id, |_| {});
    }
    let job = Job::new(sim, &ids, |plan| plan.limits.deadline_s = 3600 * 24 * 365);
    let approved = job.approved().expect("approved");
    let resources: BTreeMap<String, Resource> = job.sim.data["resources"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| serde_json::from_value::<Resource>(r.clone()).expect("a resource"))
        .map(|r| (r.id.clone(), r))
        .collect();
    let hello = Hello {
        protocol: 1,
        adapter: "twin".into(),
        target: job.plan.target.clone(),
        clock: None,
        acts: serde_json::from_value(job.sim.data["acts"].clone()).expect("acts"),
    };
    let (mut takeovers, mut crashes, mut resumed) = (0, 0, 0);
    for round in 1..=ROUNDS {
        let shared = Shared {
            resources: resources.clone(),
            tokens: BTreeMap::new(),
            applied: vec![],
            journal: vec![],
            paper: None,
            now: Timestamp::now(),
            random: round.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            turn: 0,
            running: [false; 2],
            crash: [0; 2],
        };
        let shared = Arc::new((Mutex::new(shared), Condvar::new()));
        let check = |last: bool| {
            let s = shared.0.lock().expect("shared");
            let once: BTreeSet<&String> = s.applied.iter().collect();
            assert_eq!(once.len(), s.applied.len(), "round {round}: twice: {:?}", s.applied);
            assert!(s.applied.iter().all(|id| ids.contains(&id.as_str())), "round {round}");
            let chain = read(&s.journal, &job.plan, &job.digest)
                .unwrap_or_else(|e| panic!("round {round}: {e}"));
            for (n, it) in &chain.ledger.items {
                let changed = s.applied.contains(&job.plan.items[*n as usize - 1].id);
                match it.state {
                    ItemState::Confirmed => assert!(changed, "round {round}: {n} was not done"),
                    state if state.is_open() => {}
                    state => assert!(!changed || last, "round {round}: {n} is lost: {state:?}"),
                }
            }
            chain.ledger
        };
        // Pairs of appliers until nothing is left; each may crash at any call.
        let mut finished = false;
        for pair in 0..60 {
            {
                let mut s = shared.0.lock().expect("shared");
                s.running = [true; 2];
                for who in 0..2 {
                    let crash = if pair < 6 { s.random(60) } else { 10_000 };
                    s.crash[who] = u32::try_from(crash).expect("small");
                    crashes += u32::from(pair < 6);
                }
            }
            std::thread::scope(|scope| {
                for who in 0..2 {
                    let (approved, hello) = (&approved, &hello);
                    let hand = Hand { who, shared: Arc::clone(&shared) };
                    scope.spawn(move || {
                        applier(&hand, approved, hello, format!("{pair}-{who}"));
                    });
                }
            });
            let ledger = check(false);
            takeovers += u32::from(ledger.fence > 2);
            resumed += u32::from(pair > 0);
            if ledger.finished {
                finished = true;
                break;
            }
            // A holder that crashed holds it until its time is over.
            shared.0.lock().expect("shared").now += SignedDuration::from_mins(11);
        }
        assert!(finished, "round {round}: it never ended");
        let ledger = check(true);
        for (n, it) in &ledger.items {
            assert_eq!(it.state, ItemState::Confirmed, "round {round}: {n} was left");
        }
        assert_eq!(shared.0.lock().expect("shared").applied.len(), ids.len(), "round {round}");
    }
    assert!(takeovers > 50 && crashes > 200 && resumed > 50, "{takeovers} {crashes} {resumed}");
}
