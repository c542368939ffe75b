//! Sets of numbers kept as sorted, disjoint, inclusive intervals.

/// A number an [`IntervalSet`] can hold: it knows its neighbours and its ends.
pub trait Bound: Copy + Ord + std::fmt::Debug {
    /// The smallest value.
    const MIN: Self;
    /// The largest value.
    const MAX: Self;
    /// The next larger value, or `None` at [`Bound::MAX`].
    fn next(self) -> Option<Self>;
    /// The next smaller value, or `None` at [`Bound::MIN`].
    fn previous(self) -> Option<Self>;
}

macro_rules! bound {
    ($($t:ty),*) => {$(
        impl Bound for $t {
            const MIN: Self = <$t>::MIN;
            const MAX: Self = <$t>::MAX;
            fn next(self) -> Option<Self> { self.checked_add(1) }
            fn previous(self) -> Option<Self> { self.checked_sub(1) }
        }
    )*};
}
bound!(u8, u16, u32, u128);

/// A set of numbers as sorted, disjoint, non-adjacent, inclusive intervals.
///
/// Two sets with the same members are equal and print the same, however they were built.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntervalSet<T>(Vec<(T, T)>);

impl<T> Default for IntervalSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Bound> IntervalSet<T> {
    /// The empty set.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every number of the type.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![(T::MIN, T::MAX)])
    }

    /// One inclusive interval; empty when `low > high`.
    #[must_use]
    pub fn interval(low: T, high: T) -> Self {
        if low > high { Self::empty() } else { Self(vec![(low, high)]) }
    }

    /// Builds the set from intervals in any order, overlapping or not; inverted ones are dropped.
    pub fn from_intervals(intervals: impl IntoIterator<Item = (T, T)>) -> Self {
        let mut all: Vec<(T, T)> = intervals.into_iter().filter(|(l, h)| l <= h).collect();
        all.sort_unstable();
        let mut out: Vec<(T, T)> = Vec::with_capacity(all.len());
        for (low, high) in all {
            match out.last_mut() {
                Some(last) if last.1.next().is_none_or(|n| low <= n) => last.1 = last.1.max(high),
                _ => out.push((low, high)),
            }
        }
        Self(out)
    }

    /// The intervals, sorted, disjoint and not adjacent.
    #[must_use]
    pub fn intervals(&self) -> &[(T, T)] {
        &self.0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything is in the set.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.as_slice() == [(T::MIN, T::MAX)]
    }

    /// Whether `value` is in the set.
    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        let i = self.0.partition_point(|(_, high)| *high < value);
        self.0.get(i).is_some_and(|(low, _)| *low <= value)
    }

    /// Members of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        Self::from_intervals(self.0.iter().chain(&other.0).copied())
    }

    /// Members of both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut i, mut j, mut out) = (0, 0, Vec::new());
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            let (low, high) = (a.0.max(b.0), a.1.min(b.1));
            if low <= high {
                out.push((low, high));
            }
            if a.1 < b.1 { i += 1 } else { j += 1 }
        }
        Self(out)
    }

    /// Members of `self` that are not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        self.intersect(&other.complement())
    }

    /// Everything that is not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut out = Vec::with_capacity(self.0.len() + 1);
        let mut from = Some(T::MIN);
        for (low, high) in &self.0 {
            if let (Some(start), Some(end)) = (from, low.previous())
                && start <= end
            {
                out.push((start, end));
            }
            from = high.next();
        }
        if let Some(start) = from {
            out.push((start, T::MAX));
        }
        Self(out)
    }

    /// Whether every member of `other` is in `self`.
    #[must_use]
    pub fn is_superset(&self, other: &Self) -> bool {
        other.0.iter().all(|(low, high)| {
            let i = self.0.partition_point(|(_, h)| h < low);
            self.0.get(i).is_some_and(|(l, h)| l <= low && high <= h)
        })
    }

    /// Whether the sets share a member.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let (mut i, mut j) = (0, 0);
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            if a.0.max(b.0) <= a.1.min(b.1) {
                return true;
            }
            if a.1 < b.1 { i += 1 } else { j += 1 }
        }
        false
    }

    /// The smallest member.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.0.first().map(|(low, _)| *low)
    }
}

impl<T: Bound> FromIterator<(T, T)> for IntervalSet<T> {
    fn from_iter<I: IntoIterator<Item = (T, T)>>(iter: I) -> Self {
        Self::from_intervals(iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(v: &[(u8, u8)]) -> IntervalSet<u8> {
        v.iter().copied().collect()
    }

    proptest! {
        /// Every operation agrees with the same operation done value by value.
        #[test]
        fn agrees_with_values(a in prop::collection::vec((0u8.., 0u8..), 0..6), b in prop::collection::vec((0u8.., 0u8..), 0..6)) {
            let (a, b) = (set(&a), set(&b));
            let (u, i, s, c) = (a.union(&b), a.intersect(&b), a.subtract(&b), a.complement());
            for v in 0..=255u8 {
                let (x, y) = (a.contains(v), b.contains(v));
                prop_assert_eq!(u.contains(v), x || y);
                prop_assert_eq!(i.contains(v), x && y);
                prop_assert_eq!(s.contains(v), x && !y);
                prop_assert_eq!(c.contains(v), !x);
            }
            prop_assert_eq!(a.is_superset(&b), b.subtract(&a).is_empty());
            prop_assert_eq!(a.intersects(&b), !i.is_empty());
            for w in u.intervals().windows(2) {
                prop_assert!(w[0].1 < w[1].0 - 1, "adjacent intervals are merged");
            }
        }
    }

    #[test]
    fn inverted_is_empty_and_ends_are_reached() {
        assert!(set(&[(9, 3)]).is_empty());
        assert!(set(&[(0, 127), (128, 255)]).is_all());
        assert!(IntervalSet::<u8>::all().complement().is_empty());
    }
}
