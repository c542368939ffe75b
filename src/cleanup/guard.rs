/// Something that holds a cleanup back. Each has a scenario that only it can hold, and a scenario
/// that does damage when all are off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Guard {
    // Of sources.
    Complete,
    Floor,
    Delta,
    Fresh,
    Filter,
    Selector,
    // Of items.
    Protected,
    Live,
    Conflict,
    UnknownItem,
    Shape,
    Defaulted,
    Independent,
    Descendant,
    // Of strata and of the whole.
    Controls,
    DeadControls,
    AllDead,
    Anomaly,
    UnknownShare,
    Unproven,
    SelectsEverything,
    Minimum,
    Spread,
    Caps,
    Ramp,
    Day,
    // At the act.
    Identity,
    State,
    CameAlive,
    StillDead,
    Role,
    Width,
    Precondition,
    Throttle,
    Floors,
    Receipt,
    Health,
}

impl Guard {
    pub const ALL: [Self; 37] = [
        Self::Complete,
        Self::Floor,
        Self::Delta,
        Self::Fresh,
        Self::Filter,
        Self::Selector,
        Self::Protected,
        Self::Live,
        Self::Conflict,
        Self::UnknownItem,
        Self::Shape,
        Self::Defaulted,
        Self::Independent,
        Self::Descendant,
        Self::Controls,
        Self::DeadControls,
        Self::AllDead,
        Self::Anomaly,
        Self::UnknownShare,
        Self::Unproven,
        Self::SelectsEverything,
        Self::Minimum,
        Self::Spread,
        Self::Caps,
        Self::Ramp,
        Self::Day,
        Self::Identity,
        Self::State,
        Self::CameAlive,
        Self::StillDead,
        Self::Role,
        Self::Width,
        Self::Precondition,
        Self::Throttle,
        Self::Floors,
        Self::Receipt,
        Self::Health,
    ];
}

/// Which guards are on. The released program knows [`Guards::all`] alone; only the demo and tests
/// switch any off (`tests/cleanup/guards.rs` reads `src/` for that).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards(u64);

impl Guards {
    /// Every guard: what the program runs with.
    #[must_use]
    pub const fn all() -> Self {
        Self(u64::MAX)
    }

    /// No guard at all: what does the damage.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// One guard alone, so that nothing else can hold its case.
    #[must_use]
    pub const fn only(guard: Guard) -> Self {
        Self(1 << guard as u8)
    }

    /// With another one.
    #[must_use]
    pub const fn with(self, guard: Guard) -> Self {
        Self(self.0 | 1 << guard as u8)
    }

    /// All but one.
    #[must_use]
    pub const fn without(self, guard: Guard) -> Self {
        Self(self.0 & !(1 << guard as u8))
    }

    #[must_use]
    pub const fn has(self, guard: Guard) -> bool {
        self.0 & (1 << guard as u8) != 0
    }
}
