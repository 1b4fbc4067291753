//! What GitHub is given, and what it makes of it.

use serde_json::json;

use super::*;
use crate::cli::samples;
use crate::diagnostic::{Source, Span};
use crate::plan::{OutputChange, Shown};

/// What GitHub takes.
const GITHUB: usize = 65_536;

fn nowhere(_: &Address, _: &str) -> Option<Place> {
    None
}

fn warning(message: &str) -> Diagnostic {
    let source = Source::new("stack.yaml", "resources:\n  Mesh: {}\n");
    Diagnostic::warning(&Span::new(&source, 13..17), message)
}

#[test]
fn every_kind_of_step() {
    let place = |address: &Address, path: &str| {
        (path == "ContainerDefinitions").then(|| Place {
            file: "web.yaml".into(),
            line: address.as_str().len(),
            column: 1,
        })
    };
    let warnings = [warning("AWS App Mesh ended on 2026-09-30: use ECS Service Connect").help("see @aws/mesh #12")];
    insta::assert_snapshot!(plan_markdown(&samples::plan(), &warnings, &place, LIMIT));
}

#[test]
fn nothing_to_do_is_said_in_one_line() {
    let plan = samples::empty_plan();
    assert_eq!(
        plan_markdown(&plan, &[], &nowhere, LIMIT),
        "<!-- infra plan: notification/dev -->\n**No changes** for `notification` (`dev`) in `us-east-1`: 1 resource is \
         as the stack says.\n"
    );
}

/// What GitHub reads as something else than code: the text with its code blocks and code spans taken out.
fn outside_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in markdown.lines() {
        if line.trim_start_matches(' ').starts_with("```") && line.len() - line.trim_start_matches(' ').len() < 4 {
            inside = !inside;
        } else if !inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    assert!(!inside, "a code block stays open");
    // Code spans of the headings, delimited by as many backticks as their text needs.
    let mut bare = String::new();
    let mut rest = out.as_str();
    while let Some(open) = rest.find('`') {
        bare.push_str(&rest[..open]);
        let ticks = rest[open..].len() - rest[open..].trim_start_matches('`').len();
        let after = &rest[open + ticks..];
        let delimiter = "`".repeat(ticks);
        let close = after
            .match_indices(&delimiter)
            .find(|(at, _)| !after[..*at].ends_with('`') && !after[at + ticks..].starts_with('`'));
        let (at, _) = close.unwrap_or_else(|| panic!("a code span stays open: {after}"));
        assert!(!after[..at].contains('\n'), "a code span over lines");
        rest = &after[at + ticks..];
    }
    bare + rest
}

const HOSTILE: &str = "```a`b``c```\n```\n</details>\n<img src=x onerror=alert(1)>\r\n@everyone @org/team #1 \
                       GH-2 -->\u{202e}\u{2028}\u{0}\n   ````\n~~~\n> quote\n| a | b |\n# heading\n- item";

