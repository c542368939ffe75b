//! Binary lists of revoked keys, as stock OpenSSH makes and reads them: many lists, and every key and
//! certificate asked of both.

use crate::common::{World, skip};
use portcullis::signature::Krl;
use ssh_key::PublicKey;
use ssh_key::public::KeyData;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Lists that are made; each is asked about everything.
const LISTS: usize = 60;

/// Serials of certificates, on both sides of what the lists name. 0 is a certificate without one.
const SERIALS: [u64; 12] = [0, 1, 2, 7, 8, 63, 64, 65, 100, 199, 4_294_967_301, u64::MAX];

/// Xorshift: the same lists in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % below
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.roll(list.len() as u64);
        &list[usize::try_from(at).expect("an index")]
    }
}

/// Something that can be revoked.
struct Thing {
    /// Its `.pub` file.
    file: String,
    key: KeyData,
    /// Authority, serial and key id, where it is a certificate.
    certificate: Option<(KeyData, u64, String)>,
}

impl Thing {
    fn revoked(&self, list: &Krl) -> bool {
        list.has(&self.key)
            || self.certificate.as_ref().is_some_and(|(authority, serial, id)| {
                list.has(authority) || list.has_certificate(authority, *serial, id)
            })
    }
}

const KEYS: [(&str, &str); 4] =
    [("one", "ed25519"), ("two", "ecdsa"), ("three", "ed25519"), ("four", "rsa")];
const AUTHORITIES: [(&str, &str); 2] = [("ca", "ed25519"), ("other-ca", "ecdsa")];

fn run(world: &World, arguments: &[&str]) -> String {
    let ran = world.openssh("ssh-keygen", arguments, b"");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let words = String::from_utf8_lossy(&ran.stderr);
    // A query ends with 1 where something was revoked.
    assert!(ran.status.success() || arguments[0] == "-Q", "{arguments:?}: {words}");
    said
}

fn key(world: &World, name: &str) -> KeyData {
    PublicKey::from_openssh(&world.public(name)).expect("a key").key_data().clone()
}

/// Keys, their authorities, and certificates of every serial by each authority.
fn things(world: &World) -> Vec<Thing> {
    let mut things = Vec::new();
    for (name, kind) in KEYS.iter().chain(&AUTHORITIES) {
        assert!(world.makes_key(name, kind, &[]), "{name}");
        let file = format!("{name}.pub");
        things.push(Thing { file, key: key(world, name), certificate: None });
    }
    for (authority, _) in AUTHORITIES {
        for (n, serial) in SERIALS.iter().enumerate() {
            let (name, _) = KEYS[n % 3];
            let id = format!("id-{}", n % 5);
            let (serial_text, public) = (serial.to_string(), format!("{name}.pub"));
            run(world, &["-q", "-s", authority, "-I", &id, "-n", "p", "-z", &serial_text, &public]);
            let file = format!("{authority}-{n}-cert.pub");
            std::fs::rename(
                world.folder().join(format!("{name}-cert.pub")),
                world.folder().join(&file),
            )
            .expect("moved");
            let certificate = Some((key(world, authority), *serial, id));
            things.push(Thing { file, key: key(world, name), certificate });
        }
    }
    things
}

/// What `ssh-keygen -k` is told to revoke: a few things, or many serials in a row.
fn words(dice: &mut Dice) -> String {
    let mut out = String::from("# lost\n");
    for _ in 0..=dice.roll(4) {
        let _ = match dice.roll(7) {
            0 => writeln!(out, "serial: {}", dice.of(&SERIALS[1..])),
            1 => {
                let from = 1 + dice.roll(100);
                writeln!(out, "serial: {from}-{}", from + 1 + dice.roll(120))
            }
            // Every few: a bitmap is the shortest way to say so.
            2 => {
                let step = 2 + dice.roll(3);
                (1..=60 + dice.roll(90)).try_for_each(|n| writeln!(out, "serial: {}", n * step))
            }
            3 => writeln!(out, "serial: {}-{}", u64::MAX - 1 - dice.roll(3), u64::MAX),
            _ => writeln!(out, "id: id-{}", dice.roll(8)),
        };
    }
    out
}

/// A list in one to three rounds, each of another authority or of keys.
fn list(world: &World, dice: &mut Dice) -> Vec<u8> {
    let rounds = 1 + dice.roll(3);
    for round in 0..rounds {
        let authority = *dice.of(&["ca.pub", "other-ca.pub", "none", "keys"]);
        let mut arguments = vec!["-q", "-k", "-f", "list"];
        if round > 0 {
            arguments.push("-u");
        }
        if authority == "keys" {
            let how = *dice.of(&["key", "sha1", "sha256"]);
            let (name, _) = dice.of(&KEYS);
            world.file("words", format!("{how}: {}\n", world.public(name)));
        } else {
            arguments.extend(["-s", authority]);
            world.file("words", words(dice));
        }
        arguments.push("words");
        run(world, &arguments);
    }
    std::fs::read(world.folder().join("list")).expect("the list")
}

/// The kinds of sections, and where they end. Of certificates, the kinds of their parts too.
fn sections(bytes: &[u8]) -> (BTreeSet<u8>, Vec<usize>) {
    let word = |at: usize| {
        let bytes: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes) as usize
    };
    let over = |at: usize| at + 4 + word(at);
    let mut at = over(over(8 + 4 + 3 * 8));
    let (mut kinds, mut ends) = (BTreeSet::new(), vec![at]);
    while at < bytes.len() {
        let (kind, end) = (bytes[at], over(at + 1));
        kinds.insert(kind);
        if kind == 1 {
            let mut part = over(over(at + 5));
            while part < end {
                kinds.insert(bytes[part]);
                part = over(part + 1);
            }
        }
        at = end;
        ends.push(at);
    }
    (kinds, ends)
}

