use fauxtp::prelude::*;

mod inside {
    use fauxtp::prelude::*;

    pub struct Counter(i64);

    #[gen_server]
    impl Counter {
        fn init() -> Self {
            Self(0)
        }
        #[cast]
        pub(crate) fn add(&mut self) {
            self.0 += 1;
        }
        #[cast]
        pub(super) fn remove(&mut self) {
            self.0 -= 1;
        }
    }
}

fn main() {}
