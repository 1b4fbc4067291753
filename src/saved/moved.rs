//! What moved on since a plan was saved: the stack, what it was given, the record, or the cloud.

use std::collections::{BTreeMap, BTreeSet};

use super::{Basis, SavedPlan};
use crate::address::Address;
use crate::plan::{Action, Change, OutputChange, Plan, Shown, Step};

/// What is so now, to compare a saved plan with.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// What a plan would follow from.
    pub basis: &'a Basis,
    /// The plan.
    pub plan: &'a Plan,
}

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq)]
pub enum Moved {
    /// A file of the stack.
    File(String, Edit),
    /// A secret parameter has another value.
    Secret(String),
    /// A variable of the process environment has another value.
    Variable(String),
    /// Something that is looked up is another.
    Lookup(String),
    /// The account.
    Account {
        /// The account of the plan.
        planned: String,
        /// The account now.
        now: String,
    },
    /// The region.
    Region {
        /// The region of the plan.
        planned: String,
        /// The region now.
        now: String,
    },
    /// This is another record than the plan was made from.
    OtherRecord,
    /// What is on record changed.
    Record {
        /// The number of its last entry when it was planned.
        planned: u64,
        /// The number of its last entry now.
        now: u64,
    },
    /// Something else happens to a resource.
    Action {
        /// The resource.
        address: Address,
        /// What was planned; `None` where nothing was.
        planned: Option<Action>,
        /// What would happen now; `None` where nothing would.
        now: Option<Action>,
        /// Whether it was deleted outside infra.
        deleted_outside: bool,
    },
    /// A property of a resource is another in the cloud, or would become another.
    Property {
        /// The resource.
        address: Address,
        /// The property.
        path: String,
        /// What it was and would have become; `None` where it would not have changed.
        planned: Option<Box<(Shown, Shown)>>,
        /// What it is and would become; `None` where it would not change.
        now: Option<Box<(Shown, Shown)>>,
    },
    /// Something else of a resource's step: its identifier, its place, its order.
    Detail(Address),
    /// A stack output would become another.
    Output(String),
    /// The same steps in another order, or the like.
    Order,
}

/// How a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Its text is another.
    Edited,
    /// It was not there, or not read.
    Added,
    /// It is not there any more, or not read.
    Gone,
}

impl Moved {
    /// Whether it says something of the cloud, or of what follows from all the rest.
    pub fn is_in_plan(&self) -> bool {
        matches!(self, Self::Action { .. } | Self::Property { .. } | Self::Detail(_) | Self::Output(_) | Self::Order)
    }
}

/// All that is not as it was when the plan was saved. Where the plan differs because something else moved on, only that
/// is told.
pub fn moved(saved: &SavedPlan, now: Now<'_>) -> Vec<Moved> {
    let Now { basis, plan } = now;
    let mut found = Vec::new();
    if saved.basis.record != basis.record {
        // Every digest is keyed with the record's key: none of them means anything now.
        found.push(Moved::OtherRecord);
        return found;
    }
    files(&saved.basis.files, &basis.files, &mut found);
    found.extend(differing(&saved.basis.secrets, &basis.secrets).map(Moved::Secret));
    found.extend(differing(&saved.basis.variables, &basis.variables).map(Moved::Variable));
    if saved.plan.region != plan.region {
        found.push(Moved::Region { planned: saved.plan.region.clone(), now: plan.region.clone() });
    }
    if saved.basis.account != basis.account {
        found.push(Moved::Account { planned: saved.basis.account.clone(), now: basis.account.clone() });
    }
    if saved.plan.serial != plan.serial {
        found.push(Moved::Record { planned: saved.plan.serial, now: plan.serial });
    }
    found.extend(differing(&saved.basis.lookups, &basis.lookups).map(Moved::Lookup));
    if found.is_empty() && !same(&saved.plan, plan) {
        plans(&saved.plan, plan, &mut found);
    }
    found
}

/// Whether two plans are the same to the byte, but for the record's number and for what is only said about the stack.
fn same(one: &Plan, other: &Plan) -> bool {
    let bytes = |plan: &Plan| serde_json::to_vec(&Plan { serial: 0, lints: Vec::new(), ..plan.clone() }).ok();
    bytes(one).is_some_and(|bytes_of_one| bytes(other) == Some(bytes_of_one))
}

