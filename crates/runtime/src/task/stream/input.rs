//! What the errors of a stream of tasks are told with.

use crate::task::TaskError;

/// What the errors of a stream are told with: by themselves ([`Bare`]), or with their input ([`WithInput`]).
pub trait ZipInput<I>: sealed::Sealed {
    /// What is kept of an input while its task runs.
    type Kept;

    /// What a failure is told by.
    type Error;

    /// Keeps what is needed.
    fn keep(input: &I) -> Self::Kept;

    /// Tells of a failure.
    fn error(error: TaskError, kept: Self::Kept) -> Self::Error;
}

/// Errors are [`TaskError`]s.
#[derive(Debug)]
pub enum Bare {}

impl<I> ZipInput<I> for Bare {
    type Kept = ();
    type Error = TaskError;

    fn keep(_: &I) {}

    fn error(error: TaskError, (): ()) -> TaskError {
        error
    }
}

/// Errors are pairs of a [`TaskError`] and the input (TASK-023).
#[derive(Debug)]
pub enum WithInput {}

impl<I: Clone> ZipInput<I> for WithInput {
    type Kept = I;
    type Error = (TaskError, I);

    fn keep(input: &I) -> I {
        input.clone()
    }

    fn error(error: TaskError, input: I) -> (TaskError, I) {
        (error, input)
    }
}

mod sealed {
    //! Nobody else decides what errors are told with.

    pub trait Sealed {}

    impl Sealed for super::Bare {}
    impl Sealed for super::WithInput {}
}
