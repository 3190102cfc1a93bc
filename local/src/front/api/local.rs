//! The operations of fc-local's own: recorded calls as JSON, as an archive and as a line for curl, the lines of functions, and
//! what functions use.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Request, Response, Uri};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::auth::admit;
use super::manage::reply;
use super::{logs, metering, replay};
use crate::auth::Gate;
use crate::event::{Log, duration};
use crate::failure::Failure;
use crate::front::async_operation::parameter;
use crate::front::body::Outgoing;
use crate::front::local_operation::LocalOperation;
use crate::front::visit::Visit;
use crate::meter::Meters;
use crate::record::{Entry, Filter, Records, Unfound, curl_line, detail, har, summary};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Identities};

/// The calls of a page unless the query says how many, and the most.
const PAGE: usize = 100;
pub(super) const PAGE_MAX: usize = 1_000;

/// How long a caller waits for a change, before it asks again.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(20);

/// By this a command knows that an fc-local listens, and no function.
pub(crate) const PROGRAM: &str = "fc-local";

/// What the operations are on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) records: &'a Records,
    pub(crate) meters: &'a Meters,
    /// Where clients of this machine reach the ports, by name.
    pub(crate) ports: &'a BTreeMap<Arc<str>, SocketAddr>,
    pub(crate) identities: Option<&'a Identities>,
    pub(crate) log: &'a Log,
    pub(crate) known: &'a dyn logs::Known,
    /// Ends what waits for something to come.
    pub(crate) stop: &'a CancellationToken,
}

impl Site<'_> {
    /// The call with this request id, or the only one whose id ends so.
    pub(super) fn find(&self, id: &str) -> Result<Entry, Failure> {
        let is_off = self.records.limits().is_none();
        self.records.find(id).map_err(|unfound| match unfound {
            Unfound::Unknown => Failure::call_not_recorded(id, is_off),
            Unfound::Ambiguous => Failure::invalid_argument(format!(
                "the ids of several calls end with '{id}': name more of one"
            )),
        })
    }

    /// Where the port is now at which the call came in.
    pub(super) fn address(&self, entry: &Entry) -> Result<SocketAddr, Failure> {
        if entry.call.is_probe {
            return Err(Failure::invalid_argument("a health check of a load balancer came in at no port"));
        }
        let address = self.ports.get(&entry.call.door).copied();
        address.ok_or_else(|| Failure::invalid_argument("the port at which the call came in is closed"))
    }
}

/// Carries the operation out.
///
/// # Errors
///
/// The caller is not let in, the call is not there, or the query cannot be read.
pub(crate) async fn local(
    operation: LocalOperation,
    site: Site<'_>,
    (gate, peer): (&Gate, &Peer),
    visit: &Visit,
    request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let (head, _) = match operation {
        LocalOperation::Server => request.into_parts(),
        _ => admit(gate, peer, request).await?,
    };
    let uri = &head.uri;
    let document = match operation {
        LocalOperation::List => list(site.records, uri)?,
        LocalOperation::Changes => Box::pin(changes(site.records, uri)).await?,
        LocalOperation::Forget => {
            site.records.clear();
            Value::Null
        }
        LocalOperation::Get(id) => detail(&site.find(&id)?),
        LocalOperation::Curl(id) => {
            let entry = site.find(&id)?;
            let authority = site.identities.map(Identities::file);
            let line =
                curl_line(&entry, site.address(&entry)?, authority).map_err(Failure::invalid_argument)?;
            json!({ "command": line, "masked": entry.has_secrets() })
        }
        LocalOperation::Replay(id) => {
            let entry = site.find(&id)?;
            let to = parameter(uri, "to");
            Box::pin(replay::replay(&entry, to.as_deref(), site, gate)).await?
        }
        LocalOperation::Archive => {
            let (filter, limit) = (filter(uri)?, limit(uri, PAGE_MAX)?);
            let mut entries = site.records.list(&filter, None, limit).entries;
            entries.reverse();
            har(&entries)
        }
        LocalOperation::Logs => Box::pin(logs::logs(site, uri)).await?,
        LocalOperation::Usage => {
            let ago = parameter(uri, "since").map(|since| duration(&since)).transpose();
            metering::usage(&site.meters.usage(ago.map_err(Failure::invalid_argument)?))
        }
        LocalOperation::Server => json!({ "program": PROGRAM, "version": env!("CARGO_PKG_VERSION") }),
        LocalOperation::Course => {
            let asked = parameter(uri, "function");
            let names = asked.map_or_else(|| site.meters.names(), |function| vec![Arc::from(function)]);
            let all = site.meters.course_of_all();
            metering::course(&all, names.iter().map(|name| (&**name, site.meters.course(name))))
        }
    };
    Ok(reply(&document, visit))
}

