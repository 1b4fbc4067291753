//! Evaluation of expressions over values that may be unknown or secret.
//!
//! What only depends on known parts is known: `size([unknown])` is 1, `false && unknown` is false. What reads a secret
//! is secret as a whole; what only passes it on keeps it where it stands.

mod comprehension;
mod member;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as op};

use super::{Code, Failure, Problem, functions, operators};
use crate::cloud::Lookup;
use crate::value::Value;

/// What an expression may ask of where it stands.
pub(in crate::stack) trait Scope<'s> {
    /// What a name at the start of an expression means.
    fn root(&self, name: &str) -> Result<Operand<'s>, Problem>;
    /// The answer to a lookup; unknown until it is answered.
    fn lookup(&self, lookup: Lookup) -> Result<Value, Problem>;
    /// The text of a file beside the stack file.
    fn file(&self, path: &str) -> Result<String, Problem>;
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// Counts `steps` of work; an error when an expression has taken too many.
    fn spend(&self, steps: usize) -> Result<(), Problem>;
    /// Enters one more level of evaluation; an error when it is too deep. Left with [`Scope::leave`].
    fn enter(&self) -> Result<(), Problem>;
    /// Leaves a level.
    fn leave(&self);
}

/// A value during evaluation, or something that has values without being one.
#[derive(Clone)]
pub(in crate::stack) enum Operand<'s> {
    /// A value.
    Value(Cow<'s, Value>),
    /// A resource, a group of them, `params`, …
    Object(Rc<dyn Object<'s> + 's>),
}

/// Something whose members are found one by one, so that a reference to one costs nothing of the others.
pub(in crate::stack) trait Object<'s> {
    /// The member `key`.
    fn get(&self, key: &str) -> Result<Operand<'s>, Problem>;
    /// The keys, in order, where it is a collection.
    fn keys(&self) -> Option<Vec<String>>;
    /// The whole of it as a value.
    fn value(&self) -> Result<Value, Problem>;
}

impl From<Value> for Operand<'_> {
    fn from(value: Value) -> Self {
        Self::Value(Cow::Owned(value))
    }
}

impl Operand<'_> {
    /// The operand as a value.
    pub(in crate::stack) fn into_value(self) -> Result<Value, Problem> {
        match self {
            Self::Value(value) => Ok(value.into_owned()),
            Self::Object(object) => object.value(),
        }
    }
}

/// Evaluates one expression.
pub(in crate::stack) struct Evaluator<'c, 's> {
    code: &'c Code,
    scope: &'c dyn Scope<'s>,
    variables: Vec<(&'c str, Operand<'s>)>,
    secret: bool,
}

impl<'c, 's> Evaluator<'c, 's> {
    pub(in crate::stack) fn new(code: &'c Code, scope: &'c dyn Scope<'s>) -> Self {
        Self { code, scope, variables: Vec::new(), secret: false }
    }

    /// The value of the whole expression.
    pub(in crate::stack) fn run(self) -> Result<Value, Failure> {
        let root = &self.code.root;
        self.run_node(root)
    }

    /// The value of one node of the expression, which must not use variables of a macro around it.
    pub(in crate::stack) fn run_node(mut self, node: &'c IdedExpr) -> Result<Value, Failure> {
        let operand = self.node(node)?;
        let value = operand.into_value().map_err(|problem| problem.at(self.code.range(node)))?;
        Ok(if self.secret && !matches!(value, Value::Unknown) {
            Value::Secret(Box::new(value.revealed()))
        } else {
            value
        })
    }

    pub(super) fn scope(&self) -> &'c dyn Scope<'s> {
        self.scope
    }

