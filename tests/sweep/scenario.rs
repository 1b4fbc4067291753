//! What happens in one seed, as plain data: it can be drawn from a seed, made smaller, and printed.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::faults::{Effect, Fault, Place, Timing};
use crate::kinds::Kind;

/// A stack's life: it is made, changed a few times, and destroyed, each of it disturbed.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) world: World,
    pub(crate) first: Vec<New>,
    pub(crate) episodes: Vec<Episode>,
    pub(crate) destroy: Vec<Attempt>,
}

/// How the cloud is.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// How long things take to be ready, to be changed and to go, in seconds.
    pub(crate) slow: u16,
    /// For so many seconds nobody is told of what was just made.
    pub(crate) unseen: u8,
    /// What the latencies of calls are drawn from.
    pub(crate) jitter: u64,
}

/// Runs that are disturbed, after which one that is not ends in the wished state.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    pub(crate) by_hand: Option<ByHand>,
    pub(crate) attempts: Vec<Attempt>,
    /// What the last run's stack says differently.
    pub(crate) last: Vec<Edit>,
}

/// What somebody does behind infra's back.
#[derive(Clone, Debug)]
pub(crate) enum ByHand {
    Deletes(u8),
    Tags(u8),
}

/// A run that is disturbed.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) edits: Vec<Edit>,
    pub(crate) destroy: bool,
    pub(crate) faults: Vec<Fault>,
    pub(crate) rival: Option<Rival>,
}

/// A second applier at the same time.
#[derive(Clone, Debug)]
pub(crate) struct Rival {
    /// When it starts, in tenths of a second after the first.
    pub(crate) after: u16,
    pub(crate) edits: Vec<Edit>,
    pub(crate) faults: Vec<Fault>,
}

/// A change of the stack. Numbers pick one of the things that there are, whatever their count.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Add(New),
    /// Changes in place.
    Value(u8),
    /// Gives, or gives no longer, a property that need not be given.
    Extra(u8),
    /// Changes what can't change in place.
    Fixed(u8),
    /// Refers to others, where that can change in place.
    Uses(u8, Vec<u8>),
    /// Refers to another, where that can't change in place.
    Pin(u8, Option<u8>),
    Retype(u8, Kind),
    Remove(u8),
    /// Has another logical name, by `moved`.
    Rename(u8),
    /// Another thing takes the place of one, with its name.
    Succeed(u8),
    /// Changes the keys of a `for_each`.
    Keys(u8, u8),
    /// Changes the tags of everything.
    Tags,
}

/// A thing to add.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) kind: Kind,
    pub(crate) value: u8,
    pub(crate) extra: bool,
    pub(crate) named: bool,
    pub(crate) output: bool,
    pub(crate) uses: Vec<u8>,
    pub(crate) pin: Option<u8>,
    pub(crate) after: Option<u8>,
    /// Which of three keys it has; none without a `for_each`.
    pub(crate) keys: u8,
}

pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    let world = (prop_oneof![3 => Just(0), 2 => 1..20_u16, 1 => 60..150_u16], 0..37_u8, any::<u64>());
    let world = world.prop_map(|(slow, unseen, jitter)| World { slow, unseen: unseen.saturating_sub(31), jitter });
    let first = vec(new(), 1..7);
    (world, first, vec(episode(), 1..4), vec(attempt(false), 0..2))
        .prop_map(|(world, first, episodes, destroy)| Scenario { world, first, episodes, destroy })
}

