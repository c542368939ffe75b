use super::Done;
use super::outcome::No;
use crate::cleanup::ActRequest;
use crate::cleanup::CONDEMNED;
use crate::cleanup::aws::CONDEMNED_TAG;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Tag};
use std::collections::BTreeMap;

/// The words of a mark: whose plan condemned it, by which act.
fn words(request: &ActRequest) -> String {
    format!("{} {}", request.plan, request.token)
}

/// What the tag says now.
async fn told(ec2: &Client, id: &str) -> Result<Option<String>, No> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let answer = ec2
        .describe_tags()
        .filters(filter("resource-id", id))
        .filters(filter("key", CONDEMNED_TAG))
        .send()
        .await?;
    let found = answer.tags().iter().find(|t| t.key() == Some(CONDEMNED_TAG));
    Ok(found.map(|t| t.value().unwrap_or_default().to_owned()))
}

/// Refuses where another plan condemned it: its owner has been told of that one.
pub(super) async fn free(ec2: &Client, request: &ActRequest) -> Result<(), No> {
    match told(ec2, &request.item.id).await? {
        Some(said) if !said.starts_with(&words(request)) => {
            Err(No::Failed(format!("it is condemned already: {said}")))
        }
        _ => Ok(()),
    }
}

/// Puts the mark on, for its owner to see, with `more` behind the words.
pub(super) async fn put(ec2: &Client, request: &ActRequest, more: &str) -> Done {
    free(ec2, request).await?;
    let value = format!("{} {more}", words(request)).trim_end().to_owned();
    let tag = Tag::builder().key(CONDEMNED_TAG).value(&value).build();
    ec2.create_tags().resources(&request.item.id).tags(tag).send().await?;
    Ok(BTreeMap::from([("mark".into(), value)]))
}

/// Takes the mark of this plan off, and no other's.
pub(super) async fn remove(ec2: &Client, request: &ActRequest) -> Done {
    let Some(said) = told(ec2, &request.item.id).await? else {
        return Ok(BTreeMap::new());
    };
    if !said.starts_with(&request.plan) {
        return Err(No::Failed(format!("another plan condemned it: {said}")));
    }
    // By its value: a mark that was put on meanwhile stays.
    let tag = Tag::builder().key(CONDEMNED_TAG).value(said).build();
    ec2.delete_tags().resources(&request.item.id).tags(tag).send().await?;
    Ok(BTreeMap::new())
}

/// Refuses where the mark that was seen a moment ago is not there: whoever took it off objects.
/// Gives what it says.
pub(super) async fn still(ec2: &Client, request: &ActRequest) -> Result<Option<String>, No> {
    let Some(seen) = request.state.get(CONDEMNED) else { return Ok(None) };
    match told(ec2, &request.item.id).await? {
        Some(said) if said == *seen => Ok(Some(said)),
        Some(said) => Err(No::Failed(format!("its mark says something else now: {said}"))),
        None => Err(No::Failed("its mark was taken off: somebody objects".into())),
    }
}
