//! Runs the counter and reads what it says.

use std::process::Command;

#[test]
fn the_counter_crashes_and_counts_on_from_its_start() {
    let output = Command::new(env!("CARGO_BIN_EXE_counter")).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let said: Vec<_> = said.lines().collect();
    assert!(output.status.success(), "{output:?}");
    let [first, second, crash, alive, again, end] = said[..] else { panic!("{said:?}") };
    assert_eq!((first, second), ("increment: 11", "increment: 12"));
    assert!(crash.starts_with("divide by 0: call server: it ended first: "), "{crash}");
    assert!(crash.contains("attempt to divide by zero"), "{crash}");
    assert_eq!((alive, again, end), ("children alive: 1", "increment: 11", "stopped"));
}
