//! `docs/commands.md` says what `--help` says.

use std::path::Path;

use crate::{infra, page};

/// What stands above is written by hand, what stands below by this test.
const MARK: &str = "<!-- From here on written by `make docs`, from the commands' own help. -->\n";

const COMMANDS: [&[&str]; COUNT] = [
    &["validate"],
    &["plan"],
    &["apply"],
    &["destroy"],
    &["rollback"],
    &["status"],
    &["logs"],
    &["output"],
    &["show"],
    &["graph"],
    &["state", "list"],
    &["state", "show"],
    &["state", "forget"],
    &["schema"],
    &["completions"],
];
const COUNT: usize = 15;

#[test]
fn the_page_of_commands_is_what_help_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let text = std::fs::read_to_string(&page).expect("docs/commands.md");
    let (by_hand, _) = text.split_once(MARK).expect("the mark");
    let mut wanted = String::new();
    for command in COMMANDS {
        let folder = tempfile::tempdir().expect("folder");
        let help = infra(&[command, &["--help"]].concat(), folder.path());
        assert_eq!(help.code, 0, "{command:?}: {}", help.err);
        wanted.push_str(&format!("\n## `infra {}`\n\n```text\n{}\n```\n", command.join(" "), help.out.trim()));
    }
    page::check("commands.md", &format!("{by_hand}{MARK}{wanted}"));
}

#[test]
fn no_command_is_left_out() {
    let folder = tempfile::tempdir().expect("folder");
    let help = infra(&["--help"], folder.path()).out;
    let listed = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("commands");
    for line in listed.lines() {
        let name = line.split_whitespace().next().expect("a name");
        assert!(COMMANDS.iter().any(|command| command[0] == name), "`{name}` is not in docs/commands.md");
    }
}
