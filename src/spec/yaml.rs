//! Bytes to a tree of values with their places.
//!
//! Reads the events of the YAML parser itself rather than deserializing, because everything that
//! must be refused in bounded memory (aliases that multiply, depth, number of values) and told
//! with its place (a key that stands twice, a second document) is visible there and nowhere else.

use super::error::{SpecError, shorten};
use super::node::{Key, Kind, Node, Span};
use serde_saphyr::granit_parser::{
    Event, Marker, Options, Parser, ScalarStyle, ScanError, Span as YamlSpan,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most bytes of one file. A declared host takes about 100, so this holds tens of thousands; more
/// goes into several files. It bounds what one file can make us hold and every offset fits `u32`.
pub const MAX_FILE_BYTES: usize = 8 << 20;

/// Most values of one load, aliases counted as often as they are used: bounds memory to about
/// 100 MB however the files are written.
pub const MAX_VALUES: usize = 500_000;

/// Deepest nesting. The format itself needs nine levels.
pub const MAX_DEPTH: usize = 32;

/// Reads one document; `budget` is what is left of [`MAX_VALUES`].
///
/// The parser cannot go on after what it does not understand, so there is at most one such error
/// for each file; keys that stand twice are all told.
pub(super) fn read(
    file: u32,
    bytes: &[u8],
    budget: &mut usize,
    errors: &mut Vec<SpecError>,
) -> Option<Node> {
    let before = errors.len();
    let node = read_optional(file, bytes, budget, errors);
    if node.is_none() && errors.len() == before {
        errors.push(
            SpecError::new(Span::file(file), "cannot use an empty file: nothing is declared")
                .hint("a spec begins with `version: 1`"),
        );
    }
    node
}

/// The same, where an empty file is as good as none.
pub(super) fn read_optional(
    file: u32,
    bytes: &[u8],
    budget: &mut usize,
    errors: &mut Vec<SpecError>,
) -> Option<Node> {
    if bytes.len() > MAX_FILE_BYTES {
        errors.push(
            SpecError::new(
                Span::file(file),
                format!(
                    "cannot read a file of more than {MAX_FILE_BYTES} bytes ({} MiB)",
                    MAX_FILE_BYTES >> 20
                ),
            )
            .hint("split it into several files of one folder: they are merged"),
        );
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            errors.push(not_utf8(file, bytes, e.valid_up_to()));
            return None;
        }
    };
    let text = text.strip_prefix('\u{feff}').map_or((text, 0), |rest| (rest, 3));
    let mut builder = Builder {
        file,
        shift: text.1,
        budget,
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        errors,
        documents: 0,
    };
    match builder.run(text.0) {
        Ok(()) => {}
        Err(error) => {
            builder.errors.push(*error);
            return None;
        }
    }
    builder.root.filter(|node| !node.is_null())
}

/// The error for bytes that are not UTF-8, with line and column of the first bad one.
fn not_utf8(file: u32, bytes: &[u8], at: usize) -> SpecError {
    let before = &bytes[..at];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    let byte = bytes.get(at).copied().unwrap_or_default();
    let span = Span {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        ..Span::file(file)
    };
    SpecError::new(span, format!("cannot read byte {at} (0x{byte:02x}): it is not UTF-8"))
        .hint("save the file as UTF-8")
}

/// A collection that is not closed yet.
struct Open {
    anchor: usize,
    span: Span,
    kind: OpenKind,
    /// Values inside, aliases expanded.
    weight: usize,
}

enum OpenKind {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        /// Where each key stands, by text.
        seen: BTreeMap<Arc<str>, Span>,
        key: Option<Key>,
    },
}

struct Builder<'a> {
    file: u32,
    /// Bytes of a byte order mark before the text.
    shift: usize,
    budget: &'a mut usize,
    stack: Vec<Open>,
    /// Finished anchored values with their weight.
    anchors: BTreeMap<usize, (Node, usize)>,
    root: Option<Node>,
    errors: &'a mut Vec<SpecError>,
    documents: usize,
}

type Step = Result<(), Box<SpecError>>;

