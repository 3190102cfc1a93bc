//! Ways around authentication, each refused. The rows say the rule that they test.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::h1::exchange;
use testkit::manifest::{Function, Manifest};

use crate::harness::{Local, scripted, write_manifest};
use crate::signer::{Key, Wire, hs256, iso8601, key, rfc1123, sha256, unix};

/// The requests that are tried. Those that are let in show that the others are refused for their change alone.
#[derive(Debug, Default)]
struct Corpus {
    refused: Vec<(&'static str, &'static str, Wire)>,
    admitted: Vec<(&'static str, Wire)>,
}

impl Corpus {
    /// A request that a function lets in.
    fn admit(&mut self, function: &'static str, wire: &Wire) {
        self.admitted.push((function, wire.clone()));
    }

    fn refuse(&mut self, function: &'static str, rule: &'static str, wire: Wire) {
        self.refused.push((function, rule, wire));
    }
}

const SECRET: &[u8] = b"a secret of a test, with 32 bytes";
const TOKEN: &str = "0123456789abcdef0123456789ABCDEF~.";
const DISABLED: &str = "disabled-456789abcdef0123456789ABCDEF";
const USER: (&str, &str) = ("first.user-1", "Password-of-1!");
const OTHER: (&str, &str) = ("second.user-2", "Password-of-2!");

/// A public key whose private one is gone, and a token that it signed.
fn rsa() -> (Value, String) {
    let recorded: Value = serde_json::from_str(include_str!("../../src/auth/jwt/tokens.json")).unwrap();
    let key = recorded["keys"].as_array().unwrap().iter().find(|key| key["kid"] == "RS256").unwrap();
    (key.clone(), recorded["tokens"]["RS256"].as_str().unwrap().to_owned())
}

fn manifest() -> Manifest {
    let keys = json!([
        {"kty": "oct", "alg": "HS256", "kid": "k", "use": "sig", "k": URL_SAFE_NO_PAD.encode(SECRET)},
        rsa().0,
    ]);
    let lookup = "header:Authorization:Bearer ,cookie:token,query:token,form:token";
    let jwt = json!({"jwks": {"keys": keys}, "tokenLookup": lookup});
    let with = |name: &str, value: Value| {
        let mut config = jwt.clone();
        config[name] = value;
        config
    };
    let token = |name: &str, token: &str, enable: bool| json!({"tokenName": name, "tokenData": token, "enable": enable});
    let user = |(name, password)| json!({"username": name, "password": password});
    let function = |name: &str, kind: &str, config: Option<Value>| {
        let mut trigger = json!({"authType": kind, "methods": ["GET", "POST", "PUT"]});
        if let Some(config) = config {
            trigger["authConfig"] = config;
        }
        Function::new(name).trigger(&trigger).concurrency(20).timeout(60)
    };
    Manifest::of([
        function("signed", "function", None),
        function("jwt", "jwt", Some(jwt.clone())),
        function("white", "jwt", Some(with("whitelist", json!(["/name", "/public/*"])))),
        function("black", "jwt", Some(with("blacklist", json!(["/name", "/private/*"])))),
        function(
            "bearer",
            "bearer",
            Some(json!({"tokens": [token("a", TOKEN, true), token("b", DISABLED, false)]})),
        ),
        function("basic", "basic", Some(json!({"users": [user(USER), user(OTHER)]}))),
    ])
}

/// `ACS3-HMAC-SHA256` at a trigger.
#[expect(clippy::too_many_lines, reason = "a table")]
fn acs3(corpus: &mut Corpus, own: &Key, temporary: &Key, other: &Key, ended: &Key) {
    const ALL: &[&str] = &["content-type", "host", "x-acs-date", "x-acs-extra"];
    let plain = || {
        Wire::new("GET", "/name?a=1&a=2&b=3")
            .with("x-acs-date", &iso8601(0))
            .with("content-type", "text/plain")
    };
    let unsigned = || plain().with("x-acs-extra", "e");
    let signed = || unsigned().acs3(own, ALL);
    let authorization = signed().header("authorization").to_owned();
    let edit = |from: &str, to: &str| {
        let changed = authorization.replace(from, to);
        assert_ne!(changed, authorization, "{from}");
        signed().set("authorization", &changed)
    };
    corpus.admit("signed", &signed());
    let mut refuse = |rule, wire| corpus.refuse("signed", rule, wire);
    refuse("nothing is signed", Wire::new("GET", "/name"));
    refuse("a date is no signature", plain());
    refuse("another scheme", plain().with("authorization", "Bearer x"));
    refuse("another method", signed().by("POST"));
    refuse("another path", signed().at("/nam?a=1&a=2&b=3"));
    refuse("another case of the path", signed().at("/Name?a=1&a=2&b=3"));
    refuse("a slash more at the end", signed().at("/name/?a=1&a=2&b=3"));
    refuse("a slash more at the begin", signed().at("//name?a=1&a=2&b=3"));
    refuse("dots in the path", signed().at("/x/../name?a=1&a=2&b=3"));
    refuse("a path that is encoded twice", signed().at("/n%2561me?a=1&a=2&b=3"));
    refuse("a slash that is encoded", signed().at("/%2Fname?a=1&a=2&b=3"));
    refuse("another value", signed().at("/name?a=1&a=2&b=4"));
    refuse("another key", signed().at("/name?a=1&a=2&B=3"));
    refuse("a pair more", signed().at("/name?a=1&a=2&b=3&c=4"));
    refuse("a pair less", signed().at("/name?a=1&b=3"));
    refuse("no query", signed().at("/name"));
    refuse("another order of the values of one key", signed().at("/name?a=2&a=1&b=3"));
    refuse("pairs within a key", signed().at("/name?a%3D1%26a%3D2%26b=3"));
    refuse("pairs within a value", signed().at("/name?a=1%26a=2%26b=3"));
    refuse("a query that is encoded twice", signed().at("/name?a=1&a=2&b=%2533"));
    refuse("another signature", edit("Signature=", "Signature=00"));
    refuse("no signature", signed().set("authorization", authorization.rsplit_once("Signature=").unwrap().0));
    let empty = format!("{}Signature=", authorization.rsplit_once("Signature=").unwrap().0);
    refuse("an empty signature", signed().set("authorization", &empty));
    refuse(
        "a part of the signature",
        signed().set("authorization", &authorization[..authorization.len() - 2]),
    );
    refuse("two signatures", edit("Signature=", "Signature=00,Signature="));
    refuse("two credentials", edit("Credential=", "Credential=root,Credential="));
    refuse("two lists of headers", edit("SignedHeaders=", "SignedHeaders=host,SignedHeaders="));
    refuse("another key's id", edit(&own.id, "FCLOCAL0000000000000000"));
    refuse("an empty id", edit(&own.id, ""));
    refuse("the case of the id", edit(&own.id, &own.id.to_lowercase()));
    refuse("the scheme in lower case", edit("ACS3-HMAC-SHA256", "acs3-hmac-sha256"));
    refuse("a scheme with another hash", edit("ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"));
    refuse(
        "a signature of another secret",
        unsigned().acs3(&Key { secret: "other".to_owned(), ..own.clone() }, ALL),
    );
    refuse("a signature without secret", unsigned().acs3(&Key { secret: String::new(), ..own.clone() }, ALL));
    refuse("two signed requests in one", signed().with("authorization", &authorization));
    refuse("a second Authorization", signed().with("authorization", "Basic eA=="));
    refuse("no date among the signed", unsigned().acs3(own, &["content-type", "host"]));
    refuse("a date that was changed", signed().set("x-acs-date", &iso8601(-1)));
    refuse("a date that is there twice", signed().with("x-acs-date", &iso8601(-60)));
    refuse(
        "a request of 16 minutes ago",
        plain().set("x-acs-date", &iso8601(-960)).acs3(own, &["host", "x-acs-date"]),
    );
    refuse(
        "a request of a day ago",
        plain().set("x-acs-date", &iso8601(-86_400)).acs3(own, &["host", "x-acs-date"]),
    );
    refuse(
        "a request of the future",
        plain().set("x-acs-date", &iso8601(960)).acs3(own, &["host", "x-acs-date"]),
    );
    let date = |date: &str| plain().set("x-acs-date", date).acs3(own, &["host", "x-acs-date"]);
    refuse("a date with an offset", date(&iso8601(0).replace('Z', "+00:00")));
    refuse("a date without a time", date(&iso8601(0)[..10]));
    refuse("a date that is a number", date(&unix(0).to_string()));
    refuse("an empty date", date(""));
    let stale = plain().set("x-acs-date", &iso8601(-960)).acs3(own, &["host", "x-acs-date"]);
    refuse("a replayed request with a fresh Date", stale.clone().with("date", &rfc1123(0)));
    refuse("a replayed request with a second date", stale.with("x-acs-date", &iso8601(0)));
    refuse(
        "headers in another order",
        unsigned().acs3(own, &["host", "content-type", "x-acs-date", "x-acs-extra"]),
    );
    refuse("a header that is signed twice", unsigned().acs3(own, &["host", "host", "x-acs-date"]));
    refuse(
        "an absent header that counts as empty",
        plain().acs3(own, &["host", "x-acs-date", "x-acs-extra"]),
    );
    refuse(
        "a header that enters the list later",
        edit("x-acs-extra", "x-acs-extra;x-smuggled").with("x-smuggled", "1"),
    );
    refuse("a header that leaves the list", edit(";x-acs-extra", ""));
    refuse("the case of the list", edit("SignedHeaders=content-type", "SignedHeaders=Content-Type"));
    refuse("a signed header with another value", signed().set("x-acs-extra", "f"));
    refuse("a signed header that is repeated", signed().with("x-acs-extra", "e"));
    refuse("a signed header that is gone", signed().without("x-acs-extra"));
    refuse("another host", signed().set("host", "localhost"));
    refuse("another port of the host", signed().set("host", "127.0.0.1:80"));
    refuse("another type of the content", signed().set("content-type", "application/json"));

    let names: &[&str] = &["host", "x-acs-content-sha256", "x-acs-date"];
    let hashed = |hash: &str| {
        let wire =
            Wire::new("POST", "/length").with("x-acs-date", &iso8601(0)).with("x-acs-content-sha256", hash);
        wire.acs3(own, names).body(b"body")
    };
    let good = hashed(&sha256(b"body"));
    corpus.admit("signed", &good);
    let mut refuse = |rule, wire| corpus.refuse("signed", rule, wire);
    refuse("another body", good.clone().body(b"bodx"));
    refuse("a longer body", good.clone().body(b"body "));
    refuse("no body", good.clone().body(b""));
    refuse(
        "the hash of another body",
        good.clone().set("x-acs-content-sha256", &sha256(b"other")).body(b"other"),
    );
    refuse("a body where none is signed", hashed(&sha256(b"")));
    refuse("a hash that is none", hashed("UNSIGNED-PAYLOAD"));
    refuse("an empty hash", hashed(""));
    refuse("half a hash", hashed(&sha256(b"body")[..32]));

    let names: &[&str] = &["host", "x-acs-date", "x-acs-security-token"];
    let with_token = |key: &Key, token: &str| plain().with("x-acs-security-token", token).acs3(key, names);
    let token = |key: &Key| key.token.clone().unwrap();
    corpus.admit("signed", &with_token(own, ""));
    corpus.admit("signed", &with_token(temporary, &token(temporary)));
    let mut refuse = |rule, wire| corpus.refuse("signed", rule, wire);
    refuse("a token of another key", with_token(own, &token(temporary)));
    refuse("a temporary key without token", plain().acs3(temporary, &["host", "x-acs-date"]));
    refuse("a temporary key with an empty token", with_token(temporary, ""));
    refuse("a temporary key with another's token", with_token(temporary, &token(other)));
    let beside =
        plain().with("x-acs-security-token", &token(temporary)).acs3(temporary, &["host", "x-acs-date"]);
    refuse("a token that is not signed", beside);
    refuse("a temporary key after its end", with_token(ended, &token(ended)));
    let longer = token(ended).split_once('.').map(|(_, mac)| format!("{}.{mac}", unix(3600))).unwrap();
    refuse("a token with a later end", with_token(ended, &longer));
    let guessed = Key { id: "STS.0000000000000000".to_owned(), ..other.clone() };
    refuse("a temporary key that nobody gave out", with_token(&guessed, &token(other)));
}

/// `FC id:signature` and signed URLs at a trigger.
fn fc(corpus: &mut Corpus, own: &Key, temporary: &Key) {
    let plain = || {
        let wire =
            Wire::new("GET", "/name?a=1&b=2").with("date", &rfc1123(0)).with("content-type", "text/plain");
        wire.with("content-md5", "bWQ1").with("x-fc-extra", "e")
    };
    let resource = "/name\na=1\nb=2";
    let signed = || plain().fc(own, resource);
    corpus.admit("signed", &signed());
    let authorization = signed().header("authorization").to_owned();
    let mut refuse = |rule, wire| corpus.refuse("signed", rule, wire);
    refuse("FC: another method", signed().by("POST"));
    refuse("FC: another path", signed().at("/nam?a=1&b=2"));
    refuse("FC: another value", signed().at("/name?a=1&b=3"));
    refuse("FC: a pair more", signed().at("/name?a=1&b=2&c=3"));
    refuse("FC: no query", signed().at("/name"));
    refuse("FC: a line break in a value is no second pair", signed().at("/name?a=1%0Ab=2"));
    refuse("FC: a line break in the path is no query", signed().at("/name%0Aa=1%0Ab=2"));
    let equals = plain().at("/name?a%3D1=2").fc(own, "/name\na=1=2");
    refuse("FC: a `=` in a key", equals);
    refuse("FC: no date", signed().without("date"));
    refuse("FC: another date", signed().set("date", &rfc1123(-1)));
    refuse("FC: two dates", signed().with("date", &rfc1123(-1)));
    refuse("FC: 16 minutes ago", plain().set("date", &rfc1123(-960)).fc(own, resource));
    refuse("FC: in 16 minutes", plain().set("date", &rfc1123(960)).fc(own, resource));
    refuse("FC: a date of another form", plain().set("date", &iso8601(0)).fc(own, resource));
    refuse(
        "FC: a replayed request with a fresh x-acs-date",
        plain().set("date", &rfc1123(-960)).fc(own, resource).with("x-acs-date", &iso8601(0)),
    );
    refuse("FC: a reserved header more", signed().with("x-fc-invocation-type", "Async"));
    refuse("FC: a reserved header less", signed().without("x-fc-extra"));
    refuse("FC: a reserved header with another value", signed().set("x-fc-extra", "f"));
    refuse("FC: a reserved header that is repeated", signed().with("x-fc-extra", "e"));
    refuse("FC: another type of the content", signed().set("content-type", "text/html"));
    refuse("FC: another hash of the content", signed().set("content-md5", "bWQ2"));
    refuse("FC: two types of the content", signed().with("content-type", "text/plain"));
    refuse("FC: the path alone, as the API signs", plain().fc(own, "/name"));
    refuse("FC: another secret", plain().fc(&Key { secret: "other".to_owned(), ..own.clone() }, resource));
    refuse("FC: another id", signed().set("authorization", &authorization.replace(&own.id, "root")));
    refuse("FC: no signature", signed().set("authorization", authorization.split_once(':').unwrap().0));
    refuse("FC: an empty signature", signed().set("authorization", &format!("FC {}:", own.id)));
    refuse(
        "FC: the scheme in lower case",
        signed().set("authorization", &authorization.replace("FC ", "fc ")),
    );
    refuse("FC: not base64", signed().set("authorization", &format!("{authorization}*")));
    refuse("FC: a temporary key without token", plain().fc(temporary, resource));
    let token = temporary.token.as_deref().unwrap();
    corpus.admit("signed", &plain().with("x-fc-security-token", token).fc(temporary, resource));

    let end = unix(60).to_string();
    let url = || Wire::new("GET", "/name?a=1").presigned(own, &end);
    let edit = |from: &str, to: &str| {
        let changed = url().target.replace(from, to);
        assert_ne!(changed, url().target, "{from}");
        url().at(&changed)
    };
    corpus.admit("signed", &url());
    corpus.admit("signed", &Wire::new("GET", "/name?a=1").presigned(temporary, &end));
    let mut refuse = |rule, wire| corpus.refuse("signed", rule, wire);
    refuse("URL: after its end", Wire::new("GET", "/name").presigned(own, &unix(-1).to_string()));
    refuse("URL: a later end", edit(&end, &unix(3600).to_string()));
    refuse("URL: an end that is no number", Wire::new("GET", "/name").presigned(own, "never"));
    refuse("URL: an end with a sign", Wire::new("GET", "/name").presigned(own, &format!("+{end}")));
    refuse(
        "URL: an end beyond all time",
        Wire::new("GET", "/name").presigned(own, "99999999999999999999999"),
    );
    refuse("URL: no end", edit("x-fc-expires", "x-fc-expired"));
    refuse("URL: two ends", edit("?", &format!("?x-fc-expires={}&", unix(3600))));
    refuse("URL: two ids", edit("?", "?x-fc-access-key-id=root&"));
    refuse("URL: two signatures", edit("?", "?x-fc-signature=eA%3D%3D&"));
    refuse("URL: another name of the signature", edit("x-fc-signature", "X-Fc-Signature"));
    refuse("URL: another method", url().by("POST"));
    refuse("URL: another path", edit("/name", "/nam"));
    refuse("URL: another value", edit("a=1", "a=2"));
    refuse("URL: a pair more", edit("a=1", "a=1&b=2"));
    refuse("URL: a reserved header more", url().with("x-fc-invocation-type", "Async"));
    let without = Key { token: None, ..temporary.clone() };
    refuse("URL: a temporary key without token", Wire::new("GET", "/name").presigned(&without, &end));
    let parameters = url().target.split_once('?').unwrap().1.to_owned();
    refuse("URL: parameters in a header", Wire::new("GET", "/name?a=1").with("authorization", &parameters));
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn jwt(corpus: &mut Corpus) {
    let (rsa_key, rsa_token) = rsa();
    let n = rsa_key["n"].as_str().unwrap();
    let good =
        hs256(&json!({"alg": "HS256", "kid": "k"}), &json!({"name": "Ann", "exp": unix(3600)}), SECRET);
    let ask = || Wire::new("GET", "/name");
    let bearer = |token: &str| ask().with("authorization", &format!("Bearer {token}"));
    let form = |body: &str| {
        Wire::new("POST", "/name")
            .with("content-type", "application/x-www-form-urlencoded")
            .body(body.as_bytes())
    };
    for wire in [
        bearer(&good),
        bearer(&rsa_token),
        ask().with("cookie", &format!("token={good}")),
        ask().at(&format!("/name?token={good}")),
        form(&format!("a=b&token={good}")),
    ] {
        corpus.admit("jwt", &wire);
    }
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let header = |header: Value, secret: &[u8]| bearer(&hs256(&header, &json!({"name": "Root"}), secret));
    let claims = |claims: Value| bearer(&hs256(&json!({"alg": "HS256", "kid": "k"}), &claims, SECRET));
    let [head, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let mut refuse = |rule, wire| corpus.refuse("jwt", rule, wire);
    refuse("no token", ask());
    refuse("an empty token", bearer(""));
    refuse("no algorithm", bearer(&format!("{}.{payload}.", part(&json!({"alg": "none", "kid": "k"})))));
    refuse(
        "no algorithm, with a signature",
        bearer(&format!("{}.{payload}.{signature}", part(&json!({"alg": "none", "kid": "k"})))),
    );
    refuse(
        "no algorithm in another case",
        bearer(&format!("{}.{payload}.", part(&json!({"alg": "nOnE", "kid": "k"})))),
    );
    refuse(
        "the public key as a secret",
        header(json!({"alg": "HS256", "kid": "RS256"}), &URL_SAFE_NO_PAD.decode(n).unwrap()),
    );
    refuse(
        "the public key's text as a secret",
        header(json!({"alg": "HS256", "kid": "RS256"}), n.as_bytes()),
    );
    refuse("the algorithm of another key", header(json!({"alg": "RS256", "kid": "k"}), SECRET));
    refuse("a longer hash than the key's", header(json!({"alg": "HS512", "kid": "k"}), SECRET));
    refuse("the secret of another key", header(json!({"alg": "HS256", "kid": "RS256"}), SECRET));
    refuse("no name of a key", header(json!({"alg": "HS256"}), SECRET));
    refuse("an empty name of a key", header(json!({"alg": "HS256", "kid": ""}), SECRET));
    refuse("an unknown key", header(json!({"alg": "HS256", "kid": "x"}), SECRET));
    refuse("the case of the key's name", header(json!({"alg": "HS256", "kid": "K"}), SECRET));
    refuse(
        "a key's name that is a path",
        header(json!({"alg": "HS256", "kid": "../../../../dev/null"}), b""),
    );
    refuse("a key's name that is a list", header(json!({"alg": "HS256", "kid": ["k"]}), SECRET));
    let own = json!({"kty": "oct", "alg": "HS256", "kid": "k", "k": "b3du"});
    refuse("a key in the token", header(json!({"alg": "HS256", "kid": "k", "jwk": own}), b"own"));
    refuse(
        "an address of keys in the token",
        header(json!({"alg": "HS256", "kid": "k", "jku": "http://127.0.0.1/"}), b"own"),
    );
    refuse(
        "an extension that is critical",
        header(json!({"alg": "HS256", "kid": "k", "crit": ["x"], "x": 1}), SECRET),
    );
    refuse(
        "a payload that is not encoded",
        header(json!({"alg": "HS256", "kid": "k", "crit": ["b64"], "b64": false}), SECRET),
    );
    refuse("an empty secret", header(json!({"alg": "HS256", "kid": "k"}), b""));
    refuse("an expired token", claims(json!({"exp": unix(-1)})));
    refuse("a token of the future", claims(json!({"nbf": unix(3600)})));
    refuse("an end that is text", claims(json!({"exp": unix(3600).to_string()})));
    refuse("an end that is null", claims(json!({"exp": null})));
    refuse("claims that are a list", claims(json!([{"exp": unix(3600)}])));
    refuse(
        "other claims under the signature",
        bearer(&format!("{head}.{}.{signature}", part(&json!({"name": "Root"})))),
    );
    refuse("no signature", bearer(&format!("{head}.{payload}.")));
    refuse("two parts", bearer(&format!("{head}.{payload}")));
    refuse("four parts", bearer(&format!("{good}.{signature}")));
    refuse("padding", bearer(&format!("{good}=")));
    refuse("a comma and a second token", bearer(&format!("{good}, {good}")));
    refuse("two headers", bearer(&good).with("authorization", "Bearer x"));
    refuse("two headers, the good one last", bearer("x").with("authorization", &format!("Bearer {good}")));
    refuse("two cookies", ask().with("cookie", &format!("token=x; token={good}")));
    refuse(
        "two headers of cookies",
        ask().with("cookie", &format!("token={good}")).with("cookie", "token=x"),
    );
    refuse("two pairs of the query", ask().at(&format!("/name?token=x&token={good}")));
    refuse("two pairs, one encoded", ask().at(&format!("/name?token={good}&tok%65n=x")));
    refuse("two fields of a form", form(&format!("token={good}&token=x")));
    refuse("the first place decides", bearer("x").at(&format!("/name?token={good}")));
    refuse(
        "the cookie decides before the query",
        ask().with("cookie", "token=x").at(&format!("/name?token={good}")),
    );
    refuse("the prefix in another case", ask().with("authorization", &format!("bearer {good}")));
    refuse("the prefix without its space", ask().with("authorization", &format!("Bearer{good}")));
    refuse("two spaces behind the prefix", ask().with("authorization", &format!("Bearer  {good}")));
    refuse("a tab behind the prefix", ask().with("authorization", &format!("Bearer\t{good}")));
    refuse("no prefix", ask().with("authorization", &good));
    refuse("another header", ask().with("x-authorization", &format!("Bearer {good}")));
    refuse("another header of proxies", ask().with("proxy-authorization", &format!("Bearer {good}")));
    refuse("a cookie of another case", ask().with("cookie", &format!("Token={good}")));
    refuse("a cookie in quotes", ask().with("cookie", &format!("token=\"{good}\"")));
    refuse("a pair of another case", ask().at(&format!("/name?Token={good}")));
    refuse("a pair that is encoded twice", ask().at(&format!("/name?tok%2565n={good}")));
    refuse("a pair behind a semicolon", ask().at(&format!("/name?a=b;token={good}")));
    refuse("a form of another method", form(&format!("token={good}")).by("PUT"));
    refuse("a form of another type", form(&format!("token={good}")).set("content-type", "application/json"));
    refuse("a form with a content coding", form(&format!("token={good}")).with("content-encoding", "gzip"));
    refuse("a form that is no text", form("token=").body(b"token=\xff"));
}

fn paths(corpus: &mut Corpus) {
    for open in ["/name", "/public/", "/public/a", "/public/a%20b", "/public/a/b"] {
        corpus.admit("white", &Wire::new("GET", open));
    }
    for (rule, closed) in [
        ("another path", "/"),
        ("a path below", "/name/x"),
        ("a slash at the end", "/name/"),
        ("the case", "/NAME"),
        ("a doubled slash", "//name"),
        ("a dot", "/./name"),
        ("two dots", "/x/../name"),
        ("a parameter", "/name;x=1"),
        ("a NUL", "/name%00"),
        ("a space", "/name%20"),
        ("a slash that is encoded", "/name%2f"),
        ("the folder itself", "/public"),
        ("a longer name", "/publicity"),
        ("up and out", "/public/../private"),
        ("up and out, encoded", "/public/%2e%2e/private"),
        ("up and out, half encoded", "/public/.%2E/private"),
        ("up and out, encoded twice", "/public/%252e%252e/private"),
        ("up and out, encoded thrice", "/public/%25252e%25252e/private"),
        ("up and out, the slash encoded", "/public/..%2fprivate"),
        ("up and out, the slash encoded twice", "/public/..%252fprivate"),
        ("up and out, with a parameter", "/public/..;/private"),
        ("up and out, with a backslash", "/public/..%5cprivate"),
        ("up and out, over doubled slashes", "/public//..//..//private"),
        ("up and out, at the end", "/public/.."),
        ("up and out, later", "/public/a/../../private"),
        ("up and out, encoded without end", "/public/%25252525252525252525252e%2e/"),
    ] {
        corpus.refuse("white", rule, Wire::new("GET", closed));
    }
    let absolute = Wire::new("GET", "http://127.0.0.1/private");
    corpus.refuse("white", "a target with a host", absolute);
    for open in ["/", "/x", "/private", "/names"] {
        corpus.admit("black", &Wire::new("GET", open).with("x-open", "1"));
    }
    for (rule, closed) in [
        ("the path itself", "/name"),
        ("a letter that is encoded", "/n%61me"),
        ("a letter that is encoded twice", "/n%2561me"),
        ("a doubled slash", "//name"),
        ("a dot", "/./name"),
        ("two dots", "/x/../name"),
        ("two dots that are encoded", "/x/%2e%2e/name"),
        ("a slash that is encoded", "/x/..%2fname"),
        ("a parameter", "/name;a=b"),
        ("a path below", "/private/a"),
        ("a slash before it that is encoded", "/private%2fa"),
        ("a backslash", "/private%5ca"),
        ("out of an open folder", "/x/..;/private/a"),
        ("a query", "/name?a=/x"),
        ("a target with a host", "http://127.0.0.1/name"),
    ] {
        corpus.refuse("black", rule, Wire::new("GET", closed));
    }
}

fn plain(corpus: &mut Corpus) {
    let ask = |value: &str| Wire::new("GET", "/name").with("authorization", value);
    let good = format!("Bearer {TOKEN}");
    corpus.admit("bearer", &ask(&good));
    let mut refuse = |rule, wire| corpus.refuse("bearer", rule, wire);
    refuse("no token", Wire::new("GET", "/name"));
    refuse("an empty token", ask("Bearer "));
    refuse("the scheme alone", ask("Bearer"));
    refuse("a disabled token", ask(&format!("Bearer {DISABLED}")));
    refuse("a part of the token", ask(&good[..good.len() - 1]));
    refuse("more than the token", ask(&format!("{good}x")));
    refuse("the case of the token", ask(&format!("Bearer {}", TOKEN.to_uppercase())));
    refuse("the token's name", ask("Bearer a"));
    refuse("two tokens", ask(&format!("{good}, {good}")));
    refuse("two headers", ask("Bearer x").with("authorization", &good));
    refuse("another scheme", ask(&format!("Basic {TOKEN}")));
    refuse("the token in the query", Wire::new("GET", &format!("/name?access_token={TOKEN}")));

    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let pair = |(name, password): (&str, &str)| format!("{name}:{password}");
    corpus.admit("basic", &ask(&basic(&pair(USER))));
    corpus.admit("basic", &ask(&basic(&pair(OTHER))));
    let mut refuse = |rule, wire| corpus.refuse("basic", rule, wire);
    refuse("nobody", Wire::new("GET", "/name"));
    refuse("an empty pair", ask(&basic("")));
    refuse("a colon", ask(&basic(":")));
    refuse("a name alone", ask(&basic(USER.0)));
    refuse("no password", ask(&basic(&format!("{}:", USER.0))));
    refuse("a password alone", ask(&basic(&format!(":{}", USER.1))));
    refuse("another's password", ask(&basic(&pair((USER.0, OTHER.1)))));
    refuse("more than the password", ask(&basic(&format!("{}:x", pair(USER)))));
    refuse("a part of the password", ask(&basic(&pair((USER.0, &USER.1[..13])))));
    refuse("the case of the name", ask(&basic(&pair(("First.user-1", USER.1)))));
    refuse("a NUL behind the password", ask(&basic(&format!("{}\0", pair(USER)))));
    refuse("not base64", ask(&format!("Basic {}", pair(USER))));
    refuse("two headers", ask("Basic x").with("authorization", &basic(&pair(USER))));
    refuse("another scheme", ask(&basic(&pair(USER)).replace("Basic", "Bearer")));
    refuse("a user in the address", Wire::new("GET", "http://first.user-1:Password-of-1!@127.0.0.1/name"));
}

#[test]
fn no_way_around_is_open() {
    let folder = scripted();
    write_manifest(&folder, manifest());
    let (own, temporary) = (key(&folder, &[]), key(&folder, &["--temporary"]));
    let (other, ended) = (key(&folder, &["--temporary"]), key(&folder, &["--temporary", "0"]));
    let local = Local::start(folder, &[]);
    let mut corpus = Corpus::default();
    acs3(&mut corpus, &own, &temporary, &other, &ended);
    fc(&mut corpus, &own, &temporary);
    jwt(&mut corpus);
    paths(&mut corpus);
    plain(&mut corpus);
    let Corpus { refused, admitted } = corpus;
    assert!(refused.len() >= 200, "{} attempts", refused.len());
    for (function, wire) in &admitted {
        let reply = exchange(local.function_port(function), &wire.bytes());
        assert!(reply.header("x-fc-error-type").is_none(), "{function} refuses {wire:?}: {reply:?}");
    }
    // All are tried, so that a failure shows every way that is open.
    let mut open = Vec::new();
    for (function, rule, wire) in &refused {
        let reply = exchange(local.function_port(function), &wire.bytes());
        let is_error = reply.header("x-fc-error-type") == Some("FcCommonError");
        let has = |name: &str| is_error && reply.json()[name].is_string();
        if !matches!(reply.status, 400 | 403) || !["Code", "Message", "RequestId"].into_iter().all(has) {
            open.push(format!("{function}: {rule}: {} {} gets {}", wire.method, wire.target, reply.status));
        }
    }
    assert!(open.is_empty(), "{} of {} are open:\n{}", open.len(), refused.len(), open.join("\n"));
}
