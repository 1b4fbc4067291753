//! A stack's graph without asking anybody: questions about the world get answers that stand in for the real ones.

use crate::cloud::Lookup;
use crate::stack::{Answers, Checked, Graph, Needs};
use crate::value::Value;

/// A graph made without a cloud.
pub(super) struct Offline {
    /// The graph, or what is wrong as far as the stand-ins let it be told.
    pub(super) graph: Result<Graph, Vec<crate::diagnostic::Diagnostic>>,
    /// Whether anything stood in for what only a cloud can tell.
    pub(super) guessed: bool,
    /// Whether something stood in of which not even the shape is known.
    pub(super) unknown: bool,
}

/// Expands a stack, with stand-ins for what only a cloud can tell.
pub(super) fn graph(checked: &Checked) -> Offline {
    let mut answers = Answers::new();
    let mut unknown = false;
    loop {
        let known = answers.len();
        match checked.graph(&answers) {
            Err(Needs::Lookups(lookups)) => {
                for lookup in lookups {
                    let stand_in = stand_in(&lookup, checked.region());
                    unknown |= stand_in == Value::Unknown;
                    answers.insert(lookup, stand_in);
                }
                if answers.len() == known {
                    return Offline { graph: Err(Vec::new()), guessed: true, unknown: true };
                }
            }
            Err(Needs::Errors(errors)) => return Offline { graph: Err(errors), guessed: known > 0, unknown },
            Ok(graph) => return Offline { graph: Ok(graph), guessed: known > 0, unknown },
        }
    }
}

/// What stands in for an answer: as many zones as the largest region has, the account of AWS's own examples.
fn stand_in(lookup: &Lookup, region: &str) -> Value {
    let partition = match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    match lookup {
        Lookup::Account => [("account_id", "123456789012"), ("partition", partition)]
            .map(|(key, value)| (key.to_owned(), Value::from(value)))
            .into_iter()
            .collect(),
        Lookup::Zones => ('a'..='f').map(|letter| Value::from(format!("{region}{letter}"))).collect(),
        Lookup::SsmParameter(_) | Lookup::Stack { .. } | Lookup::Existing { .. } => Value::Unknown,
    }
}
