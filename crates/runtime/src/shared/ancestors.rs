//! Who started a process, and on whose behalf it runs: lists that share what they have in common.

use std::sync::Arc;

use fauxtp_logic::Pid;

/// Who started a process, and who started that one, …; nearest first. One word, shared by siblings, and
/// nothing at all for those that no process has started.
#[derive(Clone, Default)]
pub(crate) struct Ancestors(Option<Arc<Origin>>);

struct Origin {
    above: Line,
    /// On whose behalf a task runs, and on whose that one did, …; empty for what is no task (TASK-013).
    callers: Line,
}

impl Ancestors {
    /// The ancestors of the children of this process, whose own ancestors these are, and who is supervised by the first
    /// of them or not.
    pub(crate) fn of_children_of(&self, parent: Pid, supervised: bool) -> Self {
        let above = self.above().below(parent, supervised);
        Self(Some(Arc::new(Origin { above, callers: Line::default() })))
    }

    /// The same ancestors for a task that somebody has asked for, who is a task himself or not.
    pub(crate) fn on_behalf_of(&self, caller: Pid, callers: &Self) -> Self {
        let callers = callers.0.as_ref().map(|origin| origin.callers.clone()).unwrap_or_default();
        Self(Some(Arc::new(Origin { above: self.above(), callers: callers.below(caller, false) })))
    }

    /// Who started it.
    pub(crate) fn first(&self) -> Option<Pid> {
        self.iter().next()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Pid> + '_ {
        self.0.iter().flat_map(|origin| origin.above.iter())
    }

    /// The supervisor of a process that has one, the supervisor of that one, …; whether they are still alive or not.
    pub(crate) fn supervisors(&self) -> impl Iterator<Item = Pid> + '_ {
        let mut goes_on = true;
        let nodes = self.0.iter().flat_map(|origin| origin.above.nodes());
        nodes
            .take_while(move |node| std::mem::replace(&mut goes_on, node.supervised))
            .map(|node| node.pid)
    }

    pub(crate) fn to_vec(&self) -> Vec<Pid> {
        self.iter().collect()
    }

    pub(crate) fn callers(&self) -> Vec<Pid> {
        self.0.iter().flat_map(|origin| origin.callers.iter()).collect()
    }

    fn above(&self) -> Line {
        self.0.as_ref().map(|origin| origin.above.clone()).unwrap_or_default()
    }
}

/// A list that grows at its front, and shares the rest: a chain of n generations takes n nodes, not n².
#[derive(Clone, Default)]
struct Line(Option<Arc<Node>>);

struct Node {
    pid: Pid,
    /// Whether the next one supervises this one.
    supervised: bool,
    above: Line,
}

impl Line {
    fn below(self, pid: Pid, supervised: bool) -> Self {
        Self(Some(Arc::new(Node { pid, supervised, above: self })))
    }

    fn iter(&self) -> impl Iterator<Item = Pid> + '_ {
        self.nodes().map(|node| node.pid)
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.0.as_deref(), |node| node.above.0.as_deref())
    }
}

impl Drop for Node {
    /// One node after the other: a line may be longer than any stack is deep.
    fn drop(&mut self) {
        let mut next = self.above.0.take();
        while let Some(node) = next {
            next = Arc::into_inner(node).and_then(|mut node| node.above.0.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(id: u32) -> Pid {
        Pid { node: 0, id, serial: 0, creation: 0 }
    }

    #[test]
    fn a_task_has_its_ancestors_and_those_of_its_callers() {
        let first = Ancestors::default();
        assert_eq!((first.first(), first.to_vec(), first.callers()), (None, vec![], vec![]));
        let second = first.of_children_of(pid(1), false);
        let third = second.of_children_of(pid(2), false);
        assert_eq!((third.first(), third.to_vec()), (Some(pid(2)), vec![pid(2), pid(1)]));
        let task = third.on_behalf_of(pid(7), &first);
        let nested = second.on_behalf_of(pid(8), &task);
        assert_eq!((task.to_vec(), task.callers()), (third.to_vec(), vec![pid(7)]));
        assert_eq!((nested.to_vec(), nested.callers()), (vec![pid(1)], vec![pid(8), pid(7)]));
        let child = nested.of_children_of(pid(9), false);
        assert_eq!((child.to_vec(), child.callers()), (vec![pid(9), pid(1)], vec![]));
    }

    #[test]
    fn supervisors_end_with_the_first_who_has_none() {
        let ancestors = Ancestors::default()
            .of_children_of(pid(1), false)
            .of_children_of(pid(2), false)
            .of_children_of(pid(3), true)
            .of_children_of(pid(4), true);
        assert_eq!(ancestors.supervisors().collect::<Vec<_>>(), vec![pid(4), pid(3), pid(2)]);
        assert_eq!(Ancestors::default().supervisors().count(), 0);
    }

    /// Method: a long line, on a stack that would not do for as many calls within each other.
    #[test]
    fn a_long_line_takes_no_more_than_its_nodes_and_no_stack() {
        let line = || {
            let mut ancestors = Ancestors::default();
            let mut all = Vec::new();
            for id in 0..200_000 {
                ancestors =
                    ancestors.of_children_of(pid(id), true).on_behalf_of(pid(id), &ancestors);
                all.push(ancestors.clone());
            }
            drop(all);
            assert_eq!(ancestors.iter().count(), 200_000);
            assert_eq!(ancestors.callers().len(), 200_000);
        };
        let small = std::thread::Builder::new().stack_size(64 * 1024).spawn(line);
        small.expect("it starts").join().expect("it ends well");
    }
}
