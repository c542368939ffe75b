//! No switch that turns a guard off is in the released program.

use crate::common::checkout;
use std::path::Path;

fn walk(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            walk(&path, found);
            continue;
        }
        if path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("src can be read");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for part in code.split("Guards::").skip(1) {
            if !part.starts_with("all()") {
                found.push(format!("{}: Guards::{}", path.display(), &part[..part.len().min(12)]));
            }
        }
    }
}

#[test]
fn only_the_demo_and_tests_switch_a_guard_off() {
    let src = checkout().join("src");
    let mut found = Vec::new();
    walk(&src, &mut found);
    found.retain(|f| !f.contains("/src/demo/") && !f.contains("/src/cleanup/guard.rs"));
    assert!(found.is_empty(), "{found:?}");
}
