//! Probing real sockets: on loopback without privileges, and in network namespaces with a packet
//! filter between, where there is root.

mod hostile;
mod lab;
mod loopback;
mod namespace;
mod servers;
mod slow_lane;
mod states;

use std::process::Command;

/// What this machine lacks for tests in network namespaces; `None` when it lacks nothing.
fn no_namespaces() -> Option<&'static str> {
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success())
    };
    if !works("ip", &["netns", "list"]) {
        return Some("no ip command with namespaces");
    }
    let name = format!("pc-{}-try", std::process::id());
    if !works("ip", &["netns", "add", &name]) {
        return Some("no right to make network namespaces (root)");
    }
    let nft = works("ip", &["netns", "exec", &name, "nft", "list", "ruleset"]);
    works("ip", &["netns", "del", &name]);
    (!nft).then_some("no nftables")
}
