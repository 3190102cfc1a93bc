//! `authType` and `authConfig` in a manifest: what is read, and what is refused with its line.

use std::process::Command;

use serde_json::{Value, json};
use testkit::Folder;

use crate::harness::program;

/// The line of `triggerConfig` in [`manifest`], which is one line of JSON.
const LINE: usize = 14;

fn manifest(config: &Value) -> String {
    format!(
        "edition: 3.0.0
name: test
resources:
  f:
    component: fc3
    props:
      region: cn-hangzhou
      functionName: f
      runtime: custom.debian12
      code: ./code
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig: {config}
"
    )
}

/// What `fc-local list` says of a trigger's configuration, and whether the manifest is taken.
fn list(config: &Value) -> (bool, String) {
    let folder = Folder::new();
    folder.write("code/bootstrap", "");
    folder.write("s.yaml", &manifest(config));
    let output = Command::new(program()).arg("--template").arg(folder.file("s.yaml")).arg("list").output();
    let output = output.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn with(kind: &str, config: &Value) -> Value {
    json!({"authType": kind, "methods": ["GET"], "authConfig": config})
}

#[track_caller]
fn check_taken(kind: &str, config: &Value) {
    let (is_ok, errors) = list(&with(kind, config));
    assert!(is_ok && errors.is_empty(), "{config}: {errors}");
    let (is_ok, errors) = list(&with(kind, &config.to_string().into()));
    assert!(is_ok && errors.is_empty(), "{config} as text: {errors}");
}

#[track_caller]
fn check_refused(kind: &str, config: &Value, remark: &str) {
    for config in [config.clone(), config.to_string().into()] {
        let (is_ok, errors) = list(&with(kind, &config));
        let place = format!("s.yaml:{LINE}: ");
        let is_said = errors.lines().any(|line| line.contains(&place) && line.contains(remark));
        assert!(!is_ok && is_said, "{place}{remark} in {errors} for {config}");
        assert!(!errors.contains("hunter2"), "a secret is shown: {errors}");
    }
}

fn key(kid: &str) -> Value {
    json!({"kty": "oct", "alg": "HS256", "k": "aHVudGVyMmh1bnRlcjI", "kid": kid, "use": "sig"})
}

/// Good settings for tokens with `field` in place of their own.
fn jwt(field: &str, value: impl Into<Value>) -> Value {
    let mut config = json!({"jwks": {"keys": [key("a")]}, "tokenLookup": "header:Authorization:Bearer "});
    config[field] = value.into();
    config
}

fn token(name: &str, token: &str) -> Value {
    json!({"tokenName": name, "tokenData": token, "enable": true})
}

fn user(name: &str, password: &str) -> Value {
    json!({"username": name, "password": password})
}

const TOKEN: &str = "0123456789abcdefhunter2ABCDEF+/=-~.";

#[test]
fn the_documented_forms_are_read() {
    check_taken("jwt", &jwt("claimPassBy", "header:name:x-name,cookie:uid:uid,query:a:b,form:c:d"));
    check_taken("jwt", &jwt("claimPassBy", "query::"));
    check_taken("jwt", &jwt("whitelist", json!(["/login", "/public/*", "/*"])));
    check_taken("jwt", &jwt("blacklist", json!(["/admin/*"])));
    check_taken("jwt", &jwt("tokenLookup", "header:Authorization:Bearer ,cookie:t,query:t,form:t"));
    check_taken(
        "jwt",
        &jwt("tokenLookup", json!([{"readPosition": "header", "parameterName": "auth", "prefix": "T "}])),
    );
    let claims =
        json!([{"claimName": "c", "mappingParameterName": "x-c", "mappingParameterPosition": "header"}]);
    check_taken("jwt", &jwt("claimPassBy", claims));
    check_taken("jwt", &jwt("jwks", json!({"keys": [key("a"), key("b"), key("")]})));
    check_taken("bearer", &json!({"tokens": [token("t_1", TOKEN)]}));
    check_taken("basic", &json!({"users": [user("first.user-1", "Hunter2hunter2!")]}));
    for kind in ["anonymous", "function"] {
        let (is_ok, errors) = list(&json!({"authType": kind, "methods": ["GET"]}));
        assert!(is_ok && errors.is_empty(), "{errors}");
    }
    // The platform's documents write the keys of the text in other cases too.
    let text =
        r#"{"JWKS": {"keys": [{"kty": "oct", "alg": "HS256", "k": "AAAA"}]}, "TokenLookup": "header:auth"}"#;
    let (is_ok, errors) = list(&with("jwt", &text.into()));
    assert!(is_ok && errors.is_empty(), "{errors}");
}

#[test]
fn what_could_serve_a_function_open_is_refused() {
    let (is_ok, errors) = list(&json!({"authType": "bogus", "methods": ["GET"]}));
    assert!(!is_ok && errors.contains("does not exist"), "{errors}");
    let (is_ok, errors) = list(&json!({"methods": ["GET"]}));
    assert!(!is_ok && errors.contains("`authType` is missing"), "{errors}");
    for kind in ["jwt", "bearer", "basic"] {
        let (is_ok, errors) = list(&json!({"authType": kind, "methods": ["GET"]}));
        assert!(!is_ok && errors.contains("`authConfig` is missing"), "{errors}");
    }
    let (is_ok, errors) = list(&with("bearer", &"hunter2 is no JSON".into()));
    assert!(!is_ok && errors.contains("JSON object") && !errors.contains("hunter2"), "{errors}");
}

#[test]
fn settings_for_tokens_are_strict() {
    let refused = |field: &str, value: Value, remark| check_refused("jwt", &jwt(field, value), remark);
    refused("jwks", Value::Null, "`jwks` is missing");
    refused("jwks", json!({"keys": []}), "has no key");
    refused("jwks", json!({"keys": [key(""), key("")]}), "without a `kid`");
    refused("jwks", json!({"keys": [key("a"), key("a")]}), "with the `kid` `a`");
    refused("jwks", json!({"keys": [{"kty": "oct", "alg": "none", "k": "AAAA"}]}), "not supported");
    refused("jwks", json!({"url": "ftp://h/keys"}), "must be an address");
    refused("tokenLookup", Value::Null, "`tokenLookup` is missing");
    refused("tokenLookup", "body:token".into(), "is no place");
    refused("tokenLookup", "header".into(), "is no name");
    refused("tokenLookup", "header:a b".into(), "is no name");
    refused("tokenLookup", "cookie:t:Bearer ".into(), "only a header has a prefix");
    refused("claimPassBy", "header:role".into(), "is no name");
    refused("claimPassBy", "header::x-role".into(), "needs the name of a claim");
    refused("claimPassBy", "header:role:x-fc-role".into(), "own");
    refused("claimPassBy", "header:role:Connection".into(), "own");
    refused("whitelist", json!(["login"]), "begins with `/`");
    refused("whitelist", json!(["/*/login"]), "at its end only");
    let mut both = jwt("whitelist", json!(["/a"]));
    both["blacklist"] = json!(["/b"]);
    check_refused("jwt", &both, "exclude one another");
}

#[test]
fn tokens_and_users_have_the_platforms_forms() {
    let bearer = |tokens: Value, remark| check_refused("bearer", &json!({"tokens": tokens}), remark);
    bearer(json!([]), "1 to 20 items");
    bearer(json!([token("t", "hunter2")]), "32 to 128");
    bearer(json!([token("t", &"a b".repeat(20))]), "32 to 128");
    bearer(json!([token("1", TOKEN)]), "not starting with a digit");
    bearer(json!([token("t", TOKEN), token("t", TOKEN)]), "`tokens.t` is there twice");
    bearer(vec![token("t", TOKEN); 21].into(), "1 to 20 items");
    let basic = |users: Value, remark| check_refused("basic", &json!({"users": users}), remark);
    basic(json!([user("short", "Hunter2hunter2!")]), "12 to 128 letters");
    basic(json!([user("first.user-1", "hunter2hunter2!")]), "upper-case");
    basic(json!([user("first.user-1", "Hunter2!")]), "12 to 128 characters");
    basic(vec![user("first.user-1", "Hunter2hunter2!"); 2].into(), "twice");
}

/// All stand in one line, and each is told.
#[test]
fn mistakes_in_one_configuration_are_told_at_once() {
    let check = |kind: &str, config: &Value, remarks: &[&str]| {
        for config in [config.clone(), config.to_string().into()] {
            let (is_ok, errors) = list(&with(kind, &config));
            let said = errors.lines().filter(|line| line.contains(&format!("s.yaml:{LINE}: "))).count();
            let all = remarks.iter().all(|remark| errors.contains(remark));
            assert!(!is_ok && all && said == remarks.len(), "{remarks:?} in {errors} for {config}");
        }
    };
    check(
        "bearer",
        &json!({"tokens": [token("1", "hunter2"), {"tokenName": "t"}, token("t", TOKEN), token("-", TOKEN)]}),
        &[
            "`tokens[0].tokenName` must",
            "`tokens[0].tokenData` must",
            "`tokens[1].tokenData` is missing",
            "`tokens[3].tokenName` must",
        ],
    );
    check(
        "basic",
        &json!({"users": [user("short", "hunter2"), user("other", "Hunter2hunter2!")]}),
        &["`users[0].username` must", "`users[0].password` must", "`users[1].username` must"],
    );
    let config = json!({
        "jwks": {"keys": [{"kty": "oct", "alg": "none", "k": "AAAA"}, {"kty": "RSA"}]},
        "tokenLookup": "body:token,header:a b,cookie:t:Bearer ",
        "claimPassBy": "header:role,header:role:Connection",
        "whitelist": ["login", "/*/a"],
    });
    check(
        "jwt",
        &config,
        &[
            "`jwks.keys[0]`",
            "`jwks.keys[1]`",
            "`tokenLookup[0]`",
            "`tokenLookup[1]`",
            "`tokenLookup[2]`",
            "`claimPassBy[0]`",
            "`claimPassBy[1]`",
            "`whitelist[0]`",
            "`whitelist[1]`",
        ],
    );
}

#[test]
fn a_prefix_without_its_space_is_told() {
    let (is_ok, errors) = list(&with("jwt", &jwt("tokenLookup", "header:Authorization:Bearer")));
    assert!(is_ok && errors.contains("the prefix `Bearer` has no space at its end"), "{errors}");
}
