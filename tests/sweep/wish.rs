//! What of a stack must be made anew, and what must not, from what the user's stacks said one after the other.

use std::collections::BTreeSet;

use crate::kinds::Kind;
use crate::model::{Model, Part, Thing};

/// What a run, or several, may do to what there was.
#[derive(Debug)]
pub(crate) struct Wish {
    /// What has to be another by now.
    pub(crate) must: BTreeSet<Part>,
    /// What may be another by now.
    pub(crate) may: BTreeSet<Part>,
}

impl Wish {
    /// What follows from the stacks of an episode; the first is what stood before, without what somebody deleted. Of
    /// rivals nobody knows whose stack came first.
    pub(crate) fn new(stacks: &[Model], lost: &BTreeSet<Part>, rivals: bool) -> Self {
        let Some((last, before)) = stacks.split_last() else {
            return Self { must: BTreeSet::new(), may: BTreeSet::new() };
        };
        let must = before.first().map_or_else(BTreeSet::new, |first| demanded(first, last, lost));
        let mut may = must.clone();
        for (index, from) in stacks.iter().enumerate() {
            let to = if rivals { stacks } else { &stacks[index + 1..] };
            to.iter().for_each(|to| may.extend(demanded(from, to, lost)));
            let parts: BTreeSet<Part> = from.parts().into_iter().map(|(part, _)| part).collect();
            may.extend(last.parts().into_iter().map(|(part, _)| part).filter(|part| !parts.contains(part)));
        }
        follow(last, &mut may);
        Self { must, may }
    }
}

/// What of `from` is replaced where the stack becomes `to`.
fn demanded(from: &Model, to: &Model, lost: &BTreeSet<Part>) -> BTreeSet<Part> {
    let mut replaced = lost.clone();
    for thing in &to.things {
        let Some(was) = from.thing(thing.label) else { continue };
        // A name that the stack does not know for an old one is another thing's.
        let unknown = was.number != thing.number && !to.knows(was.number, thing.label);
        for (part, _) in thing.parts() {
            if unknown || fixed(was, part) != fixed(thing, part) {
                replaced.insert(part);
            }
        }
    }
    follow(to, &mut replaced);
    replaced
}

/// Adds what can't follow a replaced thing in place. What refers is younger than what it refers to.
fn follow(model: &Model, replaced: &mut BTreeSet<Part>) {
    let mut things: Vec<&Thing> = model.things.iter().collect();
    things.sort_unstable_by_key(|thing| thing.label);
    for thing in things {
        let target = thing.pin.and_then(|pin| model.thing(pin)).map(Thing::referred);
        if target.is_some_and(|target| replaced.contains(&target)) {
            replaced.extend(thing.parts().into_iter().map(|(part, _)| part));
        }
    }
}

/// All that can't change in place, but what the thing that it refers to is called.
fn fixed(thing: &Thing, part: Part) -> (Kind, Option<u32>, Option<u32>, bool) {
    let fixed = match thing.kind {
        Kind::Subnet | Kind::Vpc | Kind::Group | Kind::Queue => thing.fixed,
        Kind::Role | Kind::Service => thing.pin.is_none() && thing.fixed,
        Kind::Secret | Kind::LoadBalancer => thing.named.is_some() && thing.fixed,
        Kind::Pair => part.of == "Queue" && thing.fixed,
        Kind::Listener => false,
    };
    (thing.kind, thing.pin, thing.named, fixed)
}
