//! The life of one resource, step by step.

use std::collections::BTreeMap;

use infra::address::{Address, Id, OpId};
use infra::aws::AwsCloud;
use infra::catalog::TypeInfo;
use infra::cloud::{Cloud, CloudError, Live, Op};
use infra::value::Value;

use crate::agree::difference;
use crate::fixture::{self, Fixture, Update};

/// Something that a life leaves to be deleted.
struct Left<'a> {
    kind: &'a TypeInfo,
    op: Op,
    id: Id,
}

/// Lives the life of `kind`, and deletes what it needed even where it fails.
pub(crate) async fn live(cloud: &AwsCloud, kind: &TypeInfo) -> Result<(), String> {
    let fixture = fixture::of(kind.name)?;
    let (mut known, mut needed) = (BTreeMap::new(), Vec::new());
    let mut outcome = prepare(cloud, &fixture, &mut known, &mut needed).await;
    if outcome.is_ok() {
        outcome = Life { cloud, kind, fixture: &fixture, known: &known }.whole().await;
    }
    for left in needed.iter().rev() {
        let deleted = cloud.delete(left.kind, &left.op, &left.id).await.map_err(during("deleting what it needed"));
        outcome = outcome.and(deleted);
    }
    outcome
}

async fn prepare<'a>(
    cloud: &'a AwsCloud,
    fixture: &Fixture,
    known: &mut BTreeMap<String, Value>,
    needed: &mut Vec<Left<'a>>,
) -> Result<(), String> {
    for need in &fixture.needs {
        let kind = cloud.catalog().get(&need.type_name).ok_or_else(|| format!("no type {}", need.type_name))?;
        let op = operation(&need.name);
        let properties = named(kind, fixture::resolved(&need.properties, known)?, &op);
        let making = format!("making {}", need.name);
        let id = cloud.create(kind, &op, &properties).await.map_err(during(&making))?;
        needed.push(Left { kind, op: op.clone(), id: id.clone() });
        cloud.settle(kind, &op, &id, &properties).await.map_err(during(&making))?;
        let live = only(cloud.read(kind, std::slice::from_ref(&id)).await.map_err(during(&making))?)?;
        let all = [live.properties, live.outputs].into_iter().filter_map(|value| value.as_map().cloned());
        known.insert(need.name.clone(), all.flatten().collect());
    }
    Ok(())
}

struct Life<'a> {
    cloud: &'a AwsCloud,
    kind: &'a TypeInfo,
    fixture: &'a Fixture,
    known: &'a BTreeMap<String, Value>,
}

