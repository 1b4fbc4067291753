//! `infra logs`.

use std::collections::{HashSet, VecDeque};
use std::process::ExitCode;
use std::time::Duration;

use jiff::{Span, Timestamp};

use crate::address::Address;
use crate::cli::args::{Format, FormatArgs, StateArgs, WhichAddressArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::service::one_of_name;
use crate::cli::{cloud, interrupt, render, terminal};
use crate::cloud::services::{LogLine, LogsAsked, Services as _};

/// Time between two looks for new lines.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Lines may be told so much later than those written after them.
const LATE: Duration = Duration::from_secs(30);
/// Lines that are remembered as told; older ones are no longer looked for.
const REMEMBERED: usize = 100_000;

/// Show what a service's containers write
///
/// The logs of all its tasks and containers in one stream, by time, each line with its task and its container. They are read
/// from CloudWatch Logs, where the task definition says that they are written (`awslogs`, with a prefix).
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra logs stacks/notification Api -e prod                     the last 10 minutes
  infra logs stacks/notification Api -e prod --follow            and what comes, until Ctrl-C
  infra logs stacks/notification Api -e prod --since 2h --filter ERROR
  infra logs stacks/notification Api -e prod --task 0a1b2c3d     one task; the first characters do")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichAddressArgs,

    /// How far back: 90s, 10m, 2h, 1d
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = span)]
    since: Span,

    /// Goes on with what comes, until Ctrl-C
    #[arg(short, long)]
    follow: bool,

    /// Only this task: its id, or how it begins
    #[arg(long, value_name = "ID")]
    task: Option<String>,

    /// Only lines that match this pattern of CloudWatch Logs
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let (which, name) = args.which.split()?;
    let record = Record::load(&which, &args.state).await?;
    let service: Address = one_of_name(&record.state, &name)?;
    let provider = cloud::connect(record.region()?).await?;
    let Some(recorded) = record.state.resources.get(&service) else {
        return Err(CommandError::failed(format!("{service} is not on record")));
    };
    let since = Timestamp::now().checked_sub(args.since).unwrap_or_default();
    let mut asked = LogsAsked { since, task: args.task.clone(), filter: args.filter.clone() };
    let mut told = Told::default();
    let interrupts = interrupt::listen();
    loop {
        let lines = tokio::select! {
            lines = provider.logs(&recorded.id, &asked) => lines?,
            () = interrupt::heard(&interrupts) => return Ok(ExitCode::SUCCESS),
        };
        let text: String = lines
            .iter()
            .filter(|line| told.is_new(line))
            .map(|line| match args.format.format {
                Format::Text => render::log_line(line),
                Format::Json => format!("{}\n", render::log_line_json(line)),
            })
            .collect();
        terminal::print(&text)?;
        if !args.follow {
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(last) = lines.last() {
            asked.since = asked.since.max(last.time.checked_sub(LATE).unwrap_or(last.time));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = interrupt::heard(&interrupts) => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// The lines that were told: looks overlap, for those that come late.
#[derive(Default)]
struct Told {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Told {
    fn is_new(&mut self, line: &LogLine) -> bool {
        if !self.ids.insert(line.id.clone()) {
            return false;
        }
        self.order.push_back(line.id.clone());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// A time back from now; days are of 24 hours.
fn span(text: &str) -> Result<Span, String> {
    let wrong = || format!("`{text}` is no time: write 90s, 10m, 2h or 1d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = number.parse().ok().filter(|number| (0..=100_000_000).contains(number)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => number,
        "m" => number * 60,
        "h" => number * 3600,
        "d" => number * 86_400,
        _ => return Err(wrong()),
    };
    Span::new().try_seconds(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_back_has_one_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400)] {
            assert_eq!(span(text).map(|span| span.get_seconds()), Ok(seconds), "{text}");
        }
        for text in ["", "10", "m", "-1m", "1.5h", "10 m", "10min"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_line_is_told_once() {
        let line = |id: &str| LogLine {
            time: Timestamp::UNIX_EPOCH,
            task: "0a1b".to_owned(),
            container: "app".to_owned(),
            message: "same words".to_owned(),
            id: id.to_owned(),
        };
        let mut told = Told::default();
        let news: Vec<bool> = ["1", "2", "1", "2", "3"].iter().map(|id| told.is_new(&line(id))).collect();
        assert_eq!(news, [true, true, false, false, true]);
    }
}
