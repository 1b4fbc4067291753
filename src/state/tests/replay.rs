//! What each entry does to the state.

use std::fmt::Write;

use super::super::entry::{Action, Entry, Move};
use super::super::replay::Replay;
use super::super::seal::Sealed;
use super::*;

fn sealed(entries: &[(&str, i64)]) -> Sealed {
    let map = entries.iter().map(|(key, value)| ((*key).to_owned(), Value::Int(*value))).collect();
    Sealed::from_sealed(map)
}

fn begin(name: &str, address: &str, action: Action, dependencies: &[&str]) -> Entry {
    Entry::Begin {
        op: op(name),
        address: address.into(),
        type_name: "T".into(),
        action,
        properties: Some(sealed(&[("Size", 1), ("Name", 7)])),
        generated: vec!["Name".into()],
        dependencies: dependencies.iter().map(|address| Address::from(*address)).collect(),
        prevent_destroy: false,
    }
}

fn made(name: &str, id: &str) -> Entry {
    Entry::Made { op: op(name), id: Id::new(id) }
}

fn done(name: &str, address: &str) -> Entry {
    Entry::Done { op: op(name), address: address.into(), outputs: sealed(&[("Arn", 3)]) }
}

fn gone(name: Option<&str>, address: &str, id: &str) -> Entry {
    Entry::Gone { op: name.map(op), address: address.into(), id: Id::new(id) }
}

fn moved(moves: &[(&str, &str)]) -> Entry {
    let moves = moves.iter().map(|(from, to)| Move { from: (*from).into(), to: (*to).into() });
    Entry::Moved { moves: moves.collect() }
}

/// The state as text: records, deposed incarnations, operations under way.
fn shown(state: &State) -> String {
    let mut text = String::new();
    for (address, record) in &state.resources {
        let Record { id, op, properties, outputs, dependencies, settled, .. } = record;
        let settled = if *settled { "" } else { " unsettled" };
        writeln!(text, "{address} = {id} by {op}{settled} {properties:?} -> {outputs:?} needs {dependencies:?}")
            .unwrap();
    }
    for (address, deposed) in &state.deposed {
        for Deposed { id, dependencies, .. } in deposed {
            writeln!(text, "deposed {address} = {id} needs {dependencies:?}").unwrap();
        }
    }
    for (op, Begun { address, action, .. }) in &state.begun {
        writeln!(text, "begun {op} {action:?} {address}").unwrap();
    }
    text
}

/// Applies entries, each of which must follow from those before, and shows what they come to.
fn check(entries: impl IntoIterator<Item = Entry>) -> String {
    let mut replay = Replay::default();
    for (serial, entry) in (1..).zip(entries) {
        replay.apply(serial, entry).unwrap();
    }
    shown(&replay.state)
}

/// Applies entries, of which only the last does not follow, and shows why not.
fn refused(entries: impl IntoIterator<Item = Entry>) -> String {
    let mut replay = Replay::default();
    let mut entries: Vec<_> = entries.into_iter().collect();
    let last = entries.pop().unwrap();
    for (serial, entry) in (1..).zip(entries) {
        replay.apply(serial, entry).unwrap();
    }
    let before = replay.clone();
    let error = replay.apply(99, last).unwrap_err();
    assert_eq!(replay, before, "what is refused changes nothing");
    error.to_string()
}

fn created(address: &str, id: &str, dependencies: &[&str]) -> [Entry; 3] {
    [begin(id, address, Action::Create, dependencies), made(id, id), done(id, address)]
}

