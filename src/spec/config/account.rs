use super::{field, text};
use crate::spec::Place;
use crate::spec::error::SpecError;
use crate::spec::node::{Node, Span};
use crate::spec::shape::{Field, Least, Record, Scalar, Shape};
use std::collections::BTreeMap;

/// One account to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    pub role_arn: Option<String>,
    pub external_id: Option<String>,
    /// A profile of the caller's AWS configuration.
    pub profile: Option<String>,
    /// For people.
    pub name: Option<String>,
    pub at: Place,
}

pub(super) static ACCOUNT: Record = Record {
    what: "an account",
    least: Least::Required,
    fields: &[
        Field {
            name: "id",
            shape: Shape::Scalar(Scalar::Account),
            required: true,
            doc: "Twelve digits.",
        },
        field("role_arn", Shape::Scalar(Scalar::RoleArn), "The role to assume."),
        field("external_id", Shape::Scalar(Scalar::Word), "The role's external id."),
        field("profile", Shape::Scalar(Scalar::Word), "A profile of the AWS configuration."),
        field("name", Shape::Scalar(Scalar::Word), "Its name, for people."),
    ],
};

pub(super) fn accounts(
    node: &Node,
    at: &impl Fn(Span) -> Place,
    errors: &mut Vec<SpecError>,
) -> Vec<Account> {
    let mut out: BTreeMap<String, (Account, Span)> = BTreeMap::new();
    for item in node.get("accounts").map(Node::items).unwrap_or_default() {
        let Some(id) = text(item, "id") else { continue };
        if let Some((_, first)) = out.get(&id) {
            errors.push(
                SpecError::new(item.span, format!("the account `{id}` stands twice"))
                    .label("again here")
                    .also(*first, "first here")
                    .hint("keep one of the two"),
            );
            continue;
        }
        let account = Account {
            id: id.clone(),
            role_arn: text(item, "role_arn"),
            external_id: text(item, "external_id"),
            profile: text(item, "profile"),
            name: text(item, "name"),
            at: at(item.span),
        };
        out.insert(id, (account, item.span));
    }
    out.into_values().map(|(account, _)| account).collect()
}
