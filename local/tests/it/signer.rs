//! Signs requests and tokens as clients do, apart from the program's own code.

use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{digest, hmac};
use serde_json::Value;
use testkit::Folder;

use crate::harness::program;

/// An access key of a project.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// The key that `fc-local keys` shows with these arguments.
pub(crate) fn key(folder: &Folder, arguments: &[&str]) -> Key {
    let mut command = Command::new(program());
    command.arg("--template").arg(folder.file("s.yaml")).args(["keys", "--json"]).args(arguments);
    let output = command.output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    Key {
        id: text("accessKeyId").unwrap(),
        secret: text("accessKeySecret").unwrap(),
        token: text("securityToken"),
    }
}

/// A request that is changed after it was signed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Wire { method: method.to_owned(), target: target.to_owned(), ..Wire::default() }
            .with("host", "127.0.0.1")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    /// Sets a header in place of the one that is there.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    pub(crate) fn at(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    pub(crate) fn by(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        if !self.body.is_empty() {
            head.push_str("content-length: ");
            head.push_str(&self.body.len().to_string());
            head.push_str("\r\n");
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// Signs the request as it is, with these headers. Paths and queries of tests are in their canonical form.
    pub(crate) fn acs3(self, key: &Key, signed: &[&str]) -> Self {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let headers: Vec<String> =
            signed.iter().map(|name| format!("{name}:{}\n", self.header(name))).collect();
        let headers = headers.concat();
        let signed_hash = signed.contains(&"x-acs-content-sha256");
        let payload = if signed_hash { self.header("x-acs-content-sha256") } else { "" };
        let names = signed.join(";");
        let request = format!("{}\n{path}\n{query}\n{headers}\n{names}\n{payload}", self.method);
        let text = format!(
            "ACS3-HMAC-SHA256\n{}",
            hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref())
        );
        let signature = hex(&mac(&key.secret, text.as_bytes()));
        let id = &key.id;
        let value = format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={names},Signature={signature}");
        self.set("authorization", &value)
    }

    /// Signs the request by the older scheme, with this text for path and query.
    pub(crate) fn fc(self, key: &Key, resource: &str) -> Self {
        let text = self.fc_text(self.header("date"), resource);
        let signature = STANDARD.encode(mac(&key.secret, text.as_bytes()));
        let id = key.id.clone();
        self.set("authorization", &format!("FC {id}:{signature}"))
    }

    pub(crate) fn fc_text(&self, date: &str, resource: &str) -> String {
        let mut own: Vec<&(String, String)> =
            self.headers.iter().filter(|(name, _)| name.starts_with("x-fc-")).collect();
        own.sort();
        let own: Vec<String> = own.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let own = own.concat();
        let (md5, kind) = (self.header("content-md5"), self.header("content-type"));
        format!("{}\n{md5}\n{kind}\n{date}\n{own}{resource}", self.method)
    }

    /// A URL with its signature; `items` are the lines of the query.
    pub(crate) fn presigned(mut self, key: &Key, expires: &str) -> Self {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut items: Vec<String> =
            query.split('&').filter(|item| !item.is_empty()).map(str::to_owned).collect();
        items.push(format!("x-fc-access-key-id={}", key.id));
        items.push(format!("x-fc-expires={expires}"));
        items.extend(key.token.as_ref().map(|token| format!("x-fc-security-token={token}")));
        let mut sorted = items.clone();
        sorted.sort();
        let text = self.fc_text(expires, &format!("{path}\n{}", sorted.join("\n")));
        let signature = STANDARD.encode(mac(&key.secret, text.as_bytes()));
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        self.target = format!("{path}?{}&x-fc-signature={signature}", items.join("&"));
        self
    }
}

fn mac(secret: &str, text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The moment so many seconds from now, before it if negative.
fn moment(seconds: i64) -> SystemTime {
    let now = SystemTime::now();
    let difference = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { now - difference } else { now + difference }
}

/// `Thu, 22 Feb 2024 09:21:31 GMT`
pub(crate) fn rfc1123(seconds: i64) -> String {
    httpdate::fmt_http_date(moment(seconds))
}

/// `2024-02-22T09:21:31Z`
pub(crate) fn iso8601(seconds: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = rfc1123(seconds);
    let words: Vec<&str> = text.split(' ').collect();
    let month = MONTHS.iter().position(|month| *month == words[2]).unwrap() + 1;
    format!("{}-{month:02}-{}T{}Z", words[3], words[1], words[4])
}

pub(crate) fn unix(seconds: i64) -> u64 {
    moment(seconds).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// A token with this header and these claims, signed with a shared secret.
pub(crate) fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The `Authorization` of a client of object storage, for `/bucket/object`.
pub(crate) fn object_signature(wire: &Wire, key: &Key, resource: &str) -> String {
    let mut own: Vec<&(String, String)> =
        wire.headers.iter().filter(|(name, _)| name.starts_with("x-oss-")).collect();
    own.sort();
    let own: Vec<String> = own.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let (kind, date, own) = (wire.header("content-type"), wire.header("x-oss-date"), own.concat());
    let text = format!("{}\n\n{kind}\n{date}\n{own}{resource}", wire.method);
    let secret = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.secret.as_bytes());
    format!("OSS {}:{}", key.id, STANDARD.encode(hmac::sign(&secret, text.as_bytes())))
}
