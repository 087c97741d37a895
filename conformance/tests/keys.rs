//! Registries and local names (REG-001 … REG-010, REG-016, REG-100).

mod puppet;

use fauxtp::names::{NameError, Raw};
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::registry::{RegisterError, UpdateError};
use puppet::{Log, Order, Puppet, act, end, note, puppet, settled};

async fn register<V>(
    puppet: &Puppet,
    registry: &Registry<String, V>,
    key: &'static str,
    value: V,
) -> std::result::Result<(), RegisterError>
where
    V: Clone + Send + Sync + 'static,
{
    let registry = registry.clone();
    act(puppet, move |ctx| registry.register(ctx, key, value)).await
}

#[tokio::test]
async fn reg_001_a_unique_key_has_one_holder() {
    let registry: Registry = Registry::start().await.expect("starts");
    let (a, b) = (puppet(&Log::default()), puppet(&Log::default()));
    assert_eq!(register(&a, &registry, "k", ()).await, Ok(()));
    let taken = Err(RegisterError::AlreadyRegistered(a.pid()));
    assert_eq!(register(&b, &registry, "k", ()).await, taken);
    assert_eq!(register(&a, &registry, "k", ()).await, taken, "not even twice by itself");
    assert_eq!(registry.get("k"), Some(a.pid()));
}