#[test]
fn nothing_that_a_stack_or_aws_says_breaks_the_layout_or_calls_people() {
    let mut plan = samples::plan();
    let value = || Shown::Value(json!({ HOSTILE: [HOSTILE, { "Key": HOSTILE, "Value": HOSTILE }] }));
    plan.stack = HOSTILE.to_owned();
    plan.environment = HOSTILE.to_owned();
    plan.region = HOSTILE.to_owned();
    for step in &mut plan.steps {
        step.address = HOSTILE.into();
        step.type_name = HOSTILE.to_owned();
        step.id = Some(crate::address::Id::new(HOSTILE));
        step.reason = Some(HOSTILE.to_owned());
        step.moved_from = Some(HOSTILE.into());
        step.place = Some(Place { file: HOSTILE.into(), line: 1, column: 1 });
        for change in &mut step.changes {
            change.path = HOSTILE.to_owned();
            (change.old, change.new) = (Shown::Value(json!(HOSTILE)), value());
        }
    }
    plan.outputs.push(OutputChange { name: HOSTILE.to_owned(), old: Shown::Absent, new: value() });
    let calm = plan_markdown(&samples::plan(), &[warning("calm")], &nowhere, LIMIT);
    let hostile = plan_markdown(&plan, &[warning(HOSTILE)], &nowhere, LIMIT);
    assert!(length(&hostile) < GITHUB);
    let bare = outside_code(&hostile);
    for (calm_count, hostile_count, what) in ["<details>", "</details>", "<summary>", "<!--", "-->", "\n### ", "\n## "]
        .map(|what| (outside_code(&calm).matches(what).count(), bare.matches(what).count(), what))
    {
        assert_eq!(calm_count, hostile_count, "{what}\n{bare}");
    }
    for told in ["<img", "@everyone", "@org", "#1", "\r", "\u{202e}", "\u{2028}", "\u{0}"] {
        assert!(!bare.contains(told), "{told:?}: {bare}");
    }
    let unsafe_anywhere = ['\r', '\u{202e}', '\u{2028}', '\u{0}'];
    assert!(!hostile.contains(unsafe_anywhere));
    assert!(hostile.starts_with("<!-- infra plan: ___a_b__c"), "{}", &hostile[..80]);
    assert!(hostile.lines().next().is_some_and(|first| first.ends_with(" -->") && first.matches("-->").count() == 1));
}

#[test]
fn drift_is_apart_and_what_it_replaces_is_in_sight() {
    let mut plan = samples::plan();
    for step in &mut plan.steps {
        if step.action == Action::Replace {
            step.changes.iter_mut().for_each(|change| change.cause = Cause::Drift);
        }
    }
    let markdown = plan_markdown(&plan, &[], &nowhere, LIMIT);
    let replaced = markdown.split("### ⚠️ 2 to replace").nth(1).and_then(|rest| rest.split("<details>").next());
    assert!(replaced.is_some_and(|text| text.contains("@@ Sender.Task")), "{markdown}");
    assert!(replaced.is_some_and(|text| text.contains(", changed outside infra")), "{markdown}");
}

/// A plan of `resources`, every kind of step among them, with values that `value` gives.
fn large(resources: usize, value: impl Fn(usize) -> serde_json::Value) -> Plan {
    let sample = samples::plan();
    let mut plan = Plan { steps: Vec::new(), ..samples::plan() };
    for number in 0..resources {
        let mut step = sample.steps[number % sample.steps.len()].clone();
        step.address = format!("Part{number}.Resource[\"{number}\"]").as_str().into();
        for change in &mut step.changes {
            change.new = Shown::Value(value(number));
        }
        plan.steps.push(step);
    }
    plan
}

#[test]
fn it_is_never_longer_than_github_takes() {
    // A small generator of numbers, the same each time.
    let mut seed = 7_u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for round in 0..60 {
        let resources = [1, 13, 60, 300, 1_000, 5_000][round % 6];
        let longest = [10, 100, 1_000, 20_000][next(4)];
        let piece = ["x", "lorem ipsum ", "line\n", "``` \n", "日本", "🌈", "{\"a\": [1, 2]}"][next(7)];
        let longest = if resources > 300 { longest.min(100) } else { longest };
        let texts: Vec<String> = (0..7).map(|_| piece.repeat(next(longest) / piece.len() + 1)).collect();
        let plan = large(resources, |number| json!(texts[number % texts.len()]));
        let warnings: Vec<_> = (0..next(40)).map(|number| warning(&format!("{number} {}", texts[0]))).collect();
        let limit = [LIMIT, 32_000, GITHUB, 4_000, 8_000][round % 5];
        let markdown = plan_markdown(&plan, &warnings, &nowhere, limit);
        assert!(length(&markdown) <= limit, "{} characters in round {round}, not {limit}", length(&markdown));
        outside_code(&markdown);
        let nothing = plan_markdown(&samples::empty_plan(), &warnings, &nowhere, limit);
        assert!(length(&nothing) <= limit, "{} characters in round {round}, not {limit}", length(&nothing));
        assert_eq!(markdown, plan_markdown(&plan, &warnings, &nowhere, limit), "the same bytes each time");
    }
}

