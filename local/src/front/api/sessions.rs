//! The sessions of a function, by the API.

use std::collections::HashMap;
use std::sync::Arc;

use http::Uri;
use serde_json::{Value, json};

use super::body::Body;
use super::manage::{page_document, time};
use crate::deploy::{Deployer, SessionChange, SessionOf};
use crate::failure::Failure;
use crate::front::operation::SessionWhat;
use crate::front::page::Page;
use crate::model::AffinityKind;

/// The longest life and idle time of a session, in seconds.
const SECONDS_MAX: u64 = 21_600;

/// What a session may have on the platform, and cannot have here.
const NOT_OFFERED: [&str; 6] =
    ["nasConfig", "ossMountConfig", "polarFsConfig", "juiceFsConfig", "network", "snapshotId"];

/// What the caller is told of the operation.
pub(super) async fn carry_out(
    deployer: &Arc<Deployer>,
    name: &str,
    qualifier: Option<&str>,
    what: SessionWhat,
    (uri, page): (&Uri, &Page),
    body: &[u8],
) -> Result<Value, Failure> {
    Ok(match what {
        SessionWhat::Create => {
            let change = change(&Body::parse(body)?)?;
            document(&deployer.begin_session(name, qualifier, change).await?, name)
        }
        SessionWhat::List => list(deployer.sessions(name, qualifier)?, name, uri, page)?,
        SessionWhat::Get(id) => document(&deployer.session(name, qualifier, &id)?, name),
        SessionWhat::Update(id) => {
            let change = change(&Body::parse(body)?)?;
            document(&deployer.change_session(name, qualifier, &id, &change)?, name)
        }
        SessionWhat::Delete(id) => {
            deployer.delete_session(name, qualifier, &id)?;
            Value::Null
        }
    })
}

fn change(body: &Body) -> Result<SessionChange, Failure> {
    if let Some(key) = NOT_OFFERED.iter().find(|key| body.get(key).is_some_and(|value| !value.is_null())) {
        let text = format!(
            "{key} is not offered by fc-local: it mounts no storage, has no VPC, and takes no snapshots"
        );
        return Err(Failure::invalid_argument(text));
    }
    Ok(SessionChange {
        id: body.text("sessionId")?.filter(|id| !id.is_empty()),
        lifetime: body.seconds("sessionTTLInSeconds", 1..=SECONDS_MAX)?,
        idle: body.seconds("sessionIdleTimeoutInSeconds", 0..=SECONDS_MAX)?,
        is_id_used_once: body.maybe("disableSessionIdReuse")?,
    })
}

fn list(mut all: Vec<SessionOf>, name: &str, uri: &Uri, page: &Page) -> Result<Value, Failure> {
    let value = |key: &str| {
        let mut pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, value)| *own == key && !value.is_empty()).map(|(_, value)| value)
    };
    match value("sessionStatus") {
        None => {}
        Some("Active") => all.retain(|own| own.session.instance.is_some()),
        Some("Expired") => all.retain(|own| own.session.instance.is_none()),
        Some(other) => {
            let text = format!("sessionStatus must be Active or Expired but is '{other}'");
            return Err(Failure::invalid_argument(text));
        }
    }
    if let Some(id) = value("sessionId") {
        all.retain(|own| *own.session.id == *id);
    }
    // One id may have had several sessions. They are in order, so that a token stays what it is.
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let entries = all.iter().map(|own| {
        let nth = seen.entry(&own.session.id).and_modify(|nth| *nth += 1).or_insert(0);
        (format!("{}.{nth}", own.session.id), document(own, name))
    });
    let (sessions, next) = page.cut(entries.collect());
    Ok(page_document(json!({ "sessions": sessions }), next))
}

fn document(own: &SessionOf, name: &str) -> Value {
    let SessionOf { session, kind, qualifier } = own;
    let mut document = json!({
        "sessionId": &*session.id,
        "functionName": name,
        "qualifier": qualifier,
        "sessionAffinityType": affinity(kind),
        "sessionStatus": if session.instance.is_some() { "Active" } else { "Expired" },
        "sessionTTLInSeconds": session.terms.lifetime.as_secs(),
        "sessionIdleTimeoutInSeconds": session.terms.idle.map_or(0, |idle| idle.as_secs()),
        "disableSessionIdReuse": session.terms.is_id_used_once,
        "createdTime": time(session.created),
        "lastModifiedTime": time(session.modified),
    });
    if let Some(instance) = &session.instance {
        document["containerId"] = (&**instance).into();
    }
    document
}

fn affinity(kind: &AffinityKind) -> &'static str {
    match kind {
        AffinityKind::Header(_) => "HEADER_FIELD",
        AffinityKind::Cookie => "GENERATED_COOKIE",
        AffinityKind::McpSse(_) => "MCP_SSE",
        AffinityKind::McpStreamable => "MCP_STREAMABLE",
    }
}
