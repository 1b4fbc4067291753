//! Arguments that several commands share.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::CommandError;
use super::terminal;
use crate::address::Address;
use crate::catalog::Catalog;
use crate::plan;
use crate::saved;
use crate::stack::{self, Checked, Encryption, Keeping};

/// Where state is kept where nothing says so.
const DEFAULT_PLACE: &str = ".infra";
/// The environment of a stack that was given none.
pub(super) const DEFAULT_ENVIRONMENT: &str = "default";
/// The file that a stack's folder is known by.
pub(super) const STACK_FILE: &str = "stack.yaml";

/// Which stack, in which environment.
#[derive(Args, Debug)]
pub(super) struct WhichArgs {
    /// Folder or file of the stack [default: the current folder, where it has a stack.yaml]
    #[arg(value_name = "STACK")]
    stack: Option<PathBuf>,

    /// Environment: its parameters are in <STACK>/<ENVIRONMENT>.yaml [default: default]
    #[arg(short, long, value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
}

impl WhichArgs {
    /// The stack's folder or file.
    pub(super) fn path(&self) -> Result<&Path, CommandError> {
        match &self.stack {
            Some(path) => Ok(path),
            None if Path::new(STACK_FILE).exists() => Ok(Path::new(".")),
            None => Err(CommandError::usage("which stack? the current folder has no stack.yaml")
                .hint("name its folder or file: `infra plan stacks/notification -e dev`")),
        }
    }

    /// The stack's name and where its state is kept: a stack whose files are gone can be named by its name.
    pub(super) fn head(&self) -> Result<stack::Head, CommandError> {
        let path = self.path()?;
        match path.to_str() {
            Some(name) if !path.exists() && !name.contains(['/', '\\', '.']) => {
                Ok(stack::Head { name: name.to_owned(), keeping: stack::Keeping::default() })
            }
            _ => stack::head(path).map_err(CommandError::stack),
        }
    }

    /// The environment's name.
    pub(super) fn environment(&self) -> &str {
        self.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT)
    }
}

/// Which stack, in which environment, and a resource or component in it.
#[derive(Args, Debug)]
pub(super) struct WhichAddressArgs {
    #[command(flatten)]
    which: WhichArgs,

    /// The resource or component
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,
}

impl WhichAddressArgs {
    /// The stack and the address in it. One word alone is the address, and the stack is that of the current folder.
    pub(super) fn split(&self) -> Result<(WhichArgs, Address), CommandError> {
        let WhichArgs { stack, environment } = &self.which;
        let alone = stack.as_ref().map(|word| word.to_string_lossy().into_owned());
        let (stack, typed) = match (&self.address, alone) {
            (Some(typed), _) => (stack.clone(), typed.clone()),
            (None, Some(typed)) => (None, typed),
            (None, None) => {
                return Err(CommandError::usage("which resource or component?")
                    .hint("name it by its address: `infra state list` shows what is on record"));
            }
        };
        let address = address(&typed)
            .map_err(|why| CommandError::usage(format!("`{typed}` is no address of a resource: {why}")))?;
        Ok((WhichArgs { stack, environment: environment.clone() }, address))
    }
}

/// Which stack, and with which values.
#[derive(Args, Debug)]
pub(super) struct StackArgs {
    #[command(flatten)]
    which: WhichArgs,

    /// Sets a parameter; repeatable, and stronger than the environment's file
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,

    /// Sets a parameter to the text of a file; repeatable
    #[arg(long, value_name = "KEY=PATH", value_parser = key_value)]
    set_file: Vec<(String, String)>,
}

impl StackArgs {
    /// The stack's folder or file.
    pub(super) fn path(&self) -> Result<&Path, CommandError> {
        self.which.path()
    }

    /// Reads the stack with all its files.
    pub(super) fn load(&self, catalog: &Catalog) -> Result<Checked, CommandError> {
        self.load_for(catalog, false)
    }

    /// Reads the stack with all its files; to destroy it, no parameter needs a value.
    pub(super) fn load_for(&self, catalog: &Catalog, destroy: bool) -> Result<Checked, CommandError> {
        if let Some(path) = self.saved_plan() {
            let path = path.display();
            return Err(CommandError::usage(format!("{path} is a saved plan, not a stack"))
                .hint(format!("what it says is done by `infra apply {path}`")));
        }
        let options = stack::Options { absent_is_unknown: destroy, ..self.options() };
        stack::load(self.path()?, &options, catalog).map_err(CommandError::stack)
    }

    /// How the arguments say that the stack is to be read.
    pub(super) fn options(&self) -> stack::Options {
        stack::Options {
            environment: self.which.environment.clone(),
            set: self.set.clone(),
            set_file: self.set_file.iter().map(|(key, path)| (key.clone(), path.into())).collect(),
            ..stack::Options::default()
        }
    }

    /// The parameters that are given a value.
    pub(super) fn given(&self) -> BTreeSet<&str> {
        self.set.iter().chain(&self.set_file).map(|(name, _)| name.as_str()).collect()
    }

