//! moto has no `CompleteLifecycleAction` and keeps no lifecycle actions, so these paths are tested
//! with the SDK's own mock client: it stands in for the wire, below everything that is ours.

use super::hook::runtime;
use super::*;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::config::retry::RetryConfig;
use aws_sdk_autoscaling::operation::complete_lifecycle_action::CompleteLifecycleActionOutput;
use aws_sdk_autoscaling::operation::describe_lifecycle_hooks::DescribeLifecycleHooksOutput;
use aws_sdk_autoscaling::operation::record_lifecycle_action_heartbeat::RecordLifecycleActionHeartbeatOutput;
use aws_sdk_autoscaling::types::LifecycleHook;
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Every request that was made: operation, instance, result.
type Made = Arc<Mutex<Vec<String>>>;

fn settings() -> Settings {
    Settings { hook: "gate".into(), asg: "video".into(), ..Settings::default() }
}

fn hooks(transition: &'static str, seconds: i32) -> Rule {
    mock!(Client::describe_lifecycle_hooks).then_output(move || {
        let hook = LifecycleHook::builder()
            .lifecycle_hook_name("gate")
            .lifecycle_transition(transition)
            .heartbeat_timeout(seconds)
            .default_result("ABANDON")
            .build();
        DescribeLifecycleHooksOutput::builder().lifecycle_hooks(hook).build()
    })
}

fn launching() -> Rule {
    hooks("autoscaling:EC2_INSTANCE_LAUNCHING", 300)
}

/// An error as the service writes it.
fn said(
    status: u16,
    code: &str,
    message: &str,
) -> impl Fn() -> HttpResponse + Send + Sync + 'static {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
         </Error><RequestId>r</RequestId></ErrorResponse>"
    );
    move || HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body.as_str()))
}

fn hook(rules: &[&Rule]) -> Result<Hook, LifecycleError> {
    let answers = rules
        .iter()
        .fold(MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny), |all, rule| {
            all.with_rule(rule)
        });
    let config = aws_sdk_autoscaling::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("dummy", "dummy", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(create_mock_http_client())
        .interceptor(answers)
        .build();
    Hook::with(Client::from_conf(config), runtime()?, settings())
}

/// Notes every request of the two calls that change something; both answer well.
fn noted() -> (Made, Rule, Rule) {
    let made = Made::default();
    let (a, b) = (Arc::clone(&made), Arc::clone(&made));
    let complete = mock!(Client::complete_lifecycle_action)
        .match_requests(move |it| {
            a.lock().expect("a lock").push(format!(
                "complete {} {} {} {}",
                it.auto_scaling_group_name().unwrap_or("-"),
                it.lifecycle_hook_name().unwrap_or("-"),
                it.instance_id().unwrap_or("-"),
                it.lifecycle_action_result().unwrap_or("-"),
            ));
            true
        })
        .then_output(|| CompleteLifecycleActionOutput::builder().build());
    let heartbeat = mock!(Client::record_lifecycle_action_heartbeat)
        .match_requests(move |it| {
            b.lock()
                .expect("a lock")
                .push(format!("heartbeat {}", it.instance_id().unwrap_or("-")));
            true
        })
        .then_output(|| RecordLifecycleActionHeartbeatOutput::builder().build());
    (made, complete, heartbeat)
}

#[test]
fn it_continues_and_gives_more_time_and_does_nothing_else() {
    let (made, complete, heartbeat) = noted();
    let hook = hook(&[&launching(), &complete, &heartbeat]).expect("the hook");
    assert_eq!(hook.every(), Duration::from_secs(100));
    let words = hook.withheld();
    assert!(
        words.contains("stays in Pending:Wait") && words.contains("ABANDON by itself"),
        "{words}"
    );
    assert!(made.lock().expect("a lock").is_empty(), "finding it and withholding change nothing");
    hook.heartbeat("i-1").expect("more time");
    hook.proceed("i-1").expect("continued");
    let made = made.lock().expect("a lock").clone();
    // The mock asks a rule once to choose it and once to answer by it.
    let mut once = made.clone();
    once.dedup();
    assert_eq!(once, ["heartbeat i-1", "complete video gate i-1 CONTINUE"], "{made:?}");
}

/// Whatever the service says, nothing is claimed to have continued and nothing else is asked for.
#[test]
fn no_error_is_a_success_and_none_leads_to_abandoning() {
    const GONE: &str = "No active Lifecycle Action found with instance ID i-1";
    for (status, code, message, want) in [
        (400, "ValidationError", GONE, "waits for i-1: its time is over"),
        (
            400,
            "ValidationError",
            "AutoScalingGroup name not found",
            "ValidationError: AutoScalingGroup",
        ),
        (400, "Throttling", "Rate exceeded", "asked for less"),
        (403, "AccessDenied", "not authorized", "--print-lifecycle-policy"),
        (403, "ExpiredToken", "expired", "the credentials may not (ExpiredToken)"),
        (500, "ResourceContention", "pending update", "whether it took effect is unknown"),
        (500, "InternalFailure", "", "whether it took effect is unknown"),
        (503, "ServiceUnavailable", "", "whether it took effect is unknown"),
    ] {
        let results = Made::default();
        let asked = Arc::clone(&results);
        let complete = mock!(Client::complete_lifecycle_action)
            .match_requests(move |it| {
                let result = it.lifecycle_action_result().unwrap_or("-").to_owned();
                asked.lock().expect("a lock").push(result);
                true
            })
            .then_http_response(said(status, code, message));
        let heartbeat = mock!(Client::record_lifecycle_action_heartbeat)
            .then_http_response(said(status, code, message));
        let hook = hook(&[&launching(), &complete, &heartbeat]).expect("the hook");
        for error in [hook.proceed("i-1").expect_err(code), hook.heartbeat("i-1").expect_err(code)]
        {
            assert!(error.to_string().contains(want), "{code}: {error}");
        }
        let results = results.lock().expect("a lock");
        assert!(!results.is_empty() && results.iter().all(|r| r == "CONTINUE"), "{results:?}");
    }
}

#[test]
fn a_hook_that_is_not_there_or_is_of_ending_instances_is_refused_at_once() {
    let none = mock!(Client::describe_lifecycle_hooks)
        .then_output(|| DescribeLifecycleHooksOutput::builder().build());
    let error = hook(&[&none]).err().expect("no hook");
    assert_eq!(error, LifecycleError::NoHook { hook: "gate".into(), asg: "video".into() });
    let error =
        hook(&[&hooks("autoscaling:EC2_INSTANCE_TERMINATING", 300)]).err().expect("refused");
    assert!(matches!(error, LifecycleError::NotLaunching { .. }), "{error}");
    let denied =
        mock!(Client::describe_lifecycle_hooks).then_http_response(said(403, "AccessDenied", "no"));
    assert!(matches!(hook(&[&denied]).err(), Some(LifecycleError::Denied(_))));
}

/// The type has no way to send it: no code of this edge holds the word but the one that reads what
/// the hook itself would do.
#[test]
fn nothing_here_can_abandon() {
    let code = include_str!("hook.rs");
    assert_eq!(code.matches("ABANDON").count(), 1, "the hook's own default, which is only read");
    assert_eq!(code.matches(".lifecycle_action_result(").count(), 1);
    assert!(code.contains(".lifecycle_action_result(CONTINUE)"));
    for other in [include_str!("client.rs"), include_str!("policy.rs"), include_str!("error.rs")] {
        assert!(!other.contains("ABANDON") && !other.contains("terminate_instance"));
    }
}
