//! What a watch saw, as text.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cli::style::{BOLD, DIM, GREEN, RED, count, duration, harmless, paint};
use crate::probe::{Phase, Report};

/// What a watch saw: whether it was enough, what failed and why, how long it took.
pub(in crate::cli) fn probe(report: &Report) -> String {
    let mut out = String::new();
    let share = format!("{} % available", percent(report.availability));
    let slo = match report.slo {
        None => String::new(),
        Some(slo) if report.met => format!(", SLO {} % {}", percent(slo), paint(GREEN, "met")),
        Some(slo) => format!(", SLO {} % {}", percent(slo), paint(RED, "missed")),
    };
    let style = if report.failures == 0 { GREEN } else { RED };
    let _ = writeln!(out, "{} {}: {}{slo}", paint(BOLD, "Probe:"), harmless(&report.url), paint(style, share));
    let checks = count(usize::try_from(report.checks).unwrap_or(usize::MAX), "check");
    let gap = match report.failures {
        0 => String::new(),
        _ => format!(", longest gap {}", duration(Duration::from_secs_f64(report.longest_gap))),
    };
    let _ = writeln!(
        out,
        "  {checks}, {} failed{gap}; latency p50 {:.1} ms, p99 {:.1} ms",
        report.failures, report.p50, report.p99
    );
    for reason in &report.reasons {
        let _ = writeln!(out, "  {} × {}", reason.count, harmless(&reason.reason));
    }
    let phases: Vec<_> = report
        .phases
        .iter()
        .map(|count| {
            let phase = match count.phase {
                Phase::Before => "before",
                Phase::During => "during",
                Phase::After => "after",
            };
            format!("{phase} {} of {}", count.checks - count.failures, count.checks)
        })
        .collect();
    let _ = writeln!(out, "  {}", paint(DIM, phases.join(", ")));
    if report.served_before == Some(false) {
        let _ = writeln!(
            out,
            "  It did not answer before the change: what counts is what came after, from the first answer on."
        );
    }
    out
}

/// That less was available than the SLO asks for, with what was measured.
pub(in crate::cli) fn missed(report: &Report) -> String {
    let url = harmless(&report.url);
    let slo = percent(report.slo.unwrap_or_default());
    let of = match report.counted {
        0 => "nothing answered after the changes".to_owned(),
        checks => format!("of {} checks {} failed", grouped(checks), grouped(report.counted_failures)),
    };
    format!("{url}: availability {} % ({of}), the SLO is {slo} %", percent(report.availability))
}

/// `1,250`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Without more places than it takes.
fn percent(share: f64) -> String {
    // Rounded down, so that nothing short of all is said to be 100.
    let text = format!("{:.3}", (share * 1_000.0).floor() / 1_000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn a_watch_that_saw_failures() {
        insta::assert_snapshot!(anstream::adapter::strip_str(&probe(&samples::probe())).to_string(), @r"
        Probe: http://shop/health: 98.75 % available, SLO 99.9 % missed
          90 checks, 1 failed, longest gap 1.0s; latency p50 3.1 ms, p99 12.0 ms
          1 × status 503
          before 10 of 10, during 49 of 50, after 30 of 30
        ");
    }

    #[test]
    fn a_missed_slo_is_told_with_what_was_measured() {
        let seen = Report { counted: 1250, counted_failures: 10, availability: 99.2, ..samples::probe() };
        assert_eq!(
            missed(&seen),
            "http://shop/health: availability 99.2 % (of 1,250 checks 10 failed), the SLO is 99.9 %"
        );
        let never = Report { counted: 0, counted_failures: 0, availability: 0.0, ..seen };
        assert_eq!(
            missed(&never),
            "http://shop/health: availability 0 % (nothing answered after the changes), the SLO is 99.9 %"
        );
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn nothing_short_of_all_is_100() {
        assert_eq!(percent(99.9999), "99.999");
        assert_eq!(percent(100.0), "100");
        assert_eq!(percent(99.9), "99.9");
    }
}
