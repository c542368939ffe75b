use serde::{Deserialize, Serialize};

/// The kinds of rule: what a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Rows of declared × configured × observed, by their cells.
    Exposure,
    /// Hosts and roles.
    Inventory,
    /// Journeys of customer configurations.
    Journey,
    /// Live security groups against declared ones.
    Drift,
    /// Permissions of live groups that mean nothing.
    Group,
    /// Waivers.
    Waiver,
}

macro_rules! cases {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $kind:ident),* $(,)?) => {
        /// What a rule of another kind than exposure can be about: a closed list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Case { $($(#[$doc])* $variant),* }

        impl Case {
            /// Every case.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that rules use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The kind of rule that may name it.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind),* }
            }
        }
    };
}

cases! {
    /// A role has fewer live hosts than it must have.
    RoleTooSmall = "role-too-small" Inventory,
    /// A role has more live hosts than it may have.
    RoleTooLarge = "role-too-large" Inventory,
    /// A selector of a role picks no host.
    SelectorMatchesNothing = "selector-matches-nothing" Inventory,
    /// A role requires services, and none of its hosts is live.
    RoleNotLive = "role-not-live" Inventory,
    /// A live host is in no role.
    HostUnknown = "host-unknown" Inventory,
    /// Two roles of one host contradict each other.
    RolesContradict = "roles-contradict" Inventory,
    /// A live host of which nothing answered.
    HostSilent = "host-silent" Inventory,
    /// A fact of a host is not what its role asks for.
    FactViolated = "fact-violated" Inventory,
    /// A fact that must be the same within a role is not.
    FactSkewed = "fact-skewed" Inventory,
    /// Hosts of a role hold values of a fact that may not run side by side.
    FactIncompatible = "fact-incompatible" Inventory,
    /// A fact that a role asks for is not known.
    FactUnknown = "fact-unknown" Inventory,
    /// More hosts are on a new version than may be before the first are proven.
    RolloutTooFast = "rollout-too-fast" Inventory,
    /// No service of a journey works for the clients of a profile.
    JourneyBroken = "journey-broken" Journey,
    /// Probes were made, and none proves a journey for the clients of a profile.
    JourneyUnproven = "journey-unproven" Journey,
    /// Live permissions differ from declared ones, and what can be reached differs with them.
    DriftExposes = "drift-exposes" Drift,
    /// Live permissions differ from declared ones, but nothing that can be reached does.
    DriftHarmless = "drift-harmless" Drift,
    /// Only words differ: descriptions, the group's name.
    DriftWords = "drift-words" Drift,
    /// A declared group is not there.
    GroupMissing = "group-missing" Drift,
    /// A live permission that matches nothing, by its own form.
    PermissionInvalid = "permission-invalid" Group,
    /// A live permission whose peer is gone.
    PermissionStale = "permission-stale" Group,
    /// A waiver whose time is over.
    WaiverExpired = "waiver-expired" Waiver,
    /// A waiver that no finding matches.
    WaiverUnmatched = "waiver-unmatched" Waiver,
}

impl Kind {
    /// The word that rules use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exposure => "exposure",
            Self::Inventory => "inventory",
            Self::Journey => "journey",
            Self::Drift => "drift",
            Self::Group => "group",
            Self::Waiver => "waiver",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_machine_form() {
        for case in Case::ALL {
            assert_eq!(serde_json::to_value(case).ok(), Some(case.name().into()));
        }
    }
}
