//! `fc-local curl`.

use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Uri, header};

use super::{keys, local_authority, print};
use crate::auth::{presign, sign};
use crate::manifest::{read_bounded, take_bounded};
use crate::process::{HiddenFile, run_tool};
use crate::wire::headers::of_line;
use crate::wire::limits::BODY_MAX;
use crate::wire::outgoing::reached;

#[derive(Debug, Args)]
pub(super) struct CurlArguments {
    /// The address, such as `http://NAME.localhost:8080/path`
    url: String,
    /// The method [default: GET, or POST with data]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<String>,
    /// A header, `Name: value`. Can be repeated
    #[arg(short = 'H', long, value_name = "HEADER")]
    header: Vec<String>,
    /// The body; `@FILE` reads a file, `@-` the standard input
    #[arg(short, long)]
    data: Option<String>,
    /// Sign with a temporary key and its security token
    #[arg(long)]
    temporary: bool,
    /// Print the address with its signature, and send nothing
    #[arg(long, conflicts_with_all = ["data", "print"])]
    presign: bool,
    /// How long a printed address or a temporary key is valid, in seconds
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    expires: u64,
    /// Print the headers of the signed request, and send nothing
    #[arg(long)]
    print: bool,
    /// More arguments for `curl`
    #[arg(last = true)]
    more: Vec<OsString>,
}

pub(super) fn run(template: &Path, arguments: &CurlArguments) -> ExitCode {
    match try_run(template, arguments) {
        Ok(code) => code,
        Err(error) => {
            print::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn try_run(template: &Path, arguments: &CurlArguments) -> Result<ExitCode, String> {
    let key = keys::key(template, None, arguments.temporary.then_some(arguments.expires))?;
    let body = arguments.data.as_deref().map(body_of).transpose()?;
    let mut head = head(arguments, body.is_some())?;
    let now = SystemTime::now();
    let ambiguous =
        || "this request cannot be signed: a header is there twice, or a name in the query has `&` or `=`";
    if arguments.presign {
        let end = now.checked_add(Duration::from_secs(arguments.expires)).ok_or("the time is too long")?;
        let target = presign(&head, &key, end).ok_or_else(ambiguous)?;
        print::say(&format!("{}{target}", origin(&head.uri)));
        return Ok(ExitCode::SUCCESS);
    }
    sign(&mut head, body.as_deref().unwrap_or_default(), &key, now).ok_or_else(ambiguous)?;
    // The host is sent as it is signed: `curl` would make its own of the address, and leave a port 80 out.
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<String> = head
        .headers
        .iter()
        .map(
            |(name, value)| {
                if value.is_empty() { format!("{name};") } else { format!("{name}: {}", text(value)) }
            },
        )
        .collect();
    if arguments.print {
        for header in &headers {
            print::say(header);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let url = format!("{}{target}", origin(&head.uri));
    // What is signed is sent as it is: no patterns and no dots are resolved.
    let mut line: Vec<OsString> =
        ["--globoff", "--path-as-is", "--silent", "--show-error"].map(Into::into).into();
    if head.method == Method::HEAD {
        line.push("--head".into());
    } else {
        line.extend(["--request".into(), head.method.as_str().into()]);
    }
    if is_of_this_machine(&head.uri) {
        // `http_proxy` may name a proxy, which has another loopback, if it passes such a request at all.
        line.extend(["--noproxy", "*"].map(Into::into));
        // The certificate of this machine's names is that of the local authority. What the caller says of certificates comes later,
        // and holds.
        if let Some(file) = local_authority().filter(|file| file.is_file()) {
            line.extend(["--cacert".into(), file.into()]);
        }
    }
    // Other users see the arguments of every program, and the signature must not be there.
    let settings = headers.iter().map(|header| format!("header = {}\n", quoted(header)));
    let settings: String = settings.chain([format!("url = {}\n", quoted(&url))]).collect();
    let settings = HiddenFile::with(settings.as_bytes())
        .map_err(|error| format!("the signature cannot be handed over: {error}"))?;
    line.extend(["--config".into(), settings.path().into()]);
    if body.is_some() {
        line.extend(["--data-binary", "@-"].map(Into::into));
    }
    line.extend(arguments.more.iter().cloned());
    match run_tool("curl", &line, body.as_deref()) {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("`curl` is not installed; --print shows the headers for another client".to_owned())
        }
        Err(error) => Err(format!("`curl` cannot be run: {error}")),
    }
}

/// A text as curl's configuration has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The data, of a file or of the standard input after an `@`.
pub(super) fn body_of(data: &str) -> Result<Vec<u8>, String> {
    let read = match data.strip_prefix('@') {
        None => return Ok(data.into()),
        Some("-") => take_bounded(io::stdin().lock(), BODY_MAX as u64),
        Some(file) => read_bounded(Path::new(file), BODY_MAX as u64),
    };
    read.map_err(|error| format!("cannot read the data: {error}"))
}

fn head(arguments: &CurlArguments, has_body: bool) -> Result<Parts, String> {
    let has_scheme = arguments.url.contains("://");
    let url = if has_scheme { arguments.url.clone() } else { format!("http://{}", arguments.url) };
    let uri: Uri = url.parse().map_err(|error| format!("`{url}` is no address: {error}"))?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
    let host =
        authority.map(|authority| authority.as_str().to_owned()).ok_or("the address needs a host alone")?;
    let default = if has_body { "POST" } else { "GET" };
    let method = arguments.request.as_deref().unwrap_or(default);
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is no method"))?;
    let mut head = Request::builder()
        .method(method)
        .uri(uri)
        .body(())
        .map_err(|error| error.to_string())?
        .into_parts()
        .0;
    let host = HeaderValue::from_str(&host).map_err(|_| "the address has no host for a header")?;
    head.headers.insert(header::HOST, host);
    for text in &arguments.header {
        let (name, value) = of_line(text)?;
        if name == header::HOST {
            head.headers.insert(name, value);
        } else {
            head.headers.append(name, value);
        }
    }
    if has_body && !head.headers.contains_key(header::CONTENT_TYPE) {
        // As `curl` does.
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        head.headers.insert(header::CONTENT_TYPE, form);
    }
    Ok(head)
}

fn is_of_this_machine(uri: &Uri) -> bool {
    let host = reached(uri.host().unwrap_or_default()).trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn origin(uri: &Uri) -> String {
    let host = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{host}", uri.scheme_str().unwrap_or("http"))
}
