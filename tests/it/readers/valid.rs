//! Values that are checked.

use serde_json::json;

use crate::support::{Ask, Server};

#[test]
fn all_mistakes_come_at_once() {
    let server = Server::app("readers");
    let post = |body: serde_json::Value| {
        server.ask(&Ask::post("/valid", body.to_string()).header("content-type", "application/json"))
    };
    post(json!({"name": "tea", "guests": 2})).assert_status(200);
    let problem = post(json!({"name": "", "guests": 9, "wishes": ["tea", "x"]})).assert_problem(422);
    let expected = json!([
        {"pointer": "#/guests", "detail": "greater than 8"},
        {"pointer": "#/name", "detail": "length is lower than 1"},
        {"pointer": "#/wishes/1", "detail": "length is lower than 2"},
    ]);
    assert_eq!(problem["errors"], expected, "{problem}");
    // What cannot be read at all is told by the reader.
    assert_eq!(post(json!({"name": "tea", "guests": -1})).assert_problem(422)["field"], "guests");
    let form = Ask::post("/valid/form", "name=tea&guests=0&wishes=a&wishes=bc");
    let problem =
        server.ask(&form.header("content-type", "application/x-www-form-urlencoded")).assert_problem(422);
    assert_eq!(problem["errors"][1]["pointer"], "#/wishes/0");
}
