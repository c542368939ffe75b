use super::{Certified, Key, Party, Revoked, Trust};
use crate::cleanup::{Reason, Refusal};
use crate::signature::{Certificate, Maker, Untimely};
use jiff::Timestamp;
use ssh_key::public::KeyData;

/// Whose a signature is, and by what. Whether it counts now is [`Holder::counts`]'s to say.
#[derive(Debug, Clone)]
pub struct Holder<'a> {
    pub party: &'a Party,
    by: By<'a>,
}

#[derive(Debug, Clone)]
enum By<'a> {
    Key(&'a Key),
    /// The row of the list, and the certificate of this key that it lets in.
    Certificate(&'a Certified, KeyData, Box<Certificate>),
}

impl Trust {
    /// Whose signature this is.
    ///
    /// A key has one holder: the file is refused where it has two. A certificate is whose authority
    /// and principal the list names; one with the principals of two people is nobody's, and so is
    /// one of a key that the list says is another's.
    #[must_use]
    pub fn holder(&self, maker: &Maker) -> Option<Holder<'_>> {
        let Some(certificate) = &maker.certificate else {
            let (party, key) = self.holder_of_key(&maker.key)?;
            return Some(Holder { party, by: By::Key(key) });
        };
        let rows: Vec<(&Party, &Certified)> =
            self.parties().flat_map(|p| p.certificates.iter().map(move |c| (p, c))).collect();
        if rows.iter().any(|(_, c)| c.authority == maker.key) {
            return None;
        }
        let mut rows = rows.into_iter().filter(|(_, c)| {
            c.authority == certificate.authority && certificate.principals.contains(&c.principal)
        });
        let (party, row) = rows.next()?;
        if rows.any(|(other, _)| other.name != party.name) {
            return None;
        }
        let plain = self.holder_of_key(&maker.key);
        if plain.is_some_and(|(other, _)| other.name != party.name) {
            return None;
        }
        let by = By::Certificate(row, maker.key.clone(), Box::new(certificate.clone()));
        Some(Holder { party, by })
    }

    /// Whose key this is by itself, without a certificate.
    #[must_use]
    pub fn holder_of_key(&self, key: &KeyData) -> Option<(&Party, &Key)> {
        self.parties().find_map(|p| Some((p, p.keys.iter().find(|k| k.key == *key)?)))
    }
}

impl Holder<'_> {
    /// Whether the signature's key counts at an instant: nothing of it was revoked, and it is within
    /// its time, and its certificate's.
    ///
    /// # Errors
    /// [`Reason::KeyRevoked`], [`Reason::NotYet`] and [`Reason::Expired`].
    pub fn counts(&self, revoked: &Revoked, at: Timestamp) -> Result<(), Refusal> {
        let name = &self.party.name;
        let (key, certificate) = match &self.by {
            By::Key(key) => (&key.key, None),
            By::Certificate(_, key, certificate) => (key, Some(certificate.as_ref())),
        };
        if let Some(what) = revoked.gone(key, certificate) {
            return Err(Refusal::new(Reason::KeyRevoked, format!("{what} of {name} was revoked")));
        }
        match &self.by {
            By::Key(key) => key.valid_at(at),
            By::Certificate(_, _, certificate) => certificate.valid_at(at).map_err(|why| {
                let reason = match why {
                    Untimely::Early(_) => Reason::NotYet,
                    Untimely::Late(_) => Reason::Expired,
                };
                Refusal::new(reason, format!("the certificate of {name}: {why}"))
            }),
        }
    }

    /// When the key stops counting, where it does.
    #[must_use]
    pub fn valid_before(&self) -> Option<Timestamp> {
        match &self.by {
            By::Key(key) => key.valid_before,
            By::Certificate(_, _, certificate) => Some(certificate.valid_before),
        }
    }

    /// The name by which stock OpenSSH knows whose it is.
    #[must_use]
    pub fn principal(&self) -> &str {
        match &self.by {
            By::Key(_) => &self.party.name,
            By::Certificate(row, ..) => &row.principal,
        }
    }

    /// The authority that says whose the key is, as `SHA256:…`; `None` where the list itself does.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        match &self.by {
            By::Key(_) => None,
            By::Certificate(row, ..) => Some(&row.fingerprint),
        }
    }
}
