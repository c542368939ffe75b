//! OpenSSH's binary list of revoked keys (`ssh-keygen -k`), by its PROTOCOL.krl.
//!
//! It is read to its end or not at all: a section, an option or a key that is not understood could
//! be the one that revokes, so that none of the list counts then.

use super::wire::Wire;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use ssh_key::PublicKey;
use ssh_key::public::KeyData;
use std::collections::BTreeSet;

/// What every KRL begins with.
const MAGIC: &[u8] = b"SSHKRL\n\0";
const FORMAT: u32 = 1;

/// Kinds of sections. There are signatures (4) and extensions (255) as well, which say more than is
/// understood here.
const CERTIFICATES: u8 = 1;
const EXPLICIT_KEYS: u8 = 2;
const SHA1S: u8 = 3;
const SHA256S: u8 = 5;
/// … and of those within a section of certificates.
const SERIALS: u8 = 0x20;
const RANGE: u8 = 0x21;
const BITMAP: u8 = 0x22;
const KEY_IDS: u8 = 0x23;
/// A bitmap of some megabytes could name one for every second bit.
const MAX_RANGES: usize = 1_000_000;

/// A KRL that was understood to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Krl {
    /// As they stand on the wire.
    keys: BTreeSet<Vec<u8>>,
    sha1s: BTreeSet<[u8; 20]>,
    sha256s: BTreeSet<[u8; 32]>,
    certificates: Vec<OfAuthority>,
}

/// Certificates that one authority made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OfAuthority {
    /// As it stands on the wire; `None` for every authority.
    authority: Option<Vec<u8>>,
    /// First and last of each range.
    serials: Vec<(u64, u64)>,
    key_ids: BTreeSet<Vec<u8>>,
}

impl Krl {
    /// Whether these bytes mean to be one.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads one.
    ///
    /// # Errors
    /// The first thing that is not understood.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut wire = Wire::new(bytes);
        if wire.take(MAGIC.len())? != MAGIC {
            return Err("it is no KRL".into());
        }
        let format = wire.word()?;
        if format != FORMAT {
            return Err(format!("it has the format {format}, and {FORMAT} is understood"));
        }
        // Its number and date say which list this is, not what it revokes.
        let (_number, _date, flags) = (wire.long()?, wire.long()?, wire.long()?);
        if flags != 0 || !wire.string()?.is_empty() {
            return Err("it has flags or words that nobody knows yet".into());
        }
        let _comment = wire.string()?;
        let mut krl = Self::default();
        while !wire.is_empty() {
            let (kind, section) = (wire.byte()?, Wire::new(wire.string()?));
            krl.section(kind, section).map_err(|why| format!("a section of kind {kind}: {why}"))?;
        }
        Ok(krl)
    }

    fn section(&mut self, kind: u8, mut section: Wire<'_>) -> Result<(), String> {
        if kind == CERTIFICATES {
            self.certificates.push(OfAuthority::read(section)?);
            return Ok(());
        }
        if ![EXPLICIT_KEYS, SHA1S, SHA256S].contains(&kind) {
            return Err("it is not understood".into());
        }
        while !section.is_empty() {
            let entry = section.string()?;
            match kind {
                EXPLICIT_KEYS => {
                    key(entry)?;
                    self.keys.insert(entry.to_vec());
                }
                SHA1S => {
                    self.sha1s.insert(digest(entry)?);
                }
                _ => {
                    self.sha256s.insert(digest(entry)?);
                }
            }
        }
        Ok(())
    }

    /// Whether a key was revoked, by itself or by its fingerprint.
    #[must_use]
    pub fn has(&self, key: &KeyData) -> bool {
        // What has no bytes cannot be looked for, and counts for nobody.
        PublicKey::from(key.clone()).to_bytes().map_or(true, |blob| self.has_blob(&blob))
    }

    fn has_blob(&self, blob: &[u8]) -> bool {
        self.keys.contains(blob)
            || self.sha1s.contains(&<[u8; 20]>::from(Sha1::digest(blob)))
            || self.sha256s.contains(&<[u8; 32]>::from(Sha256::digest(blob)))
    }

    /// Whether a certificate of this authority was revoked by its serial or its key id. Its key and
    /// its authority are asked for by [`Self::has`].
    #[must_use]
    pub fn has_certificate(&self, authority: &KeyData, serial: u64, key_id: &str) -> bool {
        let Ok(authority) = PublicKey::from(authority.clone()).to_bytes() else { return true };
        self.certificates
            .iter()
            .filter(|of| of.authority.as_ref().is_none_or(|a| *a == authority))
            .any(|of| of.has(serial, key_id))
    }
}

