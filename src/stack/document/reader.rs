//! Reading a node as what it should be, or saying what is wrong with it.

use std::ops::Range;
use std::sync::Arc;

use super::Spanned;
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::stack::expression::article;
use crate::stack::expression::{Compiler, Part, Template, Tree};
use crate::stack::suggest;
use crate::stack::yaml::{Data, Key, Node};
use crate::value::Value;

/// Reads the nodes of one file.
pub(in crate::stack) struct Reader<'a> {
    pub(in crate::stack) source: &'a Arc<Source>,
    pub(in crate::stack) compiler: &'a mut Compiler,
    pub(in crate::stack) diagnostics: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(in crate::stack) fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.source, range.clone())
    }

    pub(in crate::stack) fn error(&mut self, range: &Range<usize>, message: impl Into<String>) {
        let span = self.span(range);
        self.diagnostics.push(Diagnostic::error(&span, message));
    }

    pub(in crate::stack) fn error_help(
        &mut self,
        range: &Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let span = self.span(range);
        let mut error = Diagnostic::error(&span, message);
        error.help = help;
        self.diagnostics.push(error);
    }

    fn mismatch(&mut self, node: &Node, what: &str, wanted: &str) {
        if matches!(node.data, Data::Broken) {
            return;
        }
        self.error(&node.range, format!("{what} is {wanted}, not {}", article(node.kind())));
    }

    /// The entries of a map; an empty node counts as an empty map.
    pub(in crate::stack) fn map(&mut self, node: Node, what: &str) -> Vec<(Key, Node)> {
        match node.data {
            Data::Map(entries) => entries,
            Data::Null => Vec::new(),
            _ => {
                self.mismatch(&node, what, "a map");
                Vec::new()
            }
        }
    }

    /// The entries of a map that has these keys and no others.
    pub(in crate::stack) fn fields(&mut self, node: Node, what: &str, allowed: &[&str]) -> Vec<(Key, Node)> {
        let mut entries = self.map(node, what);
        entries.retain(|(key, _)| {
            let known = allowed.contains(&key.text.as_str());
            if !known {
                let help = suggest::help(&key.text, allowed.iter().copied(), || {
                    Some(format!("it takes {}", suggest::list(allowed.iter().copied())))
                });
                self.error_help(&key.range, format!("{what} has no key `{}`", key.text), help);
            }
            known
        });
        entries
    }

    /// The elements of a list.
    pub(in crate::stack) fn list(&mut self, node: Node, what: &str) -> Vec<Node> {
        match node.data {
            Data::List(items) => items,
            Data::Null => Vec::new(),
            _ => {
                self.mismatch(&node, what, "a list");
                Vec::new()
            }
        }
    }

    /// Text without expressions.
    pub(in crate::stack) fn text(&mut self, node: Node, what: &str) -> Option<Spanned<String>> {
        let span = self.span(&node.range);
        match node.data {
            Data::Text(text) if text.contains("${") => {
                self.error(&node.range, format!("{what} can't hold an expression"));
                None
            }
            Data::Text(value) => Some(Spanned { value, span }),
            _ => {
                self.mismatch(&node, what, "a string");
                None
            }
        }
    }

    pub(in crate::stack) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match node.data {
            Data::Bool(value) => Some(value),
            _ => {
                self.mismatch(node, what, "a boolean");
                None
            }
        }
    }

    pub(in crate::stack) fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        match node.data {
            Data::Int(value) => Some(value as f64),
            Data::Float(value) => Some(value),
            _ => {
                self.mismatch(node, what, "a number");
                None
            }
        }
    }

    /// A value with expressions in it.
    pub(in crate::stack) fn template(&mut self, node: Node) -> Template {
        Template::new(node, self.source, self.compiler, self.diagnostics)
    }

    /// A value without expressions.
    pub(in crate::stack) fn constant(&mut self, node: Node, what: &str) -> Option<Spanned<Value>> {
        let errors = self.diagnostics.len();
        let range = node.range.clone();
        let template = self.template(node);
        let span = self.span(&range);
        match template.constant() {
            Some(value) => Some(Spanned { value, span }),
            None => {
                if self.diagnostics.len() == errors {
                    self.error(&range, format!("{what} can't hold an expression"));
                }
                None
            }
        }
    }

    /// A list of references, written as they are (`Vpc`, `Subnet["a"]`) or as `${…}`.
    pub(in crate::stack) fn parts(&mut self, node: Node, what: &str) -> Vec<Part> {
        let items = self.list(node, what);
        items.into_iter().filter_map(|item| self.part(item, what)).collect()
    }

    fn part(&mut self, node: Node, what: &str) -> Option<Part> {
        let range = node.range.clone();
        let Data::Text(text) = &node.data else {
            self.mismatch(&node, &format!("an element of {what}"), "a name");
            return None;
        };
        if !text.contains("${") {
            let value = self.span(&range);
            return match self.compiler.compile(text) {
                Ok(code) => Some(Part::bare(code, value, text)),
                Err(_) => {
                    self.error(&range, format!("{what} names resources: `{text}` is no name"));
                    None
                }
            };
        }
        match self.template(node).tree {
            Tree::Expression(part) => Some(part),
            Tree::Broken => None,
            _ => {
                self.error(&range, format!("an element of {what} is one name"));
                None
            }
        }
    }
}
