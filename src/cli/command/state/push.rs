//! `infra state push`.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use super::replace::{Replacement, replace};
use crate::catalog::Catalog;
use crate::cli::args::{ChangeArgs, StateArgs, WhichArgs};
use crate::cli::cloud;
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::style::harmless;
use crate::stack;
use crate::state::{Pulled, Restored, State};
use crate::value::Value;

/// The largest record that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Put a document that `infra state pull` printed in the place of the record
///
/// It must be of the same stack and environment, and the record must not have changed since it was pulled. AWS stays as
/// it is. What was on record before can be gone back to with `infra state restore`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state push notification-dev.json stacks/notification -e dev
  infra state push - stacks/notification -e dev --auto-approve < notification-dev.json")]
pub(super) struct Args {
    /// The document; `-` is the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    change: ChangeArgs,

    /// Even if the record changed since, or has another origin
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    args.change.check()?;
    let name =
        if args.file.as_os_str() == "-" { "the standard input".to_owned() } else { args.file.display().to_string() };
    let bytes = read(args).map_err(|error| CommandError::usage(format!("{name} can't be read: {error}")))?;
    let pulled = Pulled::decode(&bytes).map_err(|error| CommandError::usage(format!("{name} {error}")))?;
    let record = Record::open(&args.which, &args.state).await?;
    if pulled.log != record.log {
        let message = format!("{name} is the record of {}, not of {}", pulled.log, record.log);
        return Err(CommandError::usage(message).hint("to give a resource another address: `moved` in the stack"));
    }
    if !args.force {
        follows(&record.state, &pulled.state).map_err(|why| {
            CommandError::failed(format!("{name} {why}"))
                .hint("pull again and make your changes there; --force pushes it all the same")
        })?;
    }
    sensible(&pulled.state, cloud::catalog().ok().as_ref()).map_err(|(why, help)| {
        let error = CommandError::usage(format!("{name} {why}"));
        help.into_iter().fold(error, CommandError::hint)
    })?;
    let what = format!("what {name} says");
    let replacement =
        Replacement { then: pulled.state, from: Restored::Pushed, what, command: "state push", damaged: None };
    replace(&record, replacement, &args.change).await
}

fn read(args: &Args) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let input: Box<dyn std::io::Read> = match args.file.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(&args.file)?),
    };
    if input.take(MAX_FILE + 1).read_to_end(&mut bytes)? as u64 > MAX_FILE {
        return Err(std::io::Error::other("it is larger than any record"));
    }
    Ok(bytes)
}

/// Whether a stack can have such addresses and such types, where it is known which there are. If not: why, and a help.
fn sensible(state: &State, catalog: Option<&Catalog>) -> Result<(), (String, Option<String>)> {
    let resources = state.resources.iter().map(|(address, one)| (address, &one.type_name));
    let deposed = state.deposed.iter().flat_map(|(address, all)| all.iter().map(move |one| (address, &one.type_name)));
    let begun = state.begun.values().map(|one| (&one.address, &one.type_name));
    for (address, type_name) in resources.chain(deposed).chain(begun) {
        if !stack::is_address(address) {
            let help = "as in `Vpc`, `Subnet[\"us-east-1a\"]`, `Api.Service`".to_owned();
            return Err((
                format!("has something at `{}`, which is no address", harmless(address.as_str())),
                Some(help),
            ));
        }
        if let Some(catalog) = catalog.filter(|catalog| catalog.get(type_name).is_none()) {
            let why = format!("says that {address} is of the type `{}`, which there is not", harmless(type_name));
            return Err((why, stack::type_help(catalog, type_name)));
        }
    }
    Ok(())
}

/// Whether a pulled record follows from what is on record now.
fn follows(now: &State, pulled: &State) -> Result<(), String> {
    let (Some(ours), Some(theirs)) = (&now.seal, &pulled.seal) else { return Ok(()) };
    let print = |seal: &crate::state::Seal| seal.fingerprint("record", &Value::Null).map_err(|error| error.to_string());
    if print(ours)? != print(theirs)? {
        return Err("comes from another log of that name".to_owned());
    }
    if now.serial != pulled.serial {
        return Err(format!(
            "was pulled at entry {}, and the record changed since: it is at {}",
            pulled.serial, now.serial
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, Id, OpId};
    use crate::cloud::fake::catalog::catalog;
    use crate::state::Deposed;

    fn with(address: &str, type_name: &str) -> State {
        let deposed = Deposed {
            id: Id::new("q-1"),
            type_name: type_name.to_owned(),
            op: OpId::generate(),
            properties: Value::map(),
            dependencies: Vec::new(),
        };
        State { deposed: [(Address::from(address), vec![deposed])].into(), ..State::default() }
    }

    #[test]
    fn an_address_or_a_type_that_is_none_is_refused() {
        let catalog = catalog();
        for address in ["Vpc", r#"Subnet["us-east-1a"]"#, r#"Api["a.b"].Queue["é \" ]"].Service"#] {
            assert_eq!(sensible(&with(address, "Test::App::Queue"), Some(&catalog)), Ok(()), "{address}");
        }
        for address in ["9 bad..addr", "", "A.", "A[b]", "A-b"] {
            let (why, _) = sensible(&with(address, "Test::App::Queue"), None).unwrap_err();
            assert_eq!(why, format!("has something at `{address}`, which is no address"));
        }
        let (why, help) = sensible(&with("A", "Test::App::Queu"), Some(&catalog)).unwrap_err();
        assert_eq!(why, "says that A is of the type `Test::App::Queu`, which there is not");
        assert_eq!(help.as_deref(), Some("did you mean `Test::App::Queue`?"));
        assert_eq!(sensible(&with("A", "Test::App::Queu"), None), Ok(()), "where no types are known");
    }
}
