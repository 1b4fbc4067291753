//! Which tasks a service starts and stops next: never fewer healthy ones than it must have, never more than it may.

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does not run yet.
    Starting,
    /// It runs, and nothing is known against it, but it does not count as healthy yet.
    Settling,
    /// It counts.
    Healthy,
    /// A health check fails.
    Failing {
        /// Whether it has counted before.
        was_healthy: bool,
    },
}

/// How many tasks a service is to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) desired: usize,
    /// So many healthy ones must stay.
    pub(super) least: usize,
    /// So many may run or start at once.
    pub(super) most: usize,
}

impl Bounds {
    /// Makes the bounds from percentages of the desired count: the least is rounded up, the most down.
    pub(super) fn new(desired: usize, minimum_healthy_percent: usize, maximum_percent: usize) -> Self {
        Self {
            desired,
            least: (desired * minimum_healthy_percent).div_ceil(100),
            most: desired * maximum_percent / 100,
        }
    }
}

/// What to do next; tasks go by their place in the lists that were given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// How many tasks of the new revision to start.
    pub(super) start: usize,
    /// Which of the new revision's tasks to stop.
    pub(super) stop_new: Vec<usize>,
    /// Which of the old revisions' tasks to stop.
    pub(super) stop_old: Vec<usize>,
}

