//! Health and reflection in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fc_runtime::grpc::Messages;
use fc_runtime::{App, Error};
use prost::Message;
use tonic::Code;

use crate::apps::grpc::Text;
use testkit::PATIENCE;

#[derive(Clone, Copy, PartialEq, Message)]
struct Health {
    #[prost(int32, tag = "1")]
    status: i32,
}

const SERVING: Health = Health { status: 1 };
const NOT_SERVING: Health = Health { status: 2 };
const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

fn service(name: &str) -> Text {
    Text { text: name.to_owned() }
}

#[tokio::test]
async fn health_is_that_of_the_ready_checks() {
    let up = Arc::new(AtomicBool::new(true));
    let database = Arc::clone(&up);
    let client = App::new()
        .unary("/it.It/Echo", async |_, text: Text| Ok(text))
        .bidi("/other.Other/Chat", async |_, texts: Messages<Text>| Ok(texts))
        .post("/it.Http/Post", async |_| "no method")
        .ready_check("database", async move |_| {
            if database.load(Ordering::Relaxed) { Ok(()) } else { Err(Error::unavailable("down")) }
        })
        .grpc_health()
        .around(async |_, _| Err::<&str, _>(Error::unauthorized("probes need no key")))
        .test_client();
    for name in ["", "it.It", "other.Other", "grpc.health.v1.Health"] {
        assert_eq!(client.grpc(CHECK, [service(name)]).await.messages::<Health>(), [SERVING], "{name}");
    }
    for name in ["it.Http", "nope.Nope", "it"] {
        client.grpc(CHECK, [service(name)]).await.assert_code(Code::NotFound);
    }
    client.grpc("/it.It/Echo", [service("")]).await.assert_code(Code::Unauthenticated);

    let watch = async |body: &'static [u8]| {
        client.post(WATCH).header("content-type", "application/grpc-web").body(body).open().await
    };
    let mut known = watch(b"\x00\x00\x00\x00\x07\x0a\x05it.It").await;
    assert_eq!(known.piece().await.unwrap(), b"\x00\x00\x00\x00\x02\x08\x01"[..]);
    up.store(false, Ordering::Relaxed);
    let told = tokio::time::timeout(PATIENCE, known.piece()).await.expect("the change is told");
    assert_eq!(told.unwrap(), b"\x00\x00\x00\x00\x02\x08\x02"[..]);
    assert_eq!(client.grpc(CHECK, [service("")]).await.messages::<Health>(), [NOT_SERVING]);
    let mut unknown = watch(b"\x00\x00\x00\x00\x06\x0a\x04nope").await;
    assert_eq!(unknown.piece().await.unwrap(), b"\x00\x00\x00\x00\x02\x08\x03"[..]);
}

#[tokio::test]
async fn without_checks_all_is_well() {
    #[derive(Clone, PartialEq, Message)]
    struct List {
        #[prost(map = "string, message", tag = "1")]
        statuses: std::collections::HashMap<String, Health>,
    }
    let client = App::new().unary("/it.It/Echo", async |_, text: Text| Ok(text)).grpc_health().test_client();
    assert_eq!(client.grpc(CHECK, [service("it.It")]).await.messages::<Health>(), [SERVING]);
    let list = client.grpc("/grpc.health.v1.Health/List", [service("")]).await.messages::<List>().remove(0);
    let mut names: Vec<_> = list.statuses.into_iter().collect();
    names.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = ["", "grpc.health.v1.Health", "it.It"].map(|name| (name.to_owned(), SERVING));
    assert_eq!(names, expected);
}

