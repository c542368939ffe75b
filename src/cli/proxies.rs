//! The proxies of the configuration, with their secrets read from where it says.

use super::Global;
use super::input::beside;
use crate::probe::Proxy;
use crate::spec::config::{self, Config, Login};
use std::collections::BTreeMap;

/// Every proxy that `via:` of a profile may name. A login that cannot be had is kept as why, so
/// that it is told where the proxy is asked for, and nowhere else.
pub(super) fn proxies(config: &Config, global: &Global) -> BTreeMap<String, Proxy> {
    let proxy = |p: &config::Proxy| Proxy {
        kind: p.kind,
        listens: p.listens.clone(),
        outside_v4: p.address,
        outside_v6: p.address_v6,
        login: p.login.as_ref().map(|l| login(l, global)).transpose(),
    };
    config.proxies.values().map(|p| (p.name.clone(), proxy(p))).collect()
}

/// Reads `user:password`. The error never holds what was read.
fn login(place: &Login, global: &Global) -> Result<(String, String), String> {
    let (whence, text) = match place {
        Login::Environment(name) => {
            let text = std::env::var(name)
                .map_err(|_| format!("the environment variable {name} is not set, or no text"))?;
            (format!("the environment variable {name}"), text)
        }
        Login::File(path) => {
            let path = beside(global, path);
            let text = std::fs::read_to_string(&path)
                .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
            (path.display().to_string(), text)
        }
    };
    match text.trim_end_matches(['\r', '\n']).split_once(':') {
        Some((user, password)) if !user.is_empty() => Ok((user.to_owned(), password.to_owned())),
        _ => Err(format!("{whence} does not hold `user:password`")),
    }
}
