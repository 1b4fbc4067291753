//! `infra output`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{Format, FormatArgs, StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::{render, terminal};
use crate::value::Value;

/// Print a stack's outputs as last applied
///
/// They are read from the record; AWS is not asked. A secret output is never kept, so it can't be printed.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra output stacks/notification -e dev                  all outputs
  curl $(infra output stacks/notification -e dev url)      one, bare, for a script
  infra output stacks/notification -e dev --format json    all, for a program")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,

    /// Only this output, bare
    #[arg(value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let record = Record::load(&args.which, &args.state).await?;
    let outputs = &record.state.outputs;
    let text = match (&args.name, args.format.format) {
        (Some(name), format) => {
            let Some(value) = outputs.get(name) else {
                let names: Vec<_> = outputs.keys().map(String::as_str).collect();
                return Err(CommandError::failed(format!("{} has no output `{name}` on record", record.log))
                    .hint(format!("it has: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") })));
            };
            if value.has_secret() {
                return Err(CommandError::failed(format!("the output `{name}` is secret"))
                    .hint("infra keeps and prints no secret: read it where the stack takes it from"));
            }
            match (value, format) {
                (Value::String(text), Format::Text) => format!("{text}\n"),
                (value, _) => format!("{}\n", render::masked(value)),
            }
        }
        (None, Format::Text) => render::outputs(outputs),
        (None, Format::Json) => {
            let entries = outputs.iter().map(|(name, value)| {
                let shown = match value.has_secret() {
                    true => json!({ "secret": true }),
                    false => json!({ "secret": false, "value": render::masked(value) }),
                };
                (name.clone(), shown)
            });
            let outputs: serde_json::Map<_, _> = entries.collect();
            let log = &record.log;
            let document =
                json!({ "version": 1, "stack": *log.stack, "environment": *log.environment, "outputs": outputs });
            format!("{document:#}\n")
        }
    };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
