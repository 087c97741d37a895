//! What servers made by the macro do: calls, casts, and everything that reaches a server by itself.

use std::io;
use std::pin::Pin;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::process::Trap;
use fauxtp::supervisor::Restart;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.0 += k;
        self.0
    }
    #[call]
    fn get(&self) -> i64 {
        self.0
    }
    #[call]
    async fn add_slowly(&mut self, k: i64, (): (), _unused: u8) -> i64 {
        tokio::task::yield_now().await;
        self.add(k)
    }
    #[call]
    fn flush(&mut self) {}
    #[call]
    fn divide(&mut self, k: i64) -> Result<i64, NotDivisible> {
        self.0.checked_div(k).ok_or(NotDivisible)
    }
    #[call]
    fn read(&self, ctx: &mut Context<Self>, fails: bool) -> io::Result<u64> {
        assert!(ctx.pid().is_alive());
        if fails { Err(io::ErrorKind::NotFound.into()) } else { Ok(7) }
    }
    #[cast]
    fn reset(&mut self) {
        self.0 = 0;
    }
    #[cast]
    fn crash(&self) {
        panic!("boom")
    }
    #[cast]
    fn fail(&mut self, text: String) -> Result {
        self.0 = text.parse::<i64>()?;
        Ok(())
    }
    #[cast]
    async fn fail_otherwise(&mut self) -> Result<(), NotDivisible> {
        Err(NotDivisible)
    }
    #[call]
    fn r#type(&self) -> &'static str {
        Self::NAME
    }

    const NAME: &'static str = "counter";
}

#[derive(Debug, PartialEq)]
struct NotDivisible;

impl std::error::Error for NotDivisible {}

impl std::fmt::Display for NotDivisible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not divisible")
    }
}

#[tokio::test]
async fn the_program_of_the_front_page_runs() -> Result {
    static COUNTER: Name<Counter> = Name::new("counter");
    let sup = Supervisor::new([Counter::spec(0).name(&COUNTER)])
        .strategy(RestartStrategy::OneForOne)
        .intensity(3, Duration::from_secs(5))
        .start()
        .await?;
    assert_eq!(COUNTER.add(5).await?, 5);
    let before = COUNTER.whereis().expect("it runs").pid();
    COUNTER.crash();
    process::join(before).await;
    assert_eq!(sup.count_children().await?.active, 1);
    assert_eq!(COUNTER.get().await?, 0);
    Ok(())
}