fn new() -> impl Strategy<Value = New> {
    let keys = prop_oneof![6 => Just(0), 1 => 1..8_u8];
    let flags = (any::<bool>(), proptest::bool::weighted(0.25), any::<bool>());
    let refers = (vec(any::<u8>(), 0..3), option::weighted(0.5, any::<u8>()), option::weighted(0.2, any::<u8>()));
    (kind(), 0..4_u8, flags, refers, keys).prop_map(
        |(kind, value, (extra, named, output), (uses, pin, after), keys)| New {
            kind,
            value,
            extra,
            named,
            output,
            uses,
            pin,
            after,
            keys,
        },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(&Kind::ALL[..])
}

fn edit() -> impl Strategy<Value = Edit> {
    let pick = any::<u8>;
    prop_oneof![
        3 => new().prop_map(Edit::Add),
        3 => pick().prop_map(Edit::Value),
        1 => pick().prop_map(Edit::Extra),
        4 => pick().prop_map(Edit::Fixed),
        1 => (pick(), vec(any::<u8>(), 0..3)).prop_map(|(at, uses)| Edit::Uses(at, uses)),
        1 => (pick(), option::of(any::<u8>())).prop_map(|(at, pin)| Edit::Pin(at, pin)),
        1 => (pick(), kind()).prop_map(|(at, kind)| Edit::Retype(at, kind)),
        2 => pick().prop_map(Edit::Remove),
        2 => pick().prop_map(Edit::Rename),
        1 => pick().prop_map(Edit::Succeed),
        1 => (pick(), 1..8_u8).prop_map(|(at, keys)| Edit::Keys(at, keys)),
        1 => Just(Edit::Tags),
    ]
}

fn episode() -> impl Strategy<Value = Episode> {
    let by_hand = prop_oneof![any::<u8>().prop_map(ByHand::Deletes), any::<u8>().prop_map(ByHand::Tags)];
    let last = prop_oneof![3 => Just(Vec::new()), 1 => vec(edit(), 1..3)];
    (option::weighted(0.2, by_hand), attempt(true), vec(attempt(false), 0..2), last).prop_map(
        |(by_hand, first, mut more, last)| {
            more.insert(0, first);
            Episode { by_hand, attempts: more, last }
        },
    )
}

fn attempt(first: bool) -> impl Strategy<Value = Attempt> {
    let edits = if first {
        vec(edit(), 0..5).boxed()
    } else {
        prop_oneof![3 => Just(Vec::new()), 1 => vec(edit(), 1..3)].boxed()
    };
    // Of two stacks only one of which knows of a new name, the other makes the thing anew under the old one, and then
    // the user must say which of them is meant.
    let edit_too = || edit().prop_map(|edit| if let Edit::Rename(at) = edit { Edit::Value(at) } else { edit });
    let edits_too = prop_oneof![1 => Just(Vec::new()), 1 => vec(edit_too(), 1..3)];
    let rival = (prop_oneof![0..20_u16, 0..1500_u16], edits_too, vec(fault(), 0..2));
    let rival = rival.prop_map(|(after, edits, faults)| Rival { after, edits, faults });
    (edits, proptest::bool::weighted(0.05), vec(fault(), 1..4), option::weighted(0.15, rival))
        .prop_map(|(edits, destroy, faults, rival)| Attempt { edits, destroy, faults, rival })
}

fn fault() -> impl Strategy<Value = Fault> {
    let places = prop_oneof![
        2 => (Just(Place::Any), 0..40_u8),
        1 => (Just(Place::Any), 0..8_u8),
        4 => (Just(Place::Change), 0..8_u8),
        2 => (Just(Place::Append), 0..12_u8),
        3 => (proptest::sample::select(&Place::NARROW[..]), 0..3_u8),
    ];
    (places, effect()).prop_map(|((place, nth), effect)| Fault { place, nth, effect })
}

fn effect() -> impl Strategy<Value = Effect> {
    let timing = proptest::sample::select(&Timing::ALL[..]);
    prop_oneof![
        8 => timing.prop_map(Effect::Crash),
        3 => any::<bool>().prop_map(|done| Effect::Lose { done }),
        2 => Just(Effect::Throttle),
        3 => any::<u8>().prop_map(Effect::Refuse),
        3 => (any::<bool>(), any::<u8>()).prop_map(|(done, kind)| Effect::Break { done, kind }),
        2 => Just(Effect::Half),
        1 => Just(Effect::Expire),
        1 => Just(Effect::FullDisk),
        1 => (1..120_u16).prop_map(Effect::Unreachable),
        2 => (any::<bool>(), 1..200_u16).prop_map(|(before, seconds)| Effect::Freeze { before, seconds }),
        1 => Just(Effect::Drain),
        1 => (1..100_u16).prop_map(Effect::Stop),
    ]
}
