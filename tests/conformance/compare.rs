//! What a type says of itself, against what CloudFormation says of it.

use std::collections::BTreeSet;
use std::fmt;

use infra::catalog::TypeInfo;

use crate::cloudformation::{Node, Schema, below, covers};

/// How a type differs from CloudFormation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// CloudFormation has no such property.
    NoSuchProperty,
    /// It is a property here, and only AWS can tell it.
    ReadOnlyProperty,
    /// It is an output here, and CloudFormation's type returns no such attribute.
    NoSuchOutput,
    /// A change replaces the resource here only.
    ReplacesHere,
    /// A change replaces the resource in CloudFormation only.
    ReplacesThere,
    /// It is required here only.
    RequiredHere,
    /// It is required in CloudFormation only.
    RequiredThere,
    /// It takes other JSON types.
    OtherType,
    /// Its order does not count here, and does in CloudFormation.
    SetHere,
    /// Its order counts here, and does not in CloudFormation.
    SetThere,
    /// It takes a value here that CloudFormation does not take.
    ValueHere,
    /// CloudFormation takes a value that is refused here.
    ValueThere,
    /// It refuses numbers or lengths here that CloudFormation takes.
    NarrowerHere,
    /// It takes any value, number or length here, and CloudFormation names some.
    WiderHere,
    /// AWS never tells it, says the type, and CloudFormation says that it does.
    WriteOnlyHere,
}

/// One difference, at a property's or output's path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) kind: &'static str,
    pub(crate) path: String,
    pub(crate) difference: Difference,
    /// What exactly differs, for whoever mends it.
    pub(crate) detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {:?} {}", self.kind, self.path, self.difference, self.detail)
    }
}

/// All differences of `kind` from `schema`.
pub(crate) fn differences(kind: &TypeInfo, schema: &Schema) -> Vec<Finding> {
    let mut comparison = Comparison { kind, schema, create_only: BTreeSet::new(), found: Vec::new() };
    comparison.create_only.extend(kind.create_only.iter().map(|path| (*path).to_owned()));
    let ours = Node::of(&kind.properties, &kind.properties);
    comparison.properties(&ours, &schema.root(), "");
    comparison.flags_of_nothing(&ours);
    comparison.outputs(&Node::of(&kind.outputs, &kind.outputs), &schema.root());
    comparison.found.sort();
    comparison.found
}

struct Comparison<'a> {
    kind: &'a TypeInfo,
    schema: &'a Schema,
    create_only: BTreeSet<String>,
    found: Vec<Finding>,
}

