//! The programs of the book, and of the comparison with others, as tests.

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
chapter!(testing, "src/testing.md");
chapter!(performance, "src/performance.md");
chapter!(limits, "src/limits.md");
