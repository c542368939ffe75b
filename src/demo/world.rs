use super::responder::{self, Behaviour, FullQueue};
use crate::model::{Endpoint, PortSpec, Protocol};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::runtime::Runtime;

/// Everything that answers in an incident, running until it is dropped.
#[derive(Debug)]
pub struct World {
    /// The vantages, in the order of the file.
    pub vantages: Vec<WorldVantage>,
    _silent: FullQueue,
    // Last: its tasks are the responders, and they end with it.
    _runtime: Runtime,
}

/// What one vantage sees.
#[derive(Debug, Clone)]
pub struct WorldVantage {
    pub name: String,
    /// The address it has as seen from outside, in the incident.
    pub address: IpAddr,
    /// Where each endpoint that does something listens on loopback.
    pub endpoints: BTreeMap<Endpoint, SocketAddr>,
    /// Where every other TCP endpoint leads: no answer.
    pub silent_tcp: SocketAddr,
    /// Where every other UDP endpoint leads: no answer.
    pub silent_udp: SocketAddr,
    /// A web proxy of customers (`CONNECT`), which leads to loopback only.
    pub proxy: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vantages: Vec<FileVantage>,
    #[serde(default)]
    tls_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileVantage {
    name: String,
    address: IpAddr,
    sees: BTreeMap<IpAddr, BTreeMap<String, String>>,
}

impl World {
    /// Starts the world that a `world.yaml` describes: listeners on 127.0.x.y, ephemeral ports.
    ///
    /// # Errors
    /// A malformed file, or a socket that cannot be had.
    pub fn start(yaml: &str) -> io::Result<Self> {
        let invalid = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
        let file: File = serde_saphyr::from_str(yaml).map_err(|e| invalid(e.to_string()))?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let silent = FullQueue::new()?;
        let vantages = runtime.block_on(async {
            let tls = responder::tls_acceptor(&file.tls_names)?;
            let mut vantages = Vec::new();
            for (v, vantage) in file.vantages.into_iter().enumerate() {
                let mut endpoints = BTreeMap::new();
                for (h, (address, ports)) in vantage.sees.into_iter().enumerate() {
                    let at = loopback(v, h);
                    for (port, how) in ports {
                        let spec: PortSpec = port.parse().map_err(invalid)?;
                        let how: Behaviour = how.parse().map_err(invalid)?;
                        let Some(port) = spec.ports.first() else { continue };
                        let listens = match spec.protocol {
                            Protocol::Udp => {
                                let mapped = SocketAddr::new(vantage.address, 40_000);
                                responder::udp(at, how, mapped).await?
                            }
                            _ => responder::tcp(at, how, tls.clone()).await?,
                        };
                        endpoints
                            .insert(Endpoint { address, protocol: spec.protocol, port }, listens);
                    }
                }
                let mute =
                    responder::udp(loopback(v, 250), Behaviour::Accept, silent.address).await?;
                vantages.push(WorldVantage {
                    name: vantage.name,
                    address: vantage.address,
                    endpoints,
                    silent_tcp: silent.address,
                    silent_udp: mute,
                    proxy: responder::proxy(loopback(v, 249)).await?,
                });
            }
            Ok::<_, io::Error>(vantages)
        })?;
        Ok(Self { vantages, _silent: silent, _runtime: runtime })
    }

    /// The vantage of a name.
    #[must_use]
    pub fn vantage(&self, name: &str) -> Option<&WorldVantage> {
        self.vantages.iter().find(|v| v.name == name)
    }
}

/// The loopback address that plays host `h` as vantage `v` sees it.
fn loopback(v: usize, h: usize) -> IpAddr {
    let byte = |n: usize| u8::try_from(n % 250).unwrap_or(0);
    IpAddr::V4(Ipv4Addr::new(127, 0, 66 + byte(v) % 100, 1 + byte(h)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpStream, UdpSocket};
    use std::time::Duration;

    const WORLD: &str = "
vantages:
  - name: outside
    address: 192.0.2.50
    sees:
      203.0.113.1: { tcp/22: ssh, udp/3478: stun, tcp/80: refuse }
";

    fn endpoint(protocol: Protocol, port: u16) -> Endpoint {
        Endpoint { address: "203.0.113.1".parse().expect("an address"), protocol, port }
    }

    #[test]
    fn listens_refuses_and_keeps_silent() {
        let world = World::start(WORLD).expect("a world");
        let outside = world.vantage("outside").expect("its vantage");

        let mut ssh =
            TcpStream::connect(outside.endpoints[&endpoint(Protocol::Tcp, 22)]).expect("ssh");
        let mut banner = [0; 4];
        ssh.read_exact(&mut banner).expect("a banner");
        assert_eq!(&banner, b"SSH-");

        let refused = TcpStream::connect(outside.endpoints[&endpoint(Protocol::Tcp, 80)]);
        assert_eq!(refused.expect_err("nothing listens").kind(), io::ErrorKind::ConnectionRefused);

        let silent = TcpStream::connect_timeout(&outside.silent_tcp, Duration::from_millis(300));
        assert_eq!(silent.expect_err("the queue is full").kind(), io::ErrorKind::TimedOut);

        let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        client.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        request.extend(1..=12);
        client.send_to(&request, outside.endpoints[&endpoint(Protocol::Udp, 3478)]).expect("sent");
        let mut answer = [0; 64];
        let n = client.recv(&mut answer).expect("an answer");
        assert_eq!((n, &answer[8..20]), (32, &request[8..20]), "the transaction is ours");
    }
}
