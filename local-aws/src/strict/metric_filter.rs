//! Metric filters of CloudWatch Logs: patterns for JSON whose selectors are none.

use crate::call::Call;
use crate::error::AwsError;

pub(super) fn check(call: &Call) -> Result<(), AwsError> {
    let pattern = call.json["filterPattern"].as_str().unwrap_or_default();
    if call.operation == "PutMetricFilter" && !has_selectors(pattern) {
        return Err(AwsError::refused("InvalidParameterException", "Invalid metric filter pattern"));
    }
    Ok(())
}

/// Says whether every term of a pattern for JSON, `{ $.level = "error" && $.status > 499 }`, begins with a selector
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>).
fn has_selectors(pattern: &str) -> bool {
    let Some(terms) = pattern.trim().strip_prefix('{') else { return true };
    let terms = without_literals(terms);
    let mut terms = terms.split("&&").flat_map(|terms| terms.split("||"));
    terms.all(|term| term.trim_start_matches(|c: char| c == '(' || c.is_whitespace()).starts_with("$."))
}

/// Leaves out what stands in quotes or is a regular expression, which may hold what looks like an operator.
fn without_literals(text: &str) -> String {
    let (mut plain, mut open, mut is_escaped) = (String::new(), None, false);
    for c in text.chars() {
        match open {
            Some(end) => {
                if c == end && !is_escaped {
                    open = None;
                }
                is_escaped = c == '\\' && !is_escaped;
            }
            None if matches!(c, '"' | '%') => open = Some(c),
            None => plain.push(c),
        }
    }
    plain
}
