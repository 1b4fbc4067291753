//! CloudFormation's resource schemas, which the Python package `cfn-lint` holds as JSON files.
//!
//! The package is installed into `cloudformation/venv` below cargo's target folder, once; nothing of it is run.

mod coverage;
mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use local_aws::python::{self, Packages};
use serde_json::Value as Json;

pub(crate) use coverage::Coverage;
pub(crate) use node::Node;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The schemas of all resource types of one region.
pub(crate) struct Schemas {
    folder: PathBuf,
    /// The file of each type, without its ending.
    files: BTreeMap<String, String>,
}

impl Schemas {
    /// Installs the package if need be; panics with what is missing where that is not possible.
    pub(crate) fn installed() -> Self {
        let program = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let packages = Packages {
            what: "CloudFormation's schemas",
            requirements: REQUIREMENTS,
            dependencies: false,
            venv: python::default_venv("cloudformation"),
            program: &program,
            chosen_by: "the variable PYTHON",
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        if let Err(error) = runtime.block_on(packages.python(&|_| {})) {
            panic!("CloudFormation's schemas can't be read: {error}");
        }
        let versions = fs::read_dir(packages.venv.join("lib")).unwrap().map(|entry| entry.unwrap().path());
        let mut folders = versions.map(|version| version.join("site-packages/cfnlint/data/schemas"));
        let folder = folders.find(|folder| folder.is_dir()).expect("the package holds schemas");
        let files = serde_json::from_value(read(&folder.join("providers/us-east-1.json"))).unwrap();
        Self { folder, files }
    }

    /// The schema of the type of that name, if there is one.
    pub(crate) fn of(&self, type_name: &str) -> Option<Schema> {
        let file = self.files.get(type_name)?;
        Some(Schema::new(read(&self.folder.join("resources").join(format!("{file}.json")))))
    }
}

fn read(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// What CloudFormation says of a type. Paths are written as infra writes them: `A.B`, also through lists and maps.
pub(crate) struct Schema {
    json: Json,
    /// What can't change in place, in no case or in some.
    pub(crate) create_only: BTreeSet<String>,
    /// What only AWS can tell.
    pub(crate) read_only: BTreeSet<String>,
    /// What AWS never tells.
    pub(crate) write_only: BTreeSet<String>,
    /// What tells it from others of its type.
    pub(crate) identifier: BTreeSet<String>,
}

impl Schema {
    /// The schema that `json` is.
    pub(crate) fn new(json: Json) -> Self {
        let paths = |keyword: &str| -> BTreeSet<String> {
            let pointers = json.get(keyword).and_then(Json::as_array).into_iter().flatten();
            pointers.filter_map(Json::as_str).map(path).collect()
        };
        let mut create_only = paths("createOnlyProperties");
        create_only.extend(paths("conditionalCreateOnlyProperties"));
        Self {
            create_only,
            read_only: paths("readOnlyProperties"),
            write_only: paths("writeOnlyProperties"),
            identifier: paths("primaryIdentifier"),
            json,
        }
    }

    /// Its properties, those that only AWS can tell among them.
    pub(crate) fn root(&self) -> Node<'_> {
        Node::of(&self.json, &self.json)
    }
}

/// `/properties/A/*/B` as `A.B`.
fn path(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| !matches!(*part, "" | "*" | "items" | "properties"));
    parts.collect::<Vec<_>>().join(".")
}

/// The path of `name` in what stands at `path`.
pub(crate) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether `paths` hold `path` or something that it is a part of.
pub(crate) fn covers(paths: &BTreeSet<String>, path: &str) -> bool {
    path.match_indices('.').map(|(end, _)| &path[..end]).chain([path]).any(|part| paths.contains(part))
}
