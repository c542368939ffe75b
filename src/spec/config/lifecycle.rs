use super::{field, text};
use crate::spec::node::Node;
use crate::spec::shape::{Least, Record, Scalar, Shape};

/// The Auto Scaling lifecycle hook that a gate continues when a host passes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// A profile of the caller's AWS configuration, of its own: it may change something.
    pub profile: Option<String>,
    /// The region that the Auto Scaling group is in, where more than one is read.
    pub region: Option<String>,
    /// The Auto Scaling group's name.
    pub asg: Option<String>,
    /// The hook's name.
    pub hook: Option<String>,
}

pub(super) static LIFECYCLE: Record = Record {
    what: "a lifecycle hook",
    least: Least::One,
    fields: &[
        field(
            "profile",
            Shape::Scalar(Scalar::Word),
            "A profile of the AWS configuration that may continue it.",
        ),
        field(
            "region",
            Shape::Scalar(Scalar::Word),
            "The region that the Auto Scaling group is in; the one that is read without it.",
        ),
        field("asg", Shape::Scalar(Scalar::Word), "The Auto Scaling group's name."),
        field("hook", Shape::Scalar(Scalar::Word), "The hook's name."),
    ],
};

pub(super) fn lifecycle(node: &Node) -> Lifecycle {
    Lifecycle {
        profile: text(node, "profile"),
        region: text(node, "region"),
        asg: text(node, "asg"),
        hook: text(node, "hook"),
    }
}
