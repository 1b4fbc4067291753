//! The command `local-aws`: starts a local AWS and stops it on Ctrl-C.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's output")]

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use local_aws::{CONTAINERS_TIME_SCALE, DEFAULT_TIME_SCALE, Item, Load, LoadOptions, LocalAws, Options};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use tokio::signal::unix::{SignalKind, signal};

/// Failures that a load quotes.
const FAILURES_SHOWN: usize = 5;

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
    /// Send requests at a steady rate until Ctrl-C, and say how many failed.
    #[command(
        after_help = "Example:\n  local-aws load http://api.elb.localhost:4566/send-notification --rate 200 \\\n    \
                            --body '{\"message\": \"number {n}\", \"to\": \"somebody@example.com\"}'"
    )]
    Load(Requests),
}

#[derive(Debug, clap::Args)]
struct Requests {
    /// Where they go.
    url: Url,
    /// How many a second.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// The JSON text that is posted, in which {n} becomes the request's number; without it, the URL is got.
    #[arg(long)]
    body: Option<String>,
    /// A header, as in `x-api-key: …`; repeatable.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as NAME: VALUE")?;
    let name = name.trim().parse().map_err(|error| format!("its name: {error}"))?;
    // The value may be a secret.
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| "its value has characters that no header has")?;
    value.set_sensitive(true);
    Ok((name, value))
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
    /// By default 0.01, and 0.15 with containers, which start in real time.
    #[arg(long, value_parser = scale)]
    time_scale: Option<f64>,
    /// The Python that makes the emulator's virtual environment.
    #[arg(long, default_value = "python3")]
    python: String,
    /// The folder of that virtual environment; by default below cargo's target folder.
    #[arg(long)]
    venv: Option<PathBuf>,
    /// Run ECS tasks as containers, which takes Docker; without it they are simulated.
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
        Command::Load(requests) => load(requests).await,
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
    let Run { port, time_scale, python, venv, containers } = run;
    let time_scale = time_scale.unwrap_or(if containers { CONTAINERS_TIME_SCALE } else { DEFAULT_TIME_SCALE });
    let options = Options { port, time_scale, python, venv, containers, notice: |line| eprintln!("{line}") };
    let asked_to_stop = asked_to_stop()?;
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

async fn load(requests: Requests) -> Result<(), Box<dyn std::error::Error>> {
    let Requests { url, rate, body, header } = requests;
    let asked_to_stop = asked_to_stop()?;
    let load = Load::start(LoadOptions { url, headers: header.into_iter().collect(), body, rate })?;
    asked_to_stop.await;
    let report = load.stop().await;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (requests, failed) = (report.requests, report.failures.len());
    println!(
        "{requests} requests in {:.1} s ({:.0} a second), {failed} failed",
        report.lasted.as_secs_f64(),
        report.rate()
    );
    println!(
        "latency p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms",
        ms(report.p50),
        ms(report.p99),
        ms(report.slowest)
    );
    for failure in report.failures.iter().take(FAILURES_SHOWN) {
        println!("  {failure}");
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {requests} requests failed").into()) }
}

/// What resolves on Ctrl-C, and on the signals that end a process in order.
fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
            _ = hung_up.recv() => {}
        }
    })
}