impl Comparison<'_> {
    fn add(&mut self, path: &str, difference: Difference, detail: impl Into<String>) {
        self.found.push(Finding { kind: self.kind.name, path: path.to_owned(), difference, detail: detail.into() });
    }

    /// Compares the maps `ours` and `theirs` at `path`.
    fn properties(&mut self, ours: &Node<'_>, theirs: &Node<'_>, path: &str) {
        for name in ours.required.difference(&theirs.required) {
            self.add(&below(path, name), Difference::RequiredHere, "");
        }
        for name in theirs.required.difference(&ours.required) {
            self.add(&below(path, name), Difference::RequiredThere, "");
        }
        for (name, our) in ours.properties() {
            let path = below(path, name);
            let Some(their) = theirs.property(name) else {
                self.add(&path, Difference::NoSuchProperty, "");
                continue;
            };
            if covers(&self.schema.read_only, &path) {
                self.add(&path, Difference::ReadOnlyProperty, "");
            }
            if our.is_write_only && !covers(&self.schema.write_only, &path) {
                self.add(&path, Difference::WriteOnlyHere, "");
            }
            // Tags are the same for all types, however much of it the schema at hand says.
            let tags = path == "Tags" && self.kind.tags.is_some() && same_types(&our, &their);
            if tags || !self.value(&our, &their, &path) {
                self.replaces(&path);
            }
        }
    }

    /// Compares one value; whether it was a map whose properties were compared.
    fn value(&mut self, ours: &Node<'_>, theirs: &Node<'_>, path: &str) -> bool {
        if !same_types(ours, theirs) {
            self.add(path, Difference::OtherType, format!("{:?} here, {:?} there", ours.types, theirs.types));
            return false;
        }
        if ours.is_set && !theirs.is_set && !theirs.types.is_empty() {
            self.add(path, Difference::SetHere, "");
        }
        if theirs.is_set && !ours.is_set && ours.types.contains("array") {
            self.add(path, Difference::SetThere, "");
        }
        self.choices(ours, theirs, path);
        self.limits(ours, theirs, path);
        if let (Some(ours), Some(theirs)) = (ours.items(), theirs.items()) {
            return self.value(&ours, &theirs, path);
        }
        if let (Some(ours), Some(theirs)) = (ours.values(), theirs.values()) {
            return self.value(&ours, &theirs, path);
        }
        // A map of which CloudFormation's schema says nothing may hold what AWS's documentation says.
        let both = ours.has_properties() && theirs.has_properties();
        if both {
            self.properties(ours, theirs, path);
        } else if theirs.has_properties() && !ours.is_document {
            self.add(path, Difference::OtherType, "a map of anything here, of known properties there");
        }
        both
    }

    fn choices(&mut self, ours: &Node<'_>, theirs: &Node<'_>, path: &str) {
        let (ours, theirs) = match (&ours.choices, &theirs.choices) {
            (Some(ours), Some(theirs)) => (ours, theirs),
            (None, Some(theirs)) => return self.add(path, Difference::WiderHere, format!("{theirs:?}")),
            _ => return,
        };
        let listed = |values: Vec<&String>| values.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (here, there) = (listed(ours.difference(theirs).collect()), listed(theirs.difference(ours).collect()));
        if !here.is_empty() {
            self.add(path, Difference::ValueHere, here);
        }
        if !there.is_empty() {
            self.add(path, Difference::ValueThere, there);
        }
    }

    fn limits(&mut self, ours: &Node<'_>, theirs: &Node<'_>, path: &str) {
        for (keyword, our) in &ours.limits {
            let narrower = |their: &f64| if keyword.starts_with("min") { our > their } else { our < their };
            if let Some(their) = theirs.limits.get(keyword).filter(|their| narrower(their)) {
                self.add(path, Difference::NarrowerHere, format!("{keyword} {our} here, {their} there"));
            }
        }
        for (keyword, their) in &theirs.limits {
            // Of a document or of one of few words a length says nothing; and no length is less than 0.
            let says_nothing = keyword.ends_with("Length") && (ours.is_document || ours.choices.is_some());
            if says_nothing || keyword.starts_with("min") && keyword != &"minimum" && *their == 0.0 {
                continue;
            }
            let wider = |our: &f64| if keyword.starts_with("min") { our < their } else { our > their };
            if ours.limits.get(keyword).is_none_or(wider) {
                self.add(path, Difference::WiderHere, format!("{keyword} {their} there"));
            }
        }
    }

    /// Compares whether a change of the value at `path` replaces the resource.
    fn replaces(&mut self, path: &str) {
        match (covers(&self.create_only, path), covers(&self.schema.create_only, path)) {
            (true, false) => self.add(path, Difference::ReplacesHere, ""),
            (false, true) => self.add(path, Difference::ReplacesThere, ""),
            _ => {}
        }
    }

    /// Finds create-only flags of properties that the type does not have.
    fn flags_of_nothing(&mut self, ours: &Node<'_>) {
        for flag in self.create_only.clone() {
            let names: Vec<&str> = flag.split('.').collect();
            let end = names.iter().try_fold(ours.clone(), |node, name| node.innermost().property(name));
            if end.is_none() {
                self.add(&flag, Difference::ReplacesHere, "the type has no such property");
            }
        }
    }

    fn outputs(&mut self, ours: &Node<'_>, theirs: &Node<'_>) {
        for (name, our) in ours.properties() {
            // A part of what is taken as a property may be all that only AWS can tell.
            let told = self.schema.read_only.iter().any(|path| path == name || path.starts_with(&format!("{name}.")));
            if !told && !self.schema.identifier.contains(name) {
                self.add(name, Difference::NoSuchOutput, "");
            } else if let Some(their) = theirs.property(name)
                && !same_types(&our, &their)
            {
                let detail = format!("{:?} here, {:?} there", our.types, their.types);
                self.add(name, Difference::OtherType, detail);
            }
        }
    }
}

/// Whether both take the same JSON types. A document is a map or text here, whichever of them CloudFormation wants.
fn same_types(ours: &Node<'_>, theirs: &Node<'_>) -> bool {
    let document = || theirs.types.iter().all(|kind| matches!(*kind, "object" | "string"));
    theirs.types.is_empty() || ours.types == theirs.types || ours.is_document && document()
}
