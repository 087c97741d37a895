//! Supervisors below supervisors can be reached by whoever knows their names.

use fauxtp::SupervisorHandle;
use fauxtp::prelude::*;
use fauxtp::supervisor::DynamicSupervisorHandle;

struct Worker;

impl GenServer for Worker {
    type Args = ();
    type Message = ();

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        Ok(())
    }
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
    let inner = SupervisorHandle::of(inner).await.expect("is a supervisor");
    assert!(inner.child::<Worker>("leaf").resolve().is_some());
    let pool = sup.whereis("pool").expect("runs");
    let pool = DynamicSupervisorHandle::of(pool).expect("is a dynamic supervisor");
    assert!(pool.start_child(Worker::spec(())).await.is_ok());
    assert!(DynamicSupervisorHandle::of(inner.pid()).is_none());
    sup.stop().await.expect("stops");
}
