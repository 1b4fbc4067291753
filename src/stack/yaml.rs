//! YAML text → a tree of nodes, each with its bytes in the text.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::intrinsics;
use crate::diagnostic::{Diagnostic, Source, Span};

/// How deep maps and lists may nest.
const MAX_DEPTH: usize = 64;
/// How many nodes aliases may stand for, in one file.
const MAX_ALIASED: usize = 20_000;

/// A node of a YAML document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its bytes in the text; of a map or list, from its first to its last entry.
    pub(super) range: Range<usize>,
    /// What it is.
    pub(super) data: Data,
    /// How many nodes it holds, itself included.
    size: usize,
}

/// What a node is, typed by YAML 1.2's core schema.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
    /// Something wrong, already reported.
    Broken,
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its text.
    pub(super) text: String,
    /// Its bytes.
    pub(super) range: Range<usize>,
}

impl Node {
    fn new(range: Range<usize>, data: Data) -> Self {
        Self { range, data, size: 1 }
    }

    /// What the user calls this kind of node.
    pub(super) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "boolean",
            Data::Int(_) => "integer",
            Data::Float(_) => "number",
            Data::Text(_) => "string",
            Data::List(_) => "list",
            Data::Map(_) => "map",
            Data::Broken => "null",
        }
    }
}

/// Reads the one document of `source`. Everything found wrong is added to `diagnostics`; what can be read despite it
/// is returned.
pub(super) fn parse(source: &Arc<Source>, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut builder = Builder {
        source,
        bytes: byte_offsets(&source.text),
        open: Vec::new(),
        anchors: HashMap::new(),
        aliased: 0,
        root: None,
        diagnostics,
    };
    let mut parser = Parser::new_from_str(&source.text);
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = builder.byte(error.marker().index());
                let diagnostic = syntax_error(source, at, error.info());
                builder.diagnostics.push(diagnostic);
                return None;
            }
        };
        let range = builder.byte(span.start.index())..builder.byte(span.end.index());
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                let span = Span::new(source, range);
                let error =
                    Diagnostic::error(&span, "a file holds one YAML document").label("a second one starts here");
                builder.diagnostics.push(error);
                return builder.root;
            }
        }
        if builder.event(event, range).is_err() {
            return None;
        }
    }
    builder.root
}

/// The byte offset of each character, where they differ.
fn byte_offsets(text: &str) -> Option<Vec<usize>> {
    (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect())
}

fn syntax_error(source: &Arc<Source>, at: usize, info: &str) -> Diagnostic {
    conceal_passphrases(source);
    let line_end = source.text[at..].find('\n').map_or(source.text.len(), |end| at + end);
    let mut start = 0;
    for line in source.text[..line_end].split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t') {
            let span = Span::new(source, start + tab..start + tab + 1);
            return Diagnostic::error(&span, "a tab can't indent YAML").help("indent with spaces");
        }
        start += line.len();
    }
    let end = source.text[at..].chars().next().filter(|c| *c != '\n').map_or(at, |c| at + c.len_utf8());
    let error = Diagnostic::error(&Span::new(source, at..end), format!("this is not YAML: {info}"));
    let line_start = source.text[..at].rfind('\n').map_or(0, |start| start + 1);
    match source.text[line_start..line_end].contains("${") {
        true => error.help("an expression needs quotes inside `{…}` and `[…]`, and where it holds `: ` or ` #`; its own strings then take the other quotes"),
        false => error,
    }
}

/// Has no message show what stands behind a key that looks like one for a passphrase: of a file that can't be read, or where
/// a key stands twice, nobody knows what it is.
pub(super) fn conceal_passphrases(source: &Source) {
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        let value = lower.find("passphras").and_then(|key| Some(key + lower[key..].find(':')? + 1));
        if let Some(value) = value {
            source.conceal(start + value..start + line.trim_end().len().max(value));
        }
        start += line.len();
    }
}

/// Reading cannot go on.
struct Stop;

enum Open {
    List {
        range: Range<usize>,
        anchor: usize,
        items: Vec<Node>,
        broken: bool,
    },
    Map {
        range: Range<usize>,
        anchor: usize,
        entries: Vec<(Key, Node)>,
        key: Option<Option<Key>>,
        seen: HashMap<String, Range<usize>>,
        broken: bool,
    },
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    bytes: Option<Vec<usize>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    root: Option<Node>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Builder<'_> {
    fn byte(&self, index: usize) -> usize {
        match &self.bytes {
            None => index.min(self.source.text.len()),
            Some(bytes) => bytes.get(index).copied().unwrap_or(self.source.text.len()),
        }
    }

