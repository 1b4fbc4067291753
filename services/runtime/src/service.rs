//! The frame of a service's `main`: arguments, configuration, logs, metrics, signals, exit code.

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::environment::{ENDPOINT_URL, EXIT_USAGE, Environment, endpoint_url};
use crate::health::Health;
use crate::logs;
use crate::metrics::{Metric, Metrics};
use crate::probe;
use crate::shutdown::{LONGEST_STOP_TIMEOUT, Shutdown};

const DEFAULT_PORT: u16 = 8080;
const DEFAULT_STOP_TIMEOUT: u64 = 60;
const DEFAULT_NAMESPACE: &str = "Notification";
/// How often metrics are written.
const METRICS_INTERVAL: Duration = Duration::from_secs(10);

/// What a service is: its name, its metrics, and how it reads its own settings.
#[derive(Debug)]
pub struct Service<S> {
    /// Its name, the dimension of its metrics.
    pub name: &'static str,
    /// Everything that it measures.
    pub metrics: &'static [Metric],
    /// Reads its settings; `None` only where the environment has a fault.
    pub settings: fn(&mut Environment) -> Option<S>,
}

/// What a service runs with.
#[derive(Debug, Clone)]
pub struct Context {
    /// The port to listen on, from `PORT`.
    pub port: u16,
    /// The region, from `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub region: String,
    /// Begun by SIGTERM and SIGINT, with the budget of `STOP_TIMEOUT_SECONDS`.
    pub shutdown: Shutdown,
    /// What `/health` and `/ready` tell.
    pub health: Health,
    /// The metrics, written every ten seconds and at the end.
    pub metrics: Metrics,
}

/// Why a service ended other than it should.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Fatal {
    what: &'static str,
    why: String,
}

impl Fatal {
    /// Says what could not be done, and why.
    pub fn new(what: &'static str, why: impl Display) -> Self {
        Self { what, why: why.to_string() }
    }
}

/// What is read for every service.
struct Common {
    port: u16,
    region: String,
    level: String,
    namespace: String,
    stop_timeout: Duration,
}

impl Common {
    fn read(environment: &mut Environment) -> Option<Self> {
        let port = environment.number("PORT", 1..=65535, DEFAULT_PORT);
        let level = environment.optional("LOG_LEVEL", logs::LEVEL, logs::level);
        let namespace = environment.optional("METRICS_NAMESPACE", "1 to 255 letters, digits or .-_/#: ", namespace);
        let stop_timeout = environment.seconds("STOP_TIMEOUT_SECONDS", 2..=LONGEST_STOP_TIMEOUT, DEFAULT_STOP_TIMEOUT);
        // The SDK reads it by itself, and would find the fault in every call.
        environment.optional("AWS_ENDPOINT_URL", ENDPOINT_URL, endpoint_url);
        let region = match environment.optional("AWS_DEFAULT_REGION", REGION, region) {
            Some(default) => Some(environment.optional("AWS_REGION", REGION, region).unwrap_or(default)),
            None => environment.required("AWS_REGION", REGION, region),
        };
        Some(Self {
            port,
            region: region?,
            level: level.unwrap_or_else(|| logs::DEFAULT_LEVEL.into()),
            namespace: namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.into()),
            stop_timeout,
        })
    }
}

const REGION: &str = "a region, as in us-east-1 (ECS sets it on Fargate)";

fn region(text: &str) -> Result<String, &'static str> {
    let valid = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if valid { Ok(text.into()) } else { Err("it is not made of lower-case letters, digits and hyphens") }
}

/// CloudWatch's rule: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>.
fn namespace(text: &str) -> Result<String, &'static str> {
    if text.len() > 255 || !text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c)) {
        return Err("it is too long or has other characters");
    }
    if text.starts_with(':') || text.starts_with("AWS/") {
        return Err("it is reserved");
    }
    Ok(text.into())
}

