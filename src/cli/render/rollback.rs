//! What a rollback lacks and what it leaves.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::cli::style::{YELLOW, harmless, paint};
use crate::rollback::{At, Left};

/// What services that are to go back will lack, a warning each.
pub(in crate::cli) fn lacks(lacks: &[(Address, String)]) -> String {
    lacks.iter().map(|(address, why)| format!("{} {address}: {}\n", paint(YELLOW, "warning:"), harmless(why))).collect()
}

/// What is left on record at images that were taken back, a line for each image, and what to do about it; nothing where
/// nothing is.
pub(in crate::cli) fn left(left: &[Left]) -> Vec<String> {
    let mut by_image: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for Left { at, image, serves } in left {
        by_image.entry((image, serves)).or_default().push(match at {
            At::Property { address, path } => format!("{address} ({path})"),
            At::Output(name) => format!("output {name}"),
        });
    }
    let line = |((image, serves), places): ((&str, &str), Vec<String>)| {
        harmless(&format!("Still at {image}, where {serves} serves: {}", places.join(", ")))
    };
    let mut lines: Vec<String> = by_image.into_iter().map(line).collect();
    if !lines.is_empty() {
        let why = "A rollback changes services and their task definitions, nothing else";
        lines.push(format!("{why}: an apply with the images that serve changes these as well."));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn what_is_left_is_named_with_the_way_out() {
        insta::assert_snapshot!(left(&samples::left()).join("\n"), @r"
        Still at shop:2, where shop:1 serves: ApiImage (Value), output api_image
        A rollback changes services and their task definitions, nothing else: an apply with the images that serve changes these as well.
        ");
        assert!(left(&[]).is_empty());
    }
}