impl Builder<'_> {
    fn run(&mut self, text: &str) -> Step {
        let mut options = Options::default();
        options.block_nesting_limit = MAX_DEPTH;
        options.flow_nesting_limit = MAX_DEPTH;
        let mut parser = Parser::new_from_str_with_options(text, options);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|e| Box::new(self.scan_error(text, &e)))?;
            let span = self.span(text, span);
            self.event(event, span)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Step {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Box::new(
                        SpecError::new(span, "cannot use a second document in one file")
                            .label("it begins here")
                            .hint("put it into a file of its own: files are merged"),
                    ));
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let node = Node { span, kind: Kind::Scalar { text: text.as_ref().into(), plain } };
                self.spend(1, span)?;
                self.value(node, anchor, 1)?;
            }
            Event::Alias(id) => {
                let Some((node, weight)) = self.anchors.get(&id) else {
                    return Err(Box::new(SpecError::new(
                        span,
                        "cannot use an alias inside the value it names",
                    )));
                };
                let (weight, budget) = (*weight, *self.budget);
                // Nothing is copied before it is known to fit.
                if weight > budget {
                    return Err(Box::new(too_much(span)));
                }
                let node = node.clone();
                self.spend(weight, span)?;
                self.value(node, 0, weight)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(anchor, span, OpenKind::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, _) => {
                let kind = OpenKind::Map { entries: Vec::new(), seen: BTreeMap::new(), key: None };
                self.open(anchor, span, kind)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.stack.pop() {
                    let kind = match open.kind {
                        OpenKind::List(items) => Kind::List(items),
                        OpenKind::Map { entries, .. } => Kind::Map(entries),
                    };
                    let mut whole = open.span;
                    whole.end = span.end.max(whole.end);
                    self.value(Node { span: whole, kind }, open.anchor, open.weight)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, span: Span, kind: OpenKind) -> Step {
        self.spend(1, span)?;
        if self.stack.len() >= MAX_DEPTH {
            return Err(Box::new(too_deep(span)));
        }
        self.stack.push(Open { anchor, span, kind, weight: 1 });
        Ok(())
    }

    fn spend(&mut self, values: usize, span: Span) -> Step {
        match self.budget.checked_sub(values) {
            Some(left) => {
                *self.budget = left;
                Ok(())
            }
            None => Err(Box::new(too_much(span))),
        }
    }

    /// Takes a finished value as root, item, key or value of what is open.
    fn value(&mut self, node: Node, anchor: usize, weight: usize) -> Step {
        if anchor > 0 {
            self.spend(weight, node.span)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.weight += weight;
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, seen, key } => match key.take() {
                None => match node.kind {
                    Kind::Scalar { text, plain } => {
                        if plain && &*text == "<<" {
                            return Err(Box::new(
                                SpecError::new(node.span, "cannot use a merge key (`<<`)")
                                    .hint("write the keys out, or use an alias for a whole value"),
                            ));
                        }
                        *key = Some(Key { text, span: node.span });
                    }
                    Kind::List(_) | Kind::Map(_) => {
                        return Err(Box::new(SpecError::new(
                            node.span,
                            "cannot use a list or a map as a key: keys are text",
                        )));
                    }
                },
                Some(k) => match seen.get(&k.text) {
                    Some(first) => self.errors.push(
                        SpecError::new(
                            k.span,
                            format!("the key `{}` stands twice", shorten(&k.text)),
                        )
                        .label("again here")
                        .also(*first, "first here")
                        .hint("keep one of the two"),
                    ),
                    None => {
                        seen.insert(k.text.clone(), k.span);
                        entries.push((k, node));
                    }
                },
            },
        }
        Ok(())
    }

    fn span(&self, text: &str, span: YamlSpan) -> Span {
        let mut out = self.at(text, &span.start);
        let end = span.end.byte_offset().unwrap_or(text.len()) + self.shift;
        out.end = u32::try_from(end).unwrap_or(u32::MAX).max(out.start);
        out
    }

    fn at(&self, text: &str, mark: &Marker) -> Span {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let start = number(mark.byte_offset().unwrap_or(text.len()).min(text.len()) + self.shift);
        Span {
            file: self.file,
            line: number(mark.line()).max(1),
            column: number(mark.col()).saturating_add(1),
            start,
            end: start,
        }
    }

    /// The parser's complaint in people's words.
    fn scan_error(&self, text: &str, error: &ScanError) -> SpecError {
        let mut span = self.at(text, error.marker());
        span.end = span.end.saturating_add(1);
        let info = error.info();
        let lower = info.to_lowercase();
        // The parser complains of what comes after the tab: point at the tab.
        let at = (span.start as usize).saturating_sub(self.shift).min(text.len());
        let at = (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or_default();
        let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        if let Some(tab) = line[..indent].find('\t') {
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            span.column = number(tab + 1);
            span.start = number(line_start + tab + self.shift);
            span.end = span.start + 1;
            return SpecError::new(span, "cannot indent with a tab").hint("indent with spaces");
        }
        if lower.contains("nesting") || lower.contains("recursion") || lower.contains("depth") {
            return too_deep(span);
        }
        if lower.contains("unknown anchor") {
            return SpecError::new(span, "cannot find the anchor that this alias names")
                .hint("an anchor (`&name`) stands before its alias (`*name`), in the same file");
        }
        SpecError::new(span, format!("cannot read this as YAML: {info}"))
    }
}

fn too_deep(span: Span) -> SpecError {
    SpecError::new(span, format!("cannot read more than {MAX_DEPTH} levels of nesting"))
        .hint("a spec needs at most nine")
}

fn too_much(span: Span) -> SpecError {
    SpecError::new(
        span,
        format!("cannot hold more than {MAX_VALUES} values, aliases counted as often as used"),
    )
    .hint("write less, or use fewer aliases of aliases")
}
