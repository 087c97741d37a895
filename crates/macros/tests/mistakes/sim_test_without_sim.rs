#[fauxtp::sim_test(seeds = 10)]
async fn nothing_happens() {}

fn main() {}
