//! The stack's outputs at the end of an apply.

use std::collections::BTreeMap;

use crate::plan::known::Known;
use crate::stack::Graph;
use crate::state::{Journal, State};
use crate::value::Value;

/// The stack's outputs as far as they are known; what is not known stays as it was.
pub(super) fn known_outputs(graph: &Graph, known: &Known<'_>, state: &State) -> BTreeMap<String, Value> {
    let mut outputs = BTreeMap::new();
    for (index, output) in graph.outputs().iter().enumerate() {
        let value = match graph.output(index, known) {
            Ok(value) if value.is_known() => value,
            _ => match state.outputs.get(&output.name) {
                Some(old) => old.clone(),
                None => continue,
            },
        };
        outputs.insert(output.name.clone(), value);
    }
    outputs
}

/// Outputs as the state keeps them; `None` where one can't be kept.
pub(super) fn sealed(journal: &Journal, outputs: &BTreeMap<String, Value>) -> Option<BTreeMap<String, Value>> {
    outputs.iter().map(|(name, value)| Some((name.clone(), journal.seal().seal(value).ok()?))).collect()
}
