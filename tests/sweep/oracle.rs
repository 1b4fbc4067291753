//! Compares everything with what the user means: the cloud, the record, and every byte of the store.

use std::collections::{BTreeMap, BTreeSet};

use infra::address::{Address, Id};
use infra::cloud::Live;
use infra::cloud::fake::FakeCloud;
use infra::state::{LogKey, State, Store};
use infra::value::Value;
use serde_json::{Map, Value as Json, json};

use crate::kinds::{Kind, Says, defaults, parts, properties};
use crate::model::{Model, Part, Thing};
use crate::region::Region;
use crate::wish::Wish;

/// What every seed's resources are called by infra where the stack gives no name.
const GENERATED: &str = "sweep-default-";

/// What stood after the last check.
pub(crate) type Ids = BTreeMap<Part, Id>;

pub(crate) fn log() -> LogKey {
    LogKey::new("sweep", "default")
}

/// What the expressions of a stack come to, told by the cloud itself.
struct Truth<'a> {
    cloud: &'a FakeCloud,
    model: &'a Model,
    ids: &'a Ids,
    key: (&'static str, &'static str),
}

impl Truth<'_> {
    fn told(&self, label: u32, output: &str) -> String {
        let id = self.model.thing(label).and_then(|thing| self.ids.get(&thing.referred()));
        let live = id.and_then(|id| self.cloud.get(id));
        let value = live.and_then(|live| live.outputs.get(output).and_then(Value::as_str).map(str::to_owned));
        value.unwrap_or_else(|| format!("{output} of R{label}, which is not there"))
    }
}

impl Says for Truth<'_> {
    fn output(&self, label: u32) -> String {
        self.told(label, self.model.kind(label).output())
    }

    fn secret(&self, label: u32) -> String {
        self.told(label, "GeneratedValue")
    }

    fn shared(&self) -> String {
        "vpc-000001".to_owned()
    }

    fn key(&self) -> String {
        if self.key.0.is_empty() { String::new() } else { format!("-{}", self.key.0) }
    }

    fn entry(&self) -> String {
        self.key.1.to_owned()
    }
}

/// All that must be true of a stack after a run that nothing disturbed.
pub(crate) struct Oracle<'a> {
    pub(crate) region: &'a Region,
    pub(crate) model: &'a Model,
    pub(crate) foreign: &'a [Live],
    pub(crate) wish: &'a Wish,
    /// What stood before.
    pub(crate) before: &'a Ids,
    /// Whether the episode had one stack all the time, so that nothing may have been made twice.
    pub(crate) one_stack: bool,
}

