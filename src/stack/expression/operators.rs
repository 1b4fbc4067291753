//! CEL's operators on values, unknown ones included.

use std::cmp::Ordering;

use cel::common::ast::operators as op;

use super::Problem;
use super::evaluate::article;
use crate::value::Value;

/// Whether [`binary`] knows the operator.
pub(super) fn is_binary(operator: &str) -> bool {
    matches!(
        operator,
        op::ADD
            | op::SUBSTRACT
            | op::MULTIPLY
            | op::DIVIDE
            | op::MODULO
            | op::LESS
            | op::LESS_EQUALS
            | op::GREATER
            | op::GREATER_EQUALS
    )
}

/// `!value`, `-value`.
pub(super) fn unary(operator: &str, value: Value) -> Result<Value, Problem> {
    match (operator, value) {
        (_, Value::Unknown) => Ok(Value::Unknown),
        (op::LOGICAL_NOT, Value::Bool(value)) => Ok(Value::Bool(!value)),
        (op::NEGATE, Value::Int(value)) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        (op::NEGATE, Value::Float(value)) => Ok(Value::Float(-value)),
        (operator, value) => {
            Err(Problem::new(format!("`{}` can't be applied to {}", sign(operator), article(value.kind()))))
        }
    }
}

/// `left operator right`.
pub(super) fn binary(operator: &str, left: Value, right: Value) -> Result<Value, Problem> {
    match (left, right) {
        (Value::List(mut left), Value::List(right)) if operator == op::ADD => {
            left.extend(right);
            Ok(Value::List(left))
        }
        (Value::Unknown, _) | (_, Value::Unknown) => Ok(Value::Unknown),
        (Value::String(left), Value::String(right)) if operator == op::ADD => Ok(Value::String(left + &right)),
        (Value::Int(left), Value::Int(right)) if is_arithmetic(operator) => integers(operator, left, right),
        (Value::Float(left), Value::Float(right)) if is_arithmetic(operator) && operator != op::MODULO => {
            Ok(Value::Float(match operator {
                op::ADD => left + right,
                op::SUBSTRACT => left - right,
                op::MULTIPLY => left * right,
                _ => left / right,
            }))
        }
        (left, right) => {
            let order = if is_arithmetic(operator) { None } else { compare(&left, &right) };
            let Some(order) = order else {
                let (left, right) = (article(left.kind()), article(right.kind()));
                let problem = Problem::new(format!("`{}` can't be applied to {left} and {right}", sign(operator)));
                let mixed = operator == op::ADD && (left == "a string" || right == "a string");
                return Err(if mixed { problem.help("make text of it with `string(…)`") } else { problem });
            };
            Ok(Value::Bool(match operator {
                op::LESS => order == Ordering::Less,
                op::LESS_EQUALS => order != Ordering::Greater,
                op::GREATER => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }))
        }
    }
}

fn is_arithmetic(operator: &str) -> bool {
    matches!(operator, op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO)
}

fn integers(operator: &str, left: i64, right: i64) -> Result<Value, Problem> {
    if right == 0 && matches!(operator, op::DIVIDE | op::MODULO) {
        return Err(Problem::new("division by zero"));
    }
    match operator {
        op::ADD => left.checked_add(right),
        op::SUBSTRACT => left.checked_sub(right),
        op::MULTIPLY => left.checked_mul(right),
        op::DIVIDE => left.checked_div(right),
        _ => left.checked_rem(right),
    }
    .map(Value::Int)
    .ok_or_else(overflow)
}

fn overflow() -> Problem {
    Problem::new("the number is too large")
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Float(right)) => (*left as f64).partial_cmp(right),
        (Value::Float(left), Value::Int(right)) => left.partial_cmp(&(*right as f64)),
        _ => None,
    }
}

/// Whether two values are equal: a boolean, or unknown where that depends on what is unknown in them.
pub(super) fn equal(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
        (Value::List(left), Value::List(right)) if left.len() == right.len() => {
            all(left.iter().zip(right).map(|(left, right)| equal(left, right)))
        }
        (Value::Map(left), Value::Map(right)) if left.keys().eq(right.keys()) => {
            all(left.values().zip(right.values()).map(|(left, right)| equal(left, right)))
        }
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            Value::Bool(compare(left, right) == Some(Ordering::Equal))
        }
        (left, right) => Value::Bool(left == right),
    }
}

fn all(mut results: impl Iterator<Item = Value>) -> Value {
    let mut unknown = false;
    match results.find(|result| {
        unknown |= matches!(result, Value::Unknown);
        *result == Value::Bool(false)
    }) {
        Some(no) => no,
        None if unknown => Value::Unknown,
        None => Value::Bool(true),
    }
}

/// `item in container`.
pub(super) fn contains(container: &Value, item: &Value) -> Result<Value, Problem> {
    match (container, item) {
        (Value::Unknown, _) => Ok(Value::Unknown),
        (Value::Map(_), Value::Unknown) => Ok(Value::Unknown),
        (Value::Map(map), Value::String(key)) => Ok(Value::Bool(map.contains_key(key))),
        (Value::Map(_), _) => Ok(Value::Bool(false)),
        (Value::List(list), item) => {
            let mut unknown = false;
            for element in list {
                match equal(element, item) {
                    Value::Bool(true) => return Ok(Value::Bool(true)),
                    Value::Bool(false) => {}
                    _ => unknown = true,
                }
            }
            Ok(if unknown { Value::Unknown } else { Value::Bool(false) })
        }
        (other, _) => Err(Problem::new(format!("`in` needs a list or a map, not {}", article(other.kind())))),
    }
}

/// The operator as it is written.
fn sign(operator: &str) -> &str {
    operator.trim_matches('_')
}