/// Decides on the next step; `new` and `old` are the tasks of either revision that are not stopping.
pub(super) fn decide(bounds: Bounds, new: &[Standing], old: &[Standing]) -> Step {
    use Standing::{Failing, Healthy, Settling, Starting};
    let Bounds { desired, least, most } = bounds;
    let places = |list: &[Standing], wanted: fn(Standing) -> bool| -> Vec<usize> {
        (0..list.len()).filter(|place| wanted(list[*place])).collect()
    };
    let healthy = |list: &[Standing]| list.iter().filter(|standing| **standing == Healthy).count();
    let (healthy_new, healthy_old) = (healthy(new), healthy(old));
    // So many healthy tasks can go without being too few.
    let mut spare = (healthy_new + healthy_old).saturating_sub(least);
    // What has never been healthy is of no use to anyone.
    let mut step = Step {
        start: 0,
        stop_new: places(new, |standing| standing == Failing { was_healthy: false }),
        stop_old: places(old, |standing| matches!(standing, Starting | Failing { .. })),
    };
    let mut failing = places(new, |standing| standing == Failing { was_healthy: true });
    let mut total = new.len() + old.len() - step.stop_new.len() - step.stop_old.len();
    let sound = new.len() - step.stop_new.len() - failing.len();

    // What fails is replaced first and stopped then, unless there is no room for both.
    let missing = desired.saturating_sub(sound);
    let room = most.saturating_sub(total);
    let wanting = missing.saturating_sub(room);
    let replaced = if healthy_new >= desired { failing.len() } else { wanting.min(failing.len()) };
    step.stop_new.extend(failing.drain(..replaced));
    total -= replaced;

    // Room for the new is made of the old, as far as they can go.
    let still_wanting = missing.saturating_sub(most.saturating_sub(total));
    let settling = places(old, |standing| standing == Settling);
    let for_room: Vec<usize> = settling.iter().copied().take(still_wanting).collect();
    total -= for_room.len();
    let rest = still_wanting - for_room.len();
    step.stop_old.extend(for_room);
    let mut going = places(old, |standing| standing == Healthy);
    let made = rest.min(spare).min(going.len());
    step.stop_old.extend(going.drain(..made));
    total -= made;
    spare -= made;

    // The old go as the new have taken their place.
    let replaced = (healthy_new + healthy_old - made).saturating_sub(desired.max(least)).min(spare).min(going.len());
    step.stop_old.extend(going.drain(..replaced));
    total -= replaced;
    spare -= replaced;
    if healthy_new >= desired {
        let left: Vec<usize> = settling.into_iter().filter(|place| !step.stop_old.contains(place)).collect();
        total -= left.len();
        step.stop_old.extend(left);
    }

    // Too many: those that serve least go first.
    let mut excess = sound.saturating_sub(desired);
    for wanted in [Starting, Settling, Healthy] {
        for place in (0..new.len()).rev().filter(|place| new[*place] == wanted) {
            if excess == 0 || (wanted == Healthy && spare == 0) {
                break;
            }
            step.stop_new.push(place);
            excess -= 1;
            total -= 1;
            spare -= usize::from(wanted == Healthy);
        }
    }
    step.start = missing.min(most.saturating_sub(total));
    step
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, Hasher, RandomState};

    use super::Standing::{Failing, Healthy, Settling, Starting};
    use super::*;

    const FAILING: Standing = Failing { was_healthy: true };
    const BROKEN: Standing = Failing { was_healthy: false };

    fn step(start: usize, stop_new: &[usize], stop_old: &[usize]) -> Step {
        Step { start, stop_new: stop_new.to_vec(), stop_old: stop_old.to_vec() }
    }

    #[test]
    fn bounds_are_rounded_as_ecs_documents_it() {
        let bounds = |desired, least, most| {
            let Bounds { least, most, .. } = Bounds::new(desired, least, most);
            (least, most)
        };
        assert_eq!(bounds(3, 50, 150), (2, 4));
        assert_eq!(bounds(2, 100, 200), (2, 4));
        assert_eq!(bounds(1, 0, 100), (0, 1));
        assert_eq!(bounds(0, 100, 200), (0, 0));
    }

    #[test]
    fn each_situation_has_its_step() {
        let (usual, tight) = (Bounds::new(2, 100, 200), Bounds::new(2, 50, 100));
        type Situation = (&'static str, Bounds, &'static [Standing], &'static [Standing], Step);
        let table: [Situation; 16] = [
            ("a new service", usual, &[], &[], step(2, &[], &[])),
            ("waits for what starts", usual, &[Starting; 2], &[Healthy; 2], step(0, &[], &[])),
            ("starts beside the old", usual, &[], &[Healthy; 2], step(2, &[], &[])),
            ("the old go one by one", usual, &[Healthy, Settling], &[Healthy; 2], step(0, &[], &[0])),
            ("the rest of the old goes", usual, &[Healthy; 2], &[Healthy], step(0, &[], &[0])),
            ("without room, the old make some", tight, &[], &[Healthy; 2], step(1, &[], &[0])),
            ("the old never become too few", tight, &[Starting], &[Healthy], step(0, &[], &[])),
            ("what never was healthy goes", usual, &[BROKEN, Starting], &[Healthy; 2], step(1, &[0], &[])),
            ("what fails is replaced first", usual, &[FAILING, Healthy], &[], step(1, &[], &[])),
            ("and goes when it is replaced", usual, &[FAILING, Healthy, Healthy], &[], step(0, &[0], &[])),
            ("without room, it goes first", tight, &[FAILING, Healthy], &[], step(1, &[0], &[])),
            ("fewer are wanted", usual, &[Healthy, Healthy, Starting], &[], step(0, &[2], &[])),
            ("none are wanted", Bounds::new(0, 100, 200), &[Healthy], &[Settling], step(0, &[0], &[0])),
            ("old ones that never ran go", usual, &[], &[Starting, Healthy, Healthy], step(2, &[], &[0])),
            ("old ones that fail go", usual, &[Starting; 2], &[BROKEN, Healthy], step(0, &[], &[0])),
            ("old ones that settle may serve", usual, &[Starting; 2], &[Settling, Healthy], step(0, &[], &[])),
        ];
        for (what, bounds, new, old, wanted) in table {
            assert_eq!(decide(bounds, new, old), wanted, "{what}");
        }
    }

    /// A small generator, seeded anew in each run; the seed is told where a run fails.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % limit.max(1) as u64).unwrap()
        }
    }

    #[test]
    fn a_random_deployment_keeps_the_bounds_and_ends() {
        for _ in 0..500 {
            let seed = RandomState::new().build_hasher().finish() | 1;
            let mut random = Random(seed);
            let desired = 1 + random.below(12);
            let bounds = Bounds::new(desired, random.below(101), 100 + random.below(150));
            if bounds.most <= bounds.least {
                // Nothing can be replaced without being one too few or one too many.
                continue;
            }
            let (mut new, mut old) = (Vec::new(), vec![Healthy; desired]);
            let mut ended = false;
            for _ in 0..2000 {
                let Step { start, mut stop_new, mut stop_old } = decide(bounds, &new, &old);
                for (list, stop) in [(&mut new, &mut stop_new), (&mut old, &mut stop_old)] {
                    stop.sort_unstable();
                    assert!(stop.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}: {stop:?}");
                    for place in stop.iter().rev() {
                        list.remove(*place);
                    }
                }
                new.extend(std::iter::repeat_n(Starting, start));
                let healthy = new.iter().chain(&old).filter(|standing| **standing == Healthy).count();
                assert!(healthy >= bounds.least, "seed {seed}: {bounds:?} {new:?} {old:?}");
                assert!(new.len() + old.len() <= bounds.most, "seed {seed}: {bounds:?} {new:?} {old:?}");
                if old.is_empty() && new == vec![Healthy; desired] {
                    ended = true;
                    break;
                }
                if !new.is_empty() {
                    let place = random.below(new.len());
                    new[place] = match (new[place], random.below(8)) {
                        (Starting, _) => Settling,
                        (Settling, 0) => BROKEN,
                        (Settling, _) => Healthy,
                        (other, _) => other,
                    };
                }
            }
            assert!(ended, "seed {seed}: {bounds:?} {new:?} {old:?}");
        }
    }
}