    /// The saved plan that was named where a stack could be, if it is one.
    pub(super) fn saved_plan(&self) -> Option<&Path> {
        let path = self.which.stack.as_deref().filter(|path| path.is_file())?;
        let mut head = Vec::new();
        // What can't be read is told when it is read as a stack.
        std::fs::File::open(path).ok()?.take(512).read_to_end(&mut head).ok()?;
        saved::is_saved_plan(&head).then_some(path)
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// A variable that is set to nothing, as a pipeline does where it has no value, must not mean some other place: there
/// everything would be made once more.
pub(super) fn place(text: &str) -> Result<String, String> {
    match stack::refused_place(text) {
        Some(why) => Err(format!("{why}: {}", stack::PLACES)),
        None => Ok(text.to_owned()),
    }
}

/// Where state is.
#[derive(Args, Debug)]
pub(super) struct StateArgs {
    /// Where what infra made is kept: a folder, or s3://BUCKET/PREFIX [default: what the stack says, else .infra]
    #[arg(long, value_name = "PLACE", env = "INFRA_STATE", value_parser = place)]
    state: Option<String>,
}

/// Where the state of one stack in one environment is kept, and how.
#[derive(Clone, Debug)]
pub(super) struct StatePlace {
    /// A folder, or s3://BUCKET/PREFIX.
    pub(super) place: String,
    /// What is written there is encrypted with.
    pub(super) encryption: Option<Encryption>,
    /// The file of the stack, where there is one.
    pub(super) stack: Option<PathBuf>,
    /// The environment's name.
    pub(super) environment: String,
}

impl StateArgs {
    /// The place, or `place` where none was given, for an environment of a stack that can't be read.
    pub(super) fn place_or(&self, place: &str, environment: &str) -> StatePlace {
        let place = self.state.as_deref().unwrap_or(place).to_owned();
        StatePlace { place, encryption: None, stack: None, environment: environment.to_owned() }
    }

    /// The place for an environment of a stack that says where its state is kept.
    pub(super) fn place(&self, keeping: &Keeping, environment: &str) -> Result<StatePlace, CommandError> {
        let place = match &self.state {
            Some(place) => place.clone(),
            None => {
                let place = keeping.place(environment).map_err(|error| CommandError::stack(vec![error]))?;
                place.unwrap_or_else(|| DEFAULT_PLACE.to_owned())
            }
        };
        let (encryption, stack) = (keeping.encryption.clone(), keeping.file.clone());
        Ok(StatePlace { place, encryption, stack, environment: environment.to_owned() })
    }
}

/// What may hold up a command that changes something.
#[derive(Args, Debug)]
pub(super) struct ChangeArgs {
    /// Goes ahead without asking
    #[arg(long)]
    pub(super) auto_approve: bool,

    /// Fails at once where another run works on the same stack, instead of waiting for it
    #[arg(long)]
    pub(super) no_wait: bool,
}

impl ChangeArgs {
    /// Fails where a question would have to be asked and there is nobody to ask; before any work is done.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        if self.auto_approve || terminal::can_ask() {
            return Ok(());
        }
        Err(CommandError::usage("there is no terminal to ask for approval on")
            .hint("to go ahead unasked, as in a pipeline: --auto-approve"))
    }

    /// Asks, unless approval was given beforehand.
    pub(super) async fn confirm(&self, question: &str) -> Result<(), CommandError> {
        if self.auto_approve {
            return Ok(());
        }
        let question = format!("{question} Type yes to go ahead: ");
        let asked = tokio::task::spawn_blocking(move || terminal::ask(&question)).await;
        match asked.map_err(|stopped| CommandError::failed(stopped.to_string()))?? {
            true => Ok(()),
            false => Err(CommandError::failed("not approved: nothing was changed")),
        }
    }
}

/// Which resources.
#[derive(Args, Debug)]
pub(super) struct TargetArgs {
    /// Only this resource or component, and what it needs; repeatable
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) target: Vec<Address>,

    /// All but this resource or component, and what needs it; repeatable
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) exclude: Vec<Address>,
}

impl TargetArgs {
    /// What a plan is to be about.
    pub(super) fn options(&self, destroy: bool) -> plan::Options {
        plan::Options {
            targets: self.target.clone(),
            excludes: self.exclude.clone(),
            destroy,
            ..plan::Options::default()
        }
    }
}

/// An address as typed: keys may stand without quotes, which shells like to take away.
pub(super) fn address(text: &str) -> Result<Address, String> {
    let mut typed = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, inside) = rest.split_at(open);
        typed.push_str(before);
        let close = match inside.strip_prefix("[\"") {
            Some(quoted) => quoted.find("\"]").map(|at| at + 3),
            None => inside.find(']'),
        };
        let Some(close) = close else { return Err("a `[` has no `]`".to_owned()) };
        let key = &inside[1..close];
        match key.starts_with('"') {
            true => typed.push_str(&inside[..=close]),
            false => typed.push_str(&format!("[{}]", serde_json::Value::from(key))),
        }
        rest = &inside[close + 1..];
    }
    typed.push_str(rest);
    if typed.is_empty() { Err("it is empty".to_owned()) } else { Ok(Address::from(typed.as_str())) }
}

/// Who reads the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
}

/// Who reads the output, as an argument.
#[derive(Args, Debug)]
pub(super) struct FormatArgs {
    /// For whom the output is: people, or programs
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_and_without_quotes() {
        for (typed, meant) in [
            ("Vpc", "Vpc"),
            ("Subnet[us-east-1a]", r#"Subnet["us-east-1a"]"#),
            (r#"Subnet["us-east-1a"]"#, r#"Subnet["us-east-1a"]"#),
            (r#"Api[k].Rule["a]b"].X"#, r#"Api["k"].Rule["a]b"].X"#),
        ] {
            assert_eq!(address(typed), Ok(Address::from(meant)), "{typed}");
        }
        assert!(address("Subnet[a").is_err());
    }
}