impl Life<'_> {
    async fn whole(&self) -> Result<(), String> {
        let op = operation(&self.kind.name.replace("::", ""));
        let given = fixture::resolved(&self.fixture.properties, self.known)?;
        let properties = named(self.kind, given, &op);
        let id = self.cloud.create(self.kind, &op, &properties).await.map_err(during("create"))?;
        let outcome = self.years(&op, &id, properties.clone()).await;
        let deleted = self.cloud.delete(self.kind, &op, &id).await.map_err(during("delete"));
        outcome.and(deleted)?;
        self.is_gone(&op, &id, &properties).await
    }

    /// What happens between birth and death.
    async fn years(&self, op: &Op, id: &Id, mut properties: Value) -> Result<(), String> {
        self.cloud.settle(self.kind, op, id, &properties).await.map_err(during("settle"))?;
        let mut live = self.read(id, "after it was made").await?;
        self.compare(&properties, &live, "after it was made")?;
        self.outputs_are_told(&live)?;
        self.is_read_among_many(id, &live).await?;
        self.is_found(op, id, &properties).await?;

        self.cloud.settle(self.kind, op, id, &properties).await.map_err(during("settling again"))?;
        let again = self.read(id, "after settling again").await?;
        if again.properties != live.properties {
            return Err(format!("settling again changed {:?} to {:?}", live.properties, again.properties));
        }

        for (number, update) in self.fixture.updates.iter().enumerate() {
            let when = format!("after update {}", number + 1);
            let (new, expected) = self.changed(&live.properties, &properties, update)?;
            self.cloud.update(self.kind, op, id, &live.properties, &new).await.map_err(during(&when))?;
            live = self.read(id, &when).await?;
            self.compare(&expected, &live, &when)?;
            properties = expected;
        }

        let same = &live.properties;
        self.cloud.update(self.kind, op, id, same, same).await.map_err(during("an update without a change"))?;
        let after = self.read(id, "after an update without a change").await?;
        if after.properties != *same {
            return Err(format!("an update without a change made {same:?} of it: {:?}", after.properties));
        }
        Ok(())
    }

    /// What `update` is sent (live with the change), and what must be true after it.
    fn changed(&self, live: &Value, wanted: &Value, update: &Update) -> Result<(Value, Value), String> {
        let set = fixture::resolved(&update.set, self.known)?;
        let reset = fixture::resolved(&update.reset, self.known)?;
        let (set, reset) = (set.as_map().cloned().unwrap_or_default(), reset.as_map().cloned().unwrap_or_default());
        for name in set.keys().chain(reset.keys()) {
            if self.kind.create_only.contains(&name.as_str()) {
                return Err(format!("the fixture updates {name}, which can't change in place"));
            }
        }
        let mut new = live.as_map().cloned().unwrap_or_default();
        let mut expected = wanted.as_map().cloned().unwrap_or_default();
        for (name, value) in set {
            new.insert(name.clone(), value.clone());
            expected.insert(name, value);
        }
        for (name, default) in reset {
            new.remove(&name);
            expected.insert(name, default);
        }
        Ok((Value::Map(new), Value::Map(expected)))
    }

    /// Reads it together with one that does not exist, which must do no harm.
    async fn read(&self, id: &Id, when: &str) -> Result<Live, String> {
        let ids = [no_such(id), id.clone()];
        let live = self.cloud.read(self.kind, &ids).await.map_err(during(&format!("reading it {when}")))?;
        let live = only(live).map_err(|why| format!("{when}, reading it and one that does not exist: {why}"))?;
        if live.id == *id { Ok(live) } else { Err(format!("{when}, {id} was asked for and {} read", live.id)) }
    }

    /// Some types read many in another way than few.
    async fn is_read_among_many(&self, id: &Id, live: &Live) -> Result<(), String> {
        let mut ids: Vec<_> = ('0'..='5').map(|last| ending_with(id, last)).filter(|other| other != id).collect();
        ids.push(id.clone());
        let among = only(self.cloud.read(self.kind, &ids).await.map_err(during("reading it among many"))?)?;
        if among == *live { Ok(()) } else { Err(format!("alone {live:?} is read, among many {among:?}")) }
    }

    fn compare(&self, wanted: &Value, live: &Live, when: &str) -> Result<(), String> {
        let told = wanted.as_map().into_iter().flatten().filter(|(name, _)| !self.fixture.untold.contains_key(*name));
        let told: Value = told.map(|(name, value)| (name.clone(), value.clone())).collect();
        let wrong = difference(&told, &live.properties, &self.kind.properties, "");
        wrong.map_or(Ok(()), |wrong| Err(format!("{when}, {wrong}")))
    }

    fn outputs_are_told(&self, live: &Live) -> Result<(), String> {
        let required = self.kind.outputs["required"].as_array().cloned().unwrap_or_default();
        for name in required.iter().filter_map(serde_json::Value::as_str) {
            let empty = |value: &Value| value.as_str() == Some("") || *value == Value::Null;
            if live.outputs.get(name).is_none_or(empty) {
                return Err(format!("output {name} is not told: {:?}", live.outputs));
            }
        }
        Ok(())
    }

    async fn is_found(&self, op: &Op, id: &Id, properties: &Value) -> Result<(), String> {
        let found = self.cloud.find(self.kind, op, properties).await.map_err(during("find"))?;
        if found.as_ref() != Some(id) {
            return Err(format!("{id} was made, {found:?} found"));
        }
        if self.kind.tags.is_some() {
            let found = self.cloud.find(self.kind, &operation("Other"), properties).await.map_err(during("find"))?;
            if found.is_some() {
                return Err(format!("{found:?} was found for an operation that made nothing"));
            }
        }
        Ok(())
    }

    async fn is_gone(&self, op: &Op, id: &Id, properties: &Value) -> Result<(), String> {
        let read =
            self.cloud.read(self.kind, std::slice::from_ref(id)).await.map_err(during("reading what is gone"))?;
        if !read.is_empty() {
            return Err(format!("after it was deleted, {read:?} was read"));
        }
        let found = self.cloud.find(self.kind, op, properties).await.map_err(during("finding what is gone"))?;
        if let Some(found) = found {
            return Err(format!("after it was deleted, {found} was found"));
        }
        self.cloud.delete(self.kind, op, id).await.map_err(during("deleting what is gone"))
    }
}

fn operation(name: &str) -> Op {
    Op::new(OpId::generate(), Address::root(name), "types".into(), "test".into())
}

/// `properties` with the name that the engine makes where none is given.
fn named(kind: &TypeInfo, properties: Value, op: &Op) -> Value {
    let Some(rule) = kind.generated_name.filter(|rule| properties.get(rule.property).is_none()) else {
        return properties;
    };
    let short = op.id.short();
    let mut name: String =
        format!("{}-{}", op.stack, op.address).chars().take(rule.max_length - short.len() - 1).collect();
    name = format!("{name}-{short}");
    if rule.lower_case {
        name.make_ascii_lowercase();
    }
    let mut map = properties.as_map().cloned().unwrap_or_default();
    map.insert(rule.property.to_owned(), Value::from(name));
    Value::Map(map)
}

/// An id that looks like `id` but names nothing.
fn no_such(id: &Id) -> Id {
    let (first, _) = halves(id);
    ending_with(id, if first.ends_with('0') { '1' } else { '0' })
}

/// `id` with another last character of its first part.
fn ending_with(id: &Id, last: char) -> Id {
    let (first, rest) = halves(id);
    let mut other = first.to_owned();
    other.pop();
    other.push(last);
    Id::new(other + rest)
}

/// The first part of an id, and what follows it.
fn halves(id: &Id) -> (&str, &str) {
    id.as_str().split_at(id.as_str().find('|').unwrap_or(id.as_str().len()))
}

fn only(live: Vec<Live>) -> Result<Live, String> {
    let number = live.len();
    let mut live = live.into_iter();
    match (live.next(), live.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(format!("{number} were read, not one")),
    }
}

fn during(what: &str) -> impl Fn(CloudError) -> String {
    move |error| format!("{what}: {error} ({:?})", error.kind)
}
