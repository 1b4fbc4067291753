//! The command `local-aws`: starts a local AWS and stops it on Ctrl-C.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's output")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local_aws::{DEFAULT_TIME_SCALE, Item, LocalAws, Options};
use tokio::signal::unix::{SignalKind, signal};

/// A local AWS endpoint for tests, demos and benchmarks.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything, print the endpoint, and stop everything on Ctrl-C.
    #[command(after_help = "Examples:\n  local-aws run\n  local-aws run --port 0 --time-scale 1\n  \
                            curl -X POST localhost:4566/_local/reset")]
    Run(Run),
    /// List what stands in a running local AWS beyond what it starts with.
    #[command(after_help = "Example:\n  local-aws inventory --endpoint http://127.0.0.1:4566")]
    Inventory(Inventory),
}

#[derive(Debug, clap::Args)]
struct Inventory {
    /// Where the local AWS answers.
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566")]
    endpoint: String,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// The loopback port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// The share of AWS's provisioning times that passes here: 1 is real time (a NAT gateway takes 90 s), 0 none.
    #[arg(long, default_value_t = DEFAULT_TIME_SCALE, value_parser = scale)]
    time_scale: f64,
    /// The Python that makes the emulator's virtual environment.
    #[arg(long, default_value = "python3")]
    python: String,
    /// The folder of that virtual environment; by default below cargo's target folder.
    #[arg(long)]
    venv: Option<PathBuf>,
    /// Run ECS tasks as containers, which takes Docker; without it the emulator only says that they run.
    #[arg(long)]
    containers: bool,
}

fn scale(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if scale.is_finite() && scale >= 0.0 { Ok(scale) } else { Err("it must be 0 or more".into()) }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(run) => serve(run).await,
        Command::Inventory(inventory) => list(inventory).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(run: Run) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let Run { port, time_scale, python, venv, containers } = run;
    let options = Options { port, time_scale, python, venv, containers, notice: |line| eprintln!("{line}") };
    let asked_to_stop = async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
            _ = hung_up.recv() => {}
        }
    };
    tokio::pin!(asked_to_stop);
    let local = tokio::select! {
        started = LocalAws::start(options) => started?,
        () = &mut asked_to_stop => return Ok(()),
    };
    let mut told = format!("local AWS ready at {}\n", local.endpoint());
    for (name, value) in local.environment() {
        told += &format!("export {name}={value}\n");
    }
    // Who reads it may be gone after the first line.
    let _ = std::io::stdout().write_all(told.as_bytes());
    asked_to_stop.await;
    local.stop().await;
    Ok(())
}

async fn list(Inventory { endpoint }: Inventory) -> Result<(), Box<dyn std::error::Error>> {
    let response = reqwest::get(format!("{endpoint}/_local/inventory")).await?.error_for_status()?;
    let items: Vec<Item> = response.json().await?;
    for Item { kind, id } in &items {
        println!("{kind}  {id}");
    }
    match items.len() {
        0 => println!("Nothing: the account is as it was at the start."),
        some => println!("{some} in all."),
    }
    Ok(())
}
