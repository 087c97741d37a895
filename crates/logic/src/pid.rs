//! Names that are never reused: processes and references.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

/// The identity of one process, for ever.
///
/// A pid is never given out twice while the program runs: once its process has ended it is dead for
/// ever, and behaves so everywhere (RUST-009). It is 16 bytes, `Copy`, and ordered by age only by accident.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pid {
    /// The node the process runs on; 0 is this one.
    pub node: u32,
    /// The place in the node's process table.
    pub id: u32,
    /// How often that place had been used before.
    pub serial: u32,
    /// Which life of the node this is; 0 as long as the node is not part of a cluster.
    pub creation: u32,
}

impl Pid {
    /// The same as one number; maps of pids compare a lot.
    const fn number(self) -> u128 {
        (self.node as u128) << 96
            | (self.id as u128) << 64
            | (self.serial as u128) << 32
            | self.creation as u128
    }
}

impl Ord for Pid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Pid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}.{}>", self.node, self.id, self.serial)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a pid of the form `<0.123.0>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePidError;

impl fmt::Display for ParsePidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parse pid: expected the form <node.id.serial>")
    }
}

impl core::error::Error for ParsePidError {}

impl FromStr for Pid {
    type Err = ParsePidError;

    fn from_str(text: &str) -> Result<Self, ParsePidError> {
        let inner =
            text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).ok_or(ParsePidError)?;
        let mut parts = inner.split('.').map(|part| part.parse::<u32>().map_err(|_| ParsePidError));
        let mut next = || parts.next().unwrap_or(Err(ParsePidError));
        let pid = Self { node: next()?, id: next()?, serial: next()?, creation: 0 };
        if parts.next().is_some() { Err(ParsePidError) } else { Ok(pid) }
    }
}

/// A reference that is unique in the life of a node: it names a monitor, a link, a timer or a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    /// The node that made the reference; 0 is this one.
    pub node: u32,
    /// The number within that node.
    pub number: u64,
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Ref<{}.{}>", self.node, self.number)
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_pid_reads_back_what_it_shows() {
        let pid = Pid { node: 0, id: 123, serial: 7, creation: 0 };
        assert_eq!(pid.to_string(), "<0.123.7>");
        assert_eq!("<0.123.7>".parse(), Ok(pid));
        for wrong in ["", "0.1.2", "<0.1>", "<0.1.2.3>", "<a.1.2>", "<0.1.2", "<-1.0.0>"] {
            assert_eq!(wrong.parse::<Pid>(), Err(ParsePidError), "{wrong}");
        }
    }

    #[test]
    fn a_pid_is_sixteen_bytes() {
        assert_eq!(size_of::<Pid>(), 16);
    }
}
