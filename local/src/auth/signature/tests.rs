//! Requests as the official SDKs sign them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Request};
use serde_json::Value;

use super::*;
use crate::auth::AccessKey;
use crate::failure::FailureKind;
use crate::model::Secret;

/// Requests as the official SDKs sent them to a recorder, with keys made up for the purpose. The invalid ones differ from
/// a valid one in what their name says.
const VECTORS: &str = include_str!("vectors.json");

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("no {name}: {vector}"))
}

fn head(vector: &Value) -> Parts {
    let mut request = Request::builder().method(text(vector, "method")).uri(text(vector, "target"));
    for header in vector["headers"].as_array().unwrap() {
        let value = HeaderValue::from_bytes(header[1].as_str().unwrap().as_bytes()).unwrap();
        request = request.header(header[0].as_str().unwrap(), value);
    }
    request.body(()).unwrap().into_parts().0
}

fn keys(vector: &Value) -> LocalKeys {
    let token = vector["token"].as_str().map(Secret::new);
    let secret = Secret::new(text(vector, "access_key_secret"));
    LocalKeys::new(AccessKey { id: text(vector, "access_key_id").to_owned(), secret, token })
}

/// The moment that the request was made at.
fn moment(head: &Parts) -> SystemTime {
    let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let signed = text(acs3::DATE).and_then(time::parse_iso8601);
    let presigned = Presigned::parse(head.uri.query().unwrap_or_default());
    let expires = presigned.map(|presigned| UNIX_EPOCH + Duration::from_secs(presigned.expires - 1));
    let dated = text(header::DATE).and_then(time::parse_rfc1123);
    signed.or(expires).or(dated).unwrap_or_else(|| panic!("no date: {head:?}"))
}

fn check(vector: &Value) -> Result<(), Failure> {
    let (head, scheme) = (head(vector), text(vector, "scheme"));
    let is_api = matches!(scheme, "acs3-openapi" | "fc-api" | "fc-http");
    let addressee = if is_api { Addressee::Api } else { Addressee::HttpTrigger };
    let signed = check_signature(&head, addressee, &keys(vector), moment(&head))?;
    assert_eq!(signed.body_hash.is_some(), scheme == "acs3-openapi", "{vector}");
    let body = STANDARD.decode(text(vector, "body")).unwrap();
    match signed.body_hash {
        Some(hash) => hash.check(&body),
        None => Ok(()),
    }
}

#[test]
fn every_recorded_request_of_the_sdks_is_judged_right() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 128);
    for vector in &vectors {
        let (name, outcome) = (text(vector, "name"), check(vector));
        match text(vector, "expect") {
            "valid" => assert!(outcome.is_ok(), "{name}: {outcome:?} for {vector}"),
            _ => assert!(outcome.is_err(), "{name} was taken: {vector}"),
        }
    }
}

/// A valid request of each scheme stops being one with each byte of its signature, another body, method or time.
#[test]
fn every_part_of_a_recorded_request_counts() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    for vector in vectors.iter().filter(|vector| vector["expect"] == "valid") {
        let head = head(vector);
        let addressee = if text(vector, "scheme").contains("http-trigger") {
            Addressee::HttpTrigger
        } else {
            Addressee::Api
        };
        let judge = |head: &Parts, now| check_signature(head, addressee, &keys(vector), now);
        let now = moment(&head);
        assert!(judge(&head, now).is_ok(), "{vector}");

        let mut other = head.clone();
        other.method = http::Method::PATCH;
        assert_eq!(judge(&other, now).unwrap_err().kind, FailureKind::SignatureNotMatch, "{vector}");
        let later = now + Duration::from_secs(16 * 60);
        assert_eq!(judge(&head, later).unwrap_err().kind, FailureKind::AccessDenied, "{vector}");
        let mut longer = head.clone();
        let target = text(vector, "target");
        longer.uri = target.replacen("/2", "/3", 1).parse().unwrap();
        if target.contains("/2") {
            assert_eq!(judge(&longer, now).unwrap_err().kind, FailureKind::SignatureNotMatch, "{vector}");
        }
    }
}

#[test]
fn the_samples_of_the_manual_verify() {
    // Of the page on signing requests to an HTTP trigger, with keys of a test.
    for (target, token, signature) in [
        ("/hello?foo=bar", Some(""), "f800a1b6845e854efefd67393eaf25229a8c47ed8168115708e7fc3745daafec"),
        (
            "/hello?foo=bar",
            Some("testToken"),
            "45a9a86d3aaea49d7629a9e4f8f21c61580d8a888502a0e2261af88388b0f342",
        ),
    ] {
        let authorization = format!(
            "ACS3-HMAC-SHA256 Credential=testAK,SignedHeaders=x-acs-date;x-acs-security-token,Signature={signature}"
        );
        let head = Request::post(target)
            .header("x-acs-date", "2024-02-22T09:21:31Z")
            .header("x-acs-security-token", token.unwrap_or_default())
            .header("authorization", authorization)
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let token = token.filter(|token| !token.is_empty()).map(Secret::new);
        let own = AccessKey { id: "testAK".to_owned(), secret: Secret::new("testSecret"), token };
        let keys = LocalKeys::new(own);
        assert!(check_signature(&head, Addressee::HttpTrigger, &keys, moment(&head)).is_ok(), "{signature}");
    }
    // Of the page on requests to the API: the signature, with the service's own host.
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0";
    let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
    let target = "/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai";
    let head = Request::post(target)
        .header("host", "ecs.cn-shanghai.aliyuncs.com")
        .header("x-acs-action", "RunInstances")
        .header("x-acs-content-sha256", hash)
        .header("x-acs-date", "2023-10-26T10:22:32Z")
        .header("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d")
        .header("x-acs-version", "2014-05-26")
        .header(
            "authorization",
            format!(
                "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={names},Signature={signature}"
            ),
        )
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let secret = Secret::new("YourAccessKeySecret");
    let keys = LocalKeys::new(AccessKey { id: "YourAccessKeyId".to_owned(), secret, token: None });
    let signed = check_signature(&head, Addressee::Api, &keys, moment(&head)).unwrap();
    assert!(signed.body_hash.as_ref().unwrap().check(b"").is_ok());
    assert!(signed.body_hash.as_ref().unwrap().check(b"x").is_err());
}