#[test]
fn long_warnings_and_addresses_leave_room_for_each_other() {
    let mut plan = large(300, |number| json!(number));
    for (number, step) in plan.steps.iter_mut().enumerate() {
        step.address = format!("Part{number}.{}", "`_".repeat(140)).as_str().into();
    }
    let warnings: Vec<_> = (0..40).map(|_| warning(&"<&>#".repeat(75)).help("[*]".repeat(100))).collect();
    for limit in [4_000, 8_000, 16_000, LIMIT] {
        let markdown = plan_markdown(&plan, &warnings, &nowhere, limit);
        assert!(length(&markdown) <= limit, "{} characters, not {limit}", length(&markdown));
        assert!(markdown.contains("**Deletes**") && markdown.contains("**Replaces**"), "{markdown}");
        let nothing = plan_markdown(&samples::empty_plan(), &warnings, &nowhere, limit);
        assert!(length(&nothing) <= limit, "{} characters, not {limit}", length(&nothing));
        assert!(nothing.contains("> - and ") && nothing.ends_with(" more\n"), "{nothing}");
    }
}

#[test]
fn five_thousand_resources_are_cut_at_whole_ones_and_counted() {
    let plan = large(5_000, |number| json!(number));
    let markdown = plan_markdown(&plan, &[], &nowhere, LIMIT);
    assert!(length(&markdown) <= GITHUB);
    assert!(length(&markdown) > GITHUB / 2, "the room is used: {}", length(&markdown));
    let left_out = markdown.rsplit("\n_").next().and_then(|text| text.split(' ').next()).expect("a number");
    let left_out: usize = left_out.parse().expect("a number");
    let kept = plan.steps.iter().filter(|step| step.action == Action::Keep && step.moved_from.is_none()).count();
    let shown = plan.steps.iter().filter(|step| markdown.contains(&format!("{}  AWS::", step.address))).count();
    // A step with drift and changes of its own stands in two sections.
    let twice = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Update && step.changes.iter().any(|change| change.cause == Cause::Drift));
    assert!(shown > 300, "{shown}");
    assert!(left_out + shown + kept >= plan.steps.len(), "{left_out} {shown} {kept}");
    assert!(left_out + shown + kept <= plan.steps.len() + twice.count(), "{left_out} {shown} {kept}");
    let deletes = markdown.find("to delete\n").expect("deletes");
    assert!(deletes < markdown.find("to create</summary>").expect("creates"));
}

#[test]
fn a_huge_value_hides_no_other() {
    for value in ["x".repeat(200_000), "line of text\n".repeat(16_000), "`".repeat(200_000), "🌈".repeat(200_000)] {
        let mut plan = samples::plan();
        for change in plan.steps.iter_mut().flat_map(|step| &mut step.changes).take(9) {
            change.new = Shown::Value(json!(value));
        }
        let markdown = plan_markdown(&plan, &[], &nowhere, LIMIT);
        assert!(length(&markdown) <= GITHUB, "{}", length(&markdown));
        outside_code(&markdown);
        for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
            assert!(markdown.contains(step.address.as_str()), "{} is not shown", step.address);
        }
    }
}

#[test]
fn the_difference_in_a_long_line_is_seen() {
    let mut plan = samples::plan();
    let long = |middle: &str| Shown::Value(json!(format!("{}{middle}{}", "a".repeat(5_000), "b".repeat(5_000))));
    let step = plan.steps.iter_mut().find(|step| step.address.as_str() == "Mail").expect("Mail");
    (step.changes[1].old, step.changes[1].new) = (long("OLD"), long("NEW"));
    let markdown = plan_markdown(&plan, &[], &nowhere, LIMIT);
    assert!(markdown.contains("aOLDb") && markdown.contains("aNEWb"), "{markdown}");
}
