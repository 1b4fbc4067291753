//! Which operation may start when: a graph with two levels of readiness, without circles.

use std::collections::VecDeque;

/// What an operation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// What must come first.
    pub(super) before: usize,
    /// What waits for it.
    pub(super) after: usize,
    /// How far `before` must be.
    pub(super) level: Level,
    /// Whether the wait may be given up where it would close a circle.
    pub(super) soft: bool,
}

/// How far an operation must be for another to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// What it makes exists.
    Made,
    /// It is done.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Waiting,
    Running,
    Made,
    Done,
    /// It failed, or was given up because of one that did.
    Failed,
}

#[derive(Debug)]
struct Node {
    status: Status,
    waits: usize,
    on_made: Vec<usize>,
    on_done: Vec<usize>,
}

/// The operations of an apply, by number.
#[derive(Debug)]
pub(super) struct Schedule {
    nodes: Vec<Node>,
    ready: VecDeque<usize>,
}

impl Schedule {
    /// A schedule of `count` operations.
    pub(super) fn new(count: usize, edges: Vec<Edge>) -> Self {
        let node = || Node { status: Status::Waiting, waits: 0, on_made: Vec::new(), on_done: Vec::new() };
        let mut nodes: Vec<Node> = std::iter::repeat_with(node).take(count).collect();
        for edge in without_circles(count, edges) {
            nodes[edge.after].waits += 1;
            let from = &mut nodes[edge.before];
            match edge.level {
                Level::Made => from.on_made.push(edge.after),
                Level::Done => from.on_done.push(edge.after),
            }
        }
        let ready = (0..count).filter(|index| nodes[*index].waits == 0).collect();
        Self { nodes, ready }
    }

    /// The next operation that may start.
    pub(super) fn start(&mut self) -> Option<usize> {
        while let Some(index) = self.ready.pop_front() {
            if self.nodes[index].status == Status::Waiting {
                self.nodes[index].status = Status::Running;
                return Some(index);
            }
        }
        None
    }

    /// How many operations wait for this one alone or among others.
    pub(super) fn holds_up(&self, index: usize) -> usize {
        self.nodes[index].on_made.len() + self.nodes[index].on_done.len()
    }

    /// Whether an operation waits for what this one makes to exist, and no more.
    pub(super) fn has_early(&self, index: usize) -> bool {
        self.nodes[index].on_made.iter().any(|waiting| self.nodes[*waiting].status == Status::Waiting)
    }

    /// What an operation makes exists.
    pub(super) fn made(&mut self, index: usize) {
        if self.nodes[index].status == Status::Running {
            self.nodes[index].status = Status::Made;
            let waiting = std::mem::take(&mut self.nodes[index].on_made);
            self.release(&waiting);
        }
    }

    /// An operation is done.
    pub(super) fn done(&mut self, index: usize) {
        self.nodes[index].status = Status::Done;
        let mut waiting = std::mem::take(&mut self.nodes[index].on_made);
        waiting.append(&mut self.nodes[index].on_done);
        self.release(&waiting);
    }

    fn release(&mut self, waiting: &[usize]) {
        for index in waiting {
            let node = &mut self.nodes[*index];
            node.waits -= 1;
            if node.waits == 0 && node.status == Status::Waiting {
                self.ready.push_back(*index);
            }
        }
    }

    /// An operation that was started must first see others done; whether it will.
    ///
    /// Where one of them has failed, or there is nothing to wait for, it stays as it is.
    pub(super) fn defer(&mut self, index: usize, until: impl IntoIterator<Item = usize>) -> bool {
        let mut waits = Vec::new();
        for other in until {
            match self.nodes[other].status {
                Status::Waiting | Status::Running | Status::Made => waits.push(other),
                Status::Done => {}
                Status::Failed => return false,
            }
        }
        if waits.is_empty() {
            return false;
        }
        self.nodes[index].status = Status::Waiting;
        self.nodes[index].waits = waits.len();
        for other in waits {
            self.nodes[other].on_done.push(index);
        }
        true
    }

    /// An operation failed; gives up and returns all that depend on it and have not started.
    pub(super) fn failed(&mut self, index: usize) -> Vec<usize> {
        self.nodes[index].status = Status::Failed;
        let mut given_up = Vec::new();
        let mut open = vec![index];
        while let Some(failed) = open.pop() {
            let mut waiting = std::mem::take(&mut self.nodes[failed].on_made);
            waiting.append(&mut self.nodes[failed].on_done);
            for index in waiting {
                if self.nodes[index].status == Status::Waiting {
                    self.nodes[index].status = Status::Failed;
                    given_up.push(index);
                    open.push(index);
                }
            }
        }
        given_up.sort_unstable();
        given_up
    }

    /// Whether an operation is done.
    pub(super) fn is_done(&self, index: usize) -> bool {
        self.nodes[index].status == Status::Done
    }

