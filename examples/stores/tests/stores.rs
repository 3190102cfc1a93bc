//! Both stores do what the store in memory does, and two processes share them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fc_runtime::store::{Begun, MemoryStore, Store};
use fc_runtime::testing;
use stores::{RedisStore, SqliteStore};
use testkit::redis::Redis;
use testkit::{Ask, Folder, Launch, h1};
use tokio::task::JoinSet;

const MINUTE: Duration = Duration::from_secs(60);

async fn check(store: &impl Store) {
    let begin = async |holder: &str, lease| store.begin("order", holder, lease).await.unwrap();
    assert_eq!(begin("a", MINUTE).await, Begun::Yours);
    assert_eq!(begin("b", MINUTE).await, Begun::Running);
    // Somebody who does not hold the key changes nothing.
    store.release("order", "b").await.unwrap();
    store.complete("order", "b", b"wrong", MINUTE).await.unwrap();
    assert_eq!(begin("b", MINUTE).await, Begun::Running);
    store.release("order", "a").await.unwrap();
    assert_eq!(begin("b", Duration::from_millis(1)).await, Begun::Yours);
    // The lease ends.
    for _ in 0..1000 {
        if begin("c", MINUTE).await == Begun::Yours {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.complete("order", "c", b"{\"d\":\0}", MINUTE).await.unwrap();
    assert_eq!(begin("d", MINUTE).await, Begun::Done(b"{\"d\":\0}".to_vec().into()));
    store.release("order", "c").await.unwrap();
    assert_eq!(begin("d", MINUTE).await, Begun::Done(b"{\"d\":\0}".to_vec().into()));
    for count in 1..=3 {
        let hits = store.hit("client", MINUTE).await.unwrap();
        assert_eq!(hits.count, count);
        assert!(hits.resets_in <= MINUTE && hits.resets_in > Duration::from_secs(30), "{hits:?}");
    }
    assert_eq!(store.hit("other", Duration::from_millis(1)).await.unwrap().count, 1);
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if store.hit("other", Duration::from_millis(1)).await.unwrap().count == 1 {
            return;
        }
    }
    panic!("the window does not end");
}

/// Twenty callers at once: one is first.
async fn check_together(store: &'static impl Store) {
    let mut callers = JoinSet::new();
    for holder in 0..20 {
        callers.spawn(async move { store.begin("together", &holder.to_string(), MINUTE).await.unwrap() });
    }
    let begun = callers.join_all().await;
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Yours).count(), 1);
}

/// Apps with names of their own share the store and nothing else.
async fn check_namespaces<T: Store + Clone>(store: &T) {
    let (shop, blog) = (store.clone().namespaced("shop"), store.clone().namespaced("blog"));
    for app in [&shop, &blog] {
        assert_eq!(app.begin("named", "a", MINUTE).await.unwrap(), Begun::Yours);
        assert_eq!(app.begin("named", "b", MINUTE).await.unwrap(), Begun::Running);
        assert_eq!(app.hit("named client", MINUTE).await.unwrap().count, 1);
    }
    shop.complete("named", "a", b"paid", MINUTE).await.unwrap();
    assert_eq!(shop.begin("named", "c", MINUTE).await.unwrap(), Begun::Done("paid".into()));
    assert_eq!(store.clone().namespaced("shop").hit("named client", MINUTE).await.unwrap().count, 2);
    blog.release("named", "a").await.unwrap();
    assert_eq!(blog.begin("named", "c", MINUTE).await.unwrap(), Begun::Yours);
    assert_eq!(store.begin("named", "d", MINUTE).await.unwrap(), Begun::Yours);
}

/// Two instances: a key is worked on once in both, and a limit counts both.
fn check_instances(store: &str) {
    let instance = || {
        let launch = Launch::new(PathBuf::from(env!("CARGO_BIN_EXE_stores"))).var("STORE", store);
        launch.start_on_port("FC_CUSTOM_LISTEN_PORT")
    };
    let ((_one, first), (_other, second)) = (instance(), instance());
    let order = |port: u16, key: &str| {
        h1::Conn::open(port).ask(&Ask::post("/orders", "").header("idempotency-key", key))
    };
    assert_eq!(order(first, "x").assert_status(201).text(), "1");
    assert_eq!(order(second, "x").assert_status(201).text(), "1");
    assert_eq!(order(second, "y").assert_status(201).text(), "1");
    order(first, "z").assert_status(429);
    order(second, "z").assert_status(429);
}

#[test]
fn memory_is_the_model() {
    testing::run(async {
        check(&MemoryStore::new()).await;
        check_namespaces(&Arc::new(MemoryStore::new())).await;
    });
}

#[test]
fn sqlite_is_a_store() {
    let folder = Folder::new();
    let store: &'static SqliteStore =
        Box::leak(Box::new(SqliteStore::open(folder.file("store.db")).unwrap()));
    testing::run(async {
        check(store).await;
        check_together(store).await;
        check_namespaces(store).await;
        store.sweep().await.unwrap();
    });
    check_instances(folder.file("instances.db").to_str().unwrap());
}

/// Has the server close the connections of its clients.
fn end_connections(port: u16) {
    let mut socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.write_all(b"CLIENT KILL TYPE normal SKIPME yes\r\n").unwrap();
    let mut answer = [0; 16];
    let length = socket.read(&mut answer).unwrap();
    assert!(length > 1 && answer[0] == b':' && answer[1] != b'0', "{:?}", &answer[..length]);
}

#[test]
#[ignore = "needs redis-server"]
fn redis_is_a_store() {
    let redis = Redis::start();
    let address = redis.address();
    let shared: &'static Arc<RedisStore> = Box::leak(Box::new(Arc::new(RedisStore::open(&address).unwrap())));
    let store: &'static RedisStore = shared;
    testing::run(async {
        check(store).await;
        check_together(store).await;
        check_namespaces(shared).await;
        // As after a long freeze.
        end_connections(redis.port());
        assert_eq!(store.hit("thawed", MINUTE).await.unwrap().count, 1);
    });
    check_instances(&address);
}
