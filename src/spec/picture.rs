//! Pictures of the offending lines.

use super::Source;
use super::error::SpecError;
use super::node::Span;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use std::sync::Arc;

/// Most bytes of a line that are shown on each side of the offending text.
const AROUND: usize = 100;

/// The error as people read it: title, the line with the offence underlined, what to do.
pub(super) fn draw(error: &SpecError, sources: &[Source], names: &[Arc<str>]) -> String {
    let primary = show(error.span, error.label.as_deref(), AnnotationKind::Primary, sources, names);
    let mut group = Level::ERROR.primary_title(&*error.message).element(primary);
    for (span, label) in &error.also {
        group = group.element(show(*span, Some(label), AnnotationKind::Context, sources, names));
    }
    if let Some(hint) = &error.hint {
        group = group.element(Level::HELP.message(&**hint));
    }
    Renderer::plain().decor_style(DecorStyle::Ascii).render(&[group])
}

/// One line of a source with a span underlined; only the file's name where there is no line.
fn show<'a>(
    span: Span,
    label: Option<&'a str>,
    kind: AnnotationKind,
    sources: &'a [Source],
    names: &'a [Arc<str>],
) -> Element<'a> {
    let name = names.get(span.file as usize).map_or("?", |n| &**n);
    let text = sources.get(span.file as usize).and_then(|s| std::str::from_utf8(&s.bytes).ok());
    let Some(text) = text.filter(|_| span.line > 0) else {
        let origin = Origin::path(name);
        return match span.line {
            0 => origin.into(),
            line => origin.line(line as usize).char_column(span.column as usize).into(),
        };
    };
    let start = floor(text, span.start as usize);
    // An empty value at the end of a line: point at what stands before it.
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let end = floor(text, (span.end as usize).clamp(start, line_end)).max(start);
    let from = floor(text, line_start.max(start.saturating_sub(AROUND)));
    let to = floor(text, line_end.min(end.min(start + AROUND) + AROUND));
    let shown = &text[from..to];
    let (low, high) = (start - from, (end - from).min(shown.len()));
    Snippet::source(shown)
        .line_start(span.line as usize)
        .path(name.to_owned())
        .fold(false)
        .annotation(kind.span(low..high.max(low)).label(label))
        .into()
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
