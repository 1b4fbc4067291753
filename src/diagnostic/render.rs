//! Diagnostics as text: the place, the source line, a caret, and what to do.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity, Source, Span};

/// Source lines longer than this, in bytes, are cut around what they point at.
const MAX_LINE: usize = 160;

/// The text of all `diagnostics`, in the order given, an empty line between two; ends with a line break.
///
/// Line breaks and what the terminal would act on are neutralised, so that the same diagnostics are always the same
/// bytes.
pub fn render(diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(120);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        let excerpts = excerpts(diagnostic);
        let rendered = renderer.render(&[group(diagnostic, &excerpts)]);
        for line in rendered.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// One source line with what is marked in it.
struct Excerpt {
    path: String,
    line: usize,
    text: String,
    marks: Vec<Mark>,
}

struct Mark {
    range: Range<usize>,
    label: String,
    primary: bool,
}

fn excerpts(diagnostic: &Diagnostic) -> Vec<Excerpt> {
    let mut excerpts: Vec<Excerpt> = Vec::new();
    let primary = diagnostic.span.iter().map(|span| (span, diagnostic.label.as_deref().unwrap_or_default(), true));
    let related = diagnostic.related.iter().map(|(span, note)| (span, note.as_str(), false));
    for (span, label, primary) in primary.chain(related) {
        let (path, line) = (span.source.path.display().to_string(), span.source.line_column(span.range.start).0);
        let (text, range) = line_of(&span.source, span);
        let mark = Mark { range, label: printable(label), primary };
        let known = excerpts.iter_mut().find(|known| known.path == path && known.line == line && known.text == text);
        match known {
            Some(known) => known.marks.push(mark),
            None => excerpts.push(Excerpt { path, line, text, marks: vec![mark] }),
        }
    }
    excerpts
}

fn group<'a>(diagnostic: &'a Diagnostic, excerpts: &'a [Excerpt]) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut message = printable(&diagnostic.message);
    if let (None, Some(file)) = (&diagnostic.span, &diagnostic.file) {
        message = format!("{}: {message}", file.display());
    }
    let mut group = level.primary_title(message).elements(excerpts.iter().map(|excerpt| {
        Snippet::source(excerpt.text.as_str())
            .line_start(excerpt.line)
            .path(excerpt.path.as_str())
            .fold(false)
            .annotations(excerpt.marks.iter().map(|mark| {
                let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                let label = (!mark.label.is_empty()).then_some(mark.label.as_str());
                kind.span(mark.range.clone()).label(label)
            }))
    }));
    for note in &diagnostic.notes {
        let lines: Vec<String> = note.lines().map(printable).collect();
        group = group.element(Level::NOTE.message(lines.join("\n")));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    group
}

/// The line where `span` begins, made printable, and the part of the span that stands on it.
fn line_of(source: &Source, span: &Span) -> (String, Range<usize>) {
    let text = &*source.shown();
    let start = floor(text, span.range.start.min(text.len()));
    let end = floor(text, span.range.end.clamp(start, text.len()));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let end = end.min(line_end);
    let from = if start - line_start > MAX_LINE / 2 { floor(text, start - MAX_LINE / 2) } else { line_start };
    let to = if line_end - start > MAX_LINE { floor(text, start + MAX_LINE) } else { line_end };
    let (before, marked, after) = (&text[from..start], &text[start..end.min(to)], &text[end.min(to)..to]);
    let lead = if from > line_start { "…" } else { "" };
    let tail = if to < line_end { "…" } else { "" };
    let (before, marked, after) = (printable(before), printable(marked), printable(after));
    let at = lead.len() + before.len();
    (format!("{lead}{before}{marked}{after}{tail}"), at..at + marked.len())
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The text with a tab as one arrow and other control characters replaced, so that carets stand where they should.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => '→',
            '\n' => ' ',
            c if c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}') => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_place_line_caret_label_related_and_help() {
        let source = Source::new("stack.yaml", "a: 1\nbee: 2\nbee: 3\n");
        let diagnostic = Diagnostic::error(&Span::new(&source, 12..15), "the key `bee` stands twice")
            .label("again here")
            .related(&Span::new(&source, 5..8), "first here")
            .help("remove one of them");
        let diagnostic = Diagnostic { notes: vec!["the file is\nread once".to_owned()], ..diagnostic };
        let expected = [
            "error: the key `bee` stands twice",
            " --> stack.yaml:3:1",
            "  |",
            "3 | bee: 3",
            "  | ^^^ again here",
            "  |",
            " ::: stack.yaml:2:1",
            "  |",
            "2 | bee: 2",
            "  | --- first here",
            "  |",
            "  = note: the file is",
            "          read once",
            "  = help: remove one of them",
        ];
        assert_eq!(render(&[diagnostic], false).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn shows_a_file_that_has_no_text() {
        let diagnostic = Diagnostic::file_error(std::path::Path::new("x/stack.yaml"), "no such file");
        assert_eq!(render(&[diagnostic], false), "error: x/stack.yaml: no such file\n");
    }

    #[test]
    fn cuts_long_lines_and_neutralises_control_characters() {
        let source = Source::new("s.yaml", format!("{}\u{1b}[31mbad\t{}", "ä".repeat(300), "b".repeat(300)));
        let at = source.text.find("bad").unwrap();
        let text = render(&[Diagnostic::error(&Span::new(&source, at..at + 3), "no")], false);
        assert!(!text.contains('\u{1b}') && text.lines().all(|line| line.chars().count() < 300), "{text}");
    }
}
