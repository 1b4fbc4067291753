//! Members of values: `operand.field`, `has(operand.field)`, `operand[index]`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Evaluator, Operand, article};
use crate::stack::expression::Problem;
use crate::value::Value;

impl<'s> Evaluator<'_, 's> {
    /// `operand.field`
    pub(super) fn member(&mut self, operand: Operand<'s>, field: &str) -> Result<Operand<'s>, Problem> {
        let value = match operand {
            Operand::Object(object) => return object.get(field),
            Operand::Value(value) => self.open_shallow(value),
        };
        let missing = |map: &BTreeMap<String, Value>| {
            let problem = Problem::new(format!("there is no `{field}` in this map"));
            match crate::stack::suggest::closest(field, map.keys().map(String::as_str)) {
                Some(close) => problem.help(format!("did you mean `{close}`?")),
                None => problem,
            }
        };
        match value {
            Cow::Borrowed(Value::Map(map)) => {
                map.get(field).map(|value| Operand::Value(Cow::Borrowed(value))).ok_or_else(|| missing(map))
            }
            Cow::Owned(Value::Map(mut map)) => match map.remove(field) {
                Some(value) => Ok(value.into()),
                None => Err(missing(&map)),
            },
            other => match &*other {
                Value::Unknown => Ok(Value::Unknown.into()),
                Value::Null => Err(Problem::new(format!("null has no `{field}`")).help(
                    "a resource whose `when` is false is null: ask first, as in `Name != null ? Name.Arn : \"\"`",
                )),
                other => Err(Problem::new(format!("{} has no `{field}`", article(other.kind())))),
            },
        }
    }

    /// `has(operand.field)`
    pub(super) fn has(&mut self, operand: Operand<'s>, field: &str) -> Result<Operand<'s>, Problem> {
        Ok(match operand {
            Operand::Object(object) => match object.keys() {
                Some(keys) => Value::Bool(keys.iter().any(|key| key == field)).into(),
                None => Value::Bool(object.get(field).is_ok()).into(),
            },
            Operand::Value(value) => match &*self.open_shallow(value) {
                Value::Map(map) => Value::Bool(map.contains_key(field)).into(),
                Value::Unknown => Value::Unknown.into(),
                other => return Err(Problem::new(format!("{} has no members", article(other.kind())))),
            },
        })
    }

    /// `operand[index]`
    pub(super) fn index(&mut self, operand: Operand<'s>, index: Value) -> Result<Operand<'s>, Problem> {
        let value = match (operand, &index) {
            (_, Value::Unknown) => return Ok(Value::Unknown.into()),
            (Operand::Object(object), Value::String(key)) => return object.get(key),
            (Operand::Object(_), other) => {
                return Err(Problem::new(format!("this is indexed by a string, not {}", article(other.kind())))
                    .help("`values(…)` makes a list of it"));
            }
            (Operand::Value(value), _) => self.open_shallow(value),
        };
        match (&*value, &index) {
            (Value::Map(_), Value::String(key)) => {
                let key = key.clone();
                self.member(Operand::Value(value), &key)
            }
            (Value::List(list), Value::Int(at)) => {
                let item = usize::try_from(*at).ok().and_then(|at| list.get(at));
                let Some(item) = item else {
                    return Err(Problem::new(format!("index {at} is outside a list of {}", list.len())));
                };
                Ok(item.clone().into())
            }
            (Value::Unknown, _) => Ok(Value::Unknown.into()),
            (container, index) => {
                let (container, index) = (article(container.kind()), article(index.kind()));
                Err(Problem::new(format!("{container} can't be indexed by {index}")))
            }
        }
    }
}
