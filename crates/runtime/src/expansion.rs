//! What the output of [`#[gen_server]`](macro@crate::gen_server) uses, besides what everybody does.
//!
//! Nobody has to write these by hand: who implements [`GenServer`] himself knows the types, the macro has their names
//! only. The traits turn what a function may return into what the behaviour wants, and say what is missing.

use std::error::Error;

use crate::gen_server::{Context, GenServer, Info};
use crate::stop::{Result, Stop};

/// A [`Result`](std::result::Result) under any name, as `std::io::Result<u64>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called `Result`, but is another type",
    note = "the answers of a call that can fail are a `std::result::Result`; import any other type by another name"
)]
pub trait Fallible {
    /// What it is if all is well.
    type Value;
    /// What it is otherwise.
    type Error;
}

impl<T, E> Fallible for std::result::Result<T, E> {
    type Value = T;
    type Error = E;
}

/// What `init` may return.
#[diagnostic::on_unimplemented(
    message = "`init` cannot return `{Self}`",
    label = "not a server",
    note = "return `Self`, `Result<Self>`, or `Result<Self, E>` with an `E` that is a `std::error::Error`",
    note = "errors of other kinds become a `Stop` by `.map_err(Stop::error)`"
)]
pub trait Initialised<S> {
    /// The server, or why there is none.
    ///
    /// # Errors
    /// That of `init`.
    fn into_result(self) -> Result<S>;
}

impl<S> Initialised<S> for S {
    fn into_result(self) -> Result<S> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<S, E: Into<Stop>> Initialised<S> for std::result::Result<S, E> {
    fn into_result(self) -> Result<S> {
        self.map_err(Into::into)
    }
}

/// What handlers may return that are no calls.
#[diagnostic::on_unimplemented(
    message = "a handler that answers nobody cannot return `{Self}`",
    label = "nobody is there to take it",
    note = "return nothing, or `Result<(), E>` with an `E` that is a `std::error::Error`, which ends the server",
    note = "errors of other kinds become a `Stop` by `.map_err(Stop::error)`"
)]
pub trait Handled {
    /// Whether the server goes on.
    ///
    /// # Errors
    /// What ends it.
    fn into_result(self) -> Result;
}

impl Handled for () {
    fn into_result(self) -> Result {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Stop>> Handled for std::result::Result<(), E> {
    fn into_result(self) -> Result {
        self.map_err(Into::into)
    }
}

/// An error that a caller can be told.
#[diagnostic::on_unimplemented(
    message = "a call cannot be answered with the error `{Self}`",
    label = "what a call returns is data for its caller, and does not end the server",
    note = "write `Result<T, YourError>` to tell the caller what went wrong",
    note = "to end the server, take `ctx: &mut Context<Self>` and use `ctx.stop(…)`"
)]
pub trait ErrorAsData {}

#[diagnostic::do_not_recommend]
impl<E: Error> ErrorAsData for E {}

/// Holds if `E` may be a call's error.
pub const fn is_data<E: ErrorAsData>() {}

/// A server that may be lent over an await.
#[diagnostic::on_unimplemented(
    message = "an `async fn` with `&self` shares `{Self}` over its awaits, and it is not `Sync`",
    label = "write `&mut self`"
)]
pub trait SharedAcrossAwait {}

#[diagnostic::do_not_recommend]
impl<S: Sync> SharedAcrossAwait for S {}

/// Holds if handlers of `S` may be `async` with `&self`.
pub const fn is_shared_across_await<S: SharedAcrossAwait>() {}

/// What happens to what no handler handles: it is logged, and dropped (GS-031).
pub fn unhandled<S: GenServer>(info: &Info, ctx: &Context<S>) {
    ctx.log_unhandled(info);
}
