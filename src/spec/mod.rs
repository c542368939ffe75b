//! What people declared: spec files, read, merged and validated, all errors at once.

mod model;

pub use model::{
    Control, Count, DeclaredGroup, DeclaredHost, DeclaredPermission, Fact, Journey, Name, Network,
    Pattern, Peer, Permit, Place, Profile, Role, Selector, Service, Spec, Unjudged, Waiver,
};
