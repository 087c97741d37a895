//! Rules about doors: what may be used in a few named places only.

use super::violation::Violation;
use crate::source::{Line, Source, has_word};

/// Tasks are spawned by `executor`.
pub(crate) fn spawning(source: &Source) -> Vec<Violation> {
    let names = ["tokio::spawn", "tokio::task::spawn", "task::spawn_local", "task::spawn_blocking"];
    let advice = "spawn through the `executor` module, which a simulator can replace";
    source.flag("door", advice, |_, line| {
        source.is_core() && !is_door(source) && mentions(line, &names)
    })
}

/// Time is told by `clock`.
pub(crate) fn clock(source: &Source) -> Vec<Violation> {
    let advice = "ask the `clock` module for the time, which a simulator can replace";
    source.flag("door", advice, |_, line| {
        source.is_core() && !is_door(source) && mentions(line, &["Instant::now", "SystemTime::now"])
    })
}

/// What threads share comes from `sync`, which model checkers can replace.
pub(crate) fn sharing(source: &Source) -> Vec<Violation> {
    let names = ["sync::atomic", "thread::yield_now", "thread::park", "std::thread_local"];
    let locks = ["Mutex", "RwLock", "Condvar", "atomic"];
    let imported = |name| source.lines.iter().any(|line| is_import_of(&line.code, name));
    let local_import = imported("crate::sync::thread_local")
        || source.lines.iter().any(|line| {
            is_import_of(&line.code, "crate::sync::{") && has_word(&line.code, "thread_local")
        });
    let advice = "import atomics, locks, thread-locals and yields from `crate::sync`, which model \
                  checkers can replace, or say in a comment `// sync: …` why not";
    source.flag("door", advice, |index, line| {
        let code = &line.code;
        let std_lock =
            code.contains("std::sync::") && locks.iter().any(|name| has_word(code, name));
        let std_path = names.iter().any(|name| has_word(code, name) && code.contains("std::"));
        let local = code.contains("thread_local!") && !local_import;
        let applies = source.is_core() && !line.in_tests && !is_sync(source);
        applies && (std_lock || std_path || local) && !source.is_explained(index, "sync:")
    })
}

/// Tests wait for conditions.
pub(crate) fn sleeping(source: &Source) -> Vec<Violation> {
    let advice = "wait for a condition that stays true; where time itself is the subject (a slow \
                  child, on virtual time), say so in a comment `// sleep: …`";
    source.flag("sleep", advice, |index, line| {
        let code = line.code.trim_start();
        let imported = (code.starts_with("use ") || code.starts_with("pub use "))
            && (code.contains("time::") || code.contains("thread::"))
            && (has_word(code, "sleep") || has_word(code, "sleep_until"));
        let called = ["thread::sleep", "time::sleep", "time::sleep_until"];
        let sleeps = imported || mentions(line, &called);
        line.in_tests && sleeps && !source.is_explained(index, "sleep:")
    })
}

/// Nothing is decided by the iteration order of a hash map.
pub(crate) fn iteration_order(source: &Source) -> Vec<Violation> {
    let advice = "use a BTreeMap or BTreeSet, or say in a comment `// order: …` on this line or \
                  the one before why its iteration order decides nothing";
    source.flag("order", advice, |index, line| {
        let import = line.code.trim_start();
        let is_import = import.starts_with("use ") || import.starts_with("pub use ");
        source.is_core()
            && !line.in_tests
            && !is_import
            && mentions(line, &["HashMap", "HashSet"])
            && !source.is_explained(index, "order:")
    })
}

/// The files that may contain `unsafe`.
#[derive(Debug)]
pub(crate) struct UnsafeFiles {
    paths: Vec<String>,
}

impl UnsafeFiles {
    /// Reads the list: a path per line, comments begin with `#`.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let paths = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { paths: paths.map(str::to_owned).collect() }
    }

    /// `unsafe` stands only in the files of the list.
    pub(crate) fn check(&self, source: &Source) -> Vec<Violation> {
        let listed = self.paths.contains(&source.path);
        let advice = "do without `unsafe`, or add the file to xtask/unsafe.txt with an ADR";
        source.flag("unsafe", advice, |_, line| !listed && has_word(&line.code, "unsafe"))
    }
}

/// Whether the file is the door to what threads share, or part of what models of races need.
fn is_sync(source: &Source) -> bool {
    let mut parts = source.path.split('/').map(|part| part.trim_end_matches(".rs"));
    parts.any(|part| matches!(part, "sync" | "host" | "models"))
}

