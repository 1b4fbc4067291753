//! The stack as the user means it, independent of infra: what stands in it, how it changes, and its text.

use serde_json::{Map, Value as Json, json};

use crate::kinds::{Kind, Says, properties};
use crate::scenario::{Edit, New};

/// Something that the stack asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    /// What it is known by here, whatever it is called.
    pub(crate) label: u32,
    /// What it is called: `R1`.
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) value: u8,
    pub(crate) fixed: bool,
    pub(crate) extra: bool,
    /// The number in its name, where the stack gives one. Nothing refers to such a thing: it may have to go before its
    /// successor comes.
    pub(crate) named: Option<u32>,
    pub(crate) output: bool,
    /// What it refers to where that can change in place.
    pub(crate) uses: Vec<u32>,
    /// What it refers to where that can't.
    pub(crate) pin: Option<u32>,
    pub(crate) after: Option<u32>,
    /// Its keys, a bit each; none without a `for_each`.
    pub(crate) keys: u8,
}

/// The keys of a `for_each`, with their entries.
const KEYS: [(&str, &str); 3] = [("a", "3"), ("b", "4"), ("c", "5")];

/// One resource of a thing: the instance of a key, or a part of the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Part {
    pub(crate) label: u32,
    pub(crate) of: &'static str,
}

impl Thing {
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let keys = self.keys;
        KEYS.into_iter().enumerate().filter(move |(bit, _)| keys & (1 << bit) != 0).map(|(_, key)| key)
    }

    /// Its resources, each with its address.
    pub(crate) fn parts(&self) -> Vec<(Part, String)> {
        let part = |of, address| (Part { label: self.label, of }, address);
        let name = format!("R{}", self.number);
        match self.kind {
            Kind::Pair => ["Queue", "Role"].map(|of| part(of, format!("{name}.{of}"))).to_vec(),
            _ if self.keys != 0 => self.keys().map(|(key, _)| part(key, format!("{name}[\"{key}\"]"))).collect(),
            _ => vec![part("", name)],
        }
    }

    /// The resource that others refer to.
    pub(crate) fn referred(&self) -> Part {
        Part { label: self.label, of: if self.kind == Kind::Pair { "Queue" } else { "" } }
    }

    fn can_be_referred_to(&self) -> bool {
        self.named.is_none() && self.keys == 0
    }
}

/// A stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) things: Vec<Thing>,
    pub(crate) tag: u32,
    made: u32,
    /// What things were called: once the name, then the label.
    moved: Vec<(u32, u32)>,
}

impl Model {
    pub(crate) fn thing(&self, label: u32) -> Option<&Thing> {
        self.things.iter().find(|thing| thing.label == label)
    }

    pub(crate) fn kind(&self, label: u32) -> Kind {
        self.thing(label).map_or(Kind::Queue, |thing| thing.kind)
    }

    /// Whether a thing was called so before it was renamed.
    pub(crate) fn knows(&self, number: u32, label: u32) -> bool {
        self.moved.contains(&(number, label))
    }

    /// The addresses that a resource had before it was renamed.
    pub(crate) fn earlier_addresses(&self, part: Part) -> Vec<String> {
        let moved = self.moved.iter().filter(|(_, label)| *label == part.label);
        let was = moved.filter_map(|(number, label)| Some(Thing { number: *number, ..self.thing(*label)?.clone() }));
        was.flat_map(|was| was.parts()).filter(|(other, _)| *other == part).map(|(_, address)| address).collect()
    }

    /// All resources with their addresses.
    pub(crate) fn parts(&self) -> Vec<(Part, String)> {
        self.things.iter().flat_map(Thing::parts).collect()
    }

    /// Nothing at all.
    pub(crate) fn emptied(&self) -> Self {
        Self { things: Vec::new(), moved: Vec::new(), ..self.clone() }
    }

    pub(crate) fn edited(&self, edits: &[Edit]) -> Self {
        let mut model = self.clone();
        edits.iter().for_each(|edit| model.edit(edit));
        model
    }