fn files(planned: &BTreeMap<String, Option<String>>, now: &BTreeMap<String, Option<String>>, found: &mut Vec<Moved>) {
    let paths: BTreeSet<&String> = planned.keys().chain(now.keys()).collect();
    for path in paths {
        let text = |files: &BTreeMap<String, Option<String>>| files.get(path).cloned().flatten();
        let edit = match (text(planned), text(now)) {
            (Some(planned), Some(now)) if planned != now => Edit::Edited,
            (None, Some(_)) => Edit::Added,
            (Some(_), None) => Edit::Gone,
            _ => continue,
        };
        found.push(Moved::File(path.clone(), edit));
    }
}

/// The keys whose values differ, or that only one side has.
fn differing(planned: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    let keys: BTreeSet<String> = planned.keys().chain(now.keys()).cloned().collect();
    let (planned, now) = (planned.clone(), now.clone());
    keys.into_iter().filter(move |key| planned.get(key) != now.get(key))
}

fn plans(planned: &Plan, now: &Plan, found: &mut Vec<Moved>) {
    let by_address = |plan: &Plan| -> BTreeMap<Address, Step> {
        plan.steps.iter().map(|step| (step.address.clone(), step.clone())).collect()
    };
    let (before, after) = (by_address(planned), by_address(now));
    let addresses: BTreeSet<&Address> = before.keys().chain(after.keys()).collect();
    for address in addresses {
        steps(address, before.get(address), after.get(address), found);
    }
    let outputs = |plan: &Plan| -> BTreeMap<String, OutputChange> {
        plan.outputs.iter().map(|output| (output.name.clone(), output.clone())).collect()
    };
    let (before, after) = (outputs(planned), outputs(now));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let named = found.is_empty();
    // An output that only follows from a resource named above says nothing more.
    let other = names.into_iter().filter(|name| named && before.get(*name) != after.get(*name));
    found.extend(other.map(|name| Moved::Output(name.clone())));
    if found.is_empty() {
        found.push(Moved::Order);
    }
}

fn steps(address: &Address, before: Option<&Step>, after: Option<&Step>, found: &mut Vec<Moved>) {
    if before == after {
        return;
    }
    let told = found.len();
    let gone = |step: Option<&Step>| step.is_some_and(|step| step.deleted_outside);
    let deleted_outside = gone(after) && !gone(before);
    if !deleted_outside {
        properties(address, before, after, found);
    }
    let action = |step: Option<&Step>| step.map(|step| step.action);
    if found.len() == told && (action(before) != action(after) || deleted_outside) {
        let (planned, now) = (action(before), action(after));
        found.push(Moved::Action { address: address.clone(), planned, now, deleted_outside });
    }
    if found.len() == told {
        found.push(Moved::Detail(address.clone()));
    }
}