    /// All that have not started.
    pub(super) fn not_started(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.status == Status::Waiting).map(|(index, _)| index)
    }

    /// All that have started and not ended.
    pub(super) fn under_way(&self) -> impl Iterator<Item = usize> {
        let under_way = |node: &Node| matches!(node.status, Status::Running | Status::Made);
        self.nodes.iter().enumerate().filter(move |(_, node)| under_way(node)).map(|(index, _)| index)
    }
}

/// Leaves out soft edges until none is part of a circle (Kahn's algorithm). What the stack says has no circles; one can
/// only arise where what was on record points the other way.
fn without_circles(count: usize, edges: Vec<Edge>) -> Vec<Edge> {
    let mut waits = vec![0_usize; count];
    let mut outgoing: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut incoming_soft: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (number, edge) in edges.iter().enumerate() {
        waits[edge.after] += 1;
        outgoing[edge.before].push(number);
        if edge.soft {
            incoming_soft[edge.after].push(number);
        }
    }
    let mut kept = vec![true; edges.len()];
    let mut passed = vec![false; count];
    let mut open: VecDeque<usize> = (0..count).filter(|index| waits[*index] == 0).collect();
    let mut stuck = 0;
    loop {
        while let Some(index) = open.pop_front() {
            passed[index] = true;
            for number in &outgoing[index] {
                let after = edges[*number].after;
                if kept[*number] {
                    waits[after] -= 1;
                    if waits[after] == 0 {
                        open.push_back(after);
                    }
                }
            }
        }
        // Whatever is left is in a circle or behind one.
        while stuck < count && (passed[stuck] || incoming_soft[stuck].is_empty()) {
            stuck += 1;
        }
        if stuck == count {
            break;
        }
        for number in std::mem::take(&mut incoming_soft[stuck]) {
            if !passed[edges[number].before] {
                kept[number] = false;
                waits[stuck] -= 1;
            }
        }
        if waits[stuck] == 0 {
            open.push_back(stuck);
        }
    }
    edges.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(edge, _)| edge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(before: usize, after: usize) -> Edge {
        Edge { before, after, level: Level::Done, soft: false }
    }

    fn started(schedule: &mut Schedule) -> Vec<usize> {
        std::iter::from_fn(|| schedule.start()).collect()
    }

    #[test]
    fn an_operation_starts_when_all_before_it_are_done() {
        let mut schedule = Schedule::new(3, vec![edge(0, 2), edge(1, 2)]);
        assert_eq!(started(&mut schedule), [0, 1]);
        schedule.done(0);
        assert!(started(&mut schedule).is_empty());
        schedule.done(1);
        assert_eq!(started(&mut schedule), [2]);
    }

    #[test]
    fn an_early_one_starts_when_what_it_needs_exists() {
        let early = Edge { level: Level::Made, ..edge(0, 1) };
        let mut schedule = Schedule::new(3, vec![early, edge(0, 2)]);
        assert_eq!(started(&mut schedule), [0]);
        assert!(schedule.has_early(0));
        schedule.made(0);
        assert_eq!(started(&mut schedule), [1]);
        schedule.done(0);
        assert_eq!(started(&mut schedule), [2]);
    }

    #[test]
    fn an_early_one_can_be_put_off_until_the_other_is_done() {
        let early = Edge { level: Level::Made, ..edge(0, 1) };
        let mut schedule = Schedule::new(2, vec![early]);
        started(&mut schedule);
        schedule.made(0);
        assert_eq!(started(&mut schedule), [1]);
        assert!(schedule.defer(1, [0]));
        assert!(started(&mut schedule).is_empty());
        schedule.done(0);
        assert_eq!(started(&mut schedule), [1]);
        assert!(!schedule.defer(1, [0]), "there is nothing left to wait for");
    }

    #[test]
    fn a_failure_gives_up_what_depends_on_it_and_nothing_else() {
        let mut schedule = Schedule::new(5, vec![edge(0, 1), edge(1, 2), edge(3, 4)]);
        assert_eq!(started(&mut schedule), [0, 3]);
        assert_eq!(schedule.failed(0), [1, 2]);
        schedule.done(3);
        assert_eq!(started(&mut schedule), [4]);
        assert_eq!(schedule.not_started().count(), 0);
        assert_eq!(schedule.under_way().collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn soft_edges_give_way_where_they_close_a_circle_and_only_there() {
        let soft = |before, after| Edge { soft: true, ..edge(before, after) };
        // 0 → 1 → 2 is hard; 2 → 0 closes a circle; 3 → 0 does not.
        let mut schedule = Schedule::new(4, vec![edge(0, 1), edge(1, 2), soft(2, 0), soft(3, 0)]);
        assert_eq!(started(&mut schedule), [3]);
        schedule.done(3);
        assert_eq!(started(&mut schedule), [0]);
        schedule.done(0);
        schedule.failed(1);
        assert!(started(&mut schedule).is_empty());
    }
}