    /// The value that an operation works with: secrets in clear, and remembered.
    pub(super) fn open<'v>(&mut self, value: Cow<'v, Value>) -> Cow<'v, Value> {
        if value.has_secret() {
            self.secret = true;
            return Cow::Owned(value.revealed());
        }
        value
    }

    /// The value with a secret that it is as a whole in clear, and remembered; secrets inside it stay.
    pub(super) fn open_shallow<'v>(&mut self, value: Cow<'v, Value>) -> Cow<'v, Value> {
        if let Value::Secret(inner) = &*value {
            self.secret = true;
            return Cow::Owned(inner.revealed());
        }
        value
    }

    fn node(&mut self, node: &'c IdedExpr) -> Result<Operand<'s>, Failure> {
        let at = |problem: Problem| problem.at(self.code.range(node));
        self.scope.enter().map_err(at)?;
        let result = self.scope.spend(1).map_err(at).and_then(|()| self.node_inner(node));
        self.scope.leave();
        result
    }

    fn node_inner(&mut self, node: &'c IdedExpr) -> Result<Operand<'s>, Failure> {
        let code = self.code;
        let at = |problem: Problem| problem.at(code.range(node));
        match &node.expr {
            Expr::Literal(literal) => literal_value(literal).map(Operand::from).map_err(at),
            Expr::Ident(name) => match self.variables.iter().rev().find(|(variable, _)| variable == name) {
                Some((_, operand)) => Ok(operand.clone()),
                None => self.scope.root(name).map_err(at),
            },
            Expr::Select(select) => {
                let operand = self.node(&select.operand)?;
                if select.test {
                    self.has(operand, &select.field).map_err(at)
                } else {
                    self.member(operand, &select.field).map_err(at)
                }
            }
            Expr::List(list) => {
                let items: Result<Vec<Value>, Failure> = list.elements.iter().map(|item| self.value(item)).collect();
                Ok(Value::List(items?).into())
            }
            Expr::Map(map) => self.map(map.entries.iter().map(|entry| &entry.expr)),
            Expr::Call(call) => self.call(node, call),
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension),
            Expr::Struct(_) | Expr::Unspecified => Err(at(Problem::new("an expression is incomplete"))),
        }
    }

    /// A node's value as it is, secrets inside it kept where they stand.
    fn value(&mut self, node: &'c IdedExpr) -> Result<Value, Failure> {
        let operand = self.node(node)?;
        operand.into_value().map_err(|problem| problem.at(self.code.range(node)))
    }

    /// A node's value to work with.
    fn opened(&mut self, node: &'c IdedExpr) -> Result<Value, Failure> {
        let value = self.value(node)?;
        Ok(self.open(Cow::Owned(value)).into_owned())
    }

    fn map(&mut self, entries: impl Iterator<Item = &'c EntryExpr>) -> Result<Operand<'s>, Failure> {
        let mut map = BTreeMap::new();
        for entry in entries {
            let EntryExpr::MapEntry(entry) = entry else { continue };
            let key = match self.opened(&entry.key)? {
                Value::String(key) => key,
                Value::Unknown => return Ok(Value::Unknown.into()),
                other => {
                    let problem = Problem::new(format!("a map's keys are strings, not {}", article(other.kind())));
                    return Err(problem.at(self.code.range(&entry.key)));
                }
            };
            map.insert(key, self.value(&entry.value)?);
        }
        Ok(Value::Map(map).into())
    }

    fn call(&mut self, node: &'c IdedExpr, call: &'c CallExpr) -> Result<Operand<'s>, Failure> {
        let code = self.code;
        let at = |problem: Problem| problem.at(code.range(node));
        match (call.func_name.as_str(), call.args.as_slice()) {
            (op::CONDITIONAL, [condition, yes, no]) => match self.opened(condition)? {
                Value::Bool(true) => self.node(yes),
                Value::Bool(false) => self.node(no),
                Value::Unknown => Ok(Value::Unknown.into()),
                other => {
                    let problem = Problem::new(format!("a condition is a boolean, not {}", article(other.kind())));
                    Err(problem.at(code.range(condition)))
                }
            },
            (op::LOGICAL_AND, [left, right]) => self.logical(left, right, false),
            (op::LOGICAL_OR, [left, right]) => self.logical(left, right, true),
            (op::NOT_STRICTLY_FALSE, [argument]) => {
                let value = self.opened(argument)?;
                Ok(Value::Bool(value != Value::Bool(false)).into())
            }
            (op::INDEX, [container, index]) => {
                let container = self.node(container)?;
                let index = self.opened(index)?;
                self.index(container, index).map_err(at)
            }
            (op::IN, [item, container]) => {
                let item = self.opened(item)?;
                let found = match self.node(container)? {
                    Operand::Object(object) => match (object.keys(), &item) {
                        (_, Value::Unknown) => Value::Unknown,
                        (Some(keys), Value::String(item)) => Value::Bool(keys.contains(item)),
                        (Some(_), _) => Value::Bool(false),
                        (None, _) => return Err(at(Problem::new("`in` needs a list or a map"))),
                    },
                    Operand::Value(value) => {
                        let value = self.open(value);
                        operators::contains(&value, &item).map_err(at)?
                    }
                };
                Ok(found.into())
            }
            (op::EQUALS | op::NOT_EQUALS, [left, right]) => {
                let (left, right) = (self.comparable(left)?, self.comparable(right)?);
                let equal = match (&left, &right) {
                    (None, None) => {
                        return Err(at(Problem::new("resources can't be compared").help("compare an output")));
                    }
                    (None, Some(other)) | (Some(other), None) => match other {
                        Value::Unknown => Value::Unknown,
                        _ => Value::Bool(false),
                    },
                    (Some(left), Some(right)) => operators::equal(left, right),
                };
                Ok(match equal {
                    Value::Bool(equal) => Value::Bool(equal == (call.func_name == op::EQUALS)),
                    unknown => unknown,
                }
                .into())
            }
            (operator, [argument]) if matches!(operator, op::LOGICAL_NOT | op::NEGATE) => {
                let value = self.opened(argument)?;
                operators::unary(operator, value).map(Operand::from).map_err(at)
            }
            (operator, [left, right]) if operators::is_binary(operator) => {
                let (left, right) = if operator == op::ADD {
                    (self.value(left)?, self.value(right)?)
                } else {
                    (self.opened(left)?, self.opened(right)?)
                };
                // Lists are joined without being read: a secret in one stays where it is.
                let (left, right) = match (left, right) {
                    lists @ (Value::List(_), Value::List(_)) => lists,
                    (left, right) => {
                        (self.open(Cow::Owned(left)).into_owned(), self.open(Cow::Owned(right)).into_owned())
                    }
                };
                operators::binary(operator, left, right).map(Operand::from).map_err(at)
            }
            (name, arguments) => {
                let mut operands = Vec::with_capacity(arguments.len() + 1);
                for argument in call.target.as_deref().into_iter().chain(arguments) {
                    operands.push(self.node(argument)?);
                }
                functions::call(self, name, operands).map_err(at)
            }
        }
    }

    /// What `==` compares: `None` for something that is there but is no value.
    fn comparable(&mut self, node: &'c IdedExpr) -> Result<Option<Value>, Failure> {
        match self.node(node)? {
            Operand::Object(_) => Ok(None),
            Operand::Value(value) => Ok(Some(self.open(value).into_owned())),
        }
    }

    /// `&&` where `decisive` is false, `||` where it is true: one decisive side is enough.
    fn logical(&mut self, left: &'c IdedExpr, right: &'c IdedExpr, decisive: bool) -> Result<Operand<'s>, Failure> {
        let first = self.opened(left);
        if matches!(first, Ok(Value::Bool(first)) if first == decisive) {
            return Ok(Value::Bool(decisive).into());
        }
        let second = self.opened(right)?;
        if second == Value::Bool(decisive) {
            return Ok(Value::Bool(decisive).into());
        }
        let first = first?;
        for (value, node) in [(&first, left), (&second, right)] {
            if !matches!(value, Value::Bool(_) | Value::Unknown) {
                let problem = Problem::new(format!("a condition is a boolean, not {}", article(value.kind())));
                return Err(problem.at(self.code.range(node)));
            }
        }
        let unknown = matches!(first, Value::Unknown) || matches!(second, Value::Unknown);
        Ok(if unknown { Value::Unknown } else { Value::Bool(!decisive) }.into())
    }
}

fn literal_value(literal: &LiteralValue) -> Result<Value, Problem> {
    Ok(match literal {
        LiteralValue::Null => Value::Null,
        LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
        LiteralValue::Int(value) => Value::Int(*value.inner()),
        LiteralValue::Double(value) => Value::Float(*value.inner()),
        LiteralValue::String(value) => Value::String(value.inner().to_owned()),
        LiteralValue::Bytes(_) | LiteralValue::UInt(_) => {
            return Err(Problem::new("bytes and unsigned numbers are not supported"));
        }
    })
}

/// The kind of a value with its article.
pub(in crate::stack) fn article(kind: &str) -> String {
    match kind.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {kind}"),
        _ if kind == "null" => kind.to_owned(),
        _ => format!("a {kind}"),
    }
}