#[test]
fn a_create_goes_from_begun_to_made_to_done() {
    let steps = created("A", "a", &["B"]);
    insta::assert_snapshot!(check(steps[..1].to_vec()), @"begun a Create A");
    insta::assert_snapshot!(check(steps[..2].to_vec()), @r#"A = a by a unsettled {"Size": 1} -> {} needs [B]"#);
    insta::assert_snapshot!(check(steps), @r#"A = a by a {"Size": 1} -> {"Arn": 3} needs [B]"#);
}

#[test]
fn a_refused_operation_leaves_nothing() {
    let refused = |action| [begin("op", "A", action, &[]), Entry::Failed { op: op("op") }];
    insta::assert_snapshot!(check(refused(Action::Create)), @"");
    let both = created("A", "a", &[]).into_iter().chain(refused(Action::Update));
    insta::assert_snapshot!(check(both), @r#"A = a by a {"Size": 1} -> {"Arn": 3} needs []"#);
}

#[test]
fn an_update_counts_as_applied_once_it_is_done() {
    let update = Entry::Begin {
        op: op("u"),
        address: "A".into(),
        type_name: "T".into(),
        action: Action::Update,
        properties: Some(sealed(&[("Size", 2)])),
        generated: Vec::new(),
        dependencies: vec!["C".into()],
        prevent_destroy: false,
    };
    let begun: Vec<_> = created("A", "a", &["B"]).into_iter().chain([update]).collect();
    insta::assert_snapshot!(check(begun.clone()), @r#"
    A = a by a {"Size": 1} -> {"Arn": 3} needs [B]
    begun u Update A
    "#);
    let ended = begun.into_iter().chain([done("u", "A")]);
    insta::assert_snapshot!(check(ended), @r#"A = a by a {"Size": 2} -> {"Arn": 3} needs [C]"#);
}

#[test]
fn a_replacement_deposes_and_its_old_one_goes_by_its_own_id() {
    let mut entries: Vec<_> = created("A", "old", &["B"]).into_iter().chain(created("A", "new", &[])).collect();
    insta::assert_snapshot!(check(entries.clone()), @r#"
    A = new by new {"Size": 1} -> {"Arn": 3} needs []
    deposed A = old needs [B]
    "#);
    entries.push(begin("d", "A", Action::Delete(Id::new("old")), &[]));
    insta::assert_snapshot!(check(entries.clone()), @r#"
    A = new by new {"Size": 1} -> {"Arn": 3} needs []
    deposed A = old needs [B]
    begun d Delete(old) A
    "#);
    let mut current_first = entries.clone();
    entries.push(gone(Some("d"), "A", "old"));
    insta::assert_snapshot!(check(entries), @r#"A = new by new {"Size": 1} -> {"Arn": 3} needs []"#);
    current_first.push(gone(None, "A", "new"));
    insta::assert_snapshot!(check(current_first), @r"
    deposed A = old needs [B]
    begun d Delete(old) A
    ");
}

#[test]
fn moves_happen_all_at_once_and_dependencies_follow() {
    let entries = || {
        let old_c = created("C", "c1", &["A"]);
        created("A", "a", &[]).into_iter().chain(created("B", "b", &["A"])).chain(old_c).chain(created(
            "C",
            "c2",
            &["B"],
        ))
    };
    let swap = entries().chain([begin("u", "A", Action::Update, &[]), moved(&[("A", "B"), ("B", "A"), ("C", "D")])]);
    insta::assert_snapshot!(check(swap), @r#"
    A = b by b {"Size": 1} -> {"Arn": 3} needs [B]
    B = a by a {"Size": 1} -> {"Arn": 3} needs []
    D = c2 by c2 {"Size": 1} -> {"Arn": 3} needs [A]
    deposed D = c1 needs [B]
    begun u Update B
    "#);
    insta::assert_snapshot!(refused(entries().chain([moved(&[("A", "B")])])), @"A is moved to B, where something stands already");
    insta::assert_snapshot!(refused(entries().chain([moved(&[("A", "X"), ("C", "X")])])), @"C is moved to X, where something stands already");
}

#[test]
fn what_is_forgotten_goes_with_its_earlier_incarnations() {
    let twice = created("A", "old", &[]).into_iter().chain(created("A", "new", &[]));
    insta::assert_snapshot!(check(twice.chain([Entry::Forgot { address: "A".into() }])), @"");
}

#[test]
fn what_changes_without_an_operation_is_recorded() {
    let updated = Entry::Updated {
        address: "A".into(),
        properties: sealed(&[("Size", 9)]),
        outputs: sealed(&[("Arn", 8)]),
        dependencies: vec!["Z".into()],
        prevent_destroy: true,
    };
    let entries = created("A", "a", &[]).into_iter().chain([updated.clone()]);
    insta::assert_snapshot!(check(entries), @r#"A = a by a {"Size": 9} -> {"Arn": 8} needs [Z]"#);
    insta::assert_snapshot!(refused([updated]), @"nothing is on record at A");
}

#[test]
fn entries_that_do_not_follow_are_refused() {
    let create = || begin("a", "A", Action::Create, &[]);
    insta::assert_snapshot!(refused([made("a", "a")]), @"operation a was not begun");
    insta::assert_snapshot!(refused([create(), create()]), @"operation a was begun twice");
    insta::assert_snapshot!(refused([begin("u", "A", Action::Update, &[])]), @"nothing is on record at A");
    insta::assert_snapshot!(refused([create(), done("a", "A")]), @"nothing is on record at A");
    insta::assert_snapshot!(refused([create(), made("a", "a"), made("a", "a")]), @"operation a was not begun");
    insta::assert_snapshot!(refused([create(), made("a", "a"), done("other", "A")]), @"operation other was not begun");
    insta::assert_snapshot!(refused([Entry::Failed { op: op("a") }]), @"operation a was not begun");
    insta::assert_snapshot!(refused([gone(Some("d"), "A", "a")]), @"operation d was not begun");
    insta::assert_snapshot!(refused([Entry::Forgot { address: "A".into() }]), @"nothing is on record at A");
    let holder = Holder::current("apply");
    let keyless = Entry::Open { holder, lease_ms: 1, seal: None, cut: Vec::new() };
    insta::assert_snapshot!(refused([keyless]), @"the log has no key");
}

#[test]
fn every_entry_reads_back_as_it_was_written() {
    let entries = [
        Entry::Open {
            holder: Holder::current("apply"),
            lease_ms: 60_000,
            seal: Some(Seal::generate().unwrap()),
            cut: vec![3],
        },
        Entry::Renew,
        begin("a", "Api[\"k\"].A", Action::Create, &["B"]),
        begin("a", "A", Action::Delete(Id::new("x|y")), &[]),
        made("a", "a"),
        done("a", "A"),
        Entry::Failed { op: op("a") },
        gone(None, "A", "a"),
        moved(&[("A", "B")]),
        Entry::Forgot { address: "A".into() },
        Entry::Outputs { outputs: [("url".to_owned(), sealed(&[]))].into() },
        Entry::Close,
    ];
    for entry in entries {
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
    }
    insta::assert_snapshot!(
        serde_json::to_string(&begin("op", "A", Action::Create, &["B"])).unwrap(),
        @r#"{"begin":{"op":"op","address":"A","type":"T","action":"create","properties":{"Name":7,"Size":1},"generated":["Name"],"dependencies":["B"]}}"#
    );
}
