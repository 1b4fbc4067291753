//! Metrics in CloudWatch's embedded metric format, gathered in memory and written now and then.
//!
//! A request pays for a lock and an addition; one line of the log carries all the values of ten seconds.

use std::fmt::{self, Debug, Formatter};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use metrique::emf::Emf;
use metrique_writer::format::Format;
use metrique_writer::unit::NegativeScale;
use metrique_writer::{Entry, EntryWriter, MetricFlags, Observation, Unit, Value, ValueWriter};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// The dimension of all metrics: the service's name.
const DIMENSION: &str = "Service";
/// The largest value that is told from larger ones: an hour in microseconds.
const LARGEST: u64 = 3_600_000_000;
/// The most values that CloudWatch takes of one metric in a line:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
const MOST_VALUES: usize = 100;

/// What is measured, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// A count of events; it is written as 0 where there were none, so that an alarm always has data.
    Count(&'static str),
    /// The distribution of a time, written in milliseconds.
    Time(&'static str),
    /// The distribution of a size or another count, such as of a batch.
    Size(&'static str),
}

impl Metric {
    /// Returns the name in CloudWatch.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count(name) | Self::Time(name) | Self::Size(name) => name,
        }
    }
}

/// What a service measures. Clones share it.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    service: &'static str,
    emf: Mutex<Emf>,
    gathered: Mutex<Vec<Gathered>>,
}

struct Gathered {
    metric: Metric,
    values: Values,
}

enum Values {
    Sum(u64),
    Spread(Histogram<u64>),
}

impl Metrics {
    /// Begins to gather `metrics` of `service` for `namespace`.
    #[must_use]
    pub fn new(namespace: String, service: &'static str, metrics: &'static [Metric]) -> Self {
        let gathered =
            metrics.iter().map(|metric| Gathered { metric: *metric, values: Values::empty(*metric) }).collect();
        let emf = Emf::builder(namespace, vec![vec![DIMENSION.to_owned()]]).build();
        Self(Arc::new(Inner { service, emf: Mutex::new(emf), gathered: Mutex::new(gathered) }))
    }

    /// Counts `number` events. A metric that the service does not declare is not gathered.
    pub fn count(&self, metric: Metric, number: u64) {
        self.add(metric, number);
    }

    /// Adds a time to its distribution.
    pub fn time(&self, metric: Metric, time: Duration) {
        self.add(metric, u64::try_from(time.as_micros()).unwrap_or(LARGEST));
    }

    /// Adds a size to its distribution.
    pub fn size(&self, metric: Metric, size: usize) {
        self.add(metric, u64::try_from(size).unwrap_or(LARGEST));
    }

    fn add(&self, metric: Metric, value: u64) {
        let mut gathered = self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let found = gathered.iter_mut().find(|gathered| gathered.metric == metric);
        debug_assert!(found.is_some(), "{metric:?} is not declared");
        match found.map(|gathered| &mut gathered.values) {
            Some(Values::Sum(sum)) => *sum = sum.saturating_add(value),
            Some(Values::Spread(histogram)) => histogram.saturating_record(value),
            None => {}
        }
    }

    /// Writes what was gathered to standard output at every `period`, until the task is aborted.
    #[must_use]
    pub fn write_every(&self, period: Duration) -> JoinHandle<()> {
        let metrics = self.clone();
        tokio::spawn(async move {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                metrics.write();
            }
        })
    }

    /// Writes what was gathered since the last time to standard output, as one line.
    pub fn write(&self) {
        match self.line() {
            Ok(line) => {
                let _nobody_reads_it = io::stdout().lock().write_all(&line);
            }
            Err(error) => tracing::error!(%error, "cannot write metrics"),
        }
    }

    /// Takes what was gathered, as a line of the embedded metric format.
    ///
    /// # Errors
    /// When it cannot be written as such.
    pub fn line(&self) -> Result<Vec<u8>, metrique_writer::IoStreamError> {
        let taken: Vec<_> = {
            let mut gathered = self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            gathered
                .iter_mut()
                .map(|Gathered { metric, values }| (*metric, std::mem::replace(values, Values::empty(*metric))))
                .map(|(metric, values)| Gathered { metric, values })
                .collect()
        };
        let record = Record { service: self.0.service, gathered: taken };
        let mut line = Vec::new();
        self.0.emf.lock().unwrap_or_else(PoisonError::into_inner).format(&record, &mut line)?;
        Ok(line)
    }
}