impl Oracle<'_> {
    /// What stands now, where all is well.
    pub(crate) async fn check(&self) -> Result<Ids, String> {
        if let Some(violation) = self.region.violations().first() {
            return Err(violation.clone());
        }
        let state = State::load(&*self.region.store, &log()).await.map_err(|error| error.to_string())?;
        let ids = self.ids()?;
        self.identities(&ids)?;
        self.properties(&ids)?;
        self.record(&state, &ids)?;
        self.secrets().await?;
        Ok(ids)
    }

    /// Exactly one resource for each wished address, and nothing else but what is not ours.
    fn ids(&self) -> Result<Ids, String> {
        let mut ids = Ids::new();
        for (part, address) in self.model.parts() {
            let mut found = Vec::new();
            for name in self.names(part, &address) {
                found.extend(self.region.cloud.made_for(&name));
            }
            match found.as_slice() {
                [id] => drop(ids.insert(part, id.clone())),
                [] => return Err(format!("{address} is not there")),
                twins => return Err(format!("{address} is there more than once: {twins:?}")),
            }
        }
        let mut expected: Vec<Id> = ids.values().cloned().collect();
        expected.extend(self.foreign.iter().map(|live| live.id.clone()));
        expected.sort();
        let found = self.region.cloud.ids();
        if found != expected {
            let left: Vec<&Id> = found.iter().filter(|id| !expected.contains(id)).collect();
            let gone: Vec<&Id> = expected.iter().filter(|id| !found.contains(id)).collect();
            return Err(format!("left over: {left:?}; not there: {gone:?}"));
        }
        match self.foreign.iter().find(|live| self.region.cloud.get(&live.id).as_ref() != Some(live)) {
            Some(live) => Err(format!("{}, which is not ours, was changed", live.id)),
            None => Ok(ids),
        }
    }

    /// The addresses that a resource had, the one of now among them.
    fn names(&self, part: Part, address: &str) -> BTreeSet<Address> {
        let mut names: BTreeSet<Address> =
            self.model.earlier_addresses(part).iter().map(|name| name.as_str().into()).collect();
        names.insert(address.into());
        names
    }

    /// What stayed is what it was; what had to be replaced is not; nothing was made more often than needed.
    fn identities(&self, ids: &Ids) -> Result<(), String> {
        let made = self.region.made();
        for (part, address) in self.model.parts() {
            let id = &ids[&part];
            let before = self.before.get(&part);
            match before {
                Some(before) if before == id && self.wish.must.contains(&part) => {
                    return Err(format!("{address} is still {id}, and should have been replaced"));
                }
                Some(before) if before != id && !self.wish.may.contains(&part) => {
                    return Err(format!("{address} was {before} and is {id}: a needless replacement"));
                }
                _ => {}
            }
            if self.one_stack {
                let times: usize = self.names(part, &address).iter().filter_map(|name| made.get(name)).sum();
                let needed = usize::from(before != Some(id));
                if times > needed {
                    return Err(format!("{address} was made {times} times where {needed} was needed"));
                }
            }
        }
        Ok(())
    }

    fn properties(&self, ids: &Ids) -> Result<(), String> {
        let truth = |key| Truth { cloud: &self.region.cloud, model: self.model, ids, key };
        for thing in &self.model.things {
            if thing.kind == Kind::Pair {
                for (of, type_name, given) in parts(thing, &truth(("", ""))) {
                    let part = Part { label: thing.label, of };
                    self.compare(&ids[&part], type_name, given)?;
                }
                continue;
            }
            for (part, _) in thing.parts() {
                let key = thing.keys().find(|(key, _)| *key == part.of).unwrap_or_default();
                let given = properties(thing, self.model, &truth(key));
                self.compare(&ids[&part], thing.kind.type_name(), Json::Object(given))?;
            }
        }
        Ok(())
    }

    /// One resource's properties, all of them, those that nobody is told included.
    fn compare(&self, id: &Id, type_name: &str, given: Json) -> Result<(), String> {
        let mut expected = defaults(type_name);
        if let (Json::Object(expected), Json::Object(given)) = (&mut expected, given) {
            expected.extend(given);
        }
        if type_name == "Test::App::Role" && expected.get("Boundary").is_some() {
            expected["Boundary"]["Mode"] = json!("strict");
        }
        let round = self.model.tag.to_string();
        match type_name {
            "Test::App::Service" => expected["Tags"] = json!({"round": round}),
            "Test::Net::Listener" => {}
            _ => expected["Tags"] = json!([{"Key": "round", "Value": round}]),
        }
        let mut raw = Json::Null;
        self.region.cloud.edit(id, |properties| raw = properties.reveal());
        let Json::Object(raw) = raw else { return Err(format!("{id} has no properties")) };
        let raw = plain(raw);
        let mut expected = match expected {
            Json::Object(expected) => plain(expected),
            _ => Map::new(),
        };
        for (name, value) in &raw {
            let generated = value.as_str().is_some_and(|text| text.to_lowercase().starts_with(GENERATED));
            if generated && !expected.contains_key(name) && name.ends_with("Name") {
                expected.insert(name.clone(), value.clone());
            }
        }
        if sorted(&raw) != sorted(&expected) {
            return Err(format!("{id} is {}, and should be {}", Json::Object(raw), Json::Object(expected)));
        }
        Ok(())
    }

    /// The record agrees with the cloud and the stack.
    fn record(&self, state: &State, ids: &Ids) -> Result<(), String> {
        if !state.begun.is_empty() || !state.deposed.is_empty() {
            return Err(format!("left on record: {:?} {:?}", state.begun, state.deposed));
        }
        let parts = self.model.parts();
        let wished: BTreeSet<Address> = parts.iter().map(|(_, address)| address.as_str().into()).collect();
        let recorded: BTreeSet<Address> = state.resources.keys().cloned().collect();
        if wished != recorded {
            return Err(format!("on record: {recorded:?}, in the stack: {wished:?}"));
        }
        for (part, address) in parts {
            let record = &state.resources[&Address::from(address.as_str())];
            let live = self.region.cloud.get(&ids[&part]);
            let outputs = live.as_ref().map(|live| live.outputs.clone()).unwrap_or_default();
            let same = outputs
                .as_map()
                .into_iter()
                .flatten()
                .all(|(name, value)| value.has_secret() || record.outputs.get(name) == Some(value));
            if record.id != ids[&part] || !record.settled || !same {
                return Err(format!("{address} is on record as {record:?}, and is {live:?}"));
            }
            let thing = self.model.thing(part.label).filter(|thing| thing.kind != Kind::Pair);
            // Of what it may refer to, all of which only these three say.
            let uses = thing.filter(|thing| matches!(thing.kind, Kind::Queue | Kind::Role | Kind::Service));
            let uses = uses.into_iter().flat_map(|thing| &thing.uses);
            for other in thing.into_iter().flat_map(|thing| thing.pin.iter().chain(&thing.after)).chain(uses) {
                let other = self.model.thing(*other).map(Thing::parts).unwrap_or_default();
                let refers = |(_, address): &(Part, String)| record.dependencies.contains(&address.as_str().into());
                if !other.is_empty() && !other.iter().any(refers) {
                    return Err(format!("{address} is on record as if it did not refer to {other:?}"));
                }
            }
        }
        let mut outputs: BTreeMap<String, Value> = BTreeMap::new();
        for (name, thing) in self.model.outputs() {
            let truth = Truth { cloud: &self.region.cloud, model: self.model, ids, key: ("", "") };
            outputs.insert(name, Value::from(truth.output(thing.label)));
        }
        if state.outputs != outputs {
            return Err(format!("the outputs are {:?}, and should be {outputs:?}", state.outputs));
        }
        Ok(())
    }

    /// No byte of the store tells a secret.
    async fn secrets(&self) -> Result<(), String> {
        let (store, log) = (&*self.region.store, log());
        let mut files = store.read(&log, 0).await.map_err(|error| error.to_string())?;
        for serial in store.snapshots(&log).await.map_err(|error| error.to_string())? {
            let snapshot = store.read_snapshot(&log, serial).await.map_err(|error| error.to_string())?;
            files.extend(snapshot.map(|bytes| (serial, bytes)));
        }
        for (serial, bytes) in files {
            let text = String::from_utf8_lossy(&bytes);
            if text.contains("hush-") || text.contains("generated-for-") {
                return Err(format!("file {serial} of the store tells a secret: {text}"));
            }
        }
        Ok(())
    }
}

