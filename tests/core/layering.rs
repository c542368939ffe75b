//! Holds `src/` to the layers of ARCHITECTURE.md: nothing imports upwards.

use crate::common::checkout;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The layer of each module of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    /// Pure: a module may import lower numbers, and in layers where `free_within` says so its own.
    Pure(u8),
    /// Touches the world: may import every pure layer up to [`EDGE_MAY`], and no other edge.
    Edge,
    /// Stands on everything below the shell, for `cli demo` and tests only.
    Stage,
    /// May import everything and is imported by nothing.
    Shell,
}

/// The highest layer that an edge may import: it decides, judges and prints nothing.
const EDGE_MAY: u8 = 2;

const LAYERS: &[(&str, Layer)] = &[
    ("model", Layer::Pure(0)),
    ("credentials", Layer::Pure(0)),
    ("fact", Layer::Pure(1)),
    ("history", Layer::Pure(1)),
    ("observation", Layer::Pure(1)),
    ("pathproof", Layer::Pure(1)),
    ("signature", Layer::Pure(1)),
    ("snapshot", Layer::Pure(1)),
    ("spec", Layer::Pure(1)),
    ("cleanup", Layer::Pure(2)),
    ("reach", Layer::Pure(2)),
    ("resolve", Layer::Pure(2)),
    ("survey", Layer::Pure(2)),
    ("drift", Layer::Pure(3)),
    ("exposure", Layer::Pure(3)),
    ("inventory", Layer::Pure(3)),
    ("finding", Layer::Pure(4)),
    ("rule", Layer::Pure(4)),
    ("check", Layer::Pure(5)),
    ("audit", Layer::Pure(6)),
    ("attestation", Layer::Pure(7)),
    ("gate", Layer::Pure(7)),
    ("reclaim", Layer::Pure(7)),
    ("report", Layer::Pure(8)),
    ("apply", Layer::Edge),
    ("collect", Layer::Edge),
    ("dns", Layer::Edge),
    ("dossier", Layer::Edge),
    ("lifecycle", Layer::Edge),
    ("listen", Layer::Edge),
    ("notify", Layer::Edge),
    ("probe", Layer::Edge),
    ("sign", Layer::Edge),
    ("vantage", Layer::Edge),
    ("store", Layer::Edge),
    ("demo", Layer::Stage),
];

/// Layers whose modules never import each other.
const APART: [u8; 2] = [1, 4];

fn layer(module: &str) -> Option<Layer> {
    if module == "cli" {
        return Some(Layer::Shell);
    }
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// Why `from` may not import `to`; `None` where it may.
fn refusal(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    let (Some(a), Some(b)) = (layer(from), layer(to)) else {
        return Some("no such module in the table of tests/core/layering.rs".into());
    };
    match (a, b) {
        (_, Layer::Shell) => Some("nothing imports cli".into()),
        (Layer::Shell, _) => None,
        (_, Layer::Stage) => Some("only cli imports the demo".into()),
        (Layer::Stage, _) => None,
        (Layer::Edge, Layer::Edge) => Some("edges never import each other".into()),
        (Layer::Pure(_), Layer::Edge) => Some("a pure layer imports no edge".into()),
        (Layer::Edge, Layer::Pure(n)) if n > EDGE_MAY => {
            Some(format!("an edge imports up to layer {EDGE_MAY}, this is {n}"))
        }
        (Layer::Edge, Layer::Pure(_)) => None,
        (Layer::Pure(m), Layer::Pure(n)) if n > m => {
            Some(format!("layer {m} imports layer {n}, upwards"))
        }
        (Layer::Pure(m), Layer::Pure(n)) if m == n && APART.contains(&m) => {
            Some(format!("modules of layer {m} never import each other"))
        }
        (Layer::Pure(_), Layer::Pure(_)) => None,
    }
}

/// The modules that a file names as `crate::x` or `portcullis::x`, with their lines.
///
/// Comments are left out (docs may point anywhere), and so is everything from the tests on, which
/// stand last in a file. `use crate::{a, b::c}` names `a` and `b`.
fn imports(text: &str) -> Vec<(usize, String)> {
    let code: Vec<&str> = text
        .lines()
        .take_while(|l| l.trim() != "#[cfg(test)]")
        .map(|l| l.split_once("//").map_or(l, |(code, _)| code))
        .collect();
    let text = code.join("\n");
    let mut found = Vec::new();
    for root in ["crate::", "portcullis::"] {
        for (at, _) in text.match_indices(root) {
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let number = text[..at].matches('\n').count() + 1;
            let rest = &text[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(heads(group).map(|name| (number, name))),
                None => found.push((number, word(rest))),
            }
        }
    }
    found.retain(|(_, name)| name.starts_with(|c: char| c.is_lowercase()));
    found
}

/// The first word of each part of a `{a, b::{c, d}}` group.
fn heads(group: &str) -> impl Iterator<Item = String> {
    let mut depth = 1;
    let mut parts = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => parts.push(String::new()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.into_iter().map(|p| word(p.trim_start_matches([',', ' ', '\n'])))
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn sources() -> Vec<(String, PathBuf, String)> {
    let src = checkout().join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files.sort();
    files
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&src).ok()?;
            let module = inside.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs");
            if ["lib", "main"].contains(&module) {
                return None;
            }
            let text = std::fs::read_to_string(&path).expect("src can be read");
            Some((module.to_owned(), inside.to_owned(), text))
        })
        .collect()
}

