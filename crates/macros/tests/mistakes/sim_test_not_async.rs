use fauxtp::testing::Sim;

#[fauxtp::sim_test]
fn nothing_happens(_sim: Sim) {}

fn main() {}