#[tokio::test]
async fn reg_002_a_duplicate_key_has_any_number_of_entries() {
    let registry: Registry<String, u8> = Registry::start_duplicate().await.expect("starts");
    let (a, b) = (puppet(&Log::default()), puppet(&Log::default()));
    for (who, value) in [(&a, 1), (&a, 2), (&b, 3)] {
        register(who, &registry, "k", value).await.expect("no limit");
    }
    let mut found = registry.lookup("k");
    found.sort_unstable();
    let mut expected = vec![(a.pid(), 1), (a.pid(), 2), (b.pid(), 3)];
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// also: REG-005
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reg_003_entries_go_with_their_process_before_anybody_knows() {
    let registry: Registry = Registry::start().await.expect("starts");
    for _ in 0..500 {
        let holder = puppet(&Log::default());
        register(&holder, &registry, "k", ()).await.expect("free");
        end(&holder, ExitReason::Normal);
        process::join(&holder).await;
        assert_eq!(registry.get("k"), None);
        assert_eq!(registry.count(), 0);
    }
}

/// also: REG-008
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reg_004_a_dying_holder_is_replaced_at_once_and_takes_nothing_of_its_successor() {
    let registry: Registry = Registry::start().await.expect("starts");
    for _ in 0..500 {
        let (old, new) = (puppet(&Log::default()), puppet(&Log::default()));
        register(&old, &registry, "k", ()).await.expect("free");
        old.pid().kill();
        register(&new, &registry, "k", ()).await.expect("the holder counts as dead");
        process::join(&old).await;
        assert_eq!(
            registry.get("k"),
            Some(new.pid()),
            "its late clean-up leaves the successor alone"
        );
        end(&new, ExitReason::Normal);
        process::join(&new).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reg_006_of_many_rivals_exactly_one_wins() {
    let registry: Registry = Registry::start().await.expect("starts");
    for round in 0..100 {
        let rivals: Vec<_> = (0..8)
            .map(|_| {
                let (registry, (told, heard)) = (registry.clone(), tokio::sync::oneshot::channel());
                let rival = process::spawn(async move |mut ctx: process::Context<()>| {
                    let _ = told.send(registry.register(&mut ctx, format!("k{round}"), ()).is_ok());
                    ctx.recv().await;
                });
                (rival.expect("spawns"), heard)
            })
            .collect();
        let mut won = 0;
        let mut all = Vec::new();
        for (rival, heard) in rivals {
            won += usize::from(heard.await.expect("told"));
            all.push(rival);
        }
        assert_eq!(won, 1);
        assert_eq!(registry.lookup(format!("k{round}").as_str()).len(), 1);
    }
}

#[tokio::test]
async fn reg_007_servers_start_and_are_called_under_a_key() {
    struct Echo;
    impl GenServer for Echo {
        type Args = ();
        type Message = Reply<u8>;
        async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
            Ok(Self)
        }
        async fn handle(&mut self, from: Reply<u8>, _: &mut Context<Self>) -> Result {
            from.send(4);
            Ok(())
        }
    }
    let registry: Registry = Registry::start().await.expect("starts");
    let via = registry.via::<Echo>("echo");
    assert_eq!(via.call(|from| from).await, Err(CallError::NoProc));
    let echo = Echo::start(()).via(&registry, "echo", ()).await.expect("starts");
    assert_eq!(via.call(|from| from).await, Ok(4));
    let again = Echo::start(()).via(&registry, "echo", ()).await;
    assert_eq!(again, Err(fauxtp::StartError::AlreadyStarted(echo.pid())));
}

/// also: REG-010
#[tokio::test]
async fn reg_009_unregistering_always_succeeds_and_values_are_told() {
    let registry: Registry<String, u8> = Registry::start_duplicate().await.expect("starts");
    let holder = puppet(&Log::default());
    for value in [1, 2, 3] {
        register(&holder, &registry, "k", value).await.expect("no limit");
    }
    register(&holder, &registry, "other", 9).await.expect("no limit");
    assert_eq!(registry.keys(holder.pid()).len(), 4);
    let shared = registry.clone();
    act(&holder, move |ctx| shared.unregister_match(ctx, "k", |value| *value == 2)).await;
    let mut values = registry.values("k", holder.pid());
    values.sort_unstable();
    assert_eq!(values, [1, 3]);
    let shared = registry.clone();
    act(&holder, move |ctx| {
        shared.unregister(ctx, "k");
        shared.unregister(ctx, "never there");
    })
    .await;
    assert_eq!(registry.select(|_, _, value| *value > 0), [("other".to_owned(), holder.pid(), 9)]);

    let unique: Registry<String, u8> = Registry::start().await.expect("starts");
    register(&holder, &unique, "k", 1).await.expect("free");
    let (shared, stranger) = (unique.clone(), puppet(&Log::default()));
    let refused =
        act(&stranger, move |ctx| shared.update_value(ctx, "k", |value| *value = 7)).await;
    assert_eq!(refused, Err(UpdateError::NotHeld));
    let shared = unique.clone();
    act(&holder, move |ctx| shared.update_value(ctx, "k", |value| *value += 1))
        .await
        .expect("its own");
    assert_eq!(unique.lookup("k"), [(holder.pid(), 2)]);
}

#[tokio::test]
async fn reg_013_a_registry_that_has_ended_accepts_nothing() {
    let registry: Registry = Registry::start().await.expect("starts");
    let holder = puppet(&Log::default());
    registry.pid().expect("started").kill();
    process::join(registry.pid().expect("started")).await;
    assert_eq!(register(&holder, &registry, "k", ()).await, Err(RegisterError::Closed));
}

#[tokio::test]
async fn reg_016_keys_are_equal_only_exactly() {
    let registry: Registry = Registry::start().await.expect("starts");
    let holder = puppet(&Log::default());
    register(&holder, &registry, "k", ()).await.expect("free");
    assert!(registry.get("K").is_none() && registry.get("k ").is_none());
}

#[tokio::test]
async fn reg_100_a_local_name_has_one_holder_and_a_process_one_name() {
    static A: Name<Raw<Order>> = Name::new("reg-100-a");
    static B: Name<Raw<Order>> = Name::new("reg-100-b");
    let log = Log::default();
    let (one, two) = (puppet(&log), puppet(&Log::default()));
    act(&one, |ctx| ctx.register(&A)).await.expect("free");
    assert_eq!(act(&two, |ctx| ctx.register(&A)).await, Err(NameError::Taken(one.pid())));
    assert_eq!(act(&one, |ctx| ctx.register(&B)).await, Err(NameError::HasName));
    assert_eq!(act(&two, |ctx| ctx.unregister(&A)).await, Err(NameError::NotHeld));
    A.send(Order::Note("by name".to_owned())).expect("held");
    settled(&one).await;
    assert_eq!(log.line(), "by name");
    act(&one, |ctx| ctx.unregister(&A)).await.expect("its own");
    assert!(A.whereis().is_none());
    act(&two, |ctx| ctx.register(&A)).await.expect("free again");
    note(&two, "x");
}
