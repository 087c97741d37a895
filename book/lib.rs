//! The programs of the book, of the README and of the comparison with others, as tests.

/// A chapter whose programs are tests.
macro_rules! chapter {
    ($name:ident, $path:literal) => {
        #[cfg(doctest)]
        #[doc = include_str!($path)]
        pub mod $name {}
    };
}

chapter!(introduction, "src/introduction.md");
chapter!(processes, "src/processes.md");
chapter!(servers, "src/servers.md");
chapter!(supervision, "src/supervision.md");
chapter!(names, "src/names.md");
chapter!(tasks, "src/tasks.md");
chapter!(services, "src/services.md");
chapter!(testing, "src/testing.md");
chapter!(simulations, "src/simulations.md");
chapter!(proof, "src/proof.md");
chapter!(performance, "src/performance.md");
chapter!(limits, "src/limits.md");
chapter!(from_erlang, "src/from-erlang.md");
chapter!(from_python, "src/from-python.md");
chapter!(from_ractor, "src/from-ractor.md");
chapter!(from_kameo, "src/from-kameo.md");
chapter!(from_actix, "src/from-actix.md");
chapter!(from_tokio, "src/from-tokio.md");
chapter!(compare, "../COMPARE.md");
chapter!(readme, "../README.md");
