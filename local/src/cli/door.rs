//! Requests that come to a function as events, and its replies, as `curl` would send and print them.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use fc_events::{api_gateway, http as trigger};
use http::{Method, Uri};
use serde_json::Value;

use super::curl::body_of;
use super::print;
use crate::event::neutral;
use crate::wire::headers::of_line;
use crate::wire::http_event::{Asked, Replied};
use crate::wire::ids;

/// The request, for doors that send requests.
#[derive(Debug, Args)]
pub(super) struct RequestArguments {
    /// The method of the request [default: GET, or POST with data]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<String>,
    /// A header of the request, `Name: value`. Can be repeated
    #[arg(short = 'H', long, value_name = "HEADER")]
    header: Vec<String>,
    /// The body of the request; `@FILE` reads a file, `@-` the standard input. Bytes that are no text become base64
    #[arg(short, long)]
    data: Option<String>,
    /// Print the status and the headers of the reply too
    #[arg(short, long)]
    include: bool,
    /// Print the function's own reply: the JSON that the door reads
    #[arg(long, conflicts_with = "include")]
    json: bool,
}

/// How the function's reply is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// As the function gave it.
    AsItIs,
    /// As the client of a door gets it.
    Decoded {
        door: Door,
        /// With status and headers.
        include: bool,
    },
}

/// A source of events that are requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    ApiGateway,
    HttpTrigger,
    LoadBalancer,
}

impl Door {
    pub(super) const LOAD_BALANCER: &str = "alb";

    /// The door with this name on the command line.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "api-gateway" => Some(Door::ApiGateway),
            "http" => Some(Door::HttpTrigger),
            Door::LOAD_BALANCER => Some(Door::LoadBalancer),
            _ => None,
        }
    }
}

impl RequestArguments {
    /// Whether anything is said of a request.
    pub(super) fn is_empty(&self) -> bool {
        self.request.is_none() && self.header.is_empty() && self.data.is_none()
    }

    pub(super) fn shown(&self, door: Option<Door>) -> Shown {
        match door {
            Some(door) if !self.json => Shown::Decoded { door, include: self.include },
            _ => Shown::AsItIs,
        }
    }

    /// The event by which the door passes the request on.
    pub(super) fn event(&self, door: Door, target: &str, function: &str) -> Result<Value, String> {
        let uri: Uri =
            target.parse().map_err(|error| format!("`{target}` is no path or address: {error}"))?;
        let path = Some(uri.path()).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| format!("`{target}` has no path that begins with a slash"))?;
        let body = self.data.as_deref().map(body_of).transpose()?;
        let method = self.request.as_deref().unwrap_or(if body.is_some() { "POST" } else { "GET" });
        Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is no method"))?;
        let own_host = format!("{function}.localhost");
        let host = uri.authority().map_or(own_host.as_str(), |authority| authority.as_str());
        let mut headers = self.headers(host, body.is_some())?;
        if door == Door::LoadBalancer {
            headers.entry("x-forwarded-for".to_owned()).or_insert_with(|| "127.0.0.1".to_owned());
        }
        let body = body.unwrap_or_default();
        let event = if door == Door::ApiGateway {
            let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
            let (body, is_base64) = match String::from_utf8(body) {
                Ok(text) => (text, false),
                Err(error) => (STANDARD.encode(error.into_bytes()), true),
            };
            let mut event = api_gateway::Request::default();
            path.clone_into(&mut event.path);
            method.clone_into(&mut event.http_method);
            // One value each: the last.
            event.query_parameters =
                query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            (event.headers, event.body, event.is_base64_encoded) = (headers, body, is_base64);
            serde_json::to_value(event)
        } else {
            let asked = Asked {
                method,
                target: &uri,
                host,
                headers: headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
                body: &body,
                client: "127.0.0.1",
                account: "",
                id: &ids::request(),
            };
            serde_json::to_value(asked.event(SystemTime::now()))
        };
        event.map_err(|error| error.to_string())
    }

    /// The headers by their names in lower case, repeated ones joined.
    fn headers(&self, host: &str, has_body: bool) -> Result<BTreeMap<String, String>, String> {
        let mut headers = BTreeMap::new();
        for text in &self.header {
            let (name, value) = of_line(text)?;
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers
                .entry(name.to_string())
                .and_modify(|before: &mut String| *before = format!("{before},{value}"))
                .or_insert(value);
        }
        headers.entry("host".to_owned()).or_insert_with(|| host.to_owned());
        if has_body {
            // As `curl` does.
            headers
                .entry("content-type".to_owned())
                .or_insert_with(|| "application/x-www-form-urlencoded".to_owned());
        }
        Ok(headers)
    }
}

