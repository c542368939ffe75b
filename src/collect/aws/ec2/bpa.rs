use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, text};
use crate::collect::aws::read::{Page, Read, whole};
use crate::snapshot::{BpaExclusion, BpaOptions, Outcome};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeVpcBlockPublicAccessOptions`: at most one row.
pub(in crate::collect::aws) async fn options(ec2: &Client) -> Read<BpaOptions> {
    let answer = Box::pin(ec2.describe_vpc_block_public_access_options().send()).await;
    whole(answer, |page| Page {
        rows: page
            .vpc_block_public_access_options()
            .map(|row| {
                Ok(BpaOptions {
                    internet_gateway_block_mode: row
                        .internet_gateway_block_mode()
                        .map(|m| m.as_str().to_owned()),
                    state: row.state().map(|s| s.as_str().to_owned()),
                })
            })
            .into_iter()
            .collect(),
        more: false,
    })
}

/// Reads `DescribeVpcBlockPublicAccessExclusions`, which pages but has no paginator in the SDK.
pub(in crate::collect::aws) async fn exclusions(ec2: &Client) -> Read<BpaExclusion> {
    let mut all = Read { rows: Vec::new(), outcome: Outcome::Complete };
    let mut token: Option<String> = None;
    for page in 1_usize.. {
        let answer = Box::pin(
            ec2.describe_vpc_block_public_access_exclusions()
                .max_results(PAGE)
                .set_next_token(token.clone())
                .send(),
        )
        .await;
        let next = answer
            .as_ref()
            .ok()
            .and_then(|a| a.next_token())
            .filter(|t| !t.is_empty())
            .map(str::to_owned);
        let read = whole(answer, |page| {
            Page::of(page.vpc_block_public_access_exclusions(), exclusion, None)
        });
        all.rows.extend(read.rows);
        if !read.outcome.is_complete() {
            all.outcome = match read.outcome {
                outcome if page == 1 => outcome,
                outcome => Outcome::Truncated(format!("page {page} {outcome}")),
            };
            break;
        }
        if next.is_none() {
            break;
        }
        if next == token {
            all.outcome = Outcome::Truncated(format!("page {page} repeats its token"));
            break;
        }
        token = next;
    }
    all
}

fn exclusion(row: &types::VpcBlockPublicAccessExclusion) -> Result<BpaExclusion, Malformed> {
    Ok(BpaExclusion {
        exclusion_id: id("ExclusionId", row.exclusion_id())?,
        internet_gateway_exclusion_mode: row
            .internet_gateway_exclusion_mode()
            .map(|m| m.as_str().to_owned()),
        resource_arn: text(row.resource_arn()),
        state: row.state().map(|s| s.as_str().to_owned()),
    })
}
