use crate::cleanup::{Act, Claim, Listing, Resource, Risk, Source, Target};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Longest wait for a servo: loopback answers at once, or refuses.
const PATIENCE: Duration = Duration::from_secs(2);

/// A platform of servos on hosts of two generations: every servo that is in use listens on loopback
/// until it is stopped.
#[derive(Debug)]
pub struct Fleet {
    servos: Vec<Servo>,
    /// What each host's record says of its servos, as its generation writes it.
    hosts: BTreeMap<String, Value>,
}

#[derive(Debug)]
struct Servo {
    id: String,
    region: String,
    generation: String,
    host: String,
    /// Whether a project wants it.
    wanted: bool,
    at: SocketAddr,
    /// Gone once it was stopped.
    listens: Option<TcpListener>,
}

/// How a tool reads the hosts' records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The tool of 2015: it knows the key of the new generation, and takes no row for no servo.
    Of2015,
    /// It knows both keys, and asks the projects as well.
    Mended,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    servos_per_host: usize,
    regions: BTreeMap<String, BTreeMap<String, usize>>,
    orphans: BTreeSet<String>,
}

/// A loopback address of this fleet alone: the port of a servo that was stopped must not be given to
/// another fleet's, which would answer in its place.
fn address() -> Ipv4Addr {
    static FLEETS: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 + FLEETS.fetch_add(1, Ordering::Relaxed) % 64, high, low)
}

impl Fleet {
    /// Starts every servo of a `fleet.yaml`.
    ///
    /// # Errors
    /// A malformed file, or a socket that cannot be had.
    pub fn start(yaml: &str) -> io::Result<Self> {
        let invalid = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
        let file: File = serde_saphyr::from_str(yaml).map_err(|e| invalid(e.to_string()))?;
        let mut fleet = Self { servos: Vec::new(), hosts: BTreeMap::new() };
        let own = address();
        for (region, generations) in &file.regions {
            for (generation, count) in generations {
                for n in 0..*count {
                    let id = format!("{region}-{generation}-{n:03}");
                    let listens = TcpListener::bind((own, 0))?;
                    fleet.servos.push(Servo {
                        host: format!("host-{region}-{generation}-{}", n / file.servos_per_host),
                        region: region.clone(),
                        generation: generation.clone(),
                        wanted: !file.orphans.contains(&id),
                        at: listens.local_addr()?,
                        listens: Some(listens),
                        id,
                    });
                }
            }
        }
        fleet.records();
        Ok(fleet)
    }

    /// Each generation of hosts says under a key of its own what runs on it.
    fn records(&mut self) {
        let mut on: BTreeMap<&str, (&str, Vec<&str>)> = BTreeMap::new();
        for servo in &self.servos {
            let host = on.entry(&servo.host).or_insert((&servo.generation, Vec::new()));
            if servo.wanted {
                host.1.push(&servo.id);
            }
        }
        let record = |(host, (generation, servos)): (&str, (&str, Vec<&str>))| {
            let record = match generation {
                "gen-1" => json!({ "host": host, "containers": servos }),
                _ => json!({ "host": host, "servos": servos }),
            };
            (host.to_owned(), record)
        };
        self.hosts = on.into_iter().map(record).collect();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.servos.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servos.is_empty()
    }

    /// Stops one: nothing listens there any more.
    pub fn stop(&mut self, id: &str) {
        for servo in self.servos.iter_mut().filter(|s| s.id == id) {
            servo.listens = None;
        }
    }

    /// Servos that a project wants and that answer nobody, asked one by one.
    #[must_use]
    pub fn dark(&self) -> Vec<&str> {
        let lost = |s: &&Servo| s.wanted && !answers(s.at);
        self.servos.iter().filter(lost).map(|s| s.id.as_str()).collect()
    }

    /// Everything that runs, with what the tool says of it and what a probe from outside saw.
    #[must_use]
    pub fn listing(&self, reader: Reader, now: Timestamp) -> Listing {
        let source = |name: &str, rows: usize, keeps| Source {
            name: name.into(),
            fetched_at: now,
            newest: Some(now),
            complete: true,
            rows: rows as u64,
            cross_count: Some(rows as u64),
            keeps,
            may_be_empty: false,
            selector: BTreeMap::new(),
        };
        Listing {
            sources: vec![
                source("hosts", self.hosts.len(), true),
                source("projects", self.servos.iter().filter(|s| s.wanted).count(), true),
                source("probe", self.servos.len(), false),
            ],
            resources: self.servos.iter().map(|s| self.resource(s, reader, now)).collect(),
        }
    }

    fn resource(&self, servo: &Servo, reader: Reader, now: Timestamp) -> Resource {
        let record = self.hosts.get(&servo.host).cloned().unwrap_or_default();
        let claim = |kind: &str, source: &str, detail: String, record: Option<Value>| Claim {
            kind: kind.into(),
            source: source.into(),
            at: Some(now),
            record,
            detail,
        };
        let names = |key: &str| {
            let list = record.get(key).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|id| *id == *servo.id))
        };
        let associated = match reader {
            Reader::Of2015 => names("servos"),
            Reader::Mended => names("servos") || names("containers"),
        };
        let (mut live, mut dead) = (Vec::new(), Vec::new());
        if associated {
            let said = format!("the record of {} names it", servo.host);
            live.push(claim("on-host", "hosts", said, Some(record)));
        } else {
            let said = format!("the record of {} does not name it", servo.host);
            dead.push(claim("not-on-host", "hosts", said, Some(record)));
            if reader == Reader::Mended && !servo.wanted {
                let said = "its project was deleted".into();
                dead.push(claim("project-tombstone", "projects", said, None));
            }
        }
        // An orphan's process runs on as well: what nobody asks for, no probe can reach by its name.
        if servo.wanted && answers(servo.at) {
            let said = format!("{} answered", servo.at);
            live.push(claim("answers-probe", "probe", said, None));
        }
        Resource {
            kind: "servo".into(),
            id: servo.id.clone(),
            immutable: BTreeMap::from([("uuid".into(), format!("uuid-of-{}", servo.id))]),
            attributes: BTreeMap::from([
                ("region".into(), servo.region.clone()),
                ("generation".into(), servo.generation.clone()),
            ]),
            state: BTreeMap::from([("status".into(), "running".into())]),
            owner: None,
            domain: Some(servo.host.clone()),
            set: None,
            children: Vec::new(),
            candidate: !associated,
            action: Some("stop".into()),
            dead,
            live,
            protected: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// What can be done to a servo.
    #[must_use]
    pub fn acts() -> Vec<Act> {
        vec![Act {
            action: "stop".into(),
            kind: "servo".into(),
            undo: Some("start".into()),
            risk: Risk::Reversible,
            identity: vec!["uuid".into()],
            precondition: false,
            changes: Vec::new(),
            rehearsed: true,
        }]
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            provider: "servos".into(),
            partition: String::new(),
            account: "production".into(),
            regions: self.servos.iter().map(|s| s.region.clone()).collect(),
            scope: "servos".into(),
        }
    }
}

fn answers(at: SocketAddr) -> bool {
    TcpStream::connect_timeout(&at, PATIENCE).is_ok()
}