    fn error(&mut self, range: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(&Span::new(self.source, range.clone()), message));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let data = self.scalar(&text, style, tag.as_deref(), &range);
                let length = self.source.text[range.clone()].trim_end().len();
                let node = Node::new(range.start..range.start + length, data);
                self.anchor(anchor, &node);
                self.add(node, Some(text.into_owned()))
            }
            Event::SequenceStart(anchor, tag) => {
                let broken = self.collection_tag(tag.as_deref(), &range);
                self.push(Open::List { range: range.clone(), anchor, items: Vec::new(), broken }, &range)
            }
            Event::MappingStart(anchor, tag) => {
                let broken = self.collection_tag(tag.as_deref(), &range);
                self.push(
                    Open::Map {
                        range: range.clone(),
                        anchor,
                        entries: Vec::new(),
                        key: None,
                        seen: HashMap::new(),
                        broken,
                    },
                    &range,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let (mut range, anchor, data, size, last) = match open {
                    Open::List { range, anchor, items, broken } => {
                        let size = items.iter().map(|item| item.size).sum::<usize>();
                        let last = items.last().map(|item| item.range.end);
                        let data = if broken { Data::Broken } else { Data::List(items) };
                        (range, anchor, data, size, last)
                    }
                    Open::Map { range, anchor, entries, broken, .. } => {
                        let size = entries.iter().map(|(_, node)| node.size).sum::<usize>();
                        let last = entries.last().map(|(key, node)| node.range.end.max(key.range.end));
                        let data = if broken { Data::Broken } else { Data::Map(entries) };
                        (range, anchor, data, size, last)
                    }
                };
                range.end = last.unwrap_or(range.end).max(range.end);
                let node = Node { range, data, size: size + 1 };
                self.anchor(anchor, &node);
                self.add(node, None)
            }
            Event::Alias(id) => self.alias(id, range),
            _ => Ok(()),
        }
    }

    fn push(&mut self, open: Open, range: &Range<usize>) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            self.error(range, format!("maps and lists nest deeper than {MAX_DEPTH} levels"));
            return Err(Stop);
        }
        self.open.push(open);
        Ok(())
    }

    fn anchor(&mut self, anchor: usize, node: &Node) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn alias(&mut self, id: usize, range: Range<usize>) -> Result<(), Stop> {
        let Some(node) = self.anchors.get(&id) else {
            self.error(&range, "this alias stands inside what it refers to");
            return Err(Stop);
        };
        self.aliased += node.size;
        if self.aliased > MAX_ALIASED {
            let error = self.error(&range, format!("aliases stand for more than {MAX_ALIASED} nodes"));
            error.help = Some("write a component or a `for_each` instead of aliases of aliases".to_owned());
            return Err(Stop);
        }
        let node = Node { range, ..node.clone() };
        let text = if let Data::Text(text) = &node.data { Some(text.clone()) } else { None };
        self.add(node, text)
    }

    /// Puts a finished node where it belongs; `text` is its text where it can be a key.
    fn add(&mut self, node: Node, text: Option<String>) -> Result<(), Stop> {
        let source = self.source;
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match open {
            Open::List { items, .. } => items.push(node),
            Open::Map { entries, key, seen, .. } => match key.take() {
                Some(Some(key)) => entries.push((key, node)),
                Some(None) => {}
                None => {
                    let span = Span::new(source, node.range.clone());
                    let first = text.as_ref().and_then(|text| seen.get(text));
                    let problem = match (&text, first) {
                        (None, _) => Some(Diagnostic::error(&span, "a key must be text")),
                        (Some(text), _) if text == "<<" => Some(
                            Diagnostic::error(&span, "YAML merge keys are not supported")
                                .help("write the entries out, or use `merge(…)` in an expression"),
                        ),
                        (Some(text), Some(first)) => Some(
                            Diagnostic::error(&span, format!("the key `{text}` stands twice"))
                                .label("again here")
                                .related(&Span::new(source, first.clone()), "first here"),
                        ),
                        _ => None,
                    };
                    let range = node.range;
                    if let (Some(text), None) = (&text, &problem) {
                        seen.insert(text.clone(), range.clone());
                    }
                    *key = Some(text.filter(|_| problem.is_none()).map(|text| Key { text, range }));
                    self.diagnostics.extend(problem);
                }
            },
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, range: &Range<usize>) -> Data {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Data::Text(text.to_owned()),
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Data::Text(text.to_owned()),
            Some(tag) if tag.is_yaml_core_schema() => plain(text),
            Some(tag) => {
                self.unknown_tag(tag, range);
                Data::Broken
            }
            None if style == ScalarStyle::Plain => plain(text),
            None => Data::Text(text.to_owned()),
        }
    }

    /// Whether a list or map has a tag that breaks it.
    fn collection_tag(&mut self, tag: Option<&Tag>, range: &Range<usize>) -> bool {
        let unknown = tag.filter(|tag| !tag.is_yaml_core_schema());
        unknown.is_some_and(|tag| {
            self.unknown_tag(tag, range);
            true
        })
    }

    fn unknown_tag(&mut self, tag: &Tag, range: &Range<usize>) {
        let written = format!("!{}", tag.suffix.trim_start_matches('!'));
        let text = &self.source.text;
        let start = if text[range.start..].starts_with(&written) {
            Some(range.start)
        } else {
            text[..range.start]
                .trim_end()
                .ends_with(&written)
                .then(|| text[..range.start].trim_end().len() - written.len())
        };
        let range = start.map_or(range.clone(), |start| start..start + written.len());
        let help = intrinsics::instead_of(written.trim_start_matches('!'));
        let error = match help {
            Some(_) => self.error(&range, format!("`{written}` is a CloudFormation function")),
            None => self.error(&range, format!("YAML tags such as `{written}` are not supported")),
        };
        error.help = help.map(str::to_owned);
    }
}

/// A plain scalar by YAML 1.2's core schema.
fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => return Data::Text(text.to_owned()),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_or_else(|_| Data::Text(text.to_owned()), Data::Int);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(value) = text.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, radix).ok()) {
            return Data::Int(value);
        }
    }
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(value) if numeric && value.is_finite() => Data::Float(value),
        _ => Data::Text(text.to_owned()),
    }
}
