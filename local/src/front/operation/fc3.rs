//! The operations of edition 3.0: one table.

use http::{Method, Request, Uri};

use super::path::{decoded, qualifier};
use super::{Operation, SessionWhat, What};
use crate::account::{Setting, What as Account};
use crate::failure::Failure;
use crate::front::async_operation::{AsyncWhat, parameter};

/// The begin of the API's paths.
pub(super) const PREFIX: &str = "/2023-03-30/";

/// The variable parts of a path in their order, and the qualifier of the query.
struct Found {
    parts: Vec<String>,
    qualifier: Option<String>,
}

/// A row of the table: `{}` is a variable part. The first variable behind `functions/` is the function.
type Row = (Method, &'static str, fn(Found) -> What);

const TABLE: &[Row] = &[
    (Method::POST, "functions", |_| What::Account(Account::CreateFunction)),
    (Method::GET, "functions", |_| What::Account(Account::ListFunctions)),
    (Method::GET, "functions/{}", |_| What::Account(Account::GetFunction)),
    (Method::PUT, "functions/{}", |_| What::Account(Account::UpdateFunction)),
    (Method::DELETE, "functions/{}", |_| What::Account(Account::DeleteFunction)),
    (Method::GET, "functions/{}/code", |_| What::Account(Account::GetCode)),
    (Method::POST, "functions/{}/invoke/disable", |_| What::Disable),
    (Method::POST, "functions/{}/invoke/enable", |_| What::Enable),
    (Method::POST, "functions/{}/invocations", |found| What::Invoke { qualifier: found.qualifier }),
    (Method::POST, "functions/{}/versions", |_| What::PublishVersion),
    (Method::GET, "functions/{}/versions", |_| What::ListVersions),
    // The number is read below.
    (Method::DELETE, "functions/{}/versions/{}", |_| What::DeleteVersion(0)),
    (Method::POST, "functions/{}/aliases", |_| What::CreateAlias),
    (Method::GET, "functions/{}/aliases", |_| What::ListAliases),
    (Method::GET, "functions/{}/aliases/{}", |found| What::GetAlias(found.last())),
    (Method::PUT, "functions/{}/aliases/{}", |found| What::UpdateAlias(found.last())),
    (Method::DELETE, "functions/{}/aliases/{}", |found| What::DeleteAlias(found.last())),
    (Method::POST, "functions/{}/triggers", |_| What::Account(Account::CreateTrigger)),
    (Method::GET, "functions/{}/triggers", |_| What::Account(Account::ListTriggers)),
    (Method::GET, "functions/{}/triggers/{}", |found| What::Account(Account::GetTrigger(found.last()))),
    (Method::PUT, "functions/{}/triggers/{}", |found| What::Account(Account::UpdateTrigger(found.last()))),
    (Method::DELETE, "functions/{}/triggers/{}", |found| What::Account(Account::DeleteTrigger(found.last()))),
    (Method::GET, "functions/{}/async-invoke-config", |found| found.of_calls(AsyncWhat::GetConfig)),
    (Method::PUT, "functions/{}/async-invoke-config", |found| found.of_calls(AsyncWhat::PutConfig)),
    (Method::DELETE, "functions/{}/async-invoke-config", |found| found.of_calls(AsyncWhat::DeleteConfig)),
    (Method::GET, "functions/{}/async-tasks", |found| found.of_calls(AsyncWhat::ListTasks)),
    (Method::GET, "functions/{}/async-tasks/{}", |found| {
        let task = found.last();
        found.of_calls(AsyncWhat::GetTask(task))
    }),
    (Method::PUT, "functions/{}/async-tasks/{}/stop", |found| {
        let task = found.last();
        found.of_calls(AsyncWhat::StopTask(task))
    }),
    (Method::PUT, "functions/{}/async-tasks/{}/retry", |found| {
        let task = found.last();
        found.of_calls(AsyncWhat::RepeatTask(task))
    }),
    (Method::GET, "async-invoke-configs", |found| found.of_calls(AsyncWhat::ListConfigs)),
    (Method::GET, "messages", |found| found.of_calls(AsyncWhat::ListMessages)),
    (Method::GET, "messages/{}", |found| {
        let id = found.last();
        found.of_calls(AsyncWhat::GetMessage(id))
    }),
    (Method::POST, "functions/{}/sessions", |found| found.of_sessions(SessionWhat::Create)),
    (Method::GET, "functions/{}/sessions", |found| found.of_sessions(SessionWhat::List)),
    (Method::GET, "functions/{}/sessions/{}", |found| {
        let id = found.last();
        found.of_sessions(SessionWhat::Get(id))
    }),
    (Method::PUT, "functions/{}/sessions/{}", |found| {
        let id = found.last();
        found.of_sessions(SessionWhat::Update(id))
    }),
    (Method::DELETE, "functions/{}/sessions/{}", |found| {
        let id = found.last();
        found.of_sessions(SessionWhat::Delete(id))
    }),
    (Method::GET, "functions/{}/concurrency", |_| What::Account(Account::GetSetting(Setting::Concurrency))),
    (Method::PUT, "functions/{}/concurrency", |_| What::Account(Account::PutSetting(Setting::Concurrency))),
    (Method::DELETE, "functions/{}/concurrency", |_| {
        What::Account(Account::DeleteSetting(Setting::Concurrency))
    }),
    (Method::GET, "concurrency-configs", |_| What::Account(Account::ListSettings(Setting::Concurrency))),
    (Method::GET, "functions/{}/provision-config", |_| {
        What::Account(Account::GetSetting(Setting::Provision))
    }),
    (Method::PUT, "functions/{}/provision-config", |_| {
        What::Account(Account::PutSetting(Setting::Provision))
    }),
    (Method::DELETE, "functions/{}/provision-config", |_| {
        What::Account(Account::DeleteSetting(Setting::Provision))
    }),
    (Method::GET, "provision-configs", |_| What::Account(Account::ListSettings(Setting::Provision))),
    (Method::GET, "functions/{}/scaling-config", |_| What::Account(Account::GetSetting(Setting::Scaling))),
    (Method::PUT, "functions/{}/scaling-config", |_| What::Account(Account::PutSetting(Setting::Scaling))),
    (Method::DELETE, "functions/{}/scaling-config", |_| {
        What::Account(Account::DeleteSetting(Setting::Scaling))
    }),
    (Method::GET, "scaling-configs", |_| What::Account(Account::ListSettings(Setting::Scaling))),
    (Method::GET, "functions/{}/vpc-bindings", |_| What::Account(Account::ListVpcs)),
    (Method::POST, "functions/{}/vpc-bindings", |_| What::Account(Account::BindVpc)),
    (Method::DELETE, "functions/{}/vpc-bindings/{}", |found| What::Account(Account::UnbindVpc(found.last()))),
    (Method::GET, "functions/{}/instances", |_| What::Account(Account::ListInstances)),
    (Method::GET, "functions/{}/instances/{}/exec", |found| What::Exec(found.last())),
    (Method::POST, "custom-domains", |_| What::Account(Account::CreateDomain)),
    (Method::GET, "custom-domains", |_| What::Account(Account::ListDomains)),
    (Method::GET, "custom-domains/{}", |found| What::Account(Account::GetDomain(found.last()))),
    (Method::PUT, "custom-domains/{}", |found| What::Account(Account::UpdateDomain(found.last()))),
    (Method::DELETE, "custom-domains/{}", |found| What::Account(Account::DeleteDomain(found.last()))),
    (Method::GET, "layers", |_| What::Account(Account::ListLayers)),
    (Method::POST, "layers/{}/versions", |found| What::Account(Account::PublishLayer(found.last()))),
    (Method::GET, "layers/{}/versions", |found| What::Account(Account::ListLayerVersions(found.last()))),
    (Method::GET, "layers/{}/versions/{}", |found| {
        let version = found.last();
        What::Account(Account::GetLayer(found.first(), version))
    }),
    (Method::DELETE, "layers/{}/versions/{}", |found| {
        let version = found.last();
        What::Account(Account::DeleteLayer(found.first(), version))
    }),
    (Method::PUT, "layers/{}/acl", |found| What::Account(Account::SetLayerAcl(found.last()))),
    (Method::GET, "layerarn/{}", |found| What::Account(Account::GetLayerByArn(found.last()))),
    (Method::GET, "tags-v2", |_| What::Account(Account::ListTags)),
    (Method::POST, "tags-v2", |_| What::Account(Account::Tag)),
    (Method::DELETE, "tags-v2", |_| What::Account(Account::Untag)),
    (Method::PUT, "resource-groups", |_| What::Account(Account::SetResourceGroup)),
    (Method::GET, "regions", |_| What::Account(Account::ListRegions)),
];

impl Found {
    fn first(&self) -> String {
        self.parts.first().cloned().unwrap_or_default()
    }

    fn last(&self) -> String {
        self.parts.last().cloned().unwrap_or_default()
    }

    fn of_calls(self, what: AsyncWhat) -> What {
        What::Async { qualifier: self.qualifier, what }
    }

    fn of_sessions(self, what: SessionWhat) -> What {
        What::Session { qualifier: self.qualifier, what }
    }
}

/// `rest` is the path behind [`PREFIX`].
pub(super) fn parse<B>(request: &Request<B>, rest: &str) -> Result<Operation, Failure> {
    let (uri, method) = (request.uri(), request.method());
    let Some(parts) = decoded(rest) else { return Err(unknown(uri)) };
    let rows: Vec<&Row> = TABLE.iter().filter(|(_, path, _)| is_of(path, &parts)).collect();
    let Some((_, path, make)) = rows.iter().find(|(own, ..)| own == method) else {
        return Err(match (rows.is_empty(), parts.as_slice()) {
            (true, [functions, _, sessions, _, word])
                if functions == "functions"
                    && sessions == "sessions"
                    && method == Method::PUT
                    && ["pause", "resume"].contains(&word.as_str()) =>
            {
                let text =
                    format!("a session can {word} with a custom image alone, which fc-local does not run");
                Failure::invalid_argument(text)
            }
            (true, _) => unknown(uri),
            (false, _) => Failure::path_not_supported(method.as_str(), uri.path()),
        });
    };
    let variables = path.split('/').zip(parts).filter(|(own, _)| *own == "{}").map(|(_, part)| part);
    let found = Found { parts: variables.collect(), qualifier: qualifier(uri) };
    let is_of_function = path.starts_with("functions/{}");
    let function = match is_of_function {
        true => found.first(),
        false if *path == "async-invoke-configs" => parameter(uri, "functionName").unwrap_or_default(),
        false => String::new(),
    };
    let last = found.last();
    let what = match make(found) {
        What::DeleteVersion(_) => {
            let id = last.parse();
            let wrong = || Failure::invalid_argument(format!("'{last}' is no number of a version"));
            What::DeleteVersion(id.map_err(|_| wrong())?)
        }
        what => what,
    };
    Ok(Operation { function, service: None, what })
}

/// Whether the parts of a path are those of a row. A variable part is a name, or a text of any kind: an ARN, the id of a
/// request.
fn is_of(path: &str, parts: &[String]) -> bool {
    let mut own = path.split('/');
    let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('/');
    let is_any = ["layerarn/", "messages/"].iter().any(|begin| path.starts_with(begin));
    let fits = |part: &String| match own.next() {
        Some("{}") => is_name(part) || is_any && !part.is_empty(),
        Some(own) => own == part,
        None => false,
    };
    parts.iter().all(fits) && path.split('/').count() == parts.len()
}

fn unknown(uri: &Uri) -> Failure {
    let text = format!(
        "fc-local offers no {}: docs/control-plane.md lists the operations that it has below {PREFIX}",
        uri.path()
    );
    Failure::invalid_argument(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_are_of_the_same_requests() {
        for (at, (method, path, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[..at].iter().any(|(own, other, _)| own == method && other == path), "{path}");
        }
    }

    /// The table of the document is that of the code.
    #[test]
    fn the_document_lists_every_operation() {
        let document = include_str!("../../../../docs/control-plane.md");
        for (method, path, _) in TABLE {
            let row = format!("`{method} /{}`", path.replacen("{}", "NAME", 1).replace("{}", "ID"));
            assert!(document.contains(&row), "docs/control-plane.md has no {row}");
        }
    }
}