fn properties(address: &Address, before: Option<&Step>, after: Option<&Step>, found: &mut Vec<Moved>) {
    let (Some(before), Some(after)) = (before, after) else { return };
    let by_path = |step: &Step| -> BTreeMap<String, Change> {
        step.changes.iter().map(|change| (change.path.clone(), change.clone())).collect()
    };
    let (before, after) = (by_path(before), by_path(after));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for path in paths {
        let (planned, now) = (before.get(path), after.get(path));
        if planned != now {
            let sides =
                |change: Option<&Change>| change.map(|change| Box::new((change.old.clone(), change.new.clone())));
            let (planned, now) = (sides(planned), sides(now));
            found.push(Moved::Property { address: address.clone(), path: path.clone(), planned, now });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::samples;

    fn basis() -> Basis {
        let one = |name: &str, digest: &str| BTreeMap::from([(name.to_owned(), digest.to_owned())]);
        Basis {
            record: "r".to_owned(),
            account: "1".to_owned(),
            files: BTreeMap::from([("a".to_owned(), Some("1".to_owned())), ("b".to_owned(), None)]),
            secrets: one("password", "1"),
            variables: one("TOKEN", "1"),
            lookups: one("the region's zones", "1"),
        }
    }

    /// What moved on where the plan stays, or changes, so.
    fn found(change_basis: impl Fn(&mut Basis), change_plan: impl Fn(&mut Plan)) -> Vec<Moved> {
        let saved = SavedPlan {
            infra: String::new(),
            made: jiff::Timestamp::UNIX_EPOCH,
            folder: "/".into(),
            state: ".infra".into(),
            stack: ".".into(),
            environment: None,
            values: BTreeMap::new(),
            given: BTreeSet::new(),
            targets: Vec::new(),
            excludes: Vec::new(),
            basis: basis(),
            plan: samples::plan(),
        };
        let (mut basis, mut plan) = (basis(), samples::plan());
        change_basis(&mut basis);
        change_plan(&mut plan);
        moved(&saved, Now { basis: &basis, plan: &plan })
    }

    fn step<'a>(plan: &'a mut Plan, address: &str) -> &'a mut Step {
        plan.steps.iter_mut().find(|step| step.address.as_str() == address).expect("a step")
    }

    #[test]
    fn nothing_moved_on() {
        assert_eq!(found(|_| {}, |_| {}), []);
    }

    #[test]
    fn whatever_the_plan_follows_from_is_named() {
        let file = |name: &str, edit| vec![Moved::File(name.to_owned(), edit)];
        let set = |name: &str, digest: Option<&str>| {
            let (name, digest) = (name.to_owned(), digest.map(str::to_owned));
            move |basis: &mut Basis| drop(basis.files.insert(name.clone(), digest.clone()))
        };
        assert_eq!(found(set("a", Some("2")), |_| {}), file("a", Edit::Edited));
        assert_eq!(found(set("a", None), |_| {}), file("a", Edit::Gone));
        assert_eq!(found(set("b", Some("1")), |_| {}), file("b", Edit::Added));
        assert_eq!(found(set("c", Some("1")), |_| {}), file("c", Edit::Added));
        assert_eq!(found(set("c", None), |_| {}), [], "not there then, not there now");
        assert_eq!(found(|basis| basis.secrets.clear(), |_| {}), [Moved::Secret("password".into())]);
        assert_eq!(found(|basis| basis.variables.clear(), |_| {}), [Moved::Variable("TOKEN".into())]);
        assert_eq!(found(|basis| basis.lookups.clear(), |_| {}), [Moved::Lookup("the region's zones".into())]);
        assert_eq!(
            found(|basis| basis.account = "2".to_owned(), |_| {}),
            [Moved::Account { planned: "1".into(), now: "2".into() }]
        );
        assert_eq!(found(|_| {}, |plan| plan.serial = 99), [Moved::Record { planned: 57, now: 99 }]);
        let other = |basis: &mut Basis| {
            basis.record = "s".to_owned();
            basis.files.clear();
        };
        assert_eq!(found(other, |_| {}), [Moved::OtherRecord], "digests of another key say nothing");
    }

    #[test]
    fn what_only_follows_is_not_told() {
        let both = found(
            |basis| drop(basis.files.insert("a".to_owned(), Some("2".to_owned()))),
            |plan| {
                plan.serial = 99;
                plan.steps.clear();
            },
        );
        assert_eq!(both, [Moved::File("a".into(), Edit::Edited), Moved::Record { planned: 57, now: 99 }]);
    }

    #[test]
    fn the_cloud_is_told_by_address_and_property() {
        let value = |value: i64| Shown::Value(json!(value));
        let drifted = found(|_| {}, |plan| step(plan, "Mail").changes[1].old = value(60));
        let expected = Moved::Property {
            address: "Mail".into(),
            path: "MessageRetentionPeriod".into(),
            planned: Some(Box::new((value(345_600), value(1_209_600)))),
            now: Some(Box::new((value(60), value(1_209_600)))),
        };
        assert_eq!(drifted, [expected]);
        let gone = found(
            |_| {},
            |plan| {
                let step = step(plan, "Mail");
                step.deleted_outside = true;
                step.action = Action::Create;
                step.changes.clear();
            },
        );
        let expected = Moved::Action {
            address: "Mail".into(),
            planned: Some(Action::Update),
            now: Some(Action::Create),
            deleted_outside: true,
        };
        assert_eq!(gone, [expected]);
        assert_eq!(found(|_| {}, |plan| step(plan, "Mail").id = None), [Moved::Detail("Mail".into())]);
        assert_eq!(found(|_| {}, |plan| plan.outputs.truncate(1)), [Moved::Output("url".into())]);
        assert_eq!(found(|_| {}, |plan| plan.steps.swap(0, 1)), [Moved::Order]);
    }
}
