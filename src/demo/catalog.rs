/// One incident of product.md.
#[derive(Debug, Clone, Copy)]
pub struct Incident {
    /// The name `demo NAME` takes, and its folder in `fixtures/incidents/`.
    pub name: &'static str,
    pub date: &'static str,
    pub title: &'static str,
    /// What happened, as published by those it happened to.
    pub story: &'static str,
    pub replay: Replays,
}

/// How an incident is replayed.
#[derive(Debug, Clone, Copy)]
pub enum Replays {
    /// By an audit of its hosts.
    Audit(Replay),
    /// By planning its cleanup anew.
    Cleanup(Reaping),
    /// Not yet; what has to be built first.
    Waits(&'static str),
}

/// The files of an incident of cleanup.
#[derive(Debug, Clone, Copy)]
pub struct Reaping {
    /// What runs, and what of it nobody wants.
    pub fleet: &'static str,
    /// The caps.
    pub policy: &'static str,
}

/// The files of an incident's folder.
#[derive(Debug, Clone, Copy)]
pub struct Replay {
    pub spec: &'static str,
    pub snapshot: &'static str,
    pub world: &'static str,
    /// Facts of its hosts, as a file gives them.
    pub facts: Option<&'static str>,
    /// The vantage the team's own tests ran from.
    pub blind: &'static str,
}

macro_rules! replay {
    ($name:literal, blind = $blind:literal) => { replay!(@ $name, $blind, None) };
    ($name:literal, blind = $blind:literal, facts) => {
        replay!(@ $name, $blind, Some(include_str!(concat!(
            "../../fixtures/incidents/", $name, "/facts.json"
        ))))
    };
    (@ $name:literal, $blind:literal, $facts:expr) => {
        Replays::Audit(Replay {
            spec: include_str!(concat!("../../fixtures/incidents/", $name, "/spec.yaml")),
            snapshot: include_str!(concat!("../../fixtures/incidents/", $name, "/snapshot.json")),
            world: include_str!(concat!("../../fixtures/incidents/", $name, "/world.yaml")),
            facts: $facts,
            blind: $blind,
        })
    };
}

/// The incidents Portcullis exists for, in the order `demo --list` shows them.
pub const CATALOG: &[Incident] = &[
    Incident {
        name: "tokbox-2019",
        date: "2019-09-10",
        title: "a port not open to the internet",
        story: "Three new video servers entered rotation. One port was not open to the internet. \
                Every test passed, because every test ran from inside; customers reported it.",
        replay: replay!("tokbox-2019", blind = "inside"),
    },
    Incident {
        name: "api-video-2020-origin",
        date: "2020",
        title: "one region's origins refuse what the others serve",
        story: "One region's origins answered \"access temporarily restricted\" for some files. \
                A check from any other region was green.",
        replay: replay!("api-video-2020-origin", blind = "europe"),
    },
    Incident {
        name: "xervo-2015",
        date: "2015-07-22",
        title: "an auditing tool reaps live servers of an older generation",
        story: "A new tool deprovisioned live servos as orphans, only on the previous generation \
                of hosts, whose records had another shape.",
        replay: Replays::Cleanup(Reaping {
            fleet: include_str!("../../fixtures/incidents/xervo-2015/fleet.yaml"),
            policy: include_str!("../../fixtures/incidents/xervo-2015/policy.yaml"),
        }),
    },
    Incident {
        name: "tokbox-2018",
        date: "2018-02-15",
        title: "a JVM bug on hosts nobody knew were old",
        story: "API servers on JDK 1.8.0_45 crashed after a TLS change; 8u152 had the fix.",
        replay: replay!("tokbox-2018", blind = "inside", facts),
    },
    Incident {
        name: "tokbox-2017",
        date: "2017-02-23",
        title: "mixed versions in rotation",
        story: "One server with a new, incompatible build joined the pool; sessions broke across \
                versions, and those made in between broke again after the rollback.",
        replay: replay!("tokbox-2017", blind = "inside", facts),
    },
    Incident {
        name: "api-video-2020",
        date: "2020-10-08",
        title: "the DNS provider is gone",
        story: "The provider's domains vanished from the registrar. Every service check was \
                green; nobody probed end to end, and support noticed nine hours later.",
        replay: Replays::Waits("the chain of names a customer follows"),
    },
];

/// The incident of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Incident> {
    CATALOG.iter().find(|i| i.name == name)
}
