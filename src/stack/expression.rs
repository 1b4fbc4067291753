//! CEL expressions: text → checked code. Grammar and syntax tree are the crate `cel`'s; what evaluates them is ours,
//! because values here may be unknown or secret, maps must keep one order, and every failure has a place.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo};
use cel::parser::Parser;

use crate::diagnostic::{Diagnostic, Span};

mod evaluate;
mod functions;
mod operators;
mod references;
mod template;

pub(super) use evaluate::{Evaluator, Object, Operand, Scope, article};
pub(super) use functions::{FUNCTIONS, as_text, function};
pub(super) use references::{Index, Reference, Step, references};
pub(super) use template::{Part, Template, Tree};

/// How long an expression may be, in bytes.
const MAX_LENGTH: usize = 4096;
/// How deep brackets may nest before the parser, which recurses, is given the text.
const MAX_BRACKETS: usize = 24;
/// How many `?` an expression may have: each makes the parser recurse.
const MAX_CONDITIONALS: usize = 32;
/// How deep the syntax tree may be, because evaluating it recurses too.
const MAX_DEPTH: usize = 64;

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) range: Range<usize>,
    pub(super) problem: Problem,
}

/// What is wrong, and what to do about it.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The whole message, where the problem is in another value that this one refers to.
    pub(super) origin: Option<Box<Diagnostic>>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, origin: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The problem of another value.
    pub(super) fn from_diagnostic(diagnostic: Diagnostic) -> Self {
        Self { message: diagnostic.message.clone(), help: None, origin: Some(Box::new(diagnostic)) }
    }

    /// The message at `span`, or where the problem comes from.
    pub(super) fn into_diagnostic(self, span: &Span) -> Diagnostic {
        if let Some(origin) = self.origin {
            return *origin;
        }
        let mut diagnostic = Diagnostic::error(span, self.message);
        diagnostic.help = self.help;
        diagnostic
    }

    pub(super) fn at(self, range: Range<usize>) -> Failure {
        Failure { range, problem: self }
    }
}

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Code {
    text: String,
    root: IdedExpr,
    /// Of each node, the bytes of the token that the parser made it from.
    tokens: HashMap<u64, Range<usize>>,
}

/// Compiles each text once.
#[derive(Debug, Default)]
pub(super) struct Compiler {
    compiled: HashMap<String, Result<Arc<Code>, Vec<Failure>>>,
}

impl Compiler {
    /// The code of `text`, or what is wrong with it. Needs the deep stack that [`super::load`] runs on.
    pub(super) fn compile(&mut self, text: &str) -> Result<Arc<Code>, Vec<Failure>> {
        if let Some(known) = self.compiled.get(text) {
            return known.clone();
        }
        let compiled = Code::compile(text).map(Arc::new);
        self.compiled.insert(text.to_owned(), compiled.clone());
        compiled
    }
}

impl Code {
    fn compile(text: &str) -> Result<Self, Vec<Failure>> {
        let whole = 0..text.len();
        if text.trim().is_empty() {
            return Err(vec![Problem::new("an expression is empty").at(whole)]);
        }
        if let Some(code) = Self::path(text) {
            return Ok(code);
        }
        bounds(text).map_err(|problem| vec![problem.at(whole.clone())])?;
        let offset = byte_offsets(text);
        let (root, info) = Parser::new().parse_with_source_info(text).map_err(|errors| syntax(text, &errors.errors))?;
        let mut code = Self { text: text.to_owned(), root, tokens: HashMap::new() };
        let mut failures = Vec::new();
        let mut tokens = HashMap::new();
        code.admit(&code.root, 0, &info, &offset, &mut tokens, &mut failures);
        code.tokens = tokens;
        if failures.is_empty() { Ok(code) } else { Err(failures) }
    }

