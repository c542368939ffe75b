use crate::model::{Confidence, Severity};
use sha2::{Digest, Sha256};

/// What a finding said: all of it that may change while the finding stays the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub severity: Severity,
    pub confidence: Confidence,
    /// How bad it was beside its severity, where that can be counted; at most 2^63 - 1.
    pub measure: Option<u64>,
    pub standing: Standing,
    /// Of a waiver: its owner and end, in words. Empty otherwise.
    pub note: String,
    pub message: String,
}

/// Whether a finding counted in its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Open,
    /// A waiver of the spec covered it.
    Waived,
    /// A baseline knew it.
    Baselined,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 3] = [Self::Open, Self::Waived, Self::Baselined];

    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waived => "waived",
            Self::Baselined => "baselined",
        }
    }
}

impl Content {
    /// Sixteen bytes that differ where any part differs.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        let Self { severity, confidence, measure, standing, note, message } = self;
        let mut hash = Sha256::new();
        // What has none has the digest that it had before there were measures; no severity is 255.
        if let Some(measure) = measure {
            hash.update([255]);
            hash.update(measure.to_be_bytes());
        }
        hash.update([*severity as u8, *confidence as u8, *standing as u8]);
        hash.update((note.len() as u64).to_be_bytes());
        hash.update(note.as_bytes());
        hash.update(message.as_bytes());
        let mut out = [0; 16];
        out.copy_from_slice(&hash.finalize()[..16]);
        out
    }
}
