use crate::observation::State;
use crate::reach::{Configured, Verdict};
use serde::{Deserialize, Serialize};

/// Gives a closed set of words its list, its names and its place in a bit set.
macro_rules! cell {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that rules use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Its bit in a set of cells.
            #[must_use]
            pub const fn bit(self) -> u16 {
                1 << self as u16
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

cell! {
    /// What the spec says of a row.
    Declared {
        Required = "required",
        Allowed = "allowed",
        Absent = "absent",
        Forbidden = "forbidden",
    }
}

cell! {
    /// The configured cell as the rules see it.
    ConfiguredCell {
        Permitted = "permitted",
        Partly = "partly",
        Blocked = "blocked",
        Unknown = "unknown",
        NotApplicable = "not-applicable",
    }
}

cell! {
    /// The observed cell as the rules see it: `open` split by confirmation, a refusal by whether the
    /// target itself is known to have sent it.
    ObservedCell {
        OpenConfirmed = "open-confirmed",
        OpenUnconfirmed = "open-unconfirmed",
        WrongService = "wrong-service",
        /// By the target itself.
        Refused = "refused",
        /// By the target or by something before it: nothing shows which.
        RefusedUnplaced = "refused-unplaced",
        Rejected = "rejected",
        Unreachable = "unreachable",
        Silent = "silent",
        Unproven = "unproven",
        Failed = "failed",
        Unprobed = "unprobed",
    }
}

cell! {
    /// What the declared service must prove.
    Expects {
        /// A completed handshake is enough; also where nothing is declared.
        Connect = "connect",
        /// The network path is enough.
        Path = "path",
        /// A protocol must be recognised, so a bare handshake proves too little.
        Protocol = "protocol",
    }
}

/// The typed cells of a row: what `when:` of a rule matches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cells {
    pub declared: Declared,
    pub configured: ConfiguredCell,
    pub observed: ObservedCell,
    pub expects: Expects,
    pub disagreement: bool,
    pub covered: bool,
}

impl ConfiguredCell {
    /// The cell of an answer.
    #[must_use]
    pub const fn of(configured: &Configured) -> Self {
        match configured.verdict() {
            Verdict::Permitted => Self::Permitted,
            Verdict::Partly => Self::Partly,
            Verdict::Blocked => Self::Blocked,
            Verdict::Unknown => Self::Unknown,
            Verdict::NotApplicable => Self::NotApplicable,
        }
    }
}

impl ObservedCell {
    /// The cell of a state; `confirmed` matters for `open`, and for `refused`, where it says that the
    /// target itself refused.
    #[must_use]
    pub const fn of(state: State, confirmed: bool) -> Self {
        match state {
            State::Open if confirmed => Self::OpenConfirmed,
            State::Open => Self::OpenUnconfirmed,
            State::WrongService => Self::WrongService,
            State::Refused if confirmed => Self::Refused,
            State::Refused => Self::RefusedUnplaced,
            State::Rejected => Self::Rejected,
            State::Unreachable => Self::Unreachable,
            State::Silent => Self::Silent,
            State::Unproven => Self::Unproven,
            State::Failed => Self::Failed,
            State::Unprobed => Self::Unprobed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_machine_form() {
        for cell in ObservedCell::ALL {
            assert_eq!(serde_json::to_value(cell).ok(), Some(cell.name().into()));
        }
        for cell in ConfiguredCell::ALL {
            assert_eq!(serde_json::to_value(cell).ok(), Some(cell.name().into()));
        }
    }
}
