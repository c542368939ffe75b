use serde_json::{Value, json};

/// The least IAM policy that a gate's lifecycle hook needs, beside what it reads: nothing in it
/// starts, stops or terminates anything, and it is bound to the one group.
#[must_use]
pub fn policy(asg: Option<&str>) -> Value {
    let group = asg.unwrap_or("*");
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PortcullisContinue",
                "Effect": "Allow",
                "Action": [
                    "autoscaling:CompleteLifecycleAction",
                    "autoscaling:RecordLifecycleActionHeartbeat",
                ],
                "Resource": format!("arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/{group}"),
            },
            {
                "Sid": "PortcullisReadHooks",
                "Effect": "Allow",
                "Action": ["autoscaling:DescribeLifecycleHooks"],
                "Resource": "*",
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_three_actions_bound_to_the_group() {
        let text = policy(Some("video")).to_string();
        assert_eq!(text.matches("\"autoscaling:").count(), 3);
        assert!(text.contains("autoScalingGroupName/video\""));
        assert!(!text.contains("Terminate") && !text.contains("\"autoscaling:*\""));
        assert!(policy(None).to_string().contains("autoScalingGroupName/*\""));
    }
}
