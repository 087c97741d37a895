use fauxtp::testing::Sim;

#[fauxtp::sim_test(seed = 10)]
async fn no_such_setting(_sim: Sim) {}

#[fauxtp::sim_test(crash = sometimes)]
async fn no_such_crash(_sim: Sim) {}

#[fauxtp::sim_test(kill)]
async fn no_value(_sim: Sim) {}

fn main() {}
