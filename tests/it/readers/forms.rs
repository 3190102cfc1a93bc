//! Queries and forms.

use serde_json::json;

use crate::support::{Ask, Server};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn a_query_and_a_form_are_read_alike() {
    let server = Server::app("readers");
    for (text, expected) in [
        ("q=green+tea&page=", json!({"q": "green tea", "page": null, "tags": []})),
        (
            "tags=a&q=%C3%A9&tags=7&page=2&column=5&from=5",
            json!({"q": "é", "page": 2, "tags": ["a", "7"], "column": "5", "from": 5}),
        ),
    ] {
        let query = server.ask(&Ask::get(format!("/search?{text}")));
        assert_eq!(query.assert_status(200).json(), expected, "{text}");
        let form = server.ask(&Ask::post("/search", text).header(FORM.0, FORM.1));
        assert_eq!(form.assert_status(200).json(), expected, "{text}");
    }
}

#[test]
fn what_does_not_fit_names_the_field() {
    let server = Server::app("readers");
    let query = server.ask(&Ask::get("/search?q=tea&page=two")).assert_problem(400);
    assert_eq!(query["field"], "page");
    let form = Ask::post("/search", "q=tea&page=-1").header(FORM.0, FORM.1);
    assert_eq!(server.ask(&form).assert_problem(422)["field"], "page");
}

#[test]
fn the_number_of_fields_and_the_depth_are_bounded() {
    let server = Server::app("readers");
    let fields = |count: usize| "a=1&".repeat(count - 1) + "q=tea";
    let form = |count| server.ask(&Ask::post("/search", fields(count)).header(FORM.0, FORM.1));
    form(1000).assert_status(200);
    assert_eq!(form(1001).assert_problem(413)["limit"], 1000);
    let query = server.ask(&Ask::get(format!("/search?{}", "a&".repeat(1001))));
    assert_eq!(query.assert_problem(400)["limit"], 1000);
    let nested = |depth: usize| {
        let text = "[".repeat(depth) + &"]".repeat(depth);
        server.ask(&Ask::post("/json", text).header("content-type", "application/json"))
    };
    nested(127).assert_status(200);
    nested(128).assert_problem(400);
    nested(1_000_000).assert_problem(400);
}
