//! Reading a stack with all its files, and finding everything wrong in them in one pass.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::document::{self, EntryKind, FileKind, Parameter, Reader};
use super::expression::Compiler;
use super::scope::{Frame, Here, Inputs, Session, Unit, World};
use super::{Answers, Checked, EnvironmentFile, NoAttributes, Options, check, files, parameters, suggest, yaml};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;

/// How deep components may stand inside components.
const MAX_COMPONENTS: usize = 16;
/// The parser of expressions recurses through many frames for each bracket; its thread gets this much stack, in bytes.
const STACK: usize = 256 << 20;
/// The environment where none is named.
const DEFAULT_ENVIRONMENT: &str = "default";

/// Reads the stack at `path`, a folder with a `stack.yaml` or a file, and everything it includes.
///
/// # Errors
///
/// All mistakes that can be found without a cloud, in the order of the files and of their text.
pub fn load(path: &Path, options: &Options, catalog: &Catalog) -> Result<Checked, Vec<Diagnostic>> {
    let failed = |message: &str| vec![Diagnostic::file_error(path, message)];
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, || load_here(path, options, catalog)) {
            Ok(handle) => handle.join().unwrap_or_else(|_| Err(failed("reading the stack failed"))),
            Err(_) => Err(failed("there is not enough memory to read the stack")),
        }
    })
}

fn load_here(path: &Path, options: &Options, catalog: &Catalog) -> Result<Checked, Vec<Diagnostic>> {
    let mut loader = Loader {
        catalog,
        compiler: Compiler::default(),
        diagnostics: Vec::new(),
        units: HashMap::new(),
        open: Vec::new(),
        files: Vec::new(),
        environment_file: None,
    };
    let file = if path.is_dir() { path.join("stack.yaml") } else { path.to_owned() };
    let unit = loader.unit(&file, FileKind::Stack, None);
    let inputs = unit.as_ref().map(|unit| loader.inputs(unit, &file, options)).unwrap_or_default();
    let Loader { mut diagnostics, files, environment_file, .. } = loader;
    let unit = match unit {
        Some(unit) if diagnostics.is_empty() => unit,
        _ => {
            sort(&mut diagnostics, &files);
            return Err(diagnostics);
        }
    };
    let inputs = Arc::new(inputs);
    let region = region(&unit, &inputs, options).map_err(|error| vec![error])?;
    Ok(Checked {
        unit,
        inputs,
        region,
        environment: options.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT).into(),
        environment_file,
        variables: options.variables.clone(),
    })
}

/// By file in the order read, then by place; each message once.
fn sort(diagnostics: &mut Vec<Diagnostic>, files: &[PathBuf]) {
    let key = |diagnostic: &Diagnostic| {
        let (path, at) = match (&diagnostic.span, &diagnostic.file) {
            (Some(span), _) => (Some(&span.source.path), span.range.start),
            (None, file) => (file.as_ref(), 0),
        };
        (files.iter().position(|file| Some(file) == path).unwrap_or(files.len()), at)
    };
    diagnostics.sort_by_cached_key(key);
    diagnostics.dedup_by(|a, b| a.message == b.message && key(a) == key(b));
}

fn region(unit: &Arc<Unit>, inputs: &Arc<BTreeMap<String, Value>>, options: &Options) -> Result<String, Diagnostic> {
    let Some(template) = &unit.document.region else {
        let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let region = names.iter().find_map(|name| options.variables.get(*name)).filter(|region| !region.is_empty());
        return region.cloned().ok_or_else(|| {
            let start = Span::new(&unit.document.source, 0..0);
            Diagnostic::error(&start, "the stack names no region, and neither does AWS_REGION")
                .help("add `region: us-east-1`, or the one you mean")
        });
    };
    let world = World {
        region: String::new(),
        answers: Answers::new(),
        variables: options.variables.clone(),
        asked: Mutex::default(),
        files: Mutex::default(),
    };
    let frame = Frame::new(unit, None, Inputs::Root(Arc::clone(inputs)));
    let session = Session::new(&world, &NoAttributes);
    match Here::new(&session, &frame, None).evaluate(template)? {
        Value::String(region) if region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => Ok(region),
        Value::String(region) => Err(Diagnostic::error(&template.span, format!("`{region}` is no region"))),
        other => Err(Diagnostic::error(
            &template.span,
            format!("a region is a string, not {}", super::expression::article(other.kind())),
        )),
    }
}

struct Loader<'a> {
    catalog: &'a Catalog,
    compiler: Compiler,
    diagnostics: Vec<Diagnostic>,
    /// Files that are read, by their real path; `None` where a file could not be.
    units: HashMap<PathBuf, Option<Arc<Unit>>>,
    /// The files under way, each with the place that includes the next.
    open: Vec<(PathBuf, PathBuf)>,
    files: Vec<PathBuf>,
    environment_file: EnvironmentFile,
}