/// Runs a service from its arguments to its exit code.
///
/// `SERVICE health` asks the one that runs on `PORT`, and exits with 0 or 1. `SERVICE` reads all settings, exits with 64
/// and all faults when any is bad, and else serves until `serve` returns: 0, or 1 with the reason in the log.
pub fn run<S, F>(service: &Service<S>, serve: impl FnOnce(Context, S) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Fatal>>,
{
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => start(service, serve),
        ["health"] => ask(service.name),
        _ => usage(service.name, "no such argument; there is only `health`, which asks the running service"),
    }
}

fn start<S, F>(service: &Service<S>, serve: impl FnOnce(Context, S) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Fatal>>,
{
    let mut environment = Environment::from_process();
    let common = Common::read(&mut environment);
    let settings = (service.settings)(&mut environment);
    let (common, settings) = match environment.finish(common.zip(settings)) {
        Ok(read) => read,
        Err(faults) => return usage(service.name, faults),
    };
    logs::start(&common.level);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(service.name, &Fatal::new("cannot start the runtime", error)),
    };
    let ended = runtime.block_on(async {
        let shutdown = Shutdown::new(common.stop_timeout)
            .on_signals()
            .map_err(|error| Fatal::new("cannot listen for signals", error))?;
        let metrics = Metrics::new(common.namespace, service.name, service.metrics);
        let writer = metrics.write_every(METRICS_INTERVAL);
        let context = Context {
            port: common.port,
            region: common.region,
            shutdown,
            health: Health::default(),
            metrics: metrics.clone(),
        };
        let ended = serve(context, settings).await;
        writer.abort();
        metrics.write();
        ended
    });
    // Tasks that hang must not hold the end up.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match ended {
        Ok(()) => {
            tracing::info!(service = service.name, "ended");
            ExitCode::SUCCESS
        }
        Err(fatal) => failed(service.name, &fatal),
    }
}

fn ask(name: &str) -> ExitCode {
    let mut environment = Environment::from_process();
    let port = environment.number("PORT", 1..=65535, DEFAULT_PORT);
    match environment.finish(Some(port)) {
        Err(faults) => usage(name, faults),
        Ok(port) => match probe::health(port) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say(name, format_args!("not healthy: {error}"));
                ExitCode::FAILURE
            }
        },
    }
}

fn failed(name: &str, fatal: &Fatal) -> ExitCode {
    tracing::error!(service = name, error = %fatal, "ended by an error");
    ExitCode::FAILURE
}

fn usage(name: &str, what: impl Display) -> ExitCode {
    say(name, what);
    ExitCode::from(EXIT_USAGE)
}

fn say(name: &str, what: impl Display) {
    let _nobody_reads_it = writeln!(io::stderr(), "{name}: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_may_come_by_either_name_and_aws_region_wins() {
        for (pairs, expected) in [
            (vec![("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "us-east-1")], "eu-west-1"),
            (vec![("AWS_DEFAULT_REGION", "us-east-1")], "us-east-1"),
        ] {
            let mut environment = Environment::from_pairs(pairs);
            let common = Common::read(&mut environment);
            assert_eq!(environment.finish(common).ok().map(|common| common.region).as_deref(), Some(expected));
        }
    }

    #[test]
    fn all_that_is_common_is_checked() {
        let mut environment = Environment::from_pairs([
            ("PORT", "0"),
            ("LOG_LEVEL", "=loud="),
            ("METRICS_NAMESPACE", "AWS/SQS"),
            ("STOP_TIMEOUT_SECONDS", "600"),
            ("AWS_ENDPOINT_URL", "localhost:4566"),
        ]);
        let common = Common::read(&mut environment);
        let faults = environment.finish(common).err().unwrap();
        let names: Vec<_> = faults.all().iter().map(|fault| fault.name).collect();
        assert_eq!(
            names,
            ["PORT", "LOG_LEVEL", "METRICS_NAMESPACE", "STOP_TIMEOUT_SECONDS", "AWS_ENDPOINT_URL", "AWS_REGION"]
        );
    }
}
