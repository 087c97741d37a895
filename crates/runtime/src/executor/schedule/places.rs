//! Where children hang in their trees, whatever the pids of the supervisors above them.

use std::collections::BTreeMap;

use fauxtp_logic::Pid;

/// Every place in which there has been a child.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// A place is noted after the one above.
    places: Vec<Place>,
    /// By what they are called there.
    children: BTreeMap<(Above, String), usize>,
    taken: BTreeMap<Pid, usize>,
}

/// Where a child hangs. It stays the same for each incarnation of its supervisor.
#[derive(Debug)]
struct Place {
    above: Above,
    /// The last one that hung here.
    holder: Pid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Above {
    /// A supervisor that hangs below nobody.
    Root(Pid),
    Place(usize),
}

impl Places {
    /// A supervisor has launched a child, which it calls so. Tells who hung there before, and below.
    pub(super) fn take(&mut self, supervisor: Pid, child: String, pid: Pid) -> Vec<Pid> {
        let above =
            self.taken.get(&supervisor).map_or(Above::Root(supervisor), |at| Above::Place(*at));
        let next = self.places.len();
        let place = *self.children.entry((above, child)).or_insert(next);
        self.taken.insert(pid, place);
        if place == next {
            self.places.push(Place { above, holder: pid });
            return Vec::new();
        }
        let here_and_below = (place..next).filter(|at| self.hangs_below(*at, place));
        let before = here_and_below.map(|at| self.places[at].holder).collect();
        self.places[place].holder = pid;
        before
    }

    /// Whether this place is that one, or below it.
    fn hangs_below(&self, mut place: usize, that: usize) -> bool {
        while place > that {
            match self.places[place].above {
                Above::Place(above) => place = above,
                Above::Root(_) => return false,
            }
        }
        place == that
    }
}
