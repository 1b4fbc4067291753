//! Macros over lists and maps, `map`, `filter`, `all`, `exists`: what CEL calls comprehensions.

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, operators as op};

use super::{Evaluator, Operand, article};
use crate::stack::expression::{Failure, Problem};
use crate::value::Value;

impl<'c, 's> Evaluator<'c, 's> {
    pub(super) fn comprehension(
        &mut self,
        node: &'c IdedExpr,
        it: &'c ComprehensionExpr,
    ) -> Result<Operand<'s>, Failure> {
        let code = self.code;
        let range = self.node(&it.iter_range)?;
        let items: Vec<Operand<'s>> = match range {
            Operand::Object(object) => match object.keys() {
                Some(keys) => keys.into_iter().map(|key| Value::String(key).into()).collect(),
                None => {
                    let problem = Problem::new("this is no list").help("`values(…)` makes a list of a `for_each`");
                    return Err(problem.at(code.range(&it.iter_range)));
                }
            },
            Operand::Value(value) => match self.open_shallow(value).into_owned() {
                Value::List(list) => list.into_iter().map(Operand::from).collect(),
                Value::Map(map) => map.into_keys().map(|key| Value::String(key).into()).collect(),
                Value::Unknown => return Ok(Value::Unknown.into()),
                other => {
                    let problem = Problem::new(format!("{} has no elements", article(other.kind())));
                    return Err(problem.at(code.range(&it.iter_range)));
                }
            },
        };
        let initial = self.node(&it.accu_init)?;
        self.variables.push((&it.accu_var, initial));
        let accumulator = self.variables.len() - 1;
        let result = self.fold(node, it, items, accumulator);
        self.variables.truncate(accumulator);
        result
    }

    fn fold(
        &mut self,
        node: &'c IdedExpr,
        it: &'c ComprehensionExpr,
        items: Vec<Operand<'s>>,
        accumulator: usize,
    ) -> Result<Operand<'s>, Failure> {
        for (index, item) in items.into_iter().enumerate() {
            self.scope.spend(1).map_err(|problem| problem.at(self.code.range(node)))?;
            if self.opened(&it.loop_cond)? == Value::Bool(false) {
                break;
            }
            match &it.iter_var2 {
                None => self.variables.push((&it.iter_var, item)),
                Some(second) => {
                    self.variables.push((&it.iter_var, Value::Int(i64::try_from(index).unwrap_or(i64::MAX)).into()));
                    self.variables.push((second, item));
                }
            }
            let step = self.step(&it.loop_step, &it.accu_var, accumulator);
            self.variables.truncate(accumulator + 1);
            if let Some(next) = step? {
                self.variables[accumulator].1 = next;
            }
        }
        self.node(&it.result)
    }

    /// One step of a macro: the next accumulator, or `None` where it was changed in place, so that a list of n elements
    /// is built in n steps and not in n².
    fn step(&mut self, step: &'c IdedExpr, name: &str, accumulator: usize) -> Result<Option<Operand<'s>>, Failure> {
        let is_accumulator = |node: &IdedExpr| matches!(&node.expr, Expr::Ident(ident) if ident == name);
        if let Expr::Call(call) = &step.expr {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (op::ADD, [left, right]) if is_accumulator(left) => {
                    if let Expr::List(list) = &right.expr {
                        for item in &list.elements {
                            let item = self.value(item)?;
                            if let Operand::Value(value) = &mut self.variables[accumulator].1
                                && let Value::List(items) = value.to_mut()
                            {
                                items.push(item);
                            }
                        }
                        return Ok(None);
                    }
                }
                (op::CONDITIONAL, [condition, yes, no]) if is_accumulator(no) => {
                    return match self.opened(condition)? {
                        Value::Bool(true) => self.step(yes, name, accumulator),
                        Value::Bool(false) => Ok(None),
                        Value::Unknown => Ok(Some(Value::Unknown.into())),
                        other => {
                            let problem =
                                Problem::new(format!("a condition is a boolean, not {}", article(other.kind())));
                            Err(problem.at(self.code.range(condition)))
                        }
                    };
                }
                _ => {}
            }
        }
        self.node(step).map(Some)
    }
}