    pub(crate) fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Add(new) => self.add(new),
            Edit::Tags => self.tag += 1,
            Edit::Value(at) => self.at(*at, |thing| thing.value = (thing.value + 1) % 10),
            Edit::Extra(at) => self.at(*at, |thing| thing.extra = !thing.extra),
            Edit::Fixed(at) => self.at(*at, |thing| thing.fixed = !thing.fixed),
            Edit::Keys(at, keys) => self.at(*at, |thing| {
                if thing.keys != 0 {
                    thing.keys = *keys;
                }
            }),
            Edit::Uses(at, uses) => {
                if let Some(label) = self.pick(*at) {
                    let uses = self.choose(label, uses);
                    self.at(*at, |thing| thing.uses = uses);
                }
            }
            Edit::Pin(at, pin) => {
                if let Some(label) = self.pick(*at) {
                    let kind = self.kind(label);
                    let pin = pin.and_then(|pin| self.earlier(label, pin, |other| kind.pins(other)));
                    self.at(*at, |thing| thing.pin = pin);
                }
            }
            Edit::Retype(at, kind) => self.at(*at, |thing| {
                if thing.kind.is_loose() && kind.is_loose() {
                    thing.kind = *kind;
                    thing.pin = thing.pin.filter(|_| kind.pins(Kind::Queue));
                    thing.uses.retain(|_| kind.uses(Kind::Queue));
                }
            }),
            Edit::Remove(at) => {
                if let Some(label) = self.pick(*at) {
                    self.remove(label);
                }
            }
            Edit::Rename(at) => {
                if let Some(label) = self.pick(*at) {
                    self.made += 1;
                    let number = self.made;
                    let was = self.thing(label).map_or(0, |thing| thing.number);
                    self.moved.push((was, label));
                    self.at(*at, |thing| thing.number = number);
                }
            }
            Edit::Succeed(at) => {
                let Some(mut thing) = self.pick(*at).and_then(|label| self.thing(label)).cloned() else { return };
                if thing.named.is_some() {
                    self.remove(thing.label);
                    self.made += 1;
                    (thing.label, thing.number) = (self.made, self.made);
                    self.things.push(thing);
                }
            }
        }
    }

    pub(crate) fn add(&mut self, new: &New) {
        self.made += 1;
        let label = self.made;
        let New { kind, value, extra, output, .. } = *new;
        let named = (new.named && kind.name().is_some() && kind != Kind::Pair).then_some(label);
        let keys = if kind.has_keys() { new.keys } else { 0 };
        let mut thing = Thing {
            label,
            number: label,
            kind,
            value,
            fixed: false,
            extra,
            named,
            output,
            uses: Vec::new(),
            pin: new.pin.and_then(|pin| self.earlier(label, pin, |other| kind.pins(other))),
            after: new.after.and_then(|after| self.earlier(label, after, |_| true)),
            keys,
        };
        self.things.push(thing.clone());
        thing.uses = self.choose(label, &new.uses);
        self.things.pop();
        self.things.push(thing);
    }

    fn remove(&mut self, label: u32) {
        self.things.retain(|thing| thing.label != label);
        self.moved.retain(|(_, of)| *of != label);
        for thing in &mut self.things {
            thing.uses.retain(|used| *used != label);
            thing.pin = thing.pin.filter(|pin| *pin != label);
            thing.after = thing.after.filter(|after| *after != label);
        }
    }

    pub(crate) fn pick(&self, at: u8) -> Option<u32> {
        let count = self.things.len();
        (count > 0).then(|| self.things[usize::from(at) % count].label)
    }

    fn at(&mut self, at: u8, change: impl FnOnce(&mut Thing)) {
        let label = self.pick(at);
        if let Some(thing) = self.things.iter_mut().find(|thing| Some(thing.label) == label) {
            change(thing);
        }
    }

    /// One that is older than `label`: so no circle can arise.
    fn earlier(&self, label: u32, at: u8, suits: impl Fn(Kind) -> bool) -> Option<u32> {
        let older = |thing: &&Thing| thing.label < label && thing.can_be_referred_to() && suits(thing.kind);
        let older: Vec<u32> = self.things.iter().filter(older).map(|thing| thing.label).collect();
        (!older.is_empty()).then(|| older[usize::from(at) % older.len()])
    }

    fn choose(&self, label: u32, uses: &[u8]) -> Vec<u32> {
        let kind = self.kind(label);
        let mut chosen: Vec<u32> =
            uses.iter().filter_map(|at| self.earlier(label, *at, |other| kind.uses(other))).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    /// The text of the stack: JSON, which is YAML.
    pub(crate) fn text(&self) -> String {
        let mut resources = Map::new();
        let mut outputs = Map::new();
        for thing in &self.things {
            let says = Expressions { model: self, keyed: thing.keys != 0 };
            let properties = properties(thing, self, &says);
            let mut resource = match thing.kind {
                Kind::Pair => json!({"component": "pair.yaml", "with": properties}),
                kind => json!({"type": kind.type_name(), "properties": properties}),
            };
            if let Some(after) = thing.after.and_then(|after| self.thing(after)) {
                resource["depends_on"] = json!([format!("R{}", after.number)]);
            }
            if thing.keys != 0 {
                let entries: Map<String, Json> = thing.keys().map(|(key, entry)| (key.into(), entry.into())).collect();
                resource["for_each"] = Json::Object(entries);
            }
            resources.insert(format!("R{}", thing.number), resource);
            if thing.output && thing.can_be_referred_to() {
                outputs.insert(format!("o{}", thing.label), says.output(thing.label).into());
            }
        }
        let moved = self.moved.iter().filter_map(|(from, label)| {
            Some(json!({"from": format!("R{from}"), "to": format!("R{}", self.thing(*label)?.number)}))
        });
        let moved: Vec<Json> = moved.collect();
        let stack = json!({
            "stack": "sweep",
            "region": "us-east-1",
            "tags": {"round": self.tag.to_string()},
            "existing": {"Shared": {"type": "Test::Net::Vpc", "id": "vpc-000001"}},
            "resources": resources,
            "outputs": outputs,
            "moved": moved,
        });
        format!("{stack:#}")
    }

    /// The outputs of the stack: their names, and the things that they tell of.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (String, &Thing)> {
        let told = self.things.iter().filter(|thing| thing.output && thing.can_be_referred_to());
        told.map(|thing| (format!("o{}", thing.label), thing))
    }
}

/// The expressions of the stack language.
struct Expressions<'m> {
    model: &'m Model,
    keyed: bool,
}

impl Says for Expressions<'_> {
    fn output(&self, label: u32) -> String {
        let thing = self.model.thing(label);
        thing.map_or_else(String::new, |thing| format!("${{R{}.{}}}", thing.number, thing.kind.output()))
    }

    fn secret(&self, label: u32) -> String {
        self.model.thing(label).map_or_else(String::new, |thing| format!("${{R{}.GeneratedValue}}", thing.number))
    }

    fn shared(&self) -> String {
        "${Shared.VpcId}".to_owned()
    }

    fn key(&self) -> String {
        if self.keyed { "-${each.key}".to_owned() } else { String::new() }
    }

    fn entry(&self) -> String {
        if self.keyed { "${each.value}".to_owned() } else { String::new() }
    }
}