#[test]
fn nothing_imports_upwards() {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (module, path, text) in sources() {
        assert!(layer(&module).is_some(), "{module} has no layer: give it one in LAYERS");
        for (line, target) in imports(&text) {
            *seen.entry(module.clone()).or_default() += 1;
            // Items that stand at the top of the crate, such as macros, have no layer.
            if layer(&target).is_none() {
                continue;
            }
            if let Some(why) = refusal(&module, &target) {
                wrong.push(format!("src/{}:{line}: crate::{target}: {why}", path.display()));
            }
        }
    }
    assert!(seen.len() >= 8, "the test reads imports at all: {seen:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_refuse_what_they_should() {
    for (from, to) in [
        ("model", "spec"),
        ("spec", "snapshot"),
        ("rule", "finding"),
        ("reach", "exposure"),
        ("report", "cli"),
        ("probe", "cli"),
        ("probe", "collect"),
        ("vantage", "probe"),
        ("audit", "report"),
        ("probe", "report"),
        ("check", "probe"),
    ] {
        assert!(refusal(from, to).is_some(), "{from} -> {to}");
    }
    for (from, to) in
        [("cli", "probe"), ("probe", "survey"), ("report", "audit"), ("reach", "resolve")]
    {
        assert!(refusal(from, to).is_none(), "{from} -> {to}");
    }
}

#[test]
fn imports_are_read_in_every_shape() {
    let text = "use crate::model::Gap;\nuse crate::{spec, reach::{Hop, Path},\n    audit};\n\
                // crate::cli in a comment\nlet x = crate::probe::run();\npub(crate) fn f() {}\n\
                let y = $crate::rule::x;\nuse crate::Top;\n#[cfg(test)]\nmod tests { use crate::cli::x; }\n";
    let names: Vec<_> = imports(text).into_iter().map(|(_, n)| n).collect();
    assert_eq!(names, ["model", "spec", "reach", "audit", "probe"]);
}

/// One module style: a folder's own file is `mod.rs` inside it.
#[test]
fn folders_have_mod_rs() {
    for (_, path, _) in sources() {
        let folder = checkout().join("src").join(path.with_extension(""));
        assert!(
            !folder.is_dir() || path.ends_with("mod.rs"),
            "src/{} beside its folder",
            path.display()
        );
    }
}

/// A file over 500 lines says why in its first lines.
#[test]
fn long_files_say_why() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|(_, path, text)| {
            let head = text.lines().take(12).collect::<Vec<_>>().join(" ").to_lowercase();
            !path.ends_with("tests.rs")
                && text.lines().count() > 500
                && !["over 500 lines", "because"].iter().any(|word| head.contains(word))
        })
        .map(|(_, path, text)| format!("src/{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(
        long.is_empty(),
        "split these, or say at the top why not (`over 500 lines: …`):\n{}",
        long.join("\n")
    );
}
