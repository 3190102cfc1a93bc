//! Routes, groups, arounds, parameters and queries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fc_runtime::{App, Exchange, Group, Json, Method, Next, Reply, StatusCode, at};
use serde::Deserialize;

#[tokio::test]
async fn every_method_has_its_word_and_any_takes_the_rest() {
    let client = App::new()
        .get("/x", async |_| "get")
        .post("/x", async |_| "post")
        .put("/x", async |_| "put")
        .patch("/x", async |_| "patch")
        .delete("/x", async |_| "delete")
        .options("/x", async |_| "options")
        .on(Method::from_bytes(b"PURGE").unwrap(), "/x", async |_| "purge")
        .get("/any", async |_| "get")
        .any("/any", async |ex| ex.method().to_string())
        .test_client();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = client.call(method.clone(), "/x").await;
        answer.assert_status(200).assert_text(&method.as_str().to_lowercase());
    }
    client.get("/any").await.assert_text("get");
    for method in [Method::POST, Method::OPTIONS, Method::TRACE, Method::HEAD] {
        let answer = client.call(method.clone(), "/any").await;
        answer.assert_status(200);
        if method != Method::HEAD {
            answer.assert_text(method.as_str());
        }
    }
}

#[tokio::test]
async fn head_may_have_a_handler_of_its_own() {
    let client = App::new()
        .head("/x", async |_| (StatusCode::OK, [("x-from", "head")], ""))
        .get("/x", async |_| "get")
        .test_client();
    client.call(Method::HEAD, "/x").await.assert_status(200).assert_header("x-from", "head");
    client.get("/x").await.assert_text("get");
}

#[tokio::test]
async fn groups_nest_and_their_prefixes_join() {
    fn users(group: Group) -> Group {
        group
            .get("/", async |ex| ex.pattern().to_owned())
            .get("/{id}", async |ex| ex.pattern().to_owned())
            .group("/{id}/posts", |posts| {
                posts.get("/{post}", async |ex| {
                    Ok(format!("{}:{}", ex.param::<u8>("id")?, ex.param::<u8>("post")?))
                })
            })
    }
    let client = App::new().group("/users", users).test_client();
    client.get("/users").await.assert_text("/users");
    client.get("/users/7").await.assert_text("/users/{id}");
    client.get("/users/7/posts/9").await.assert_text("7:9");
    client.get("/posts/9").await.assert_status(404);
}

type Steps = Arc<Mutex<Vec<&'static str>>>;

/// An around that writes down when it is entered and left.
async fn step(steps: Steps, names: (&'static str, &'static str), ex: Exchange, next: Next) -> Reply {
    steps.lock().unwrap().push(names.0);
    let reply = next.run(ex).await;
    steps.lock().unwrap().push(names.1);
    reply
}

#[tokio::test]
async fn arounds_wrap_from_the_outside_in_whatever_was_declared_first() {
    let steps = Steps::default();
    let of = |names: (&'static str, &'static str)| {
        let steps = Arc::clone(&steps);
        async move |ex: Exchange, next: Next| step(Arc::clone(&steps), names, ex, next).await
    };
    let client = App::new()
        .get("/outside", async |_| "outside")
        .group("/in", |group| group.get("/side", async |_| "inside").around(of(("group", "group."))))
        .around(of(("first", "first.")))
        .around(of(("second", "second.")))
        .fallback(async |_| (404, "nothing"))
        .test_client();
    client.get("/in/side").await.assert_text("inside");
    assert_eq!(*steps.lock().unwrap(), ["first", "second", "group", "group.", "second.", "first."]);
    steps.lock().unwrap().clear();
    client.get("/outside").await.assert_text("outside");
    assert_eq!(*steps.lock().unwrap(), ["first", "second", "second.", "first."]);
    steps.lock().unwrap().clear();
    client.get("/nothing").await.assert_status(404).assert_text("nothing");
    assert_eq!(
        *steps.lock().unwrap(),
        ["first", "second", "second.", "first."],
        "the fallback is wrapped too"
    );
}

#[tokio::test]
async fn an_around_may_answer_itself_and_see_errors_as_replies() {
    let client = App::new()
        .get("/open", async |_| Err::<&str, _>(fc_runtime::Error::conflict("sold out")))
        .get("/shut", async |_| "never")
        .around(async |ex, next| {
            if ex.path() == "/shut" {
                return Reply::new("no").with_status(403);
            }
            let reply = next.run(ex).await;
            let told = reply.error().map_or("none".to_owned(), |error| error.message().to_owned());
            reply.with_header("x-error", told)
        })
        .test_client();
    client.get("/shut").await.assert_status(403).assert_text("no");
    client.get("/open").await.assert_status(409).assert_header("x-error", "sold out");
}