fn is_import_of(code: &str, name: &str) -> bool {
    code.trim_start().starts_with("use ") && code.contains(name)
}

/// Whether the file is one of the doors to the outside or a part of one, or measures models.
fn is_door(source: &Source) -> bool {
    let mut parts = source.path.split('/');
    parts.any(|part| {
        matches!(part.trim_end_matches(".rs"), "executor" | "clock" | "host" | "models")
    })
}

fn mentions(line: &Line, names: &[&str]) -> bool {
    names.iter().any(|name| has_word(&line.code, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "crates/runtime/src/call.rs";

    #[test]
    fn spawning_goes_through_the_executor() {
        let text = "tokio::spawn(f());";
        assert_eq!(spawning(&Source::parse(PLACE, text)).len(), 1);
        assert!(
            spawning(&Source::parse(PLACE, "// tokio::spawn\nexecutor::spawn(f())")).is_empty()
        );
        assert!(spawning(&Source::parse("crates/runtime/src/executor/tokio.rs", text)).is_empty());
        assert!(spawning(&Source::parse("crates/tour/src/main.rs", text)).is_empty());
    }

    #[test]
    fn time_is_told_by_the_clock() {
        assert_eq!(clock(&Source::parse(PLACE, "let t = std::time::Instant::now();")).len(), 1);
        assert_eq!(clock(&Source::parse(PLACE, "SystemTime::now()")).len(), 1);
        assert!(clock(&Source::parse(PLACE, "let t = clock::now();")).is_empty());
        assert!(clock(&Source::parse("crates/runtime/src/clock.rs", "Instant::now()")).is_empty());
    }

    #[test]
    fn what_threads_share_comes_from_sync() {
        for text in [
            "use std::sync::atomic::AtomicBool;",
            "use std::sync::{Arc, Mutex};",
            "std::thread::yield_now();",
            "thread_local! { static A: u8 = 1; }",
        ] {
            assert_eq!(sharing(&Source::parse(PLACE, text)).len(), 1, "{text}");
            assert!(sharing(&Source::parse("crates/runtime/src/sync/std.rs", text)).is_empty());
            assert!(sharing(&Source::parse("crates/tour/src/main.rs", text)).is_empty());
        }
        for text in [
            "use std::sync::{Arc, OnceLock};",
            "use crate::sync::atomic::Ordering;",
            "use crate::sync::{Mutex, thread_local};\nthread_local! { static A: u8 = 1; }",
        ] {
            assert!(sharing(&Source::parse(PLACE, text)).is_empty(), "{text}");
        }
    }

    #[test]
    fn tests_do_not_sleep() {
        let test = |text| Source::parse("conformance/tests/sup.rs", text);
        assert_eq!(sleeping(&test("tokio::time::sleep(d).await;")).len(), 1);
        assert_eq!(sleeping(&test("use std::thread::{self, sleep};")).len(), 1);
        assert_eq!(sleeping(&test("thread::sleep(d);")).len(), 1);
        assert!(sleeping(&test("// sleep: the child is slow\ntime::sleep(d).await;")).is_empty());
        assert!(sleeping(&test("wait(|| done()).await; // no time::sleep")).is_empty());
        assert!(sleeping(&Source::parse(PLACE, "tokio::time::sleep(d).await;")).is_empty());
        let unit = "#[cfg(test)]\nmod tests { fn f() {\n thread::sleep(d); } }";
        assert_eq!(sleeping(&Source::parse(PLACE, unit)).len(), 1);
    }

    #[test]
    fn a_hash_map_is_explained() {
        assert_eq!(iteration_order(&Source::parse(PLACE, "a: HashMap<u8, u8>,")).len(), 1);
        let text = "use std::collections::HashMap;\n// order: only looked up\na: HashMap<u8, u8>,";
        assert!(iteration_order(&Source::parse(PLACE, text)).is_empty());
        assert!(
            iteration_order(&Source::parse("xtask/src/a.rs", "a: HashMap<u8, u8>,")).is_empty()
        );
    }

    #[test]
    fn unsafe_stands_in_listed_files() {
        let files = UnsafeFiles::parse("# none but\ncrates/runtime/src/mailbox/queue.rs\n");
        let text = "unsafe { f() }";
        assert_eq!(files.check(&Source::parse(PLACE, text)).len(), 1);
        assert!(files.check(&Source::parse(PLACE, "#![forbid(unsafe_code)] // unsafe")).is_empty());
        assert!(
            files.check(&Source::parse("crates/runtime/src/mailbox/queue.rs", text)).is_empty()
        );
    }
}
