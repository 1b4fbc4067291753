//! `docs/commands.md` says what `--help` says.

use std::path::Path;

use crate::{infra, page};

/// What stands above is written by hand, what stands below by this test.
const MARK: &str = "<!-- From here on written by `make docs`, from the commands' own help. -->\n";

/// All commands in the order of the help, those that only hold others left out, each with what its help says.
fn commands(folder: &Path) -> Vec<(String, String)> {
    let (mut found, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(command) = open.pop() {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = infra(&words, folder);
        assert_eq!(help.code, 0, "{command}: {}", help.err);
        let listed = help.out.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
        match listed {
            Some(listed) => {
                let names = listed.lines().filter_map(|line| line.split_whitespace().next());
                open.extend(names.rev().map(|name| format!("{command} {name}").trim().to_owned()));
            }
            None => found.push((command, help.out)),
        }
    }
    found
}

#[test]
fn the_page_of_commands_is_what_help_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let text = std::fs::read_to_string(&page).expect("docs/commands.md");
    let (by_hand, _) = text.split_once(MARK).expect("the mark");
    let folder = tempfile::tempdir().expect("folder");
    let commands = commands(folder.path());
    assert!(commands.iter().any(|(command, _)| command == "state migrate"), "{commands:?}");
    let said =
        |(command, help): &(String, String)| format!("\n## `infra {command}`\n\n```text\n{}\n```\n", help.trim());
    let wanted: String = commands.iter().map(said).collect();
    page::check("commands.md", &format!("{by_hand}{MARK}{wanted}"));
}
