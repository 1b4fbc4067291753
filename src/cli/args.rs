//! Arguments that several commands share.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::CommandError;
use crate::address::Address;

/// The file that a stack's folder is known by.
const STACK_FILE: &str = "stack.yaml";

/// Which stack, and with which values.
#[derive(Args, Debug)]
pub(super) struct StackArgs {
    /// Folder or file of the stack [default: the current folder, where it has a stack.yaml]
    #[arg(value_name = "STACK")]
    stack: Option<PathBuf>,

    /// Environment: takes its parameters from <STACK>/<ENVIRONMENT>.yaml
    #[arg(short, long, value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,

    /// Sets a parameter; repeatable, and stronger than the environment's file
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) set: Vec<(String, String)>,

    /// Sets a parameter to the text of a file; repeatable
    #[arg(long, value_name = "KEY=PATH", value_parser = key_value)]
    pub(super) set_file: Vec<(String, String)>,
}

impl StackArgs {
    /// The stack's folder or file.
    pub(super) fn path(&self) -> Result<&Path, CommandError> {
        match &self.stack {
            Some(path) => Ok(path),
            None if Path::new(STACK_FILE).exists() => Ok(Path::new(".")),
            None => Err(CommandError::usage("which stack? the current folder has no stack.yaml")
                .hint("name its folder or file: `infra plan stacks/notification -e dev`")),
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// Where state is.
#[derive(Args, Debug)]
pub(super) struct StateArgs {
    /// Folder that keeps what infra made
    #[arg(long, value_name = "DIR", env = "INFRA_STATE", default_value = ".infra")]
    pub(super) state: PathBuf,
}

/// Who may hold up a command that changes something.
#[derive(Args, Debug)]
pub(super) struct ChangeArgs {
    /// Goes ahead without asking
    #[arg(long)]
    pub(super) auto_approve: bool,

    /// Fails at once where another run works on the same stack, instead of waiting for it
    #[arg(long)]
    pub(super) no_wait: bool,
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
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Who reads the output, as an argument.
#[derive(Args, Debug)]
pub(super) struct FormatArgs {
    /// Who reads the output
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