    /// The code of `a.b.c`, which most expressions are, without the parser's cost.
    fn path(text: &str) -> Option<Self> {
        let mut tokens = HashMap::new();
        let mut root: Option<IdedExpr> = None;
        let mut at = 0;
        for (id, name) in (1..).zip(text.split('.')) {
            let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !identifier || RESERVED.contains(&name) || id > MAX_DEPTH as u64 {
                return None;
            }
            let expr = match root.take() {
                None => Expr::Ident(name.to_owned()),
                Some(operand) => {
                    Expr::Select(SelectExpr { operand: Box::new(operand), field: name.to_owned(), test: false })
                }
            };
            let token = if id == 1 { at..at + name.len() } else { at - 1..at };
            tokens.insert(id, token);
            root = Some(IdedExpr { id, expr });
            at += name.len() + 1;
        }
        Some(Self { text: text.to_owned(), root: root?, tokens })
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether this is nothing but names: `params.name`, `Subnet[each.key].SubnetId`.
    pub(super) fn is_path(&self) -> bool {
        let mut node = &self.root;
        loop {
            node = match &node.expr {
                Expr::Ident(_) => return true,
                Expr::Select(select) if !select.test => &select.operand,
                Expr::Call(call) if call.func_name == cel::common::ast::operators::INDEX => &call.args[0],
                _ => return false,
            }
        }
    }

    /// The topmost node of the syntax tree.
    pub(super) fn root(&self) -> &IdedExpr {
        &self.root
    }

    /// The place of a node: its name for a name, a selected field or a call, its operator otherwise.
    pub(super) fn range(&self, node: &IdedExpr) -> Range<usize> {
        let Some(token) = self.tokens.get(&node.id).cloned() else { return 0..self.text.len() };
        let (name, from) = match &node.expr {
            Expr::Select(select) => (select.field.as_str(), token.end),
            Expr::Call(call) if !call.func_name.contains('_') || function(&call.func_name).is_some() => {
                let before = self.text[..token.start].trim_end();
                (call.func_name.as_str(), before.len().saturating_sub(call.func_name.len()))
            }
            _ => return token,
        };
        match self.text.get(from..).and_then(|rest| rest.find(name)) {
            Some(at) if at < 16 => from + at..from + at + name.len(),
            _ => token,
        }
    }

    /// Refuses what the language doesn't have, and notes the tokens.
    fn admit(
        &self,
        node: &IdedExpr,
        depth: usize,
        info: &SourceInfo,
        offset: &dyn Fn(u32) -> usize,
        tokens: &mut HashMap<u64, Range<usize>>,
        failures: &mut Vec<Failure>,
    ) {
        let token = info.offset_for(node.id).map_or(0..self.text.len(), |(start, end)| offset(start)..offset(end + 1));
        tokens.insert(node.id, token.clone());
        let mut fail = |problem: Problem| failures.push(problem.at(token.clone()));
        if depth > MAX_DEPTH {
            return fail(
                Problem::new(format!("an expression is deeper than {MAX_DEPTH} operations")).help("use `locals`"),
            );
        }
        let mut children: Vec<&IdedExpr> = Vec::new();
        match &node.expr {
            Expr::Unspecified => fail(Problem::new("an expression is incomplete")),
            Expr::Ident(_) => {}
            Expr::Literal(LiteralValue::Bytes(_) | LiteralValue::UInt(_)) => {
                fail(Problem::new("bytes and unsigned numbers are not supported"));
            }
            Expr::Literal(_) => {}
            Expr::Struct(_) => {
                fail(Problem::new("messages are not supported").help("a map is written `{\"key\": value}`"))
            }
            Expr::Select(select) => children.push(&select.operand),
            Expr::List(list) => children.extend(&list.elements),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        children.extend([&entry.key, &entry.value]);
                    }
                }
            }
            Expr::Call(call) => children.extend(call.target.as_deref().into_iter().chain(&call.args)),
            Expr::Comprehension(comprehension) => children.extend([
                &comprehension.iter_range,
                &comprehension.accu_init,
                &comprehension.loop_cond,
                &comprehension.loop_step,
                &comprehension.result,
            ]),
        }
        for child in children {
            self.admit(child, depth + 1, info, offset, tokens, failures);
        }
        if let Expr::Call(call) = &node.expr
            && let Err(problem) = functions::admit(&call.func_name, call.target.is_some(), call.args.len())
        {
            let code = Self { text: self.text.clone(), root: IdedExpr::default(), tokens: tokens.clone() };
            failures.push(problem.at(code.range(node)));
        }
    }
}

