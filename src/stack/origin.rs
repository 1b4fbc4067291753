//! What a graph was made of, so that another run can tell whether it would be made of the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use super::scope::{Inputs, Unit};
use super::{Answers, Graph, NoAttributes, files};
use crate::value::Value;

/// The least bytes of a value that is looked for inside longer secrets: a shorter one stands in many by chance.
const TELLING: usize = 6;

/// All that a graph follows from, beside the catalog of types. What is in it may be secret.
pub struct Origin {
    /// The texts of all files, by their paths as the user would write them; `None` where one that would have been read
    /// is not there.
    pub files: BTreeMap<PathBuf, Option<String>>,
    /// The values of the stack's parameters; those that are secret, or that a secret holds, are [`Value::Secret`].
    pub parameters: BTreeMap<String, Value>,
    /// What `env(…)` asked for.
    pub variables: BTreeMap<String, Option<String>>,
    /// What was looked up.
    pub lookups: Answers,
}

/// Names alone: the texts may hold secrets.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("files", &self.files.keys()).finish_non_exhaustive()
    }
}

impl Graph {
    /// What this graph was made of, as far as it was evaluated until now.
    pub fn origin(&self) -> Origin {
        // Evaluates, and so reads and asks: before either is looked at.
        let parameters = self.parameters();
        let mut texts = BTreeMap::new();
        units(&self.root.unit, &mut texts);
        if let Some((path, source)) = &self.environment_file {
            texts.insert(path.clone(), source.as_ref().map(|source| source.text.clone()));
        }
        let read = self.world.files.lock().unwrap_or_else(PoisonError::into_inner);
        for ((from, path), text) in &*read {
            texts.insert(files::relative_to(from, path.as_ref()), text.as_ref().ok().cloned());
        }
        let asked = self.world.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let variables = asked.iter().map(|name| (name.clone(), self.world.variables.get(name).cloned()));
        Origin { files: texts, parameters, variables: variables.collect(), lookups: self.world.answers.clone() }
    }

    fn parameters(&self) -> BTreeMap<String, Value> {
        let Inputs::Root(inputs) = &self.root.inputs else { return BTreeMap::new() };
        let mut secrets = BTreeSet::new();
        for node in 0..self.nodes.len() {
            if let Ok(properties) = self.properties(node, &NoAttributes) {
                secret_texts(&properties, false, &mut secrets);
            }
        }
        for output in 0..self.outputs.len() {
            if let Ok(value) = self.output(output, &NoAttributes) {
                secret_texts(&value, false, &mut secrets);
            }
        }
        let held = |value: &Value| {
            let mut texts = BTreeSet::new();
            secret_texts(value, true, &mut texts);
            texts.iter().any(|text| {
                secrets.contains(text) || text.len() >= TELLING && secrets.iter().any(|secret| secret.contains(text))
            })
        };
        let parameters = inputs.iter().map(|(name, value)| {
            let bare = !value.has_secret() && held(value);
            (name.clone(), if bare { Value::Secret(Box::new(value.clone())) } else { value.clone() })
        });
        parameters.collect()
    }
}

fn units(unit: &Arc<Unit>, texts: &mut BTreeMap<PathBuf, Option<String>>) {
    let source = &unit.document.source;
    if texts.insert(source.path.clone(), Some(source.text.clone())).is_none() {
        unit.components.iter().flatten().for_each(|component| units(component, texts));
    }
}

/// The texts that are secret in a value; all of them where it is `inside` a secret.
fn secret_texts(value: &Value, inside: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Secret(inner) => secret_texts(inner, true, found),
        Value::List(list) => list.iter().for_each(|value| secret_texts(value, inside, found)),
        Value::Map(map) => map.values().for_each(|value| secret_texts(value, inside, found)),
        Value::String(text) if inside && !text.is_empty() => drop(found.insert(text.clone())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cloud::fake::catalog::catalog;
    use crate::stack::{Needs, Options, load};

    fn origin(folder: &Path) -> Origin {
        let options = Options {
            environment: Some("dev".to_owned()),
            variables: BTreeMap::from([("TOKEN".to_owned(), "t".to_owned()), ("OTHER".to_owned(), "o".to_owned())]),
            ..Options::default()
        };
        let checked = load(folder, &options, &catalog()).unwrap_or_else(|errors| panic!("{errors:?}"));
        match checked.graph(&Answers::new()) {
            Ok(graph) => graph.origin(),
            Err(Needs::Lookups(lookups)) => panic!("{lookups:?}"),
            Err(Needs::Errors(errors)) => panic!("{errors:?}"),
        }
    }

    #[test]
    fn it_names_every_file_variable_and_secret_that_a_graph_follows_from() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, text).expect("write");
        };
        write(
            "app/stack.yaml",
            r#"
stack: shop
region: us-east-1
parameters:
  declared: { type: string, secret: true, default: hunter2 }
  used: { type: string, default: hunter3 }
  part: { type: string, default: correct-horse }
  plain: { type: string, default: text }
resources:
  One: { component: ../parts/one.yaml, with: { text: "${env('TOKEN', '')}${env('UNSET', '')}" } }
  Two: { component: ../parts/one.yaml, with: { text: "${file('texts/two.txt')}" } }
  Four: { type: Test::App::Secret, properties: { Description: "${file('texts/two.txt')}${env('UNSET', '')}" } }
  Key: { type: Test::App::Secret, properties: { SecretString: "${params.used}", Description: "${params.plain}" } }
  Url: { type: Test::App::Secret, properties: { SecretString: "smtp://user:${params.part}@host" } }
"#,
        );
        write("app/texts/two.txt", "two");
        write(
            "parts/one.yaml",
            "parameters: { text: { type: string } }\nresources:\n  Secret: { type: Test::App::Secret, properties: \
             { SecretString: x, Description: \"${params.text}\" } }\n",
        );
        let found = origin(&folder.path().join("app"));
        let names: Vec<_> = found
            .files
            .iter()
            .map(|(path, text)| (path.strip_prefix(folder.path()).expect("below").to_owned(), text.is_some()))
            .collect();
        let expected = [("app/dev.yaml", false), ("app/stack.yaml", true), ("app/texts/two.txt", true)];
        let expected = expected.into_iter().chain([("parts/one.yaml", true)]);
        assert_eq!(names, expected.map(|(path, there)| (PathBuf::from(path), there)).collect::<Vec<_>>());
        let asked = [("TOKEN".to_owned(), Some("t".to_owned())), ("UNSET".to_owned(), None)];
        assert_eq!(found.variables, BTreeMap::from(asked), "what is not asked for does not count");
        let secret: Vec<_> = found.parameters.iter().filter(|(_, value)| value.has_secret()).collect();
        let secret: Vec<_> = secret.into_iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(secret, ["declared", "part", "used"], "declared so, or held by a secret");
        assert!(!format!("{found:?}").contains("hunter"));
    }
}
