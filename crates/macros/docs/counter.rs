use fauxtp::prelude::*;

pub struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Counter(n)
    }

    /// Adds, and tells the sum.
    #[call]
    pub fn add(&mut self, k: i64) -> i64 {
        self.0 += k;
        self.0
    }

    /// Divides, unless by zero.
    #[call]
    pub fn divide(&mut self, k: i64) -> Result<i64, DivisionByZero> {
        self.0 = self.0.checked_div(k).ok_or(DivisionByZero)?;
        Ok(self.0)
    }

    /// Starts again from zero.
    #[cast]
    pub fn reset(&mut self) {
        self.0 = 0;
    }
}

#[derive(Debug)]
pub struct DivisionByZero;

impl std::error::Error for DivisionByZero {}

impl std::fmt::Display for DivisionByZero {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("divide: by zero")
    }
}
