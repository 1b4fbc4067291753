//! Every stack under `tests/bad_stacks` is wrong; beside it stands the exact text that the user sees.
//!
//! A case is a folder with `stack.yaml` (or nothing, for a missing file), what it includes, `expected.txt`, and, where
//! it needs them, `arguments.txt` with one of `-e name`, `--set name=value` or `--set-file name=path` a line.
//! `BLESS=1 cargo test --test bad_stacks` writes what comes out, for a person to read and commit.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use infra::cloud::Lookup;
use infra::cloud::fake::catalog::catalog;
use infra::diagnostic::{Diagnostic, render};
use infra::stack::{Answers, Needs, Options, load};
use infra::value::Value;
use serde_json::json;

/// All mistakes of a stack; those that only show once it is evaluated, if there are no others.
fn mistakes(path: &Path, options: &Options) -> Vec<Diagnostic> {
    let checked = match load(path, options, &catalog()) {
        Ok(checked) => checked,
        Err(mistakes) => return mistakes,
    };
    let mut answers = Answers::new();
    loop {
        match checked.graph(&answers) {
            Ok(_) => return Vec::new(),
            Err(Needs::Errors(mistakes)) => return mistakes,
            Err(Needs::Lookups(lookups)) => answers.extend(lookups.into_iter().map(|lookup| {
                let answer: Value = match &lookup {
                    Lookup::Zones => json!(["eu-1a", "eu-1b"]).into(),
                    Lookup::Account => json!({"account_id": "123456789012", "partition": "aws"}).into(),
                    _ => json!({"VpcId": "vpc-1"}).into(),
                };
                (lookup, answer)
            })),
        }
    }
}

fn options(case: &Path) -> Options {
    let mut options = Options { variables: BTreeMap::new(), ..Options::default() };
    let text = std::fs::read_to_string(case.join("arguments.txt")).unwrap_or_default();
    for line in text.lines() {
        match line.split_once(' ').unwrap() {
            ("-e", name) => options.environment = Some(name.to_owned()),
            ("--set", pair) => {
                let (name, value) = pair.split_once('=').unwrap();
                options.set.push((name.to_owned(), value.to_owned()));
            }
            ("--set-file", pair) => {
                let (name, path) = pair.split_once('=').unwrap();
                options.set_file.push((name.to_owned(), case.join(path)));
            }
            other => panic!("{other:?} is no argument"),
        }
    }
    options
}

#[test]
fn each_is_refused_in_the_words_expected() {
    let root = PathBuf::from("tests/bad_stacks");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for case in &cases {
        let mistakes = mistakes(case, &options(case));
        if mistakes.is_empty() {
            wrong.push(format!("{}: nothing is found wrong", case.display()));
            continue;
        }
        let text = render(&mistakes, false);
        let expected = case.join("expected.txt");
        if bless {
            std::fs::write(&expected, &text).unwrap();
            continue;
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        if text != wanted {
            wrong.push(format!("{}:\n--- expected\n{wanted}--- found\n{text}", case.display()));
        }
    }
    assert!(cases.len() >= 60, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What can't be committed as a file of a case is made here.
fn refused(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stack.yaml");
    std::fs::write(&file, bytes).unwrap();
    let mistakes = mistakes(&file, &Options { variables: BTreeMap::new(), ..Options::default() });
    render(&mistakes, false).replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_file_of_ten_megabytes_is_refused_unread() {
    let text = refused(&vec![b'a'; 10 << 20]);
    assert_eq!(
        text,
        "error: stack.yaml: the file has 10485760 bytes, more than the 1048576 that are read\n \
         |\n = help: split it into components, or let `for_each` repeat what repeats\n"
    );
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_with_its_line() {
    let text = refused(b"stack: a\nregion: \xff\xfe\n");
    assert_eq!(
        text,
        "error: stack.yaml: the file is not UTF-8: line 2 holds other bytes\n |\n = help: save it as UTF-8\n"
    );
}

#[test]
fn a_binary_file_is_refused() {
    let bytes: Vec<u8> = (0..4096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(refused(&bytes).starts_with("error: "), "{}", refused(&bytes));
    assert!(refused(&[0; 512]).starts_with("error: "));
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    assert_eq!(refused("\u{feff}stack: a\nregion: eu-1\n".as_bytes()), "");
}

#[test]
fn an_alias_bomb_is_refused_before_it_grows() {
    let mut text = "stack: bomb\nlocals:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("  a{level}: &a{level} [{aliases}]\n");
    }
    let text = refused(text.as_bytes());
    assert!(text.starts_with("error: aliases stand for more than 20000 nodes\n --> stack.yaml:"), "{text}");
}

#[test]
fn deep_nesting_is_refused_before_it_overflows() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let text = format!("stack: deep\nlocals:\n  a:\n    {}x{}\n", open.repeat(20_000), close.repeat(20_000));
        assert!(refused(text.as_bytes()).starts_with("error: "), "{open}");
    }
    let parts = [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("!", ""),
        ("-", ""),
        ("a?b:", ""),
        ("1+", ""),
        ("a.", "b"),
        ("size(", ")"),
    ];
    for (open, close) in parts {
        for count in [100, 1000, 20_000] {
            let expression = format!("{}1{}", open.repeat(count), close.repeat(count));
            let text = format!("stack: deep\nregion: eu-1\nlocals:\n  a: ${{{expression}}}\n");
            let found = refused(text.as_bytes());
            assert!(found.starts_with("error: ") || matches!(open, "!" | "-"), "{open} {count}: {found}");
        }
    }
}
