//! Physical names for what the stack does not name.

use crate::address::OpId;
use crate::catalog::GeneratedName;

/// `<stack>-<environment>-<logical>-<short op id>`, cut before the op id where the API's limit asks for it, so that two
/// incarnations of a resource never have the same name.
pub(super) fn generated_name(rule: GeneratedName, stack: &str, environment: &str, logical: &str, op: &OpId) -> String {
    let suffix = op.short();
    let room = rule.max_length.saturating_sub(suffix.len() + 1);
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let prefix: String = format!("{stack}-{environment}-{logical}").chars().map(safe).take(room).collect();
    let name = match prefix.trim_end_matches('-') {
        "" => suffix,
        prefix => format!("{prefix}-{suffix}"),
    };
    if rule.lower_case { name.to_ascii_lowercase() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(max_length: usize, lower_case: bool) -> String {
        let rule = GeneratedName { property: "Name", max_length, lower_case };
        generated_name(rule, "my_shop", "dev", "Alb", &OpId::from("01J0000000000000AAAABBCCDD"))
    }

    #[test]
    fn a_name_keeps_its_op_id_whatever_the_limit() {
        assert_eq!(name(255, false), "my-shop-dev-Alb-aabbccdd");
        assert_eq!(name(255, true), "my-shop-dev-alb-aabbccdd");
        assert_eq!(name(17, false), "my-shop-aabbccdd", "no dash is left at the cut");
        assert_eq!(name(8, false), "aabbccdd");
    }
}