#[test]
fn stock_openssh_and_we_read_the_same_of_every_list() {
    let world = World::new();
    if std::process::Command::new("ssh-keygen").arg("-?").output().is_err() {
        return skip("binary lists of revoked keys need ssh-keygen (openssh-client)");
    }
    let things = things(&world);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut seen, mut revoked, mut asked) = (BTreeSet::new(), 0, 0);
    for n in 0..LISTS {
        let bytes = list(&world, &mut dice);
        let ours = Krl::parse(&bytes).unwrap_or_else(|e| panic!("list {n}: {e}"));
        let mut query = vec!["-Q", "-f", "list"];
        query.extend(things.iter().map(|t| t.file.as_str()));
        let said = run(&world, &query);
        assert_eq!(said.lines().count(), things.len(), "{said}");
        for (thing, line) in things.iter().zip(said.lines()) {
            assert!(line.starts_with(&thing.file), "{line}");
            let theirs = line.ends_with("REVOKED");
            assert!(theirs || line.ends_with("ok"), "{line}");
            assert_eq!(thing.revoked(&ours), theirs, "list {n}: {line}");
            revoked += usize::from(theirs);
            asked += 1;
        }
        let (kinds, ends) = sections(&bytes);
        seen.extend(kinds);
        // Cut anywhere but between two sections, it is no list.
        for end in 0..bytes.len() {
            assert_eq!(Krl::parse(&bytes[..end]).is_ok(), ends.contains(&end), "list {n}: {end}");
        }
    }
    println!("{LISTS} lists, {asked} answers, {revoked} of them revoked, kinds {seen:x?}");
    assert_eq!(seen, BTreeSet::from([1, 2, 3, 5, 0x20, 0x21, 0x22, 0x23]), "every kind was there");
    assert!(revoked > asked / 20 && revoked < asked / 2, "{revoked} of {asked}");
}

#[test]
fn what_is_not_understood_is_no_list() {
    let head = |format: u32, flags: u64, reserved: &[u8]| {
        let mut out = b"SSHKRL\n\0".to_vec();
        out.extend(format.to_be_bytes());
        out.extend([0; 16]);
        out.extend(flags.to_be_bytes());
        out.extend(string(reserved));
        out.extend(string(b"a comment"));
        out
    };
    let with = |kind: u8, section: &[u8]| {
        let mut out = head(1, 0, b"");
        out.push(kind);
        out.extend(string(section));
        Krl::parse(&out)
    };
    let serials = |kind: u8, part: &[u8]| {
        let mut section = [string(b""), string(b"")].concat();
        section.push(kind);
        section.extend(string(part));
        with(1, &section)
    };
    let two = |a: u64, b: u64| [a.to_be_bytes(), b.to_be_bytes()].concat();
    let bits = |first: u64, bits: &[u8]| [&first.to_be_bytes()[..], &string(bits)].concat();
    assert!(Krl::parse(&head(1, 0, b"")).is_ok());
    assert!(serials(0x20, &two(1, 2)).is_ok() && serials(0x21, &two(1, 2)).is_ok());
    assert!(serials(0x22, &bits(1, &[1])).is_ok());
    for (read, why) in [
        (Krl::parse(b"SSHKRL\n"), "ends early"),
        (Krl::parse(&head(2, 0, b"")), "the format 2"),
        (Krl::parse(&head(1, 1, b"")), "nobody knows yet"),
        (Krl::parse(&head(1, 0, b"x")), "nobody knows yet"),
        (with(0, b""), "not understood"),
        (with(4, b""), "not understood"),
        (with(6, b""), "not understood"),
        (with(255, b""), "not understood"),
        (with(2, &string(b"no key")), "cannot be read"),
        (with(3, &string(&[0; 32])), "32 bytes, not 20"),
        (with(5, &string(&[0; 20])), "20 bytes, not 32"),
        (with(5, &[0, 0]), "ends early"),
        (with(1, &string(b"no key")), "cannot be read"),
        (with(1, &[string(b""), string(b"x")].concat()), "nobody knows yet"),
        (serials(0x24, b""), "not understood"),
        (serials(0x39, b""), "not understood"),
        (serials(0x20, &two(1, 0)), "0 to 0 are no serials"),
        (serials(0x20, &[0; 7]), "ends early"),
        (serials(0x21, &two(2, 1)), "2 to 1 are no serials"),
        (serials(0x21, &two(0, 1)), "0 to 1 are no serials"),
        (serials(0x21, &[two(1, 2), two(3, 4)].concat()), "follows its end"),
        (serials(0x22, &bits(0, &[1])), "0 to 0 are no serials"),
        (serials(0x22, &bits(u64::MAX, &[2])), "beyond all serials"),
        (serials(0x22, &bits(1, &[0x80])), "negative"),
        (serials(0x22, &bits(1, &[0, 1])), "padded"),
        (serials(0x23, &string(b"")), "empty"),
        (serials(0x23, &string(b"a\0b")), "NUL"),
    ] {
        let error = read.expect_err(why);
        assert!(error.contains(why), "{why}: {error}");
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes()[..], bytes].concat()
}