/// Prints a function's reply as the client of a door gets it. Whether it is a reply that the door takes.
pub(super) fn show(door: Door, include: bool, body: &Bytes) -> io::Result<bool> {
    if door == Door::ApiGateway && fc_events::read::<trigger::Reply>(body).is_err() {
        print::complain("the function's reply has no `statusCode`: API Gateway answers its client with 503");
        write(&[], body)?;
        return Ok(false);
    }
    let Replied { status, headers, body } = match Replied::of(body) {
        Ok(replied) => replied,
        Err(why) => {
            print::complain(&format!("the function's reply cannot be one to a request: {why}"));
            return Ok(false);
        }
    };
    let mut head = Vec::new();
    if include {
        let reason = status.canonical_reason().unwrap_or_default();
        head.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).as_bytes());
        for (name, value) in &headers {
            head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        head.extend_from_slice(b"\r\n");
    }
    write(&head, &body)?;
    Ok(true)
}

fn write(head: &[u8], body: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        for part in [head, body] {
            out.write_all(neutral(&String::from_utf8_lossy(part).replace("\r\n", "\n")).as_bytes())?;
        }
        if !body.is_empty() && !body.ends_with(b"\n") {
            out.write_all(b"\n")?;
        }
    } else {
        out.write_all(head)?;
        out.write_all(body)?;
    }
    // An error at the end of the process would be lost.
    out.flush()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(header: &[&str], data: Option<&str>) -> RequestArguments {
        RequestArguments {
            request: None,
            header: header.iter().map(|text| (*text).to_owned()).collect(),
            data: data.map(str::to_owned),
            include: false,
            json: false,
        }
    }

    #[test]
    fn each_door_says_the_request_in_its_own_form() {
        let asked = request(&["X-One: 1", "x-one: 2", "User-Agent: me"], Some("a=1"));
        let target = "/orders/42%20a?tag=a&tag=b%20c";
        let gateway = asked.event(Door::ApiGateway, target, "shop").unwrap();
        assert_eq!(
            gateway,
            json!({"path": "/orders/42%20a", "httpMethod": "POST", "body": "a=1", "isBase64Encoded": false, "pathParameters": {},
                "headers": {"content-type": "application/x-www-form-urlencoded", "host": "shop.localhost", "user-agent": "me", "x-one": "1,2"},
                "queryParameters": {"tag": "b c"}})
        );
        let trigger = asked.event(Door::HttpTrigger, target, "shop").unwrap();
        assert_eq!((&trigger["version"], &trigger["rawPath"]), (&json!("v1"), &json!("/orders/42%20a")));
        assert_eq!(trigger["queryParameters"], json!({"tag": "a,b c"}));
        assert_eq!(
            (&trigger["headers"]["X-One"], &trigger["headers"]["User-Agent"]),
            (&json!("1,2"), &json!("me"))
        );
        let http = &trigger["requestContext"]["http"];
        assert_eq!(
            (&http["method"], &http["path"], &http["userAgent"]),
            (&json!("POST"), &json!("/orders/42 a"), &json!("me"))
        );
        assert_eq!(trigger["headers"].get("X-Forwarded-For"), None);
        let balancer = asked.event(Door::LoadBalancer, "http://www.example.com/a", "shop").unwrap();
        assert_eq!(balancer["headers"]["X-Forwarded-For"], "127.0.0.1");
        assert_eq!(balancer["requestContext"]["domainName"], "www.example.com");
        for (target, asked, part) in [
            ("*", request(&[], None), "no path"),
            ("a b", request(&[], None), "no path or address"),
            ("/", request(&["x"], None), "no header"),
            ("/", RequestArguments { request: Some("G T".to_owned()), ..request(&[], None) }, "no method"),
        ] {
            let error = asked.event(Door::HttpTrigger, target, "shop").unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