#[derive(Clone, PartialEq, Message)]
struct Ask {
    #[prost(string, optional, tag = "3")]
    file: Option<String>,
    #[prost(string, optional, tag = "4")]
    symbol: Option<String>,
    #[prost(string, optional, tag = "7")]
    list: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Told {
    #[prost(message, optional, tag = "4")]
    files: Option<Files>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error: Option<Health>,
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Text>,
}

/// `a.proto` of the package `a`: a message with a field, an enum with a value, a service with a method. It depends on
/// `b.proto`, an empty file.
const A: &[u8] = b"\x0a\x07a.proto\x12\x01a\x1a\x07b.proto\x22\x0b\x0a\x01M\x12\x06\x0a\x04name\
    \x2a\x0a\x0a\x01E\x12\x05\x0a\x03ONE\x32\x0c\x0a\x01S\x12\x07\x0a\x05Greet";
const B: &[u8] = b"\x0a\x07b.proto";

#[tokio::test]
async fn reflection_finds_files_by_whatever_they_hold() {
    let set = Files { files: vec![B.to_vec(), A.to_vec()] }.encode_to_vec();
    let client = App::new().grpc_reflection(&set).test_client();
    for version in ["v1", "v1alpha"] {
        let method = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let symbols = ["a.M", "a.M.name", "a.E", "a.ONE", "a.S", "a.S.Greet"];
        let mut asks = vec![Ask { file: Some("a.proto".to_owned()), ..Ask::default() }];
        asks.extend(symbols.map(|name| Ask { symbol: Some(name.to_owned()), ..Ask::default() }));
        let told = client.grpc(&method, asks).await.assert_code(Code::Ok).messages::<Told>();
        assert_eq!(told.len(), 7);
        for told in told {
            assert_eq!(told.files.unwrap().files, [A, B], "the file, then what it depends on");
        }
        let list = Ask { list: Some(String::new()), ..Ask::default() };
        let nothing = Ask { symbol: Some("a.Nope".to_owned()), ..Ask::default() };
        let told = client.grpc(&method, [list, nothing]).await.messages::<Told>();
        let listed = ["a.S", REFLECTION[0], REFLECTION[1]].map(service);
        assert_eq!(told[0].services.as_ref().unwrap().services, listed);
        assert_eq!(told[1].error.unwrap().status, 5, "not found");
    }
}

const REFLECTION: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// Health and reflection are services like the author's: listed where they are answered, and with descriptors.
#[tokio::test]
async fn reflection_tells_of_health_and_itself() {
    let set = Files { files: vec![B.to_vec(), A.to_vec()] }.encode_to_vec();
    let health = "grpc.health.v1.Health";
    // An author's set may have the same services.
    let double = [&set[..], include_bytes!("../../../src/grpc/services.bin")].concat();
    let apps = [
        (App::new().grpc_reflection(&set), vec!["a.S", REFLECTION[0], REFLECTION[1]]),
        (App::new().grpc_reflection(&set).grpc_health(), vec!["a.S", health, REFLECTION[0], REFLECTION[1]]),
        (App::new().grpc_health().grpc_reflection(&set), vec!["a.S", health, REFLECTION[0], REFLECTION[1]]),
        (App::new().grpc_reflection(b"").grpc_health(), vec![health, REFLECTION[0], REFLECTION[1]]),
        (App::new().grpc_reflection(&double), vec!["a.S", health, REFLECTION[0], REFLECTION[1]]),
    ];
    for (app, expected) in apps {
        let client = app.test_client();
        for name in REFLECTION {
            let method = format!("/{name}/ServerReflectionInfo");
            let list = Ask { list: Some(String::new()), ..Ask::default() };
            let symbols =
                [health, "grpc.health.v1.HealthListResponse.StatusesEntry", REFLECTION[0], REFLECTION[1]];
            let symbols = symbols.map(|name| Ask { symbol: Some(name.to_owned()), ..Ask::default() });
            let told = client.grpc(&method, [&[list][..], &symbols].concat()).await.messages::<Told>();
            let listed: Vec<_> = expected.iter().map(|name| service(name)).collect();
            assert_eq!(told[0].services.as_ref().unwrap().services, listed);
            for (told, file) in
                told[1..].iter().zip(["health", "health", "reflection/v1/", "v1alpha/reflection"])
            {
                let [only] = &told.files.as_ref().expect("a file").files[..] else { panic!("{told:?}") };
                let name = String::from_utf8_lossy(&only[..60]).into_owned();
                assert!(name.contains(file), "{name}");
            }
        }
    }
}
