//! The servers and the collector that the tests run, each ended by whoever started it.

use portcullis::snapshot::{Call, CallKind, Snapshot};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// The regions of the estate.
pub(crate) const REGIONS: &str = "us-east-1,eu-west-1";

/// The account of the estate that the default credentials belong to.
pub(crate) const FIRST: &str = "123456789012";

/// The role that opens the estate's other account.
pub(crate) const ROLE: &str = "arn:aws:iam::210987654321:role/portcullis-read";

/// A server on loopback that ends with the test binary, at the latest.
pub(crate) struct Server {
    port: u16,
    child: Child,
    /// The server reads it and ends with it.
    _stdin: ChildStdin,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = python()
            .arg(here().join("serve.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let port = first.trim().parse().expect("the server prints its port first");
        Self { port, child, _stdin: stdin }
    }

    /// An empty moto.
    pub(crate) fn moto() -> Self {
        Self::start(&["moto"])
    }

    /// One that answers for block-public-access too, which moto lacks: a mock, as off.
    pub(crate) fn moto_with_bpa() -> Self {
        Self::start(&["moto-with-bpa"])
    }

    /// One that keeps the policies of sessions, which moto ignores: a mock of IAM's part.
    pub(crate) fn moto_with_sessions() -> Self {
        Self::start(&["moto-with-sessions"])
    }

    /// Microburst before `upstream`, with `rules`.
    pub(crate) fn microburst(upstream: &Self, rules: &Value) -> Self {
        Self::start(&["microburst", &upstream.url(), &rules.to_string()])
    }

    /// A front end of `upstream` that has the first `action` carried out, and answers this error.
    pub(crate) fn afterwards(upstream: &Self, action: &str, code: &str, status: u16) -> Self {
        Self::start(&["afterwards", &upstream.url(), action, code, &status.to_string()])
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The faults that a microburst has injected.
    pub(crate) fn fired(&self) -> Vec<Value> {
        let answer = self.http("GET /_microburst/fired?limit=100000 HTTP/1.0", "");
        let fired: Value = serde_json::from_str(&answer).unwrap();
        match fired {
            Value::Array(list) => list,
            other => other["fired"].as_array().cloned().unwrap_or_default(),
        }
    }

    /// One plain HTTP exchange; gives the body of the answer.
    pub(crate) fn http(&self, start: &str, body: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        write!(
            stream,
            "{start}\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The estate that the tests only read: built once, by [`estate.py`](../estate.py).
pub(crate) fn estate() -> &'static Server {
    static ESTATE: OnceLock<Server> = OnceLock::new();
    ESTATE.get_or_init(|| {
        let moto = Server::moto();
        let built = python().arg(here().join("estate.py")).arg(moto.url()).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        moto
    })
}

/// The estate as it is when nothing disturbs the reading.
pub(crate) fn undisturbed() -> &'static Collected {
    static UNDISTURBED: OnceLock<Collected> = OnceLock::new();
    UNDISTURBED.get_or_init(|| collect(&estate().url(), &both_accounts()))
}

/// Arguments that read the whole estate.
pub(crate) fn both_accounts() -> Vec<&'static str> {
    vec!["--regions", REGIONS, "--account", FIRST, "--account", ROLE, "--api-rate", "0"]
}

/// What one run of `portcullis collect` gave.
pub(crate) struct Collected {
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
    pub(crate) file: String,
}

impl Collected {
    pub(crate) fn snapshot(&self) -> Snapshot {
        serde_json::from_str(&self.file).unwrap()
    }

    /// The file without the line that says when it was taken.
    pub(crate) fn timeless(&self) -> String {
        let lines = self.file.lines().filter(|l| !l.starts_with(" \"taken_at\":"));
        lines.map(|l| format!("{l}\n")).collect()
    }
}

/// Runs the collector with the made-up credentials that moto takes for the first account's.
pub(crate) fn collect(endpoint: &str, arguments: &[&str]) -> Collected {
    collect_as(endpoint, ("test", "test"), arguments)
}

/// Runs the collector in an environment of its own.
pub(crate) fn collect_as(
    endpoint: &str,
    (key, secret): (&str, &str),
    arguments: &[&str],
) -> Collected {
    assert!(endpoint.starts_with("http://127.0.0.1:"), "refused: {endpoint} is not on loopback");
    // The keys of real credentials of AWS are twenty characters that begin with AKIA or ASIA; moto
    // gives out such too, so that only its own (see `policy`) may look like them.
    assert!(key == "test" || secret.len() == 40, "refused: these are no dummy credentials");
    static RUNS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let run = RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("portcullis-aws-{}-{run}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("snapshot.json");
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .env_clear()
        .env("HOME", &folder)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", key)
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(&folder)
        .args(["collect", "-o"])
        .arg(&path)
        .args(arguments)
        .output()
        .unwrap();
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::remove_dir_all(&folder).unwrap();
    Collected {
        code: output.status.code(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        file,
    }
}

/// The calls that are not complete, without those of block-public-access, which moto lacks.
pub(crate) fn incomplete(snapshot: &Snapshot) -> Vec<&Call> {
    snapshot.calls.iter().filter(|c| !c.outcome.is_complete() && !is_bpa(c.kind)).collect()
}

fn is_bpa(kind: CallKind) -> bool {
    matches!(kind, CallKind::VpcBpaOptions | CallKind::VpcBpaExclusions)
}

/// The lists of rows that a call fills, by their names in the file.
fn lists(kind: CallKind) -> &'static [&'static str] {
    use CallKind as K;
    match kind {
        K::Instances => &["Instances"],
        K::NetworkInterfaces => &["NetworkInterfaces"],
        K::SecurityGroups => &["SecurityGroups"],
        K::NetworkAcls => &["NetworkAcls"],
        K::RouteTables => &["RouteTables"],
        K::Subnets => &["Subnets"],
        K::Vpcs => &["Vpcs"],
        K::InternetGateways => &["InternetGateways"],
        K::EgressOnlyInternetGateways => &["EgressOnlyInternetGateways"],
        K::NatGateways => &["NatGateways"],
        K::Addresses => &["Addresses"],
        K::ManagedPrefixLists | K::ManagedPrefixListEntries => &["PrefixLists"],
        K::VpcPeeringConnections => &["VpcPeeringConnections"],
        K::VpcEndpoints => &["VpcEndpoints"],
        K::TransitGateways => &["TransitGateways"],
        K::TransitGatewayAttachments | K::TransitGatewayVpcAttachments => {
            &["TransitGatewayAttachments"]
        }
        K::TransitGatewayRouteTables | K::TransitGatewayRoutes | K::TransitGatewayPropagations => {
            &["TransitGatewayRouteTables"]
        }
        K::VpnConnections => &["VpnConnections"],
        K::VpcBpaOptions => &["BpaOptions"],
        K::VpcBpaExclusions => &["BpaExclusions"],
        K::LoadBalancers => &["LoadBalancers", "Listeners"],
        K::ClassicLoadBalancers => &["LoadBalancers", "Listeners", "TargetGroups"],
        K::LoadBalancerAttributes => &["LoadBalancers"],
        K::Listeners | K::Rules => &["Listeners"],
        K::TargetGroups | K::TargetGroupAttributes | K::TargetHealth => &["TargetGroups"],
        K::AutoScalingGroups => &["AutoScalingGroups"],
        K::DbInstances => &["DbInstances"],
        K::Volumes => &["Volumes"],
        K::LaunchTemplates | K::LaunchTemplateVersions => &["LaunchTemplates"],
        K::LaunchConfigurations => &["LaunchConfigurations"],
        K::MetricData => &["Traffic"],
        K::CallerIdentity => &[],
    }
}

/// Where two snapshots differ and no call of the second says why: `account/region list`.
pub(crate) fn unexplained(whole: &Snapshot, other: &Snapshot) -> Vec<String> {
    let mut unexplained = Vec::new();
    for view in &whole.regions {
        let (account, region) = (&view.account, &view.region);
        let of = |v| serde_json::to_value(v).unwrap();
        let entered = other.outcome(account, region, CallKind::CallerIdentity).is_complete();
        let theirs = other.view(account, region).map_or(json!({}), of);
        for (name, rows) in of(view).as_object().unwrap() {
            let blind = other
                .calls
                .iter()
                .filter(|c| c.account == *account && c.region == *region)
                .any(|c| !c.outcome.is_complete() && lists(c.kind).contains(&name.as_str()));
            if theirs.get(name) != Some(rows) && !blind && entered {
                unexplained.push(format!("{account}/{region} {name}"));
            }
        }
    }
    unexplained
}

/// The Python of the virtual environment that holds moto and microburst.
pub(crate) fn python() -> Command {
    let venv = std::env::var_os("PORTCULLIS_VENV")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv"), PathBuf::from);
    let python = venv.join("bin/python");
    assert!(python.exists(), "no {}: run ./test, or see CONTRIBUTING.md", python.display());
    let mut command = Command::new(python);
    // Its own made-up credentials, whatever the caller's shell holds.
    command
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_ENDPOINT_URL")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

/// The folder of these tests.
pub(crate) fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws")
}
