//! What the compiler says to mistakes: each program in `mistakes/` has one, and beside it stands what is said.
//!
//! `TRYBUILD=overwrite` writes the texts anew.

#[test]
fn mistakes_are_explained_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
