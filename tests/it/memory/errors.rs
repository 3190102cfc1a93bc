//! Errors: what the client reads, what it does not, and who chooses the status.

use std::pin::Pin;
use std::task::{Context, Poll};

use fc_runtime::{App, Error, OrError, Result};
use serde_json::{Value, json};

#[tokio::test]
async fn a_problem_has_the_request_id_and_hides_its_cause() {
    let client = App::new()
        .get("/", async |_| -> Result<&str> {
            Err(std::io::Error::other("password=123"))?;
            Ok("never")
        })
        .test_client();
    let answer = client.get("/").header("x-fc-request-id", "1-a").await;
    answer.assert_status(500).assert_header("content-type", "application/problem+json");
    answer.assert_header("x-fc-status", "404");
    answer.assert_json(json!({
        "type": "about:blank", "title": "Internal Server Error", "status": 500,
        "detail": "internal error", "request_id": "1-a",
    }));
}

#[tokio::test]
async fn helpers_choose_the_status() {
    let client = App::new()
        .get("/none", async |_| Ok(None::<&str>.or_not_found("no such item")?))
        .get("/bad", async |_| Ok("x".parse::<u8>().or_bad_request("not a number")?.to_string()))
        .get("/other", async |_| {
            Ok(Err::<&str, _>(std::io::Error::other("hush")).or_error(502, "upstream is down")?)
        })
        .get("/coded", async |_| {
            Err::<&str, _>(Error::conflict("sold out").with_code("sold_out").with_member("left", 0))
        })
        .test_client();
    for (path, status, detail) in
        [("/none", 404, "no such item"), ("/bad", 400, "not a number"), ("/other", 502, "upstream is down")]
    {
        let answer = client.get(path).await;
        let problem: Value = answer.assert_status(status).json();
        assert_eq!((&problem["detail"], &problem["status"]), (&detail.into(), &status.into()));
        assert!(!answer.text().contains("hush"));
    }
    let problem: Value = client.get("/coded").await.assert_status(409).json();
    assert_eq!((&problem["code"], &problem["left"]), (&"sold_out".into(), &0.into()));
}

/// The platform's word about failure goes with 5xx alone: a 4xx is the function doing its work.
#[tokio::test]
async fn only_a_failure_of_the_function_tells_the_platform() {
    let client = App::new()
        .get("/404", async |_| Err::<&str, _>(Error::not_found("none")))
        .get("/503", async |_| Err::<&str, _>(Error::unavailable("later")))
        .get("/500", async |_| fc_runtime::StatusCode::INTERNAL_SERVER_ERROR)
        .test_client();
    assert!(client.get("/404").await.assert_status(404).headers.get("x-fc-status").is_none());
    client.get("/503").await.assert_status(503).assert_header("x-fc-status", "404");
    client.get("/500").await.assert_status(500).assert_header("x-fc-status", "404");
    let outside =
        App::new().get("/500", async |_| fc_runtime::StatusCode::INTERNAL_SERVER_ERROR).test_client();
    let outside = outside.with_instance(fc_runtime::Instance::from_vars([("HOME", "/")]));
    assert!(outside.get("/500").await.assert_status(500).headers.get("x-fc-status").is_none());
}

enum Mine {
    SoldOut,
    Unknown(u32),
}

impl From<Mine> for Error {
    fn from(mine: Mine) -> Self {
        match mine {
            Mine::SoldOut => Error::conflict("sold out"),
            Mine::Unknown(id) => Error::not_found(format!("no item {id}")),
        }
    }
}

#[tokio::test]
async fn an_error_type_of_the_authors_chooses_its_status() {
    fn find(id: u32) -> Result<&'static str, Mine> {
        match id {
            1 => Ok("tea"),
            2 => Err(Mine::SoldOut),
            id => Err(Mine::Unknown(id)),
        }
    }
    let client = App::new().get("/{id}", async |ex| Ok(find(ex.param("id")?)?)).test_client();
    client.get("/1").await.assert_status(200).assert_text("tea");
    client.get("/2").await.assert_status(409);
    let problem: Value = client.get("/3").await.assert_status(404).json();
    assert_eq!(problem["detail"], "no item 3");
}

#[derive(Debug)]
struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("pool of 10 is exhausted")
    }
}

impl std::error::Error for Busy {}

#[derive(Debug)]
struct Failed(Busy);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the order was not placed")
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test]
async fn on_error_maps_a_type_wherever_it_is_in_the_chain() {
    let client = App::new()
        .on_error(|_: &Busy| Error::unavailable("try again"))
        .get("/direct", async |_| -> Result<&str> { Err(Busy)? })
        .get("/wrapped", async |_| -> Result<&str> { Err(Failed(Busy))? })
        .get("/hidden", async |_| Err::<&str, _>(Error::new(502, "upstream").with_cause(Busy)))
        .get("/other", async |_| -> Result<&str> { Err(std::fmt::Error)? })
        .around(async |ex, next| {
            let reply = next.run(ex).await;
            let status = reply.status().as_u16();
            // Arounds see what the mapping chose.
            reply.with_header("x-seen", status)
        })
        .test_client();
    for path in ["/direct", "/wrapped", "/hidden"] {
        let answer = client.get(path).await;
        let problem: Value = answer.assert_status(503).assert_header("x-seen", "503").json();
        assert_eq!(problem["detail"], "try again");
        assert!(!answer.text().contains("pool"), "{}", answer.text());
    }
    client.get("/other").await.assert_status(500);
}

struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a drop");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_wherever_it_happens() {
    let client = App::new()
        .get("/late", async |_| -> &'static str {
            tokio::task::yield_now().await;
            panic!("hush")
        })
        .get("/around", async |_| "fine")
        .get("/drop", async |_| {
            let _bomb = Bomb;
            "fine"
        })
        .around(async |ex, next| {
            assert_ne!(ex.path(), "/around", "hush");
            next.run(ex).await
        })
        .test_client();
    for path in ["/late", "/around", "/drop"] {
        let answer = client.get(path).await;
        answer.assert_status(500).assert_header("content-type", "application/problem+json");
        answer.assert_header("x-fc-status", "404");
        assert!(!answer.text().contains("hush"), "{}", answer.text());
    }
}

/// Its reply is there already, and is not at fault.
#[tokio::test]
async fn a_panic_in_the_drop_of_a_handler_that_is_over_changes_nothing() {
    struct Over {
        _bomb: Bomb,
    }
    impl Future for Over {
        type Output = &'static str;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<&'static str> {
            Poll::Ready("fine")
        }
    }
    let client = App::new().get("/", |_| Over { _bomb: Bomb }).test_client();
    for _ in 0..2 {
        client.get("/").await.assert_status(200).assert_text("fine");
    }
}