impl Debug for Metrics {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("service", &self.0.service).finish_non_exhaustive()
    }
}

impl Values {
    fn empty(metric: Metric) -> Self {
        match metric {
            Metric::Count(_) => Self::Sum(0),
            Metric::Time(_) | Metric::Size(_) => {
                let histogram = Histogram::new_with_bounds(1, LARGEST, 1);
                Self::Spread(histogram.unwrap_or_else(|_| unreachable!("the bounds are constant, and in order")))
            }
        }
    }
}

/// One line of metrics.
struct Record {
    service: &'static str,
    gathered: Vec<Gathered>,
}

impl Entry for Record {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(SystemTime::now());
        writer.value(DIMENSION, self.service);
        for gathered in &self.gathered {
            if !matches!(&gathered.values, Values::Spread(histogram) if histogram.is_empty()) {
                writer.value(gathered.metric.name(), gathered);
            }
        }
    }
}

impl Value for Gathered {
    fn write(&self, writer: impl ValueWriter) {
        let (unit, scale) = match self.metric {
            Metric::Count(_) | Metric::Size(_) => (Unit::Count, 1.0),
            Metric::Time(_) => (Unit::Second(NegativeScale::Milli), 0.001),
        };
        match &self.values {
            Values::Sum(sum) => writer.metric([Observation::Unsigned(*sum)], unit, [], MetricFlags::empty()),
            Values::Spread(histogram) => {
                let recorded: Vec<_> = histogram
                    .iter_recorded()
                    .map(|step| (step.value_iterated_to() as f64 * scale, step.count_at_value()))
                    .collect();
                let observations = recorded.chunks(recorded.len().div_ceil(MOST_VALUES).max(1)).map(|near| {
                    let total = near.iter().map(|(value, occurrences)| value * *occurrences as f64).sum();
                    Observation::Repeated { total, occurrences: near.iter().map(|(_, occurrences)| occurrences).sum() }
                });
                writer.metric(observations, unit, [], MetricFlags::empty());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    const SENT: Metric = Metric::Count("Sent");
    const LATENCY: Metric = Metric::Time("Latency");
    const BATCH: Metric = Metric::Size("BatchSize");

    fn line(metrics: &Metrics) -> Json {
        let line = metrics.line().unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn a_line_is_in_the_embedded_metric_format_and_begins_anew_after_it() {
        let metrics = Metrics::new("Notification".into(), "email-sender", &[SENT, LATENCY, BATCH]);
        for batch in [1, 10, 10] {
            metrics.count(SENT, batch);
            metrics.size(BATCH, 10.min(usize::try_from(batch).unwrap()));
        }
        metrics.time(LATENCY, Duration::from_millis(8));
        let first = line(&metrics);
        let directive = &first["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Notification");
        assert_eq!(directive["Dimensions"], json!([["Service"]]));
        let names = json!([
            { "Name": "Sent", "Unit": "Count" },
            { "Name": "Latency", "Unit": "Milliseconds" },
            { "Name": "BatchSize", "Unit": "Count" }
        ]);
        assert_eq!(directive["Metrics"], names);
        assert_eq!(first["Service"], "email-sender");
        assert_eq!(first["Sent"], 21);
        assert_eq!(first["BatchSize"]["Values"], json!([1, 10]));
        assert_eq!(first["BatchSize"]["Counts"], json!([1, 2]));
        let latency = first["Latency"]["Values"][0].as_f64().unwrap();
        assert!((7.5..=8.5).contains(&latency), "{latency}");

        let second = line(&metrics);
        assert_eq!(second["Sent"], 0);
        assert_eq!(second.get("Latency"), None);
    }

    #[test]
    fn a_metric_never_has_more_values_than_cloudwatch_takes() {
        let metrics = Metrics::new("Notification".into(), "email-sender", &[LATENCY]);
        for power in 0..400 {
            metrics.time(LATENCY, Duration::from_micros((1.05_f64.powi(power) * 100.0) as u64));
        }
        let values = line(&metrics)["Latency"]["Values"].as_array().unwrap().len();
        assert!((20..=100).contains(&values), "{values}");
    }
}
