//! A bucket of a real NATS server: one writer wins, nothing is forgotten.

use crate::common::{World, skip};
use async_nats::jetstream::{self, stream};
use portcullis::apply::bucket::{Bucket, Place, Written};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) struct Nats {
    child: Child,
    pub(crate) server: String,
    _world: World,
}

impl Nats {
    /// Starts a server on loopback with a bucket `claims`; `None`, and says so, without one.
    pub(crate) fn up() -> Option<Self> {
        let world = World::new();
        let started = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", "-1", "-js", "-sd"])
            .arg(world.folder())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn();
        let Ok(mut child) = started else {
            skip("claims in a NATS bucket: no nats-server");
            return None;
        };
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|l| l.split_once("client connections on ").map(|(_, a)| a.to_owned()))
            .expect("the server says where it listens");
        // It must not stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let nats = Self { child, server: format!("nats://{address}"), _world: world };
        nats.bucket("claims", Duration::ZERO);
        Some(nats)
    }

    fn with<T>(&self, work: impl AsyncFnOnce(jetstream::Context) -> T) -> T {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let client = async_nats::connect(&self.server).await.expect("the server answers");
            work(jetstream::new(client)).await
        })
    }

    fn bucket(&self, name: &str, max_age: Duration) {
        // As `nats kv add` makes it. The client's own call does not read Debian's server.
        let config = stream::Config {
            name: format!("KV_{name}"),
            subjects: vec![format!("$KV.{name}.>")],
            max_messages_per_subject: 1,
            discard: stream::DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            max_age,
            ..Default::default()
        };
        self.with(async |js| {
            // JetStream is ready a moment after the port.
            let until = std::time::Instant::now() + Duration::from_secs(20);
            while let Err(e) = js.create_stream(config.clone()).await {
                assert!(std::time::Instant::now() < until, "no bucket: {e:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }

    fn delete(&self, key: &str) {
        self.with(async |js| {
            let store = js.get_key_value("claims").await.expect("the bucket");
            store.delete(key).await.expect("deleted");
        });
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server, with whatever it was doing.
    pub(crate) fn down(&mut self) {
        let _ = self.child.kill();
        self.child.wait().expect("ended");
    }

    pub(crate) fn place(&self, bucket: &str) -> Place {
        Place { server: self.server.clone(), bucket: bucket.into(), credentials: None }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn of_two_that_create_one_wins_every_time() {
    let Some(nats) = Nats::up() else { return };
    let open = || Bucket::open(&nats.place("claims")).expect("the bucket opens");
    let (one, two) = (open(), open());
    for round in 0..20 {
        let key = format!("claim-{round}");
        let (a, b) = std::thread::scope(|s| {
            let a = s.spawn(|| one.create(&key, b"one"));
            let b = s.spawn(|| two.create(&key, b"two"));
            (a.join().expect("ends").expect("answers"), b.join().expect("ends").expect("answers"))
        });
        let winner: &[u8] = match (a, b) {
            (Written::Yes { .. }, Written::No) => b"one",
            (Written::No, Written::Yes { .. }) => b"two",
            both => panic!("round {round}: {both:?}"),
        };
        assert_eq!(two.read(&key).expect("answers").expect("there").value, winner);
    }
}

#[test]
fn only_over_the_revision_that_was_seen_and_never_again_where_something_was() {
    let Some(nats) = Nats::up() else { return };
    let bucket = Bucket::open(&nats.place("claims")).expect("the bucket opens");
    assert_eq!(bucket.read("k"), Ok(None));
    let Ok(Written::Yes { revision }) = bucket.create("k", b"1") else { panic!("not created") };
    let Ok(Written::Yes { revision: next }) = bucket.replace("k", b"2", revision) else {
        panic!("not replaced")
    };
    assert!(next > revision, "a fence only grows");
    assert_eq!(bucket.replace("k", b"3", revision), Ok(Written::No), "a revision of before");
    assert_eq!(bucket.read("k").expect("answers").expect("there").value, b"2");
    nats.delete("k");
    assert_eq!(bucket.read("k"), Ok(None));
    assert_eq!(bucket.create("k", b"4"), Ok(Written::No), "deleting a claim does not free it");
}

#[test]
fn a_bucket_that_forgets_or_is_not_there_is_refused() {
    let Some(nats) = Nats::up() else { return };
    nats.bucket("forgets", Duration::from_secs(3600));
    let why = |name: &str| match Bucket::open(&nats.place(name)) {
        Ok(_) => panic!("{name} opens"),
        Err(e) => e.to_string(),
    };
    assert!(why("forgets").contains("its entries are gone after 3600s"), "{}", why("forgets"));
    assert!(why("nowhere").contains("nats kv add nowhere"), "{}", why("nowhere"));
}

#[test]
fn a_server_that_is_gone_is_an_error_and_not_an_empty_bucket() {
    let Some(mut nats) = Nats::up() else { return };
    let bucket = Bucket::open(&nats.place("claims")).expect("the bucket opens");
    assert_eq!(bucket.read("k"), Ok(None));
    nats.down();
    assert!(bucket.read("k").is_err());
    assert!(bucket.create("k", b"1").is_err());
    assert!(Bucket::open(&nats.place("claims")).is_err());
}