impl OfAuthority {
    fn read(mut wire: Wire<'_>) -> Result<Self, String> {
        let authority = wire.string()?;
        if !authority.is_empty() {
            key(authority)?;
        }
        if !wire.string()?.is_empty() {
            return Err("it has words that nobody knows yet".into());
        }
        let authority = (!authority.is_empty()).then(|| authority.to_vec());
        let mut of = Self { authority, serials: Vec::new(), key_ids: BTreeSet::new() };
        while !wire.is_empty() {
            let (kind, part) = (wire.byte()?, Wire::new(wire.string()?));
            of.part(kind, part).map_err(|why| format!("a part of kind {kind:#x}: {why}"))?;
        }
        Ok(of)
    }

    fn part(&mut self, kind: u8, mut part: Wire<'_>) -> Result<(), String> {
        match kind {
            SERIALS => {
                while !part.is_empty() {
                    let serial = part.long()?;
                    self.range(serial, serial)?;
                }
                Ok(())
            }
            RANGE => {
                let (first, last) = (part.long()?, part.long()?);
                self.range(first, last)?;
                part.end()
            }
            BITMAP => {
                let (first, bits) = (part.long()?, part.string()?);
                self.bitmap(first, bits)?;
                part.end()
            }
            KEY_IDS => {
                while !part.is_empty() {
                    let id = part.string()?;
                    if id.is_empty() || id.contains(&0) {
                        return Err("a key id is empty or holds a NUL".into());
                    }
                    self.key_ids.insert(id.to_vec());
                }
                Ok(())
            }
            _ => Err("it is not understood".into()),
        }
    }

    /// A certificate without a number has the serial 0: no list means all of those.
    fn range(&mut self, first: u64, last: u64) -> Result<(), String> {
        if first == 0 || last < first {
            return Err(format!("{first} to {last} are no serials"));
        }
        if self.serials.len() == MAX_RANGES {
            return Err(format!("it has more than {MAX_RANGES} ranges"));
        }
        self.serials.push((first, last));
        Ok(())
    }

    /// The last bit is `first`, each before it one more. It is a number as SSH writes them: without
    /// leading zeros but for one that keeps it from being negative.
    fn bitmap(&mut self, first: u64, bits: &[u8]) -> Result<(), String> {
        match bits {
            [0, second, ..] if *second & 0x80 == 0 => return Err("it is padded".into()),
            [0] => return Err("it is padded".into()),
            [top, ..] if *top & 0x80 != 0 => return Err("it is negative".into()),
            _ => {}
        }
        let mut run: Option<(u64, u64)> = None;
        for (at, byte) in (0u64..).zip(bits.iter().rev()) {
            for bit in (0u64..8).filter(|bit| byte & (1 << bit) != 0) {
                let serial = first.checked_add(at * 8 + bit).ok_or("it goes beyond all serials")?;
                run = match run {
                    Some((from, to)) if to.checked_add(1) == Some(serial) => Some((from, serial)),
                    Some((from, to)) => {
                        self.range(from, to)?;
                        Some((serial, serial))
                    }
                    None => Some((serial, serial)),
                };
            }
        }
        run.map_or(Ok(()), |(from, to)| self.range(from, to))
    }

    fn has(&self, serial: u64, key_id: &str) -> bool {
        self.key_ids.contains(key_id.as_bytes())
            || self.serials.iter().any(|(first, last)| (*first..=*last).contains(&serial))
    }
}

/// A key, in the one spelling that it has. Which kinds count for something is not asked here.
fn key(blob: &[u8]) -> Result<(), String> {
    let read = PublicKey::from_bytes(blob).map_err(|e| format!("a key cannot be read: {e}"))?;
    match read.to_bytes() {
        Ok(again) if again == blob => Ok(()),
        _ => Err("a key is not written as OpenSSH writes it".into()),
    }
}

fn digest<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("a digest has {} bytes, not {N}", bytes.len()))
}
