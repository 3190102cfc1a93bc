//! Versions, aliases, sessions, and whether a function takes calls: the part of the API that manages a function.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

use super::auth::admit;
use super::body::Body;
use super::sessions;
use crate::account::Account;
use crate::auth::Gate;
use crate::deploy::{AliasChange, Deployer, SecondVersion};
use crate::event::Clock;
use crate::failure::Failure;
use crate::front::body::{Outgoing, plain};
use crate::front::operation::{Operation, What};
use crate::front::page::Page;
use crate::front::visit::Visit;
use crate::model::{Alias, Version, VersionId};
use crate::wire::ClientBody;
use crate::wire::headers::Peer;

/// The largest body of such a call, in bytes.
pub(super) const BODY_MAX: usize = 64 * 1024;

/// Carries out the operation, to its end even if the client leaves.
pub(crate) async fn manage(
    operation: Operation,
    (deployer, account): (&Arc<Deployer>, &Arc<Account>),
    (gate, peer): (&Gate, &Peer),
    visit: &Visit,
    request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let (head, mut body) = admit(gate, peer, request).await?;
    let body = body.read_in(BODY_MAX).await?;
    let page = Page::of(&head.uri)?;
    let objects = (Arc::clone(deployer), Arc::clone(account));
    let carried_out = carry_out(operation, objects, head.uri, page, body);
    Ok(reply(&deployer.complete(carried_out).await?, visit))
}

/// What the caller is told of the operation.
async fn carry_out(
    operation: Operation,
    (deployer, account): (Arc<Deployer>, Arc<Account>),
    uri: Uri,
    page: Page,
    body: Bytes,
) -> Result<Value, Failure> {
    let name = operation.function.as_str();
    deployer.refresh_named(name).await;
    Ok(match operation.what {
        What::Invoke { .. } | What::Async { .. } | What::Exec(_) | What::Account(_) => Value::Null,
        What::Session { qualifier, what } => {
            sessions::carry_out(&deployer, name, qualifier.as_deref(), what, (&uri, &page), &body).await?
        }
        What::PublishVersion => {
            let body = Body::parse(&body)?;
            let description = body.text("description")?.unwrap_or_default();
            version(&deployer.publish(name, description, account.document_of(name)).await?)
        }
        What::ListVersions => list_versions(&deployer.versions(name)?, &uri, &page),
        What::DeleteVersion(id) => {
            deployer.remove_version(name, id).await?;
            Value::Null
        }
        What::CreateAlias => {
            let body = Body::parse(&body)?;
            let own = body.text("aliasName")?;
            let own = own.ok_or_else(|| Failure::invalid_argument("aliasName is missing"))?;
            alias(&deployer.set_alias(name, &own, body.alias_change()?, true).await?)
        }
        What::ListAliases => list_aliases(deployer.aliases(name)?, &page),
        What::GetAlias(own) => alias(&deployer.alias(name, &own)?),
        What::UpdateAlias(own) => {
            let change = Body::parse(&body)?.alias_change()?;
            alias(&deployer.set_alias(name, &own, change, false).await?)
        }
        What::DeleteAlias(own) => {
            deployer.remove_alias(name, &own).await?;
            Value::Null
        }
        What::Disable => {
            let body = Body::parse(&body)?;
            let aborts = body.boolean("abortOngoingRequest")?;
            deployer.disable(name, body.text("reason")?.unwrap_or_default(), aborts).await?;
            json!({ "success": true })
        }
        What::Enable => {
            deployer.enable(name).await?;
            json!({ "success": true })
        }
    })
}

/// A document, or nothing after a removal.
pub(super) fn reply(document: &Value, visit: &Visit) -> Response<Outgoing> {
    let mut headers = HeaderMap::new();
    if let Ok(id) = HeaderValue::from_str(&visit.id()) {
        headers.insert(fc::REQUEST_ID, id);
    }
    if document.is_null() {
        return plain(StatusCode::NO_CONTENT, headers, "").map(Outgoing::whole);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    plain(StatusCode::OK, headers, document.to_string()).map(Outgoing::whole)
}

fn list_versions(all: &[Version], uri: &Uri, page: &Page) -> Value {
    let is_forward =
        uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "direction=FORWARD"));
    let mut all: Vec<(String, Value)> = all.iter().map(|own| (own.id.to_string(), version(own))).collect();
    if !is_forward {
        all.reverse();
    }
    let (versions, next) = page.cut(all);
    let direction = if is_forward { "FORWARD" } else { "BACKWARD" };
    page_document(json!({ "versions": versions, "direction": direction }), next)
}

fn list_aliases(mut all: Vec<Alias>, page: &Page) -> Value {
    all.retain(|own| own.name.starts_with(&page.prefix));
    let all = all.iter().map(|own| (own.name.clone(), alias(own))).collect();
    let (aliases, next) = page.cut(all);
    page_document(json!({ "aliases": aliases }), next)
}

pub(super) fn page_document(mut document: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        document["nextToken"] = next.into();
    }
    document
}

fn version(version: &Version) -> Value {
    let created = time(version.created);
    json!({
        "versionId": version.id.to_string(),
        "description": version.description,
        "createdTime": created,
        "lastModifiedTime": created,
    })
}

fn alias(alias: &Alias) -> Value {
    let additional: Map<String, Value> =
        alias.additional.iter().map(|(version, weight)| (version.to_string(), (*weight).into())).collect();
    json!({
        "aliasName": alias.name,
        "versionId": alias.version.to_string(),
        "additionalVersionWeight": additional,
        "description": alias.description,
        "createdTime": time(alias.created),
        "lastModifiedTime": time(alias.modified),
    })
}

pub(super) fn time(time: SystemTime) -> String {
    Clock::default().utc(time).to_owned()
}

/// What the body of a call says of an alias.
trait AliasBody {
    fn alias_change(&self) -> Result<AliasChange, Failure>;
    fn weight(&self) -> Result<SecondVersion, Failure>;
}

impl AliasBody for Body {
    fn alias_change(&self) -> Result<AliasChange, Failure> {
        let version = self.text("versionId")?.map(|id| version_id(&id)).transpose()?;
        Ok(AliasChange { version, additional: self.weight()?, description: self.text("description")? })
    }

    /// At most one further version with its share of the calls.
    fn weight(&self) -> Result<SecondVersion, Failure> {
        const KEY: &str = "additionalVersionWeight";
        let weights = match self.get(KEY) {
            None | Some(Value::Null) => return Ok(SecondVersion::Kept),
            Some(Value::Object(weights)) => weights,
            Some(_) => return Err(Failure::invalid_argument(format!("{KEY} must be an object"))),
        };
        let mut weights = weights.iter();
        match (weights.next(), weights.next()) {
            (None, _) => Ok(SecondVersion::None),
            (Some((id, Value::Number(weight))), None) => {
                Ok(SecondVersion::Set(version_id(id)?, weight.as_f64().unwrap_or(0.0)))
            }
            (Some(_), None) => Err(Failure::invalid_argument(format!("{KEY} must have a number"))),
            (Some(_), Some(_)) => {
                Err(Failure::invalid_argument(format!("{KEY} may name one version beside versionId")))
            }
        }
    }
}

fn version_id(text: &str) -> Result<VersionId, Failure> {
    text.parse().map_err(|_| {
        let text = format!("'{text}' is no published version; an alias leads to a number, not to LATEST");
        Failure::invalid_argument(text)
    })
}
