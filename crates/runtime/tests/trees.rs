//! The shortest proof that supervisors start, restart and stop real processes.

use std::sync::Arc;
use std::sync::Mutex;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{ChildState, Restart};

struct Worker;

enum Message {
    Who(Reply<Pid>),
    Crash,
}

impl GenServer for Worker {
    type Args = ();
    type Message = Message;
    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }
    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        match message {
            Message::Who(from) => from.send(ctx.pid()),
            Message::Crash => panic!("crash"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn the_contract_example_holds() {
    let registry = Registry::start().await.expect("starts");
    let exits = Arc::new(Mutex::new(Vec::new()));
    let sup = Supervisor::new([
        ChildSpec::new::<Worker>("worker-1", ()),
        ChildSpec::new::<Worker>("worker-2", ()),
    ])
    .strategy(RestartStrategy::OneForOne)
    .registry(&registry)
    .on_exit({
        let exits = exits.clone();
        move |pid, reason| exits.lock().unwrap().push((pid, reason.clone()))
    })
    .start()
    .await
    .expect("starts");
    let first = registry.get("worker-1").expect("registered");
    let worker = registry.address::<Worker>("worker-1").expect("typed");
    assert_eq!(worker.call(Message::Who).await, Ok(first));
    worker.cast(Message::Crash);
    let reason = process::join(first).await;
    assert!(reason.is_error());
    let children = sup.which_children().await.expect("answers");
    assert!(matches!(children[1].state, ChildState::Running(pid) if pid != first), "{children:?}");
    let second = registry.get("worker-1").expect("registered again");
    assert_ne!(second, first);
    assert_eq!(exits.lock().unwrap().len(), 1);
    sup.stop().await.expect("stops");
    assert_eq!(registry.count(), 0);
    assert_eq!(exits.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn pools_and_tasks_and_trees_work() {
    let sup = Supervisor::new([
        ChildSpec::supervisor("inner", || {
            Supervisor::new([ChildSpec::task("forever", std::future::pending::<()>)])
        }),
        ChildSpec::dynamic_supervisor("pool", DynamicSupervisor::new),
    ])
    .start()
    .await
    .expect("starts");
    assert!(sup.registry().get("inner").is_some());
    let pool = DynamicSupervisor::new().max_children(2).start().await.expect("starts");
    let a = pool.start_child(Worker::spec(())).await.expect("starts").expect("not ignored");
    let _b = pool.start_child(Worker::spec(()).restart(Restart::Temporary)).await.expect("starts");
    assert!(pool.start_child(Worker::spec(())).await.is_err());
    a.exit(ExitReason::custom("die"));
    process::join(a).await;
    let counts = pool.count_children().await.expect("answers");
    assert_eq!(counts.specs, 2);
    pool.stop().await.expect("stops");
    sup.stop().await.expect("stops");
    assert!(sup.registry().get("inner").is_none());
}

#[tokio::test]
async fn a_nested_supervisor_can_be_reached() {
    let sup = Supervisor::new([
        ChildSpec::supervisor("inner", || Supervisor::new([Worker::spec(()).id("leaf")])),
        ChildSpec::dynamic_supervisor("pool", DynamicSupervisor::new),
    ])
    .start()
    .await
    .expect("starts");
    let inner = sup.whereis("inner").expect("runs");
    let inner = fauxtp::SupervisorHandle::of(inner).await.expect("is a supervisor");
    assert!(inner.child::<Worker>("leaf").is_some());
    let pool = sup.whereis("pool").expect("runs");
    let pool =
        fauxtp::supervisor::DynamicSupervisorHandle::of(pool).expect("is a dynamic supervisor");
    assert!(pool.start_child(Worker::spec(())).await.is_ok());
    assert!(fauxtp::supervisor::DynamicSupervisorHandle::of(inner.pid()).is_none());
    sup.stop().await.expect("stops");
}
