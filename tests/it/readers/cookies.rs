//! Cookies, over both protocols.

use testkit::{Answer, h2};

use crate::support::{Ask, Server};

fn pair(line: &str) -> &str {
    line.split(';').next().unwrap()
}

#[track_caller]
fn set(answer: &Answer, name: &str) -> String {
    let lines = answer.values("set-cookie");
    let line = lines.iter().find(|line| line.starts_with(&format!("{name}=")));
    (*line.unwrap_or_else(|| panic!("no {name} in {lines:?}"))).to_owned()
}

#[test]
fn several_cookies_are_set_and_come_back() {
    let server = Server::app("readers");
    let login = server.ask(&Ask::get("/login"));
    assert_eq!(login.assert_status(200).values("set-cookie").len(), 3);
    assert_eq!(set(&login, "theme"), "theme=dark; Max-Age=60; Path=/; SameSite=Lax; Secure; HttpOnly");
    let (user, cart) = (set(&login, "user"), set(&login, "cart"));
    let (user, cart) = (pair(&user), pair(&cart));
    assert!(!cart.contains("tea"), "{cart}");
    let all = format!("theme=dark; {user}; {cart}");
    // As Python's aiohttp sends values that have `=` in them.
    let quoted = all.replace("user=", "user=\"").replace("; cart=", "\"; cart=\"") + "\"";
    for (path, expected) in [("/user", "7"), ("/cart", "tea, salt; ä")] {
        server.ask(&Ask::get(path).header("cookie", &all)).assert_text(expected);
        server.ask(&Ask::get(path).header("cookie", &quoted)).assert_text(expected);
        let mut conn = h2::Conn::open(server.port);
        // As browsers send them over HTTP/2.
        let ask = Ask::get(path).header("cookie", "theme=dark").header("cookie", user).header("cookie", cart);
        conn.ask(&ask).assert_text(expected);
    }
    for forged in [
        "user=7".to_owned(),
        user.replace("user=", "user=A"),
        format!("{user}0"),
        format!("{}0\"", user.replace("user=", "user=\"")),
        cart.replace("cart", "user"),
    ] {
        server.ask(&Ask::get("/user").header("cookie", &forged)).assert_text("none");
    }
    // One that another host has set for the whole domain does not hide the genuine one.
    server.ask(&Ask::get("/user").header("cookie", &format!("user=x; {user}"))).assert_text("7");
}

#[test]
fn cookies_are_removed() {
    let out = Server::app("readers").ask(&Ask::get("/logout"));
    out.assert_status(200);
    for name in ["user", "cart"] {
        assert!(
            set(&out, name).starts_with(&format!("{name}=; Max-Age=0; Expires=Thu, 01 Jan 1970")),
            "{out:?}"
        );
    }
}

#[test]
fn all_cookies_are_listed_in_order() {
    let server = Server::app("readers");
    let ask = Ask::get("/cookies").header("cookie", "a=1; b=\"2\";c=; d; a=3").header("cookie", "e==");
    server.ask(&ask).assert_text("[a|1][b|\"2\"][c|][a|3][e|=]");
}

#[test]
fn a_cookie_that_clients_would_misread_is_refused() {
    let server = Server::app("readers");
    let answer = server.ask(&Ask::get("/bad-cookie").header("x-fc-request-id", "bad-cookie"));
    answer.assert_no_header("set-cookie");
    answer.assert_problem(500);
    let line = server.records("bad-cookie", 2).iter().map(ToString::to_string).collect::<String>();
    assert!(line.contains("encode it first") && line.contains("apps/readers.rs"), "{line}");
}
