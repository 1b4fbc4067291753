//! What a graph was made of, so that another run can tell whether it would be made of the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use super::scope::{Inputs, Unit};
use super::secret_parameters::secret_parameters;
use super::{Answers, Graph, NoAttributes, files};
use crate::value::Value;

/// The least bytes of a value that is looked for inside longer secrets: a shorter one stands in many by chance.
const TELLING: usize = 6;

/// All that a graph follows from, beside the catalog of types. What is in it may be secret.
pub struct Origin {
    /// The texts of all files, by their paths as the user would write them; `None` where one that would have been read
    /// is not there.
    pub files: BTreeMap<PathBuf, Option<String>>,
    /// The values of the stack's parameters; those that are secret, that a secret refers to, or that a secret holds, are
    /// [`Value::Secret`].
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
        let referred = secret_parameters(&self.root.unit);
        let parameters = inputs.iter().map(|(name, value)| {
            let nothing = matches!(value, Value::Null | Value::Unknown);
            let bare = !value.has_secret() && !nothing && (referred.contains(name) || held(value));
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

    /// The names of the parameters that are secret where the stack, and a component that it may use, say so.
    fn secret(stack: &str, component: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("stack.yaml"), format!("stack: shop\nregion: us-east-1\n{stack}"))
            .expect("write");
        std::fs::create_dir(folder.path().join("parts")).expect("a folder");
        std::fs::write(folder.path().join("parts/part.yaml"), component).expect("write");
        let found = origin(folder.path());
        found.parameters.into_iter().filter(|(_, value)| value.has_secret()).map(|(name, _)| name).collect()
    }

    /// A resource with a secret.
    fn key(secret: &str) -> String {
        format!("{{ type: Test::App::Secret, properties: {{ SecretString: \"{secret}\" }} }}")
    }

    #[test]
    fn what_a_secret_refers_to_is_secret_whatever_becomes_of_it() {
        let parameters = "parameters:\n  pin: { type: integer, default: 4711 }\n  word: { type: string, default: abc }\n  \
                          plain: { type: string, default: text }\n  many: { type: map, default: { a: x } }\nlocals:\n  \
                          deep: \"${params.word}-${params.pin}\"\n  other: \"${params.plain}\"\n";
        let queue = "  Queue: { type: Test::App::Queue, properties: { QueueName: \"${params.plain}\" } }\n";
        let table = [
            ("number", "${string(params.pin)}", &["pin"][..]),
            ("transformed", "${json({'a': params.word})}", &["word"]),
            ("with an unknown", "${params.word}${Queue.Arn}", &["word"]),
            ("through a local", "${local.deep}", &["pin", "word"]),
            ("through a property", "${Queue.QueueName}", &["plain"]),
            ("through a macro", "${join(keys(params.many).map(key, params.many[key]), '')}", &["many"]),
            ("nothing", "zzz", &[]),
        ];
        for (what, expression, expected) in table {
            let stack = format!("{parameters}resources:\n{queue}  Key: {}\n", key(expression));
            assert_eq!(secret(&stack, ""), expected, "{what}");
        }
        let each = key("${each.value}").replace("{ type", "{ for_each: \"${params.many}\", type");
        assert_eq!(secret(&format!("{parameters}resources:\n  Key: {each}\n"), ""), ["many"], "through for_each");
        let output = "outputs: { pin: { value: \"${params.pin}-${Queue.Arn}\", secret: true } }\n";
        assert_eq!(secret(&format!("{parameters}resources:\n{queue}{output}"), ""), ["pin"], "a secret output");
        let service = "  Service: { type: Test::App::Service, properties: { Containers: [{ Name: a, Image: b }], \
                     Password: \"${params.word}${Queue.Arn}\" } }\n";
        assert_eq!(secret(&format!("{parameters}resources:\n{queue}{service}"), ""), ["word"], "one property of many");
    }

    #[test]
    fn what_a_secret_in_a_component_refers_to_is_secret() {
        let stack = "parameters:\n  pin: { type: integer, default: 4711 }\n  word: { type: string, default: abc }\n\
                     resources:\n  Part: { component: parts/part.yaml, with: { a: \"${string(params.pin)}\", b: \
                     \"${params.word}\" } }\n";
        let parameters = "parameters: { a: { type: string }, b: { type: string } }\n";
        let inside = format!("{parameters}resources:\n  Key: {}\n", key("${params.a}${params.a}"));
        assert_eq!(secret(stack, &inside), ["pin"], "a secret property");
        let declared = "parameters: { a: { type: string, secret: true }, b: { type: string } }\nresources:\n  Queue: { \
                        type: Test::App::Queue, properties: {} }\n";
        assert_eq!(secret(stack, declared), ["pin"], "a secret parameter");
        let outputs = format!(
            "{parameters}resources:\n  Queue: {{ type: Test::App::Queue, properties: {{}} }}\noutputs:\n  a: {{ value: \
             \"${{params.a}}\" }}\n  b: {{ value: \"${{params.b}}-${{Queue.Arn}}\" }}\n"
        );
        let stack = format!("{stack}  Key: {}\n", key("${Part.b}"));
        assert_eq!(secret(&stack, &outputs), ["word"], "an output");
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
