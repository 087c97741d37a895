//! What a process sees of itself: its inbox, its relations, its timers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use fauxtp_logic::signal::Origin;
use fauxtp_logic::tray::{Item, Seen, Tray};
use fauxtp_logic::{ExitReason, Pid, Ref};
use tokio::time::Sleep;

use super::intake::take_in;
use super::{Birth, PidExt, into_body, start};
use crate::address::Address;
use crate::clock;
use crate::current;
use crate::executor::NoRuntime;
use crate::guard::drop_each;
use crate::mailbox::{Mailbox, Notice, Shared, Taken};
use crate::shared::{Core, Handle, Process, Tie};
use crate::signal::{Down, Exit, Monitor, Signal, Watcher, fresh_ref};
use crate::stop::Outcome;
use crate::table;

/// How many items a process takes before it lets others run.
const TURN: u32 = 256;

/// One thing a process has received.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received<M> {
    /// A message, or the message of an expired timer.
    Message(M),
    /// An exit signal, trapped.
    Exit(Exit),
    /// A monitored process has ended.
    Down(Down),
}

/// One thing that waits, as a selective receive sees it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Peek<'a, M> {
    /// A message, or the message of an expired timer.
    Message(&'a M),
    /// An exit signal, trapped.
    Exit(&'a Exit),
    /// A monitored process has ended.
    Down(&'a Down),
}

/// A timer of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer(Ref);

/// There is no such process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoProc(pub Pid);

impl fmt::Display for NoProc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link process: no such process: {}", self.0)
    }
}

impl std::error::Error for NoProc {}

/// The inside of a process that takes messages of type `M`.
pub struct Context<M> {
    shared: Arc<Shared<M>>,
    tray: Tray<M, Notice<M>>,
    /// Items taken since the process last let others run.
    turn: u32,
    bounded: bool,
}