#[tokio::test]
async fn calls_are_answered_and_casts_are_in_order() -> Result {
    let counter = Counter::start(1).await?;
    assert_eq!(counter.add(5).await?, 6);
    counter.reset();
    assert_eq!(counter.add_slowly(2, (), 0).timeout(Duration::from_secs(1)).await?, 2);
    assert_eq!(counter.get().no_timeout().await?, 2);
    counter.flush().await?;
    assert_eq!(counter.r#type().await?, "counter");
    Ok(())
}

#[tokio::test]
async fn results_are_flat_and_their_errors_are_data() -> Result {
    let counter = Counter::start(6).await?;
    assert_eq!(counter.divide(2).await?, 3);
    assert_eq!(counter.divide(0).await, Err(CallError::Failed(NotDivisible)));
    assert_eq!(counter.read(false).timeout(Duration::from_secs(1)).await?, 7);
    assert!(matches!(
        counter.read(true).no_timeout().await,
        Err(CallError::Failed(error)) if error.kind() == io::ErrorKind::NotFound
    ));
    assert!(counter.is_alive());
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_cast_ends_the_server() -> Result {
    let counter = Counter::start(0).await?;
    counter.fail("12".to_owned());
    assert_eq!(counter.get().await?, 12);
    counter.fail("x".to_owned());
    assert!(process::join(&counter).await.is_error());

    let counter = Counter::start(0).await?;
    counter.fail_otherwise();
    assert!(format!("{:#}", process::join(&counter).await).contains("not divisible"));
    Ok(())
}

#[tokio::test]
async fn names_and_keys_have_the_same_client() -> Result {
    let registry = Registry::<String>::start().await?;
    let name = Name::<Counter>::from_string("named".to_owned());
    let _counter = Counter::start(3).name(&name).via(&registry, "key", ()).await?;
    assert_eq!(name.add(1).await?, 4);
    assert_eq!(registry.via::<Counter>("key").add(1).await?, 5);
    name.reset();
    assert_eq!(registry.via::<Counter>("key").get().await?, 0);
    assert_eq!(Name::<Counter>::new("nobody").get().await, Err(CallError::NoProc));
    Ok(())
}

/// Whoever has the trait needs not know where it leads.
async fn add_twice(counter: &Address<CounterMessage>, k: i64) -> Result<i64, CallError> {
    counter.add(k).await?;
    counter.add(k).await
}

#[tokio::test]
async fn clients_can_be_passed_on_and_their_calls_are_send() -> Result {
    let counter = Counter::start(0).await?;
    let sent: Pin<Box<dyn Future<Output = _> + Send>> =
        Box::pin(async move { add_twice(&counter, 2).await });
    assert_eq!(sent.await, Ok(4));
    Ok(())
}

#[tokio::test]
async fn handlers_stay_functions() {
    let mut counter = Counter::init(2);
    assert_eq!(counter.add(2), 4);
    assert_eq!(counter.get(), 4);
}

/// Tells a test what happens to it.
struct Witness(UnboundedSender<String>);

#[gen_server]
impl Witness {
    async fn init(
        told: UnboundedSender<String>,
        trap: Trap,
        ctx: &mut Context<Self>,
    ) -> Result<Self> {
        if told.is_closed() {
            return Err(Stop::ignore());
        }
        ctx.trap_exits(trap);
        Ok(Self(told))
    }
    fn tell(&self, text: impl Into<String>) {
        let _test_is_over = self.0.send(text.into());
    }
    #[continue_with]
    async fn load(&mut self) {
        self.tell("load");
    }
    #[info]
    fn loaded(&mut self, text: String) {
        self.tell(text);
    }
    #[call]
    fn watch(&mut self, pid: Pid, ctx: &mut Context<Self>) {
        ctx.monitor(pid);
    }
    #[call]
    fn load_later(&mut self, ctx: &mut Context<Self>, text: String) {
        ctx.send_after(Duration::from_millis(1), WitnessMessage::Loaded(text));
    }
    #[call]
    fn idle(&mut self, ctx: &mut Context<Self>) {
        ctx.set_timeout(Duration::from_millis(5));
    }
    #[down]
    fn gone(&mut self, down: fauxtp::Down) {
        self.tell(format!("down {}", down.reason));
    }
    #[exit]
    async fn broken(&self, ctx: &mut Context<Self>, exit: fauxtp::Exit) -> Result {
        self.tell(format!("exit {}", exit.reason));
        ctx.set_timeout(Duration::from_millis(5));
        Ok(())
    }
    #[timeout]
    fn nothing_came(&mut self) -> Result<(), NotDivisible> {
        self.tell("timeout");
        Err(NotDivisible)
    }
    fn terminate(&mut self, reason: &ExitReason) {
        self.tell(format!("terminate {reason:#}"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_reaches_a_server_by_itself_is_handled() -> Result {
    let (tell, mut told) = unbounded_channel();
    let witness = Witness::start((tell, Trap::On)).await?;
    assert_eq!(told.recv().await.as_deref(), Some("load"));
    witness.load_later("from a timer".to_owned()).await?;
    assert_eq!(told.recv().await.as_deref(), Some("from a timer"));

    let counter = Counter::start(0).await?;
    witness.watch(counter.pid()).await?;
    counter.pid().stop(ExitReason::shutdown(), None).await?;
    assert!(told.recv().await.expect("it tells").starts_with("down "));

    witness.pid().exit(ExitReason::shutdown());
    assert!(told.recv().await.expect("it tells").starts_with("exit "));
    assert_eq!(told.recv().await.as_deref(), Some("timeout"));
    assert!(told.recv().await.expect("it tells").contains("not divisible"));
    assert_eq!(told.recv().await, None);
    Ok(())
}

#[tokio::test]
async fn init_may_refuse() {
    let (tell, told) = unbounded_channel();
    drop(told);
    let refused = Witness::start((tell, Trap::Off)).await;
    assert!(matches!(refused, Err(fauxtp::StartError::Ignored)), "{refused:?}");
}

/// Answers when it is told to.
struct Desk {
    waiting: Vec<Reply<u32>>,
    strict: Vec<Reply<Result<u32, NotDivisible>>>,
}

#[gen_server]
impl Desk {
    fn init() -> Result<Self, NotDivisible> {
        Ok(Self { waiting: Vec::new(), strict: Vec::new() })
    }
    #[call]
    fn ticket(&mut self, from: Reply<u32>) {
        self.waiting.push(from);
    }
    #[call]
    async fn strict_ticket(&mut self, from: Reply<Result<u32, NotDivisible>>, weight: u32) {
        if weight == 0 { from.send(Err(NotDivisible)) } else { self.strict.push(from) }
    }
    #[cast]
    fn serve(&mut self, number: u32) {
        self.waiting.drain(..).for_each(|from| from.send(number));
        self.strict.drain(..).for_each(|from| from.send(Ok(number)));
    }
}

#[tokio::test]
async fn replies_can_be_kept() -> Result {
    let desk = Desk::start(()).await?;
    let serve = async {
        desk.serve(7);
        Ok(())
    };
    let (first, second, third, ()) = tokio::try_join!(
        desk.ticket(),
        desk.ticket(),
        async { Ok(desk.strict_ticket(1).await) },
        serve
    )?;
    assert_eq!((first, second, third), (7, 7, Ok(7)));
    assert_eq!(desk.strict_ticket(0).await, Err(CallError::Failed(NotDivisible)));
    Ok(())
}

/// Counts how often it ticks, slowly.
struct Clock {
    ticks: u32,
    slow: Duration,
}

#[gen_server]
impl Clock {
    const PERIOD: Duration = Duration::from_secs(1);

    fn init(slow: Duration) -> Self {
        Self { ticks: 0, slow }
    }
    #[tick(every = Self::PERIOD)]
    async fn tick(&mut self) -> Result {
        // sleep: a tick that takes long is what this is about
        tokio::time::sleep(self.slow).await;
        self.ticks += 1;
        if self.ticks == 10 { Err(Stop::normal()) } else { Ok(()) }
    }
    #[call]
    fn ticks(&self) -> u32 {
        self.ticks
    }
}

#[tokio::test(start_paused = true)]
async fn ticks_come_one_after_the_other() -> Result {
    // sleep: time itself is the subject
    use tokio::time::sleep;

    let quick = Clock::start(Duration::ZERO).await?;
    let slow = Clock::start(Duration::from_secs(2)).await?;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(quick.ticks().await?, 0);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(quick.ticks().await?, 6);
    assert_eq!(slow.ticks().await?, 2);
    assert!(process::join(&quick).await.is_normal());
    Ok(())
}

/// Is restarted under the same spec, which needs the arguments to be cloned.
#[tokio::test]
async fn specs_take_the_arguments() -> Result {
    let name = Name::<Counter>::from_string("spec".to_owned());
    let sup =
        Supervisor::new([Counter::spec(9).name(&name).restart(Restart::Permanent)]).start().await?;
    assert_eq!(name.get().await?, 9);
    sup.stop().await?;
    Ok(())
}
