//! What the client accepts.

use serde_json::json;

use crate::support::{Ask, Server};

#[test]
fn the_reply_is_of_the_type_that_the_client_likes_best() {
    let server = Server::app("readers");
    let ask = |accept: &str| server.ask(&Ask::get("/accepts").header("accept", accept));
    server.ask(&Ask::get("/accepts")).assert_header("content-type", "application/json");
    ask("application/json; charset=utf-8").assert_header("content-type", "application/json");
    ask("text/*;q=0.9, */*;q=0.1").assert_header("content-type", "text/csv");
    let refused = ask("image/png, application/json;q=0").assert_problem(406);
    assert_eq!(refused["available"], json!(["application/json", "text/csv"]));
}

#[test]
fn languages_are_chosen_too() {
    let server = Server::app("readers");
    let ask =
        |languages: &str| server.ask(&Ask::get("/language").header("accept-language", languages)).text();
    assert_eq!(ask("zh;q=0.9, en;q=0.8"), "zh-CN");
    assert_eq!(ask("fr"), "none");
}
