use fauxtp::prelude::*;
pub struct Counter(i64);
impl Counter {
    fn init(n: i64) -> Self {
        Counter(n)
    }
    /// Adds, and tells the sum.
    pub fn add(&mut self, k: i64) -> i64 {
        self.0 += k;
        self.0
    }
    /// Divides, unless by zero.
    pub fn divide(&mut self, k: i64) -> Result<i64, DivisionByZero> {
        self.0 = self.0.checked_div(k).ok_or(DivisionByZero)?;
        Ok(self.0)
    }
    /// Starts again from zero.
    pub fn reset(&mut self) {
        self.0 = 0;
    }
}
/// The messages of `Counter`.
#[allow(
    unreachable_pub,
    private_interfaces,
    private_bounds,
    reason = "it is as public as its server can be"
)]
pub enum CounterMessage {
    /// Adds, and tells the sum.
    Add(i64, ::fauxtp::Reply<i64>),
    /// Divides, unless by zero.
    Divide(i64, ::fauxtp::Reply<Result<i64, DivisionByZero>>),
    /// Starts again from zero.
    Reset,
}
#[automatically_derived]
impl ::core::fmt::Debug for CounterMessage {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.write_str(<Counter as ::fauxtp::GenServer>::message_name(self))
    }
}
#[automatically_derived]
impl ::fauxtp::GenServer for Counter {
    type Args = i64;
    type Message = CounterMessage;
    async fn init(
        n: Self::Args,
        _: &mut ::fauxtp::Context<Self>,
    ) -> ::fauxtp::Result<Self> {
        ::fauxtp::expansion::Initialised::<Self>::into_result(Self::init(n))
    }
    async fn handle(
        &mut self,
        message: Self::Message,
        _: &mut ::fauxtp::Context<Self>,
    ) -> ::fauxtp::Result {
        match message {
            CounterMessage::Add(k, from) => from.send(Self::add(self, k)),
            CounterMessage::Divide(k, from) => from.send(Self::divide(self, k)),
            CounterMessage::Reset => Self::reset(self),
        }
        ::core::result::Result::Ok(())
    }
    fn message_name(message: &Self::Message) -> &'static str {
        match *message {
            CounterMessage::Add { .. } => "Counter::add",
            CounterMessage::Divide { .. } => "Counter::divide",
            CounterMessage::Reset { .. } => "Counter::reset",
        }
    }
}
/// What a `Counter` can be asked, by whatever leads to one: an address, a name, a key of a registry.
#[allow(
    dead_code,
    unreachable_pub,
    private_interfaces,
    private_bounds,
    reason = "it is as public as the handlers, used or not"
)]
pub trait CounterClient: ::fauxtp::Dest<Message = CounterMessage> {
    /// Adds, and tells the sum.
    fn add(
        &self,
        k: i64,
    ) -> ::fauxtp::Call<
        '_,
        Self,
        i64,
        impl ::core::ops::FnOnce(
            ::fauxtp::Reply<i64>,
        ) -> CounterMessage + ::core::marker::Send,
    > {
        ::fauxtp::Dest::call(self, move |from| CounterMessage::Add(k, from))
    }
    /// Divides, unless by zero.
    fn divide(
        &self,
        k: i64,
    ) -> ::fauxtp::call::TryCall<
        '_,
        Self,
        <Result<i64, DivisionByZero> as ::fauxtp::expansion::Fallible>::Value,
        <Result<i64, DivisionByZero> as ::fauxtp::expansion::Fallible>::Error,
        impl ::core::ops::FnOnce(
            ::fauxtp::Reply<Result<i64, DivisionByZero>>,
        ) -> CounterMessage + ::core::marker::Send,
    > {
        ::fauxtp::Dest::try_call(self, move |from| CounterMessage::Divide(k, from))
    }
    /// Starts again from zero.
    fn reset(&self) {
        ::fauxtp::Dest::cast(self, CounterMessage::Reset);
    }
}
#[automatically_derived]
impl<D: ::fauxtp::Dest<Message = CounterMessage> + ?Sized> CounterClient for D {}
#[derive(Debug)]
pub struct DivisionByZero;
impl std::error::Error for DivisionByZero {}
impl std::fmt::Display for DivisionByZero {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("divide: by zero")
    }
}
