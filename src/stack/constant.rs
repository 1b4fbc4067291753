//! Expressions that refer to nothing, evaluated while a stack is checked.

use std::cell::Cell;
use std::path::Path;

use super::expression::{Evaluator, Operand, Part, Problem, Scope, references};
use super::files;
use crate::cloud::Lookup;
use crate::diagnostic::Diagnostic;
use crate::value::Value;

/// How many steps are tried before it is left to the evaluation proper.
const MAX_STEPS: usize = 100_000;
const MAX_NESTING: usize = 160;

/// The value of an expression that refers to nothing, or its mistake; `None` where that can't be told yet.
pub(super) fn constant(part: &Part, file: &Path) -> Option<Result<Value, Diagnostic>> {
    if !references(&part.code).is_empty() || part.code.root().references().has_function("env") {
        return None;
    }
    let scope = Nowhere { file, steps: Cell::new(0), depth: Cell::new(0) };
    let result = Evaluator::new(&part.code, &scope).run();
    if scope.steps.get() > MAX_STEPS {
        return None;
    }
    match result {
        Ok(Value::Unknown) => None,
        Ok(value) => Some(Ok(value)),
        Err(failure) => Some(Err(failure.problem.into_diagnostic(&part.span(&failure.range)))),
    }
}

/// A place where no name means anything.
struct Nowhere<'f> {
    file: &'f Path,
    steps: Cell<usize>,
    depth: Cell<usize>,
}

impl<'s> Scope<'s> for Nowhere<'_> {
    fn root(&self, _: &str) -> Result<Operand<'s>, Problem> {
        Ok(Value::Unknown.into())
    }

    fn lookup(&self, _: Lookup) -> Result<Value, Problem> {
        Ok(Value::Unknown)
    }

    fn file(&self, path: &str) -> Result<String, Problem> {
        files::beside(self.file, path)
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn spend(&self, steps: usize) -> Result<(), Problem> {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > MAX_STEPS { Err(Problem::new("too many steps")) } else { Ok(()) }
    }

    fn enter(&self) -> Result<(), Problem> {
        self.depth.set(self.depth.get() + 1);
        if self.depth.get() > MAX_NESTING { Err(Problem::new("too deep")) } else { Ok(()) }
    }

    fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }
}
