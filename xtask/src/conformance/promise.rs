//! The promises: conformance/promises.tsv.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};

/// One row of the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    /// As in `SUP-071`.
    pub(crate) id: String,
    /// As in `P0`.
    pub(crate) priority: String,
    /// In one line.
    pub(crate) text: String,
}

/// The promises whose ids begin alike.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// As in `SUP`.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) promises: Vec<Promise>,
}

/// The whole list, in order.
#[derive(Debug)]
pub(crate) struct Promises {
    pub(crate) groups: Vec<Group>,
    /// The ids of all rows, for looking up.
    ids: BTreeSet<String>,
}

impl Promises {
    /// Reads the list. Lines that begin with `#` are comments.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut promises = Self { groups: Vec::new(), ids: BTreeSet::new() };
        for (index, line) in text.lines().enumerate() {
            if !line.is_empty() && !line.starts_with('#') {
                promises
                    .add(line)
                    .with_context(|| format!("line {} of promises.tsv", index + 1))?;
            }
        }
        Ok(promises)
    }

    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    pub(crate) fn has_group(&self, id: &str) -> bool {
        self.groups.iter().any(|group| group.id == id)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let Ok([id, priority, text]) = <[String; 3]>::try_from(columns) else {
            bail!("expected id, priority and promise, with one tab between them: {line:?}");
        };
        if priority == "group" {
            ensure!(!self.has_group(&id), "the group {id} is there twice");
            self.groups.push(Group { id, title: text, promises: Vec::new() });
            return Ok(());
        }
        ensure!(self.ids.insert(id.clone()), "the id {id} is there twice");
        let group = id.split('-').next().unwrap_or_default();
        match self.groups.last_mut() {
            Some(last) if last.id == group => last.promises.push(Promise { id, priority, text }),
            _ => bail!("{id} does not stand under a row for the group {group}"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_in_groups() {
        let text = "# comment\nSUP\tgroup\tSupervisors\nSUP-001\tP0\tStarts in order.\n";
        let promises = Promises::parse(text).expect("it is in order");
        assert_eq!(promises.groups[0].title, "Supervisors");
        assert_eq!(promises.groups[0].promises[0].priority, "P0");
        assert!(promises.has_id("SUP-001") && !promises.has_id("SUP-002"));
    }

    #[test]
    fn mistakes_in_the_list_are_named_with_their_line() {
        let mistakes = [
            ("SUP\tgroup\tS\nSUP-001 P0 x", "one tab between"),
            ("SUP\tgroup\tS\nGS-001\tP0\tx", "under a row for the group GS"),
            ("SUP\tgroup\tS\nSUP-1\tP0\tx\nSUP-1\tP0\ty", "there twice"),
        ];
        for (text, expected) in mistakes {
            let error = Promises::parse(text).expect_err(text);
            let text = format!("{error:#}");
            assert!(text.contains(expected) && text.contains("line "), "{text}");
        }
    }

    #[test]
    fn our_own_list_is_in_order() {
        let text = include_str!("../../../conformance/promises.tsv");
        Promises::parse(text).expect("promises.tsv can be read");
    }
}
