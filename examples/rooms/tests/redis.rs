//! Two processes' worth of rooms with a real Redis, which is stopped, started again, and loses what it had.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use fc_runtime::{Message, Metrics, testing};
use rooms::{Id, Rooms, Seat, Settings};
use serde_json::{Value, json};
use testkit::redis::Redis;
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinSet;

/// What the server answers to a command.
async fn ask(redis: &Redis, command: &[&str]) -> redis::Value {
    let client = redis::Client::open(redis.address()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut asked = redis::cmd(command[0]);
    command[1..].iter().for_each(|part| {
        asked.arg(part);
    });
    asked.query_async(&mut connection).await.unwrap()
}

/// The rooms of one instance.
fn instance(redis: &Redis, kept: usize) -> Rooms {
    Rooms::open(&redis.address(), Settings { kept, ..Settings::default() }, &Metrics::new()).unwrap()
}

/// Somebody in a room.
struct Listener {
    _seat: Seat,
    missed: std::vec::IntoIter<Message>,
    live: Receiver<Message>,
}

async fn listen(rooms: &Rooms, after: Option<Id>) -> Listener {
    let seat = rooms.enter("tea").await.unwrap();
    let (missed, live) = seat.messages(after).unwrap();
    Listener { _seat: seat, missed: missed.into_iter(), live }
}

impl Listener {
    async fn next(&mut self) -> Value {
        let live = async { self.live.recv().await.unwrap() };
        let message = match self.missed.next() {
            Some(message) => message,
            None => tokio::time::timeout(Duration::from_secs(60), live).await.expect("something is heard"),
        };
        message.to_json().unwrap()
    }

    #[track_caller]
    fn hears(&mut self, text: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let heard = self.next().await;
            assert_eq!(heard["line"]["text"], text, "{heard} at {place}");
        }
    }
}

#[test]
fn instances_hear_each_other_and_a_listener_may_change_its_instance() {
    testing::run(async {
        let redis = Redis::start();
        let (one, two) = (instance(&redis, 10), instance(&redis, 10));
        let mut here = listen(&one, None).await;
        let mut there = listen(&two, None).await;
        let first = one.say("tea", "one").await.unwrap();
        two.say("tea", "two").await.unwrap();
        one.say("coffee", "elsewhere").await.unwrap();
        for listener in [&mut here, &mut there] {
            listener.hears("one").await;
            listener.hears("two").await;
        }
        drop(here);
        let third = two.say("tea", "three").await.unwrap();
        assert_eq!(third.to_string().rsplit_once('-').unwrap().1, "3");
        // As after the end of an instance: the last id is known to each other one, and to one that had no listener.
        for rooms in [&two, &instance(&redis, 10)] {
            let mut back = listen(rooms, Some(first)).await;
            back.hears("two").await;
            back.hears("three").await;
        }
    });
}

#[test]
fn what_is_said_while_an_instance_is_cut_off_is_read_or_counted() {
    testing::run(async {
        let redis = Redis::start();
        let (one, two) = (instance(&redis, 10), instance(&redis, 10));
        let mut here = listen(&one, None).await;
        two.say("tea", "before").await.unwrap();
        here.hears("before").await;
        // Connections break, and those who wait for announcements do not hear them.
        for killed in ["one", "two", "three"] {
            ask(&redis, &["CLIENT", "KILL", "TYPE", "pubsub"]).await;
            two.say("tea", killed).await.unwrap();
        }
        let mut lines = Vec::new();
        while lines.len() < 3 {
            let heard = here.next().await;
            assert!(heard["gap"].is_null(), "{heard}");
            lines.extend(heard["line"]["text"].as_str().map(str::to_owned));
        }
        assert_eq!(lines, ["one", "two", "three"]);
        // Two lines that are not announced, and pushed out by the next one, which is.
        let (one, two) = (instance(&redis, 1), instance(&redis, 1));
        let mut here = listen(&one, None).await;
        let last = two.say("tea", "heard").await.unwrap().to_string();
        here.hears("heard").await;
        let (history, number) = last.split_once('-').unwrap();
        for more in 1..=2 {
            let id = format!("{history}-{}", number.parse::<u64>().unwrap() + more);
            ask(&redis, &["XADD", "rooms:tea", "MAXLEN", "=", "1", &id, "token", &id, "text", "lost"]).await;
        }
        two.say("tea", "last").await.unwrap();
        assert_eq!(here.next().await, json!({"gap": {"missed": 2}}));
        here.hears("last").await;
    });
}

#[test]
fn while_redis_is_away_nothing_is_taken_and_nobody_is_left_in_doubt() {
    testing::run(async {
        let mut redis = Redis::start();
        let (one, two) = (instance(&redis, 10), instance(&redis, 10));
        let mut here = listen(&one, None).await;
        two.say("tea", "before").await.unwrap();
        here.hears("before").await;
        redis.stop();
        assert_eq!(here.next().await, json!("away"));
        let refused = two.say("tea", "into the void").await.unwrap_err();
        assert_eq!(refused.status(), 503, "{refused:?}");
        assert!(one.ping().await.is_err());
        // Nobody of the second instance was in the room: what was said is not known there.
        assert_eq!(two.enter("tea").await.unwrap_err().status(), 503);
        // Who is in the room knows it.
        let mut late = listen(&one, Some(Id::NONE)).await;
        late.hears("before").await;
        assert_eq!(late.next().await, json!("away"));
        redis.start_again();
        assert_eq!(here.next().await, json!("back"));
        one.say("tea", "after").await.unwrap();
        here.hears("after").await;
    });
}

#[test]
fn a_redis_that_comes_back_with_nothing_is_a_gap_of_unknown_size() {
    testing::run(async {
        let mut redis = Redis::start();
        let (one, two) = (instance(&redis, 10), instance(&redis, 10));
        let mut here = listen(&one, None).await;
        let last = two.say("tea", "before").await.unwrap();
        here.hears("before").await;
        redis.stop();
        assert_eq!(here.next().await, json!("away"));
        redis.forget();
        redis.start_again();
        assert_eq!(here.next().await, json!({"gap": {"missed": null}}));
        assert_eq!(here.next().await, json!("back"));
        two.say("tea", "after").await.unwrap();
        here.hears("after").await;
        // Somebody who comes with an id of the lost history.
        let mut back = listen(&two, Some(last)).await;
        assert_eq!(back.next().await, json!({"gap": {"missed": null}}));
        back.hears("after").await;
    });
}

#[test]
fn calls_do_not_wait_for_each_other_at_a_silent_redis() {
    testing::run(async {
        // The kernel takes connections, and nobody answers.
        let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("redis://{}", silent.local_addr().unwrap());
        let rooms = Arc::new(Rooms::open(&address, Settings::default(), &Metrics::new()).unwrap());
        let mut calls = JoinSet::new();
        for _ in 0..40 {
            let rooms = Arc::clone(&rooms);
            calls.spawn(async move { rooms.say("tea", "into the void").await.unwrap_err().status() });
        }
        // One after the other they would take minutes.
        let statuses = tokio::time::timeout(Duration::from_secs(60), calls.join_all()).await;
        assert!(statuses.expect("each wait has an end").iter().all(|status| *status == 503));
    });
}
