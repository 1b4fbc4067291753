//! How much of what CloudFormation says of a type infra takes and tells.

use infra::catalog::TypeInfo;

use super::{Node, Schema, below, covers};

/// Properties and outputs of a type, nested ones too.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// How many properties CloudFormation has.
    pub(crate) properties: usize,
    /// The properties that infra does not take, without what is inside them.
    pub(crate) properties_missing: Vec<String>,
    /// How many of the properties infra takes.
    pub(crate) properties_taken: usize,
    /// How many outputs CloudFormation has.
    pub(crate) outputs: usize,
    /// The outputs that infra does not tell.
    pub(crate) outputs_missing: Vec<String>,
}

impl Coverage {
    /// What `kind` takes of what `schema` offers.
    pub(crate) fn of(kind: &TypeInfo, schema: &Schema) -> Self {
        let mut coverage = Self::default();
        let ours = Node::of(&kind.properties, &kind.properties);
        coverage.count(schema, &schema.root(), Some(&ours), "", &[]);
        let told = Node::of(&kind.outputs, &kind.outputs);
        for output in &schema.read_only {
            // What stands inside a property comes and goes with it; what stands inside an output is part of it.
            if output.contains('.') {
                continue;
            }
            coverage.outputs += 1;
            if told.property(output).is_none() {
                coverage.outputs_missing.push(output.clone());
            }
        }
        coverage
    }

    /// Counts what is in `theirs` at `path`; `ours` is none in what infra does not take. `within` are the definitions that
    /// `theirs` is part of: a part of itself counts once.
    fn count(&mut self, schema: &Schema, theirs: &Node<'_>, ours: Option<&Node<'_>>, path: &str, within: &[&str]) {
        for (name, property) in theirs.properties() {
            let path = below(path, name);
            if covers(&schema.read_only, &path) {
                continue;
            }
            let taken = ours.and_then(|ours| ours.property(name));
            self.properties += 1;
            match (&taken, ours) {
                (Some(_), _) => self.properties_taken += 1,
                (None, Some(_)) => self.properties_missing.push(path.clone()),
                (None, None) => {}
            }
            let inner = property.innermost();
            let whole = taken.as_ref().is_some_and(|taken| taken.is_document);
            if !whole && !inner.comes_from(within) {
                let within = [within, inner.definitions()].concat();
                self.count(schema, &inner, taken.map(Node::innermost).as_ref(), &path, &within);
            }
        }
    }
}