impl<M: Send + 'static> Context<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>, bounded: bool) -> Self {
        Self { shared, tray: Tray::default(), turn: 0, bounded }
    }

    /// The pid of this process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.shared.core.pid
    }

    /// The address of this process.
    #[must_use]
    pub fn address(&self) -> Address<M> {
        Address::new(self.shared.clone())
    }

    /// Who started this process, if the two hang together.
    #[must_use]
    pub fn parent(&self) -> Option<Pid> {
        self.shared.core.parent()
    }

    /// Who started this process, who started that one, …; nearest first (PL-006).
    #[must_use]
    pub fn ancestors(&self) -> &[Pid] {
        &self.shared.core.ancestors
    }

    pub(crate) fn handle(&self) -> Handle {
        self.shared.clone()
    }

    pub(crate) fn core(&self) -> &Core {
        &self.shared.core
    }

    // ── receiving

    /// Receives what has arrived first.
    ///
    /// # Cancel safety
    /// Strict: what a dropped receive has not returned stays in the mailbox.
    pub async fn recv(&mut self) -> Received<M> {
        loop {
            match self.next_item(None).await {
                Some(Item::Message(message)) => return Received::Message(message),
                Some(Item::Notice(notice)) => {
                    if let Some(received) = self.received(notice) {
                        return received;
                    }
                }
                None => {}
            }
        }
    }

    /// Receives what has arrived first, or nothing after `timeout`. Looks into the mailbox before it times
    /// out, whatever the timeout (TMR-006).
    ///
    /// # Cancel safety
    /// Strict, as [`recv`](Self::recv).
    pub async fn recv_timeout(&mut self, timeout: Duration) -> Option<Received<M>> {
        self.recv_where_timeout(|_| true, timeout).await
    }

    /// Receives the oldest item that `wanted` accepts; the others stay, in their order.
    ///
    /// # Cancel safety
    /// Strict, as [`recv`](Self::recv).
    pub async fn recv_where(&mut self, wanted: impl FnMut(Peek<'_, M>) -> bool) -> Received<M> {
        match self.select(wanted, None).await {
            Some(received) => received,
            None => unreachable!("a receive without a timeout ends with something"),
        }
    }

    /// Receives the oldest item that `wanted` accepts, or nothing after `timeout`. The timeout ends with
    /// the receive: it never cuts short what is done with the message.
    ///
    /// # Cancel safety
    /// Strict, as [`recv`](Self::recv).
    pub async fn recv_where_timeout(
        &mut self,
        wanted: impl FnMut(Peek<'_, M>) -> bool,
        timeout: Duration,
    ) -> Option<Received<M>> {
        self.select(wanted, Some(timeout)).await
    }

    async fn select(
        &mut self,
        mut wanted: impl FnMut(Peek<'_, M>) -> bool,
        timeout: Option<Duration>,
    ) -> Option<Received<M>> {
        let mut seen = Seen::default();
        let mut sleep =
            timeout.map(|timeout| Box::pin(clock::sleep_until(clock::now().plus(timeout))));
        std::future::poll_fn(move |cx| {
            loop {
                self.settle();
                self.account();
                let item = self.tray.select(&mut seen, |item| match item {
                    Item::Message(message) | Item::Notice(Notice::Timer(_, message)) => {
                        wanted(Peek::Message(message))
                    }
                    Item::Notice(Notice::Exit(exit)) => wanted(Peek::Exit(exit)),
                    Item::Notice(Notice::Down(down)) => wanted(Peek::Down(down)),
                    Item::Notice(Notice::Stop { .. }) => false,
                });
                self.account();
                match item {
                    Some(Item::Message(message)) => {
                        return Poll::Ready(Some(Received::Message(message)));
                    }
                    Some(Item::Notice(notice)) => return Poll::Ready(self.received(notice)),
                    None => {}
                }
                match self.look(cx) {
                    Some(Poll::Ready(())) => {}
                    Some(Poll::Pending) => return Poll::Pending,
                    None => break,
                }
            }
            sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx).map(|()| None))
        })
        .await
    }

    /// Takes the next item, or nothing when `timeout` has passed.
    pub(crate) async fn next_item(
        &mut self,
        timeout: Option<Duration>,
    ) -> Option<Item<M, Notice<M>>> {
        let mut sleep: Option<Pin<Box<Sleep>>> = None;
        let mut answered = self.shared.core.inquiries.load(Ordering::Relaxed);
        std::future::poll_fn(move |cx| {
            if self.turn >= TURN {
                self.turn = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            loop {
                if let Some(item) = self.take() {
                    self.turn += 1;
                    return Poll::Ready(Some(item));
                }
                match self.look(cx) {
                    Some(Poll::Ready(())) => {}
                    Some(Poll::Pending) => return Poll::Pending,
                    None => break,
                }
            }
            // Zero does not wait: whatever arrives from now on is too late to cancel it (GS-032).
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                self.turn += 1;
                return Poll::Ready(None);
            }
            self.turn = 0;
            let Some(timeout) = timeout else { return Poll::Pending };
            // An inquiry restarts the timeout with its full length (GS-033).
            let inquiries = self.shared.core.inquiries.load(Ordering::Relaxed);
            if std::mem::replace(&mut answered, inquiries) != inquiries {
                sleep = None;
            }
            let sleep = sleep
                .get_or_insert_with(|| Box::pin(clock::sleep_until(clock::now().plus(timeout))));
            sleep.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    /// Takes what is next, if that is a message which lies in the tray already: so it is for nearly every
    /// message of a busy server, which then need not wait at all.
    #[inline]
    pub(crate) fn take_message(&mut self) -> Option<M> {
        if self.bounded || self.turn >= TURN {
            return None;
        }
        self.settle();
        let message = self.tray.take_plain()?;
        self.turn += 1;
        Some(message)
    }

    /// Takes the oldest item of the tray.
    #[inline]
    fn take(&mut self) -> Option<Item<M, Notice<M>>> {
        self.settle();
        if self.bounded { self.shared.take_bounded(&mut self.tray) } else { self.tray.take() }
    }

    /// Lets everybody else run.
    pub(crate) async fn yield_now(&mut self) {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Gives back memory that is not needed now.
    pub(crate) fn shrink(&mut self) {
        self.tray.shrink();
    }

    /// Brings a bounded mailbox up to date before and after a selective receive.
    fn account(&mut self) {
        if self.bounded {
            self.shared.pay_debt(&mut self.tray);
        }
    }

    /// Before an item is taken: promises dropped before are broken now.
    #[inline]
    fn settle(&self) {
        if self.shared.core.owes.load(Ordering::Relaxed) {
            current::settle_unkept(&self.handle());
        }
    }

    /// Looks into the inbox: ready if the tray has got something, pending if the process is doomed, nothing
    /// if there was nothing.
    fn look(&mut self, cx: &mut std::task::Context<'_>) -> Option<Poll<()>> {
        loop {
            match self.shared.take(&mut self.tray, cx) {
                Taken::Something => return Some(Poll::Ready(())),
                Taken::Nothing => return None,
                Taken::Signals => {
                    take_in(&self.shared);
                    if self.shared.core.doomed.load(Ordering::Relaxed) {
                        return Some(Poll::Pending);
                    }
                }
            }
        }
    }

    /// A notice as user code gets it.
    fn received(&mut self, notice: Notice<M>) -> Option<Received<M>> {
        match notice {
            Notice::Exit(exit) => Some(Received::Exit(exit)),
            Notice::Down(down) => Some(Received::Down(down)),
            Notice::Timer(timer, message) => {
                self.timer_expired(timer);
                Some(Received::Message(message))
            }
            Notice::Stop { from, reason } => {
                Some(Received::Exit(Exit { from, reason, origin: Origin::Sent }))
            }
        }
    }

    pub(crate) fn timer_expired(&mut self, timer: Ref) {
        self.shared.core.private(|private| private.possessions().timers.remove(&timer));
    }

    // ── exits, links and monitors

    /// Whether exit signals become messages; returns what it was. Read when a signal is received, not when
    /// it was sent (PROC-014).
    pub fn trap_exits(&mut self, trap: Trap) -> Trap {
        // What arrived before must be judged by the flag of before.
        take_in(&self.shared);
        let trapping = matches!(trap, Trap::On);
        let before =
            self.shared.core.private(|private| std::mem::replace(&mut private.trapping, trapping));
        if before { Trap::On } else { Trap::Off }
    }

    /// Links this process with another one: if either ends abnormally, the other ends too, or is told if
    /// it traps exits. At most one link exists per pair (LINK-001).
    ///
    /// # Errors
    /// [`NoProc`] if there is no such process and this one does not trap exits; if it does, an exit with
    /// `noproc` arrives instead (LINK-005).
    pub fn link(&mut self, peer: impl Into<Pid>) -> Result<(), NoProc> {
        let (peer, me) = (peer.into(), self.pid());
        if peer == me || self.shared.core.private(|private| private.is_linked(peer)) {
            return Ok(());
        }
        let id = fresh_ref();
        let alive = self.shared.core.private(|private| {
            let alive = private.fate.is_none();
            if alive {
                private.relations().link(peer, id);
            }
            alive
        });
        // A context may outlive its process.
        if !alive {
            return Err(NoProc(me));
        }
        if tell(peer, Signal::Link { from: me, id }) {
            return Ok(());
        }
        if self.shared.core.private(|private| private.trapping) {
            let reason = ExitReason::no_proc();
            let _own_inbox_is_open = self.shared.clone().signal(Signal::Exit {
                from: peer,
                origin: Origin::Link,
                reason,
            });
            return Ok(());
        }
        self.shared.core.private(|private| private.relations().unlink(peer));
        Err(NoProc(peer))
    }

    /// Removes the link with another process. When this returns, no exit from that link can arrive any
    /// more; one that had arrived stays (LINK-006). A supervisor's hold on its child is no link.
    pub fn unlink(&mut self, peer: impl Into<Pid>) {
        let (peer, me) = (peer.into(), self.pid());
        for id in self.shared.core.private(|private| private.relations().unlink(peer)) {
            tell(peer, Signal::Unlink { from: me, id });
        }
    }

    /// Removes the link, and takes the exit out of the mailbox if it had arrived.
    pub fn unlink_flush(&mut self, peer: impl Into<Pid>) -> Option<ExitReason> {
        let peer = peer.into();
        take_in(&self.shared);
        self.unlink(peer);
        let notice =
            self.take_notice(|notice| matches!(notice, Notice::Exit(exit) if exit.from == peer))?;
        if let Notice::Exit(exit) = notice { Some(exit.reason) } else { None }
    }

    fn take_notice(&mut self, mut wanted: impl FnMut(&Notice<M>) -> bool) -> Option<Notice<M>> {
        self.tray.take_notice(&mut wanted).or_else(|| self.shared.take_notice(wanted))
    }

    /// Watches another process: exactly one [`Down`] arrives when it ends, at once and with `noproc` if it
    /// is not there (MON-001, MON-003).
    pub fn monitor(&mut self, target: impl Into<Pid>) -> Monitor {
        self.monitor_as(Some(target.into()), None)
    }

    pub(crate) fn monitor_as(&mut self, target: Option<Pid>, name: Option<Arc<str>>) -> Monitor {
        let id = fresh_ref();
        let me = self.pid();
        // One's own end comes too late; and a context may outlive its process.
        if target == Some(me) || self.shared.core.private(|private| private.fate.is_some()) {
            return Monitor(id);
        }
        let watched = target.unwrap_or(crate::signal::NOBODY);
        self.shared.core.private(|private| private.relations().watch(id, watched));
        let watcher = Watcher::Process(me, name.clone());
        if !target.is_some_and(|target| tell(target, Signal::Monitor { id, watcher })) {
            let down =
                Down { monitor: Monitor(id), pid: target, name, reason: ExitReason::no_proc() };
            let _own_inbox_is_open = self.shared.clone().signal(Signal::Down(down));
        }
        Monitor(id)
    }

    /// Ends a monitor. True if it was armed, so that no down will arrive; false if the down had arrived
    /// already (it stays in the mailbox) or there was no such monitor (MON-005, MON-006).
    pub fn demonitor(&mut self, monitor: Monitor) -> bool {
        take_in(&self.shared);
        let target = self.shared.core.private(|private| private.relations().unwatch(monitor.0));
        if let Some(target) = target {
            tell(target, Signal::Forget { id: monitor.0 });
        }
        target.is_some()
    }

    /// Ends a monitor, and takes its down out of the mailbox if it had arrived.
    pub fn demonitor_flush(&mut self, monitor: Monitor) -> Option<Down> {
        if self.demonitor(monitor) {
            return None;
        }
        let notice = self.take_notice(
            |notice| matches!(notice, Notice::Down(down) if down.monitor == monitor),
        )?;
        if let Notice::Down(down) = notice { Some(down) } else { None }
    }

    /// Sends an exit signal; to itself, too, where even `normal` ends a process that does not trap (PROC-003).
    pub fn exit(&self, target: impl Into<Pid>, reason: ExitReason) {
        target.into().exit(reason);
    }

    // ── starting others

    /// Starts a process that is linked with this one from its first moment (PROC-013).
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime is gone.
    pub fn spawn_link<N, F>(
        &mut self,
        body: impl FnOnce(Context<N>) -> F,
    ) -> Result<Address<N>, NoRuntime>
    where
        N: Send + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let birth = Birth { tie: Tie::Linked, ..Birth::new(std::any::type_name::<F>()) };
        self.as_current(|| start(birth, None, |ctx| into_body(body(ctx))))
    }

    /// Starts a process that this one monitors from its first moment (PROC-013).
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime is gone.
    pub fn spawn_monitor<N, F>(
        &mut self,
        body: impl FnOnce(Context<N>) -> F,
    ) -> Result<(Address<N>, Monitor), NoRuntime>
    where
        N: Send + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let id = fresh_ref();
        let birth = Birth::new(std::any::type_name::<F>());
        let watcher = (id, Watcher::Process(self.pid(), None));
        let address =
            self.as_current(|| start(birth, Some(watcher), |ctx| into_body(body(ctx))))?;
        self.shared.core.private(|private| private.relations().watch(id, address.pid()));
        Ok((address, Monitor(id)))
    }

    /// Starts a process with this one as its ancestor, and nothing else between them.
    ///
    /// # Errors
    /// [`NoRuntime`] if the runtime is gone.
    pub fn spawn<N, F>(
        &mut self,
        body: impl FnOnce(Context<N>) -> F,
    ) -> Result<Address<N>, NoRuntime>
    where
        N: Send + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let birth = Birth { mailbox: Mailbox::UNBOUNDED, ..Birth::new(std::any::type_name::<F>()) };
        self.as_current(|| start(birth, None, |ctx| into_body(body(ctx))))
    }

    /// Runs `code` as this process, wherever the context has been carried.
    fn as_current<T>(&self, code: impl FnOnce() -> T) -> T {
        let _entered = current::enter(self.handle());
        code()
    }

    // ── timers

    /// Sends `message` to this process after `delay`, never earlier (TMR-001). The timer dies with the
    /// process (TMR-004).
    pub fn send_after(&mut self, delay: Duration, message: M) -> Timer {
        self.start_timer(delay, |_| message)
    }

    /// As [`send_after`](Self::send_after), for a message that carries its timer, so that a stale one can be
    /// told from a fresh one (TMR-005).
    pub fn start_timer(&mut self, delay: Duration, message: impl FnOnce(Timer) -> M) -> Timer {
        let timer = fresh_ref();
        let message = message(Timer(timer));
        let shared = self.shared.clone();
        let due = clock::now().plus(delay);
        if self.shared.core.private(|private| private.fate.is_some()) {
            return Timer(timer);
        }
        let executor = &self.shared.core.executor;
        // Entered before it can fire: expiry is handled by this process, later.
        let key = executor.set_timer(due, move || shared.expire(timer, message));
        self.shared.core.private(|private| private.possessions().timers.insert(timer, key));
        Timer(timer)
    }

    /// Stops a timer. Returns how long it still had, or nothing if it had expired, in which case its message
    /// may be in the mailbox already (TMR-002).
    pub fn cancel_timer(&mut self, timer: Timer) -> Option<Duration> {
        let key =
            self.shared.core.private(|private| private.possessions().timers.remove(&timer.0))?;
        self.shared.core.executor.timers().cancel(key)
    }

    /// Stops a timer, and takes its message out of the mailbox if it has arrived.
    pub fn cancel_timer_flush(&mut self, timer: Timer) -> Option<Duration> {
        let remaining = self.cancel_timer(timer);
        if remaining.is_none() {
            let flushed =
                self.take_notice(|notice| matches!(notice, Notice::Timer(id, _) if *id == timer.0));
            drop(flushed);
        }
        remaining
    }
}

/// Whether a process traps exit signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// Exit signals become messages.
    On,
    /// Exit signals of other than normal reason end the process.
    Off,
}

/// Sends a signal; says whether it was accepted.
fn tell(target: Pid, signal: Signal) -> bool {
    table::find(target).is_some_and(|process| process.signal(signal).is_ok())
}

/// What is left in the tray is dropped piece by piece: destructors of messages may panic.
impl<M> Drop for Context<M> {
    fn drop(&mut self) {
        if !self.tray.is_empty() {
            drop_each(std::iter::from_fn(|| self.tray.take()));
        }
    }
}

impl<M> fmt::Debug for Context<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.shared.core.pid)
    }
}
