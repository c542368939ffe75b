use super::plan::Phase;
use super::policy::StratumLimits;
use super::stats::ln_fisher;
use super::stratum::{Class, Counts};
use super::{Digest, Guard, Guards, Memory, Reason, Refusal};

/// What strata are held by.
pub(super) struct Holding<'a> {
    /// Whether the listing is all that there is; else no share of it means anything.
    pub(super) whole_known: bool,
    pub(super) limits: &'a StratumLimits,
    pub(super) memory: Option<&'a Memory>,
    /// `None` where nobody knows by what things were called dead.
    pub(super) classifier: Option<&'a Digest>,
    pub(super) everything: Counts,
    pub(super) phase: Phase,
    pub(super) guards: Guards,
}

impl Holding<'_> {
    /// Why nothing of a class is planned, the gravest first; empty where it may be.
    pub(super) fn holds(&self, class: &Class) -> Vec<Refusal> {
        let mut found = Vec::new();
        let (counts, called) = (&class.counts, self.called());
        let mut hold = |guard: Guard, reason: Reason, says: String| {
            if self.guards.has(guard) {
                found.push(Refusal::new(reason, says));
            }
        };
        let [right, live] = counts.live;
        if right < live {
            let says = format!(
                "{} of {live} things that are proven live are called {called}",
                live - right
            );
            hold(Guard::Controls, Reason::ControlLiveHit, says);
        }
        let [seen, dead] = counts.dead;
        if seen < dead {
            let says =
                format!("{} of {dead} things that were planted dead are not found", dead - seen);
            hold(Guard::DeadControls, Reason::ControlDeadMissed, says);
        }
        if !self.whole_known {
            let says = "nobody listed what else there is".to_owned();
            hold(Guard::Unproven, Reason::StratumUnproven, says);
            return found;
        }
        let (size, hits) = counts.tested();
        if hits >= self.limits.share_from && hits == size {
            let says = format!("all {size} of it are called {called}");
            hold(Guard::AllDead, Reason::StratumAllDead, says);
        }
        if let Some(says) = self.anomaly(size, hits) {
            hold(Guard::Anomaly, Reason::StratumAnomaly, says);
        }
        if u64::from(counts.unknown) * 100
            > u64::from(counts.population) * u64::from(self.limits.unknown_percent)
        {
            let says = format!(
                "{} of {} are unknown: more than {} %",
                counts.unknown, counts.population, self.limits.unknown_percent
            );
            hold(Guard::UnknownShare, Reason::StratumUnknown, says);
        }
        if let Some((reason, says)) = self.unproven(class) {
            hold(Guard::Unproven, reason, says);
        }
        found
    }

    /// What candidates are said to be.
    fn called(&self) -> &'static str {
        match self.phase {
            Phase::Quarantine | Phase::Delete => "dead",
            Phase::Repair => "missing",
        }
    }

    fn anomaly(&self, size: u32, hits: u32) -> Option<String> {
        let (limits, called) = (self.limits, self.called());
        let percent = u64::from(hits) * 100;
        if hits >= limits.share_from
            && hits < size
            && percent >= u64::from(size) * u64::from(limits.share_percent)
        {
            return Some(format!(
                "{hits} of {size} are called {called}: {} %",
                percent / u64::from(size)
            ));
        }
        // What is missing is missing together: whoever empties a group takes all of it, and all that could be
        // missing is of one type. There that candidates concentrate says nothing; that most of a class are
        // candidates does, and so do its controls.
        if self.phase == Phase::Repair {
            return None;
        }
        let (all, all_hits) = self.everything.tested();
        if hits < limits.fisher_from || size >= all {
            return None;
        }
        let ln = ln_fisher(hits, size, all_hits, all);
        (ln < limits.fisher_p.ln()).then(|| {
            format!(
                "{hits} of {size} are called dead, and {} of {} elsewhere: by chance once in 1e{:.0} (Fisher's exact test)",
                all_hits - hits,
                all - size,
                -ln / std::f64::consts::LN_10
            )
        })
    }

    /// Pairs are cells of strata that are proven by themselves: one with fewer members than a set of
    /// controls has says nothing, and which pairs there are changes from run to run.
    fn unproven(&self, class: &Class) -> Option<(Reason, String)> {
        let counts = &class.counts;
        if counts.noted[0] == counts.population {
            // It is meant to go whole: what lives elsewhere proves the classifier.
            return None;
        }
        let wanted = self.wanted(class);
        let [right, _] = counts.live;
        if right < wanted {
            let says =
                format!("{right} of it are proven live and not called dead, {wanted} must be");
            return Some((Reason::StratumUnproven, says));
        }
        if class.key.len() > 1 {
            return None;
        }
        let shadow = |says: &str| Some((Reason::Shadow, says.to_owned()));
        match (self.memory, self.classifier) {
            (_, None) => {
                shadow("nobody knows by what things were called dead: nothing of it is proven")
            }
            (None, Some(_)) => shadow("the first run: it learns what the next one may plan"),
            (Some(memory), Some(classifier)) if memory.classifier != *classifier => shadow(
                "the adapter or its rules have changed: this run learns what the next one may plan",
            ),
            (Some(memory), Some(classifier)) if !memory.knows(classifier, &class.key) => {
                let says = "no run before has seen it with its controls right";
                Some((Reason::StratumUnproven, says.to_owned()))
            }
            _ => None,
        }
    }

    /// Live controls that a class needs.
    fn wanted(&self, class: &Class) -> u32 {
        let others = class.counts.population - class.counts.candidates;
        let all = self.limits.live_controls;
        if class.key.len() > 1 && class.counts.population <= all {
            0
        } else {
            all.min(others).max(1)
        }
    }

    /// Whether the next run may take a class as seen before: its controls are there and right.
    pub(super) fn proves(&self, class: &Class) -> bool {
        let [right, live] = class.counts.live;
        class.key.len() < 2 && right == live && right >= self.wanted(class)
    }
}