#[tokio::test]
async fn an_around_hands_values_to_the_handler() {
    #[derive(Clone, Debug, PartialEq)]
    struct User(&'static str);
    let client = App::new()
        .get("/me", async |ex| {
            assert_eq!(ex.value::<u8>(), None);
            ex.value::<User>().map_or("nobody", |user| user.0)
        })
        .around(async |mut ex: Exchange, next| {
            if ex.header("authorization").is_some() {
                ex.insert(User("first"));
                ex.insert(User("ada"));
            }
            next.run(ex).await
        })
        .test_client();
    client.get("/me").header("authorization", "x").await.assert_text("ada");
    client.get("/me").await.assert_text("nobody");
}

#[tokio::test]
async fn parameters_are_decoded_once_and_parsed() {
    let client = App::new()
        .get("/text/{x}", async |ex| Ok(ex.param::<String>("x")?))
        .get("/number/{x}", async |ex| Ok(ex.param::<u8>("x")?.to_string()))
        .get("/rest/{*x}", async |ex| Ok(ex.param::<String>("x")?))
        .get("/wrong/{x}", async |ex| Ok(ex.param::<String>("y")?))
        .test_client();
    client.get("/text/a%20b").await.assert_text("a b");
    client.get("/text/a+b").await.assert_text("a+b");
    client.get("/text/%252F").await.assert_text("%2F");
    client.get("/text/a%2Fb").await.assert_text("a/b");
    client.get("/text/%E6%BC%A2").await.assert_text("\u{6f22}");
    client.get("/text/%ff").await.assert_status(400);
    client.get("/text/100%").await.assert_text("100%");
    client.get("/number/255").await.assert_text("255");
    let problem: serde_json::Value = client.get("/number/256").await.assert_status(400).json();
    assert!(problem["detail"].as_str().unwrap().contains("\"x\""), "{problem}");
    client.get("/rest/a/b%20c/d").await.assert_text("a/b c/d");
    client.get("/rest/").await.assert_status(404);
    let answer = client.get("/wrong/7").await;
    answer.assert_status(500);
    assert!(!answer.text().contains("/wrong/"), "the author's mistake is for the log: {}", answer.text());
}

#[derive(Deserialize)]
struct Page {
    page: u32,
    #[serde(default)]
    tag: Option<String>,
}

#[tokio::test]
async fn queries_are_read_by_type_and_errors_name_the_field() {
    let client = App::new()
        .get("/page", async |ex| {
            let Page { page, tag } = ex.query()?;
            Ok(format!("{page} {tag:?}"))
        })
        .get("/map", async |ex| Ok(Json(ex.query::<HashMap<String, String>>()?.len())))
        .test_client();
    client.get("/page?page=3").await.assert_text("3 None");
    client.get("/page?tag=a+b%26c&page=3").await.assert_text("3 Some(\"a b&c\")");
    let problem: serde_json::Value = client.get("/page?page=x").await.assert_status(400).json();
    assert_eq!(problem["field"], "page");
    let problem: serde_json::Value = client.get("/page").await.assert_status(400).json();
    assert!(problem["detail"].as_str().unwrap().contains("`page`"), "{problem}");
    client.get("/map?a=1&b=2").await.assert_text("2");
    client.get("/map").await.assert_text("0");
}

#[tokio::test]
async fn headers_and_cookies_are_read() {
    let client = App::new()
        .get("/", async |ex| {
            format!("{:?} {:?} {:?}", ex.header("X-One"), ex.cookie("sid"), ex.cookie("none"))
        })
        .test_client();
    let answer = client.get("/").header("x-one", "1").header("cookie", "a=b; sid=x=y").await;
    answer.assert_text("Some(\"1\") Some(\"x=y\") None");
}

#[tokio::test]
async fn captures_and_state_are_shared_by_all_requests() {
    let name = String::from("tea");
    let app = App::with_state(vec![1, 2, 3])
        .get("/", async move |ex: Exchange<Vec<i32>>| format!("{name} {}", ex.state().len()))
        .get(at("/arc"), async |ex: Exchange<Vec<i32>>| ex.state_arc().len().to_string());
    let client = app.test_client();
    client.get("/").await.assert_text("tea 3");
    client.get("/").await.assert_text("tea 3");
    client.get("/arc").await.assert_text("3");
}

#[tokio::test]
async fn a_fallback_answers_unknown_paths_and_leaves_405_alone() {
    let client = App::new()
        .post("/x", async |_| "post")
        .fallback(async |ex| (StatusCode::IM_A_TEAPOT, ex.path().to_owned()))
        .test_client();
    client.get("/no/such").await.assert_status(418).assert_text("/no/such");
    client.get("/x").await.assert_status(405).assert_header("allow", "POST, OPTIONS");
}
