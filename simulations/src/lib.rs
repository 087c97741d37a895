//! Trees that are simulated: each scenario is one test, played under many orders and with crashes at every await.
