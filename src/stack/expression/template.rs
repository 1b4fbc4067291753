//! Values with expressions in them: `${…}` alone keeps its type, inside text it becomes text, `$${` is a literal `${`.

use std::ops::Range;
use std::sync::Arc;

use super::{Code, Compiler, outside_strings};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::stack::intrinsics;
use crate::stack::yaml::{Data, Key, Node};
use crate::value::Value;

/// A value with expressions in it, and its place.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Template {
    pub(in crate::stack) span: Span,
    pub(in crate::stack) tree: Tree,
}

/// The shape of a [`Template`].
#[derive(Clone, Debug)]
pub(in crate::stack) enum Tree {
    /// A scalar without expressions.
    Literal(Value),
    /// Exactly one expression.
    Expression(Part),
    /// Text with expressions in it.
    Text(Vec<Result<String, Part>>),
    /// A list.
    List(Vec<Template>),
    /// A map; each key with its place.
    Map(Vec<(String, Span, Template)>),
    /// Something wrong, already reported.
    Broken,
}

/// One expression of a template.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Part {
    pub(in crate::stack) code: Arc<Code>,
    /// Where the whole value stands.
    value: Span,
    /// Where in the source the code's text begins, where it stands there as it is.
    start: Option<usize>,
}

impl Part {
    /// An expression that is a whole value, without `${…}`.
    pub(in crate::stack) fn bare(code: Arc<Code>, value: Span, text: &str) -> Self {
        let start = Written { span: &value, from: value.range.start }.find(text);
        Self { code, value, start }
    }

    /// The place of `range` of the code.
    pub(in crate::stack) fn span(&self, range: &Range<usize>) -> Span {
        match self.start {
            Some(start) => Span::new(&self.value.source, start + range.start..start + range.end),
            None => self.value.clone(),
        }
    }
}

impl Template {
    /// Reads a node, reporting what is wrong with its expressions.
    pub(in crate::stack) fn new(
        node: Node,
        source: &Arc<Source>,
        compiler: &mut Compiler,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let span = Span::new(source, node.range.clone());
        let tree = match node.data {
            Data::Null => Tree::Literal(Value::Null),
            Data::Broken => Tree::Broken,
            Data::Bool(value) => Tree::Literal(Value::Bool(value)),
            Data::Int(value) => Tree::Literal(Value::Int(value)),
            Data::Float(value) => Tree::Literal(Value::Float(value)),
            Data::Text(text) => text_tree(text, &span, compiler, diagnostics),
            Data::List(items) => {
                Tree::List(items.into_iter().map(|item| Self::new(item, source, compiler, diagnostics)).collect())
            }
            Data::Map(entries) => match intrinsic(&entries) {
                Some((key, help)) => {
                    let span = Span::new(source, key.range.clone());
                    let message = format!("`{}` is a CloudFormation function", key.text);
                    diagnostics.push(Diagnostic::error(&span, message).help(help));
                    Tree::Broken
                }
                None => Tree::Map(
                    entries
                        .into_iter()
                        .map(|(key, value)| {
                            let span = Span::new(source, key.range);
                            (key.text, span, Self::new(value, source, compiler, diagnostics))
                        })
                        .collect(),
                ),
            },
        };
        Self { span, tree }
    }

    /// A template that is always `value`.
    pub(in crate::stack) fn literal(value: Value, span: &Span) -> Self {
        let tree = match value {
            Value::List(list) => Tree::List(list.into_iter().map(|item| Self::literal(item, span)).collect()),
            Value::Map(map) => {
                Tree::Map(map.into_iter().map(|(key, item)| (key, span.clone(), Self::literal(item, span))).collect())
            }
            scalar => Tree::Literal(scalar),
        };
        Self { span: span.clone(), tree }
    }

    /// The entry `key` of a map.
    pub(in crate::stack) fn entry(&self, key: &str) -> Option<&Template> {
        match &self.tree {
            Tree::Map(entries) => entries.iter().find(|(name, ..)| name == key).map(|(_, _, value)| value),
            _ => None,
        }
    }

    /// The keys of a map.
    pub(in crate::stack) fn keys(&self) -> impl Iterator<Item = &str> {
        let entries = if let Tree::Map(entries) = &self.tree { entries.as_slice() } else { &[] };
        entries.iter().map(|(key, ..)| key.as_str())
    }