/// Documents that are kept as text, as what they say; an empty list is none.
fn plain(mut properties: Map<String, Json>) -> Map<String, Json> {
    properties.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    for name in ["AssumeRolePolicyDocument", "RedrivePolicy"] {
        if let Some(Json::String(text)) = properties.get(name)
            && let Ok(document) = serde_json::from_str::<Json>(text)
        {
            properties.insert(name.to_owned(), document);
        }
    }
    properties
}

/// Sets in one order, and maps by key, so that equal things are equal text.
fn sorted(properties: &Map<String, Json>) -> BTreeMap<&str, String> {
    const SETS: [&str; 4] = ["Tags", "Subnets", "SecurityGroups", "Ingress"];
    let text = |name: &str, value: &Json| match value {
        Json::Array(list) if SETS.contains(&name) => {
            let mut list: Vec<String> = list.iter().map(by_key).collect();
            list.sort();
            list.join(",")
        }
        value => by_key(value),
    };
    properties.iter().map(|(name, value)| (name.as_str(), text(name, value))).collect()
}

fn by_key(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let map: BTreeMap<&String, String> = map.iter().map(|(key, value)| (key, by_key(value))).collect();
            format!("{map:?}")
        }
        Json::Array(list) => format!("{:?}", list.iter().map(by_key).collect::<Vec<_>>()),
        value => value.to_string(),
    }
}
