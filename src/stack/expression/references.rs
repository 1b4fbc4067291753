//! What an expression refers to, read off its syntax tree without evaluating it.

use std::ops::Range;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators as op};

use super::Code;

/// A name at the start of a path, and the path behind it: `Subnet[each.key].SubnetId`.
#[derive(Debug)]
pub(in crate::stack) struct Reference<'c> {
    /// The name.
    pub(in crate::stack) name: &'c str,
    /// Its place in the code.
    pub(in crate::stack) range: Range<usize>,
    /// What follows it.
    pub(in crate::stack) steps: Vec<Step<'c>>,
    /// How it is used: as it stands, or through `values(…)` and a macro's variable.
    pub(in crate::stack) each_value: bool,
    /// Whether only a macro runs over it, whose variable is referred to apart.
    pub(in crate::stack) iterated: bool,
    /// Whether `has(…)` asks for a member of it that need not be there.
    pub(in crate::stack) tested: bool,
}

/// One step of a path.
#[derive(Debug)]
pub(in crate::stack) enum Step<'c> {
    /// `.field`
    Field(&'c str, Range<usize>),
    /// `[index]`
    Index(Index<'c>, Range<usize>),
}

/// What stands between brackets.
#[derive(Clone, Copy, Debug)]
pub(in crate::stack) enum Index<'c> {
    /// A text.
    Text(&'c str),
    /// An expression that uses no macro's variable, so that it can be evaluated apart.
    Expression(&'c IdedExpr),
    /// Anything else.
    Dynamic,
}

/// All references of `code`, in the order in which they stand there.
pub(in crate::stack) fn references(code: &Code) -> Vec<Reference<'_>> {
    let mut collector = Collector { code, bound: Vec::new(), found: Vec::new() };
    collector.node(code.root());
    let mut found = collector.found;
    found.sort_by_key(|reference| reference.range.start);
    found
}

/// A macro's variable and, where it runs over the values of a group, what those are.
struct Bound<'c> {
    name: &'c str,
    group: Option<(&'c str, Range<usize>)>,
}

struct Collector<'c> {
    code: &'c Code,
    bound: Vec<Bound<'c>>,
    found: Vec<Reference<'c>>,
}

impl<'c> Collector<'c> {
    fn node(&mut self, node: &'c IdedExpr) {
        if let Some(reference) = self.path(node) {
            self.found.push(reference);
            return;
        }
        match &node.expr {
            Expr::Select(select) => self.node(&select.operand),
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(|child| self.node(child)),
            Expr::List(list) => list.elements.iter().for_each(|item| self.node(item)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.node(&entry.key);
                        self.node(&entry.value);
                    }
                }
            }
            Expr::Comprehension(it) => {
                let group = self.values_of(&it.iter_range);
                match &group {
                    Some((name, range)) => self.found.push(Reference {
                        name,
                        range: range.clone(),
                        steps: Vec::new(),
                        each_value: false,
                        iterated: true,
                        tested: false,
                    }),
                    None => self.node(&it.iter_range),
                }
                self.node(&it.accu_init);
                let bound = self.bound.len();
                self.bound.push(Bound { name: &it.accu_var, group: None });
                match &it.iter_var2 {
                    None => self.bound.push(Bound { name: &it.iter_var, group }),
                    Some(second) => {
                        self.bound.push(Bound { name: &it.iter_var, group: None });
                        self.bound.push(Bound { name: second, group });
                    }
                }
                for child in [&it.loop_cond, &it.loop_step, &it.result] {
                    self.node(child);
                }
                self.bound.truncate(bound);
            }
            Expr::Literal(_) | Expr::Ident(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
    }

    /// The name in `values(Name)`.
    fn values_of(&self, node: &'c IdedExpr) -> Option<(&'c str, Range<usize>)> {
        let Expr::Call(call) = &node.expr else { return None };
        let argument = match (&call.target, call.args.as_slice()) {
            (None, [argument]) => argument,
            (Some(target), []) => target,
            _ => return None,
        };
        match &argument.expr {
            Expr::Ident(name) if call.func_name == "values" && !self.is_bound(name) => {
                Some((name, self.code.range(argument)))
            }
            _ => None,
        }
    }

    fn is_bound(&self, name: &str) -> bool {
        name.starts_with('@') || self.bound.iter().any(|bound| bound.name == name)
    }

    fn path(&mut self, node: &'c IdedExpr) -> Option<Reference<'c>> {
        let mut steps = Vec::new();
        let mut tested = false;
        let mut indices = Vec::new();
        let mut at = node;
        let (name, range, each_value) = loop {
            match &at.expr {
                Expr::Ident(name) => match self.bound.iter().rev().find(|bound| bound.name == name) {
                    _ if name.starts_with('@') => return None,
                    None => break (name.as_str(), self.code.range(at), false),
                    Some(Bound { group: Some((group, range)), .. }) => {
                        break (*group, range.clone(), true);
                    }
                    Some(_) => return None,
                },
                // What `has` asks for need not be there.
                Expr::Select(select) => {
                    tested |= select.test;
                    if !select.test {
                        steps.push(Step::Field(&select.field, self.code.range(at)));
                    }
                    at = &select.operand;
                }
                Expr::Call(call) if call.func_name == op::INDEX => {
                    let [container, index] = call.args.as_slice() else { return None };
                    let kind = match &index.expr {
                        Expr::Literal(LiteralValue::String(text)) => Index::Text(text.inner()),
                        Expr::Literal(_) => Index::Dynamic,
                        _ if self.uses_bound(index) => Index::Dynamic,
                        _ => Index::Expression(index),
                    };
                    indices.push(index);
                    steps.push(Step::Index(kind, self.code.range(index)));
                    at = container;
                }
                _ => return None,
            }
        };
        for index in indices {
            self.node(index);
        }
        steps.reverse();
        Some(Reference { name, range, steps, each_value, iterated: false, tested })
    }

    fn uses_bound(&self, node: &IdedExpr) -> bool {
        let references = node.references();
        self.bound.iter().any(|bound| references.has_variable(bound.name))
    }
}