/// Sends the call with this id once more, for a caller that was let in elsewhere.
///
/// # Errors
///
/// The call is not there or cannot be repeated, or there is no reply.
pub(crate) async fn replay_of(
    id: &str,
    to: Option<&str>,
    site: Site<'_>,
    gate: &Gate,
) -> Result<Value, Failure> {
    Box::pin(replay::replay(&site.find(id)?, to, site, gate)).await
}

fn list(records: &Records, uri: &Uri) -> Result<Value, Failure> {
    let before = parameter(uri, "before").map(|before| before.parse()).transpose();
    let before = before.map_err(|_| Failure::invalid_argument("before is no number of a call"))?;
    let page = records.list(&filter(uri)?, before, limit(uri, PAGE)?);
    let (_, heads, bodies) = records.size();
    let limits = records.limits().map(|limits| {
        json!({ "calls": limits.calls, "headBytes": limits.heads, "bodyBytes": limits.bodies, "bytesOfEachBody": limits.body })
    });
    Ok(json!({
        "requests": page.entries.iter().map(|entry| summary(&entry.call)).collect::<Vec<_>>(),
        "next": page.next,
        "kept": page.kept,
        "gone": page.gone,
        "headBytes": heads,
        "bodyBytes": bodies,
        "limits": limits,
    }))
}

/// Waits until there is a change behind the revision `after`, or for some time. Without `after` it tells the revision alone.
async fn changes(records: &Records, uri: &Uri) -> Result<Value, Failure> {
    let Some(mut changed) = records.subscribe() else { return Err(Failure::call_not_recorded("", true)) };
    let Some(after) = parameter(uri, "after") else {
        return Ok(json!({ "requests": [], "revision": *changed.borrow() }));
    };
    let mut after: u64 = after.parse().map_err(|_| Failure::invalid_argument("after is no revision"))?;
    let filter = filter(uri)?;
    let until = Instant::now() + WAIT_MAX;
    loop {
        changed.mark_unchanged();
        let (list, revision) = news(records, &filter, after);
        // What does not pass is not looked at again.
        after = revision;
        let is_over = list.is_empty() && !matches!(timeout_at(until, changed.changed()).await, Ok(Ok(())));
        if is_over || !list.is_empty() {
            return Ok(json!({ "requests": list, "revision": revision }));
        }
    }
}

/// The changes behind a revision that pass, and the revision up to which they are all.
fn news(records: &Records, filter: &Filter, after: u64) -> (Vec<Value>, u64) {
    let (entries, latest) = records.since(after);
    let mut passing = entries.iter().filter(|entry| filter.passes(&entry.call));
    let page: Vec<&Entry> = passing.by_ref().take(PAGE_MAX).collect();
    let revision = match (page.last(), passing.next()) {
        (Some(last), Some(_)) => last.revision(),
        _ => latest,
    };
    (page.into_iter().map(|entry| summary(&entry.call)).collect(), revision)
}

fn filter(uri: &Uri) -> Result<Filter, Failure> {
    let pairs = pairs(uri);
    let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
    Filter::parse(pairs, SystemTime::now()).map_err(Failure::invalid_argument)
}

/// The names and values of a query.
pub(super) fn pairs(uri: &Uri) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect()
}

pub(super) fn limit(uri: &Uri, own: usize) -> Result<usize, Failure> {
    let Some(limit) = parameter(uri, "limit") else { return Ok(own) };
    let limit = limit.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(|| Failure::invalid_argument(format!("limit is a number of 1 to {PAGE_MAX}")))
}