impl Loader<'_> {
    fn unit(&mut self, path: &Path, kind: FileKind, included: Option<&Span>) -> Option<Arc<Unit>> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let (Some(at), Some(span)) = (self.open.iter().position(|(open, _)| *open == real), included) {
            let mut names: Vec<String> = self.open[at..].iter().map(|(_, path)| path.display().to_string()).collect();
            names.push(path.display().to_string());
            let message = match names.as_slice() {
                [_, _] => "a component can't include itself".to_owned(),
                _ => format!("these components include each other in a circle: {}", names.join(" → ")),
            };
            self.diagnostics.push(Diagnostic::error(span, message));
            return None;
        }
        if let Some(known) = self.units.get(&real) {
            return known.clone();
        }
        if let Some(span) = included
            && self.open.len() > MAX_COMPONENTS
        {
            let message = format!("components stand inside components more than {MAX_COMPONENTS} deep");
            self.diagnostics.push(Diagnostic::error(span, message));
            return None;
        }
        self.files.push(path.to_owned());
        self.open.push((real.clone(), path.to_owned()));
        let unit = self.read(path, kind, included);
        self.open.pop();
        self.units.insert(real, unit.clone());
        unit
    }

    fn read(&mut self, path: &Path, kind: FileKind, included: Option<&Span>) -> Option<Arc<Unit>> {
        let source = match (files::source(path), included) {
            (Ok(source), _) => source,
            (Err(error), None) => {
                let help = match error.help {
                    None if !path.exists() => Some("a stack is a folder with a `stack.yaml`, or a file".to_owned()),
                    help => help,
                };
                self.diagnostics.push(Diagnostic { help, ..error });
                return None;
            }
            (Err(error), Some(span)) => {
                let mut here = Diagnostic::error(span, format!("{}: {}", path.display(), error.message));
                here.help = error.help;
                self.diagnostics.push(here);
                return None;
            }
        };
        let errors = self.diagnostics.len();
        let root = match yaml::parse(&source, &mut self.diagnostics) {
            Some(root) => root,
            None => {
                if self.diagnostics.len() == errors {
                    self.diagnostics.push(Diagnostic::file_error(path, "the file is empty"));
                }
                return None;
            }
        };
        if !matches!(root.data, yaml::Data::Map(_)) {
            let what = if kind == FileKind::Stack { "a stack" } else { "a component" };
            let error = match root.data {
                yaml::Data::Null => Diagnostic::file_error(path, "the file is empty"),
                _ => Diagnostic::error(
                    &Span::new(&source, root.range.clone()),
                    format!("{what} is a map, not {}", super::expression::article(root.kind())),
                ),
            };
            self.diagnostics.push(error);
            return None;
        }
        let document = document::read(root, kind, &source, &mut self.compiler, &mut self.diagnostics);
        let mut components = Vec::with_capacity(document.entries.len());
        for entry in &document.entries {
            components.push(match &entry.kind {
                EntryKind::Component { path: component, .. } => {
                    let file = files::relative_to(path, &component.value);
                    self.unit(&file, FileKind::Component, Some(&component.span))
                }
                _ => None,
            });
        }
        Some(check::check(document, components, self.catalog, &mut self.diagnostics))
    }

    /// The values of the stack's parameters.
    fn inputs(&mut self, unit: &Unit, file: &Path, options: &Options) -> BTreeMap<String, Value> {
        let declared = &unit.document.parameters;
        let mut inputs = BTreeMap::new();
        let broken = self.environment_file(declared, file, options, &mut inputs);
        self.command_line_values(declared, options, &mut inputs);
        self.kept_values(declared, options, &mut inputs);
        for parameter in declared {
            if inputs.contains_key(&parameter.name) {
                continue;
            }
            match &parameter.default {
                Some(default) => {
                    inputs.insert(parameter.name.clone(), default.value.clone());
                }
                None if broken || parameter.broken => {}
                None if options.absent_is_unknown => {
                    inputs.insert(parameter.name.clone(), Value::Unknown);
                }
                None => {
                    let message = format!("the parameter `{}` has no value", parameter.name);
                    let error = Diagnostic::error(&parameter.span, message);
                    self.diagnostics.push(error.help(Self::how_to_set(parameter, file, options)));
                }
            }
        }
        for parameter in declared.iter().filter(|parameter| parameter.secret) {
            if let Some(value) = inputs.get_mut(&parameter.name)
                && !matches!(value, Value::Null)
            {
                *value = Value::Secret(Box::new(std::mem::take(value)));
            }
        }
        inputs
    }

    fn how_to_set(parameter: &Parameter, file: &Path, options: &Options) -> String {
        let name = &parameter.name;
        match &options.environment {
            Some(environment) => format!("give it in {environment}.yaml, or with `--set {name}=…`"),
            None => {
                let environments = environments(file);
                match environments.as_slice() {
                    [] => format!("give it with `--set {name}=…`, or a default"),
                    names => {
                        let names = suggest::list(names.iter().map(String::as_str));
                        format!("choose an environment with `-e`: {names}; or give it with `--set {name}=…`")
                    }
                }
            }
        }
    }

    /// Reads the values of `<environment>.yaml` beside the stack file. Returns whether it is missing or unreadable.
    fn environment_file(
        &mut self,
        declared: &[Parameter],
        file: &Path,
        options: &Options,
        inputs: &mut BTreeMap<String, Value>,
    ) -> bool {
        let environment = options.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT);
        let named = !environment.is_empty()
            && environment.len() <= 64
            && environment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let path = file.with_file_name(format!("{environment}.yaml"));
        if !named || path == file {
            let message = format!("`{environment}` can't be an environment's name");
            self.diagnostics.push(Diagnostic::file_error(file, message).help("letters, digits, `-` and `_`"));
            return true;
        }
        self.environment_file = Some((path.clone(), None));
        if !path.exists() {
            if options.environment.is_none() || declared.is_empty() {
                return false;
            }
            let environments = environments(file);
            // Without any environment file, the name alone is enough.
            if environments.is_empty() {
                return false;
            }
            let mut error = Diagnostic::file_error(&path, format!("there is no environment `{environment}`"));
            error.help = suggest::help(environment, environments.iter().map(String::as_str), || {
                Some(format!("there is {}", suggest::list(environments.iter().map(String::as_str))))
            });
            self.diagnostics.push(error);
            return true;
        }
        self.files.push(path.clone());
        let source = match files::source(&path) {
            Ok(source) => source,
            Err(error) => {
                self.diagnostics.push(error);
                return true;
            }
        };
        self.environment_file = Some((path.clone(), Some(Arc::clone(&source))));
        let errors = self.diagnostics.len();
        let Some(root) = yaml::parse(&source, &mut self.diagnostics) else { return self.diagnostics.len() > errors };
        let is_map = matches!(root.data, yaml::Data::Map(_) | yaml::Data::Null);
        let mut reader = Reader { source: &source, compiler: &mut self.compiler, diagnostics: &mut self.diagnostics };
        for (key, node) in reader.map(root, "an environment file") {
            let Some(parameter) = declared.iter().find(|parameter| parameter.name == key.text) else {
                let names = declared.iter().map(|parameter| parameter.name.as_str());
                let help = suggest::help(&key.text, names.clone(), || {
                    declared.first().map(|_| format!("it has {}", suggest::list(names)))
                });
                reader.error_help(&key.range, format!("the stack has no parameter `{}`", key.text), help);
                continue;
            };
            let Some(value) = reader.constant(node, "an environment file") else {
                inputs.insert(parameter.name.clone(), Value::Unknown);
                continue;
            };
            if let Err(problem) = parameters::check(parameter, &value.value) {
                let error = problem.into_diagnostic(&value.span);
                reader.diagnostics.push(error.related(&parameter.span, "declared here"));
            }
            inputs.insert(parameter.name.clone(), value.value);
        }
        !is_map
    }

    fn command_line_values(&mut self, declared: &[Parameter], options: &Options, inputs: &mut BTreeMap<String, Value>) {
        let texts = options.set.iter().map(|(name, text)| ("--set", name, Ok(text.clone())));
        let from_files = options.set_file.iter().map(|(name, path)| {
            let text = files::text(path).map_err(|problem| format!("{}: {}", path.display(), problem.message));
            ("--set-file", name, text)
        });
        for (option, name, text) in texts.chain(from_files) {
            let place = PathBuf::from(format!("{option} {name}"));
            let error = |message: String, help: Option<String>| {
                let mut error = Diagnostic::file_error(&place, message);
                error.help = help;
                error
            };
            let Some(parameter) = declared.iter().find(|parameter| parameter.name == *name) else {
                let names = declared.iter().map(|parameter| parameter.name.as_str());
                let help = suggest::help(name, names.clone(), || {
                    declared.first().map(|_| format!("it has {}", suggest::list(names)))
                });
                self.diagnostics.push(error(format!("the stack has no parameter `{name}`"), help));
                continue;
            };
            let value = match text {
                Ok(text) => parameters::from_text(parameter, &text)
                    .and_then(|value| parameters::check(parameter, &value).map(|()| value))
                    .map_err(|problem| error(problem.message, problem.help)),
                Err(message) => Err(error(message, None)),
            };
            // A value that is wrong is no missing value.
            let value = value.unwrap_or_else(|error| {
                self.diagnostics.push(error);
                Value::Unknown
            });
            inputs.insert(parameter.name.clone(), value);
        }
    }

    fn kept_values(&mut self, declared: &[Parameter], options: &Options, inputs: &mut BTreeMap<String, Value>) {
        for (name, value) in &options.values {
            let place = PathBuf::from(name);
            let Some(parameter) = declared.iter().find(|parameter| parameter.name == *name) else {
                let message = format!("the stack has no parameter `{name}`");
                self.diagnostics.push(Diagnostic::file_error(&place, message));
                continue;
            };
            if let Err(problem) = parameters::check(parameter, value) {
                self.diagnostics.push(Diagnostic::file_error(&place, problem.message));
            }
            inputs.insert(name.clone(), value.clone());
        }
    }
}

/// The environments that have a file beside the stack file.
fn environments(file: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(files::folder(file)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "yaml") && path.file_name() != file.file_name()
        })
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