    /// Its value, where it holds no expression.
    pub(in crate::stack) fn constant(&self) -> Option<Value> {
        match &self.tree {
            Tree::Literal(value) => Some(value.clone()),
            Tree::List(items) => items.iter().map(Self::constant).collect::<Option<Vec<_>>>().map(Value::List),
            Tree::Map(entries) => entries
                .iter()
                .map(|(key, _, value)| Some((key.clone(), value.constant()?)))
                .collect::<Option<Vec<_>>>()
                .map(Value::from_iter),
            Tree::Expression(_) | Tree::Text(_) | Tree::Broken => None,
        }
    }

    /// Calls `visit` with each expression and the keys on the way to it.
    pub(in crate::stack) fn each_part<'a>(
        &'a self,
        path: &mut Vec<&'a str>,
        visit: &mut dyn FnMut(&[&'a str], &'a Part),
    ) {
        match &self.tree {
            Tree::Expression(part) => visit(path, part),
            Tree::Text(parts) => parts.iter().filter_map(|part| part.as_ref().err()).for_each(|part| visit(path, part)),
            Tree::List(items) => items.iter().for_each(|item| item.each_part(path, visit)),
            Tree::Map(entries) => {
                for (key, _, value) in entries {
                    path.push(key);
                    value.each_part(path, visit);
                    path.pop();
                }
            }
            Tree::Literal(_) | Tree::Broken => {}
        }
    }
}

fn intrinsic(entries: &[(Key, Node)]) -> Option<(&Key, &'static str)> {
    match entries {
        [(key, _)] => intrinsics::instead_of_key(&key.text).map(|help| (key, help)),
        _ => None,
    }
}

fn text_tree(text: String, span: &Span, compiler: &mut Compiler, diagnostics: &mut Vec<Diagnostic>) -> Tree {
    if !text.contains("${") {
        return Tree::Literal(Value::String(text));
    }
    let mut parts: Vec<Result<String, Part>> = Vec::new();
    let mut literal = String::new();
    let mut written = Written { span, from: span.range.start };
    let mut broken = false;
    let mut rest = text.as_str();
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            literal.push_str(&rest[..at - 1]);
            literal.push_str("${");
            written.skip("$${");
            rest = &rest[at + 2..];
            continue;
        }
        literal.push_str(&rest[..at]);
        let body = &rest[at + 2..];
        let Some(end) = closing_brace(body) else {
            let place =
                written.find("${").map_or_else(|| span.clone(), |start| Span::new(&span.source, start..start + 2));
            let error = Diagnostic::error(&place, "`${` has no closing `}`").help("a literal `${` is written `$${`");
            diagnostics.push(error);
            return Tree::Broken;
        };
        let text = &body[..end];
        let start = written.find(&rest[at..at + 2 + end + 1]).map(|start| start + 2);
        match compiler.compile(text) {
            Ok(code) => {
                if !literal.is_empty() {
                    parts.push(Ok(std::mem::take(&mut literal)));
                }
                parts.push(Err(Part { code, value: span.clone(), start }));
            }
            Err(failures) => {
                broken = true;
                for failure in failures {
                    let place = match start {
                        Some(start) => Span::new(&span.source, start + failure.range.start..start + failure.range.end),
                        None => span.clone(),
                    };
                    diagnostics.push(failure.problem.into_diagnostic(&place));
                }
            }
        }
        rest = &body[end + 1..];
    }
    literal.push_str(rest);
    if broken {
        return Tree::Broken;
    }
    if !literal.is_empty() {
        parts.push(Ok(literal));
    }
    let only = parts.len() == 1;
    match parts.pop() {
        Some(Err(part)) if only => Tree::Expression(part),
        Some(Ok(text)) if only => Tree::Literal(Value::String(text)),
        last => {
            parts.extend(last);
            Tree::Text(parts)
        }
    }
}

/// The offset of the `}` that ends an expression; those inside its strings and maps don't.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in outside_strings(text) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Finds the pieces of a value in the source, where they stand as they are: not across folded lines or escapes.
struct Written<'a> {
    span: &'a Span,
    from: usize,
}

impl Written<'_> {
    fn find(&mut self, piece: &str) -> Option<usize> {
        let end = self.span.range.end.min(self.span.source.text.len());
        let text = self.span.source.text.get(self.from.min(end)..end)?;
        let at = text.find(piece)? + self.from;
        self.from = at + piece.len();
        Some(at)
    }

    fn skip(&mut self, piece: &str) {
        self.find(piece);
    }
}
