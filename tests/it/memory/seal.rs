//! Mistakes in an app: all of them at once, each with its line, before anything starts.

use fc_runtime::{App, MIB, at};
use tokio::task::JoinSet;

/// What a start of this app says.
async fn refusal(app: App) -> String {
    let client = app.test_client();
    let mut started = JoinSet::new();
    started.spawn(async move { client.get("/").await });
    let panic = started.join_next().await.unwrap().expect_err("the app has mistakes").into_panic();
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[tokio::test]
async fn all_mistakes_are_told_with_their_lines() {
    let first = line!() + 2;
    let app = App::new()
        .get("users", async |_| "no slash")
        .get("/users/:id", async |_| "old style")
        .get("/{a}/{a}", async |_| "twice")
        .get("/open/{brace", async |_| "not closed")
        .get("/same", async |_| "first")
        .get("/same", async |_| "second")
        .get("/x/{id}", async |_| "one")
        .get("/x/{name}", async |_| "the same paths")
        .post(at("/much").body_limit(33 * MIB), async |_| "beyond the platform")
        .group("/group", |group| group.get("/{*rest}/more", async |_| "rest is not last"));
    let text = refusal(app).await;
    let mistakes = [
        (0, "users"),
        (1, "{id}"),
        (2, "two parameters"),
        (3, "/open/{brace"),
        (5, "declared before"),
        (7, "same paths"),
        (8, "32 MiB"),
        (9, "/group/{*rest}/more"),
    ];
    assert!(text.contains(&format!("{} mistakes", mistakes.len())), "{text}");
    for (offset, part) in mistakes {
        let place = format!("seal.rs:{}:", first + offset);
        let line =
            text.lines().find(|line| line.contains(&place)).unwrap_or_else(|| panic!("{place} in {text}"));
        assert!(line.contains(part), "{part:?} in {line}");
    }
    assert!(text.contains(&format!("first at tests/it/memory/seal.rs:{}:", first + 4)), "{text}");
}

#[tokio::test]
async fn second_fallbacks_and_event_handlers_are_mistakes() {
    let app = App::new()
        .fallback(async |_| "one")
        .fallback(async |_| "two")
        .event(async |_| "one")
        .event(async |_| "two");
    let text = refusal(app).await;
    assert!(text.contains("second fallback") && text.contains("second event handler"), "{text}");
}

#[tokio::test]
async fn a_state_that_cannot_be_opened_is_told() {
    let app = App::with_state_from(async |instance: fc_runtime::Instance| {
        instance.var("NO_SUCH_VARIABLE")?;
        Ok(())
    });
    let text = refusal(app).await;
    assert!(text.contains("NO_SUCH_VARIABLE is not set") && text.contains("seal.rs:"), "{text}");
}

/// Each setting that can be wrong is told with the line that sets it.
#[tokio::test]
async fn a_wrong_setting_is_told_with_its_line() {
    let line = line!() + 3;
    let text = refusal(
        App::new()
            .health_path("healthz")
            .ready_path("/ready?now")
            .cors(fc_runtime::Cors::allow("shop.example"))
            .base_path("x/"),
    )
    .await;
    for (at, what) in [
        (0, "the health path \"healthz\""),
        (1, "the health path \"/ready?now\""),
        (2, "the CORS policy"),
        (3, "the base path \"x\" has to be a path that starts with \"/\""),
    ] {
        let expected = format!("seal.rs:{}:", line + at);
        let told = text.lines().find(|told| told.contains(what));
        assert!(told.is_some_and(|told| told.contains(&expected)), "{what} at {expected} in {text}");
    }
    let text = refusal(App::new().health_path("/readyz")).await;
    assert!(
        text.contains("live and ready cannot both be at \"/readyz\"") && text.contains("seal.rs"),
        "{text}"
    );
    let text = refusal(App::new().ready_path("/healthz")).await;
    assert!(
        text.contains("live and ready cannot both be at \"/healthz\"") && text.contains("seal.rs"),
        "{text}"
    );
}

#[tokio::test]
async fn a_set_of_descriptors_that_is_none_is_told() {
    let text = refusal(App::new().grpc_reflection(b"\xff\xff")).await;
    assert!(text.contains("the set of descriptors for reflection") && text.contains("seal.rs"), "{text}");
}

/// What `main` prints: the mistake itself, and never the words that hide a cause from clients.
#[tokio::test]
async fn a_start_that_fails_says_why_in_its_first_line() {
    let start = async |app: App<u8>| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("{:?}", app.serve(listener).await.unwrap_err())
    };
    let mistaken = start(App::with_state(0).get("users", async |_| "no slash")).await;
    assert!(mistaken.starts_with("the app has 1 mistake\n"), "{mistaken}");
    assert_eq!(mistaken.matches("has to start with").count(), 1, "{mistaken}");
    let unopened = start(App::with_state_from(async |_| Ok("many".parse()?))).await;
    assert!(unopened.starts_with("invalid digit found in string\n  at "), "{unopened}");
    assert!(unopened.contains("seal.rs"), "{unopened}");
}

/// No call of gRPC can come to such a path.
#[tokio::test]
async fn a_grpc_method_without_a_service_is_a_mistake() {
    let line = line!() + 2;
    let app = App::new()
        .unary("/no", async |_, (): ()| Ok(()))
        .server_stream("/no/", async |_, (): ()| {
            Ok(futures_util::stream::iter([fc_runtime::Result::<()>::Ok(())]))
        })
        .unary("/shop.Orders/Get", async |_, (): ()| Ok(()))
        .group("/behind/a/prefix", |group| group.unary("/Get", async |_, (): ()| Ok(())));
    let text = refusal(app).await;
    assert!(text.contains("2 mistakes"), "{text}");
    for (at, pattern) in [(0, "/no"), (1, "/no/")] {
        let expected =
            format!("the route {pattern:?}: a gRPC method is at a path such as \"/package.Service/Method\"");
        let told = text.lines().find(|told| told.contains(&expected));
        assert!(told.is_some_and(|told| told.contains(&format!("seal.rs:{}:", line + at))), "{text}");
    }
}

/// One slash, or none, is the root, and not told.
#[tokio::test]
async fn a_base_path_may_be_the_root() {
    for prefix in ["", "/", "/shop/"] {
        let client =
            App::new().base_path(prefix).get("/", async |ex| ex.base_path().to_owned()).test_client();
        client.get("/").await.assert_text(prefix.trim_end_matches('/'));
    }
}
