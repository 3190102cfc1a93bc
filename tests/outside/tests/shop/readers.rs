//! What requests bring, and what replies may be, over sockets.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::served::Served;

const FORM: &str = "application/x-www-form-urlencoded";

async fn post(shop: &Served, path: &str, kind: &str, body: String) -> Response {
    shop.call(Method::POST, path).header("content-type", kind).body(body).send().await.unwrap()
}

async fn json(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn queries_and_forms_are_read_as_people_send_them() {
    let shop = Served::start().await;
    let text = "q=green+tea&page=&tags=a&tags=7&price=exactly&cents=250";
    let expected =
        json!({"q": "green tea", "page": null, "tags": ["a", "7"], "price": "exactly", "cents": 250});
    assert_eq!(json(shop.call(Method::GET, &format!("/read/search?{text}"))).await, (200, expected.clone()));
    let form = post(&shop, "/read/search", FORM, text.to_owned()).await;
    assert_eq!(form.json::<Value>().await.unwrap(), expected);
    let (status, problem) = json(shop.call(Method::GET, "/read/search?q=tea&price=any&page=two")).await;
    assert_eq!((status, &problem["field"]), (400, &json!("page")));
    for (query, expected) in
        [("row=2&shelf=7", json!({"row": 2, "shelf": 7})), ("name=7", json!({"name": "7"}))]
    {
        assert_eq!(json(shop.call(Method::GET, &format!("/read/place?{query}"))).await, (200, expected));
    }
    let many = post(&shop, "/read/search", FORM, "a=1&".repeat(1000) + "q=tea").await;
    assert_eq!(many.status(), 413);
    let deep = post(&shop, "/read/json", "application/json", "[".repeat(128) + &"]".repeat(128)).await;
    assert_eq!(deep.status(), 400);
}

#[tokio::test]
async fn mistakes_are_pointed_at_by_their_names_on_the_wire() {
    let shop = Served::start().await;
    let visit = json!({"fullName": "", "guests": 9}).to_string();
    let answer = post(&shop, "/read/visit", "application/json", visit).await;
    assert_eq!(answer.status(), 422);
    let problem: Value = answer.json().await.unwrap();
    let pointers = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]);
    assert_eq!(pointers.collect::<Vec<_>>(), ["#/fullName", "#/guests"]);
}

#[tokio::test]
async fn forms_with_files_are_bounded() {
    let shop = Served::start().await;
    let form = |parts: &[(&str, usize)]| {
        let part = |(name, length): &(&str, usize)| {
            let head =
                format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n");
            head + &"x".repeat(*length) + "\r\n"
        };
        parts.iter().map(part).collect::<String>() + "--b--\r\n"
    };
    let kind = "multipart/form-data; boundary=b";
    let taken = post(&shop, "/read/parts", kind, form(&[("a", 3), ("b", 70_000)])).await;
    assert_eq!(taken.json::<Value>().await.unwrap(), json!([["a", 3, true], ["b", 70_000, true]]));
    let many = post(&shop, "/read/parts", kind, form(&[("a", 1); 4])).await;
    assert_eq!(many.status(), 413);
    let large = post(&shop, "/read/parts", kind, form(&[("a", 1024 * 1024 + 1)])).await;
    assert_eq!(large.status(), 413);
}

#[tokio::test]
async fn cookies_come_back_and_nobody_else_can_make_them() {
    let shop = Served::start().await;
    let answer = shop.get("/read/login").await;
    let set = answer.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let pairs: Vec<_> = set.map(|line| line.split(';').next().unwrap()).collect();
    assert!(!pairs.iter().any(|pair| pair.contains("tea")), "{pairs:?}");
    let me = async |cookies: String| {
        let answer = shop.call(Method::GET, "/read/me").header("cookie", cookies).send().await.unwrap();
        answer.text().await.unwrap()
    };
    assert_eq!(me(pairs.join("; ")).await, "7 tea dark");
    assert_eq!(
        me(pairs.join("; ").replace("theme=dark", "theme=a").replace("user=", "user=x")).await,
        " tea a"
    );
}

#[tokio::test]
async fn replies_have_states_ranges_and_codings() {
    let shop = Served::start().await;
    std::fs::write(shop.files.path().join("list.txt"), "tea and salt").unwrap();
    let whole = shop.get("/read/files/list.txt").await;
    let etag = whole.headers()["etag"].clone();
    let part = shop.call(Method::GET, "/read/files/list.txt").header("range", "bytes=4-6");
    let part = part.header("if-range", &etag).send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap().as_str()), (206, "and"));
    let known = shop.call(Method::GET, "/read/files/list.txt").header("if-none-match", &etag);
    assert_eq!(known.send().await.unwrap().status(), 304);
    assert_eq!(shop.get("/read/files/../Cargo.toml").await.status(), 404);

    let etag = shop.get("/read/state").await.headers()["etag"].clone();
    let known = shop.call(Method::GET, "/read/state").header("if-none-match", etag);
    assert_eq!(known.send().await.unwrap().status(), 304);

    for coding in ["gzip", "br"] {
        let small = shop.call(Method::GET, "/read/small/text").header("accept-encoding", coding);
        let small = small.send().await.unwrap();
        assert_eq!(small.headers()["content-encoding"], coding);
        assert!(small.bytes().await.unwrap().len() < 1000);
    }
    let plain = shop.get("/read/small/text").await;
    assert_eq!(plain.text().await.unwrap(), "tea and salt, ".repeat(1000));
}

#[tokio::test]
async fn clients_choose_and_replies_are_what_handlers_return() {
    let shop = Served::start().await;
    let accepts = async |accepted: &str| {
        let answer = shop.call(Method::GET, "/read/negotiated").header("accept", accepted);
        let answer = answer.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(accepts("text/plain;q=0.9, application/json;q=0.8").await, (200, "tea".to_owned()));
    assert_eq!(accepts("application/*").await, (200, "\"tea\"".to_owned()));
    assert_eq!(accepts("image/png").await.0, 406);
    let none = shop.get("/read/none").await;
    assert_eq!((none.status().as_u16(), none.headers().get("content-length")), (204, None));
    let headers = shop.get("/read/headers").await;
    assert_eq!(
        (&headers.headers()["x-count"], &headers.headers()["x-name"]),
        (&"5".parse().unwrap(), &"tea".parse().unwrap())
    );
}