/// Words that CEL keeps for itself.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "null",
    "package",
    "namespace",
    "return",
    "true",
    "var",
    "void",
    "while",
];

fn byte_offsets(text: &str) -> Box<dyn Fn(u32) -> usize> {
    let length = text.len();
    if text.is_ascii() {
        return Box::new(move |index| (index as usize).min(length));
    }
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    Box::new(move |index| offsets.get(index as usize).copied().unwrap_or(length))
}

/// Refuses text that would make the parser recurse too deep.
fn bounds(text: &str) -> Result<(), Problem> {
    if text.len() > MAX_LENGTH {
        return Err(Problem::new(format!("an expression is longer than {MAX_LENGTH} characters")).help("use `locals`"));
    }
    let (mut brackets, mut conditionals) = (0_usize, 0_usize);
    for (_, byte) in outside_strings(text) {
        match byte {
            b'(' | b'[' | b'{' => brackets += 1,
            b')' | b']' | b'}' => brackets = brackets.saturating_sub(1),
            b'?' => conditionals += 1,
            _ => {}
        }
        if brackets > MAX_BRACKETS {
            return Err(Problem::new(format!("brackets nest deeper than {MAX_BRACKETS} levels")).help("use `locals`"));
        }
        if conditionals > MAX_CONDITIONALS {
            return Err(Problem::new(format!("an expression has more than {MAX_CONDITIONALS} `?`")).help("use a map"));
        }
    }
    Ok(())
}

/// The bytes of `text` that stand outside CEL's string literals and comments, with their offsets.
fn outside_strings(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *bytes.get(at)?;
            let start = at;
            match byte {
                b'"' | b'\'' => {
                    let raw = start > 0
                        && matches!(bytes[start - 1], b'r' | b'R')
                        && (start < 2 || !(bytes[start - 2].is_ascii_alphanumeric() || bytes[start - 2] == b'_'));
                    let triple = bytes[start..].starts_with(&[byte; 3]);
                    let quote: &[u8] = if triple { &[byte; 3][..] } else { &bytes[start..=start] };
                    at = start + quote.len();
                    while at < bytes.len() && !bytes[at..].starts_with(quote) {
                        at += if bytes[at] == b'\\' && !raw { 2 } else { 1 };
                    }
                    at = (at + quote.len()).min(bytes.len());
                }
                b'/' if bytes.get(at + 1) == Some(&b'/') => {
                    while at < bytes.len() && bytes[at] != b'\n' {
                        at += 1;
                    }
                }
                _ => {
                    at += 1;
                    return Some((start, byte));
                }
            }
        }
    })
}

fn syntax(text: &str, errors: &[cel::ParseError]) -> Vec<Failure> {
    let Some(error) = errors.first() else { return Vec::new() };
    let (line, column) = (error.pos.0.max(1) as usize, error.pos.1.max(1) as usize);
    let line_start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[line_start..];
    let at = line_start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at);
    let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    let message = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    let message = match message.split_once(" expecting ") {
        Some((found, _)) => found.replace("mismatched input '<EOF>'", "it ends too early"),
        None => message.to_owned(),
    };
    let mut problem = Problem::new(format!("this is not a CEL expression: {message}"));
    if let Some(word) = message.strip_prefix("reserved identifier: ") {
        problem.message = format!("`{word}` is a word that CEL keeps for itself");
        problem.help = (word == "var").then(|| "a parameter is written `params.name`".to_owned());
        return vec![problem.at(at..at + word.len().min(text.len() - at))];
    }
    vec![problem.at(at..end)]
}
