//! The operations of the platform's API, by method and path.

mod fc2;
mod fc3;
mod object;
mod path;
#[cfg(test)]
mod tests;

use http::{Method, Request};

use super::async_operation::AsyncWhat;
use crate::account;
use crate::failure::Failure;
use crate::model::VersionId;

pub(crate) use object::object;
pub(crate) use path::ProxyPath;
pub(super) use path::decode;

/// A call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Empty for an operation on all functions.
    pub(crate) function: String,
    /// The service that edition 2.0 names, in its APIs.
    pub(crate) service: Option<String>,
    pub(crate) what: What,
}

/// What a call of the API asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A version or an alias; `None` is `LATEST`.
    Invoke {
        qualifier: Option<String>,
    },
    PublishVersion,
    ListVersions,
    DeleteVersion(VersionId),
    CreateAlias,
    ListAliases,
    GetAlias(String),
    UpdateAlias(String),
    DeleteAlias(String),
    Disable,
    Enable,
    /// Asynchronous calls of a version or an alias; `None` is `LATEST`.
    Async {
        qualifier: Option<String>,
        what: AsyncWhat,
    },
    /// Of a version or an alias; `None` is `LATEST`, and all of them in a list.
    Session {
        qualifier: Option<String>,
        what: SessionWhat,
    },
    /// A command in this instance.
    Exec(String),
    /// The objects of the account.
    Account(account::What),
}

/// What a call of the API asks for of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionWhat {
    Create,
    List,
    Get(String),
    Update(String),
    Delete(String),
}

impl Operation {
    /// `None` if the path is not the API's.
    pub(crate) fn parse<B>(request: &Request<B>) -> Option<Result<Self, Failure>> {
        let path = request.uri().path();
        let outcome = if let Some(rest) = path.strip_prefix(fc3::PREFIX) {
            fc3::parse(request, rest)
        } else if let Some(rest) = path.strip_prefix("/2016-08-15/services/") {
            fc2::parse(request, rest, true)
        } else if path == "/2021-04-06/stateful-async-invocation-functions" {
            let what = What::Async { qualifier: None, what: AsyncWhat::ListTaskFunctions };
            Ok(Operation { function: String::new(), service: None, what })
        } else if path == "/2016-08-15/tempBucketToken" {
            if request.method() == Method::GET {
                let what = What::Account(account::What::GetUploadToken);
                Ok(Operation { function: String::new(), service: None, what })
            } else {
                Err(Failure::path_not_supported(request.method().as_str(), path))
            }
        } else {
            fc2::parse(request, path.strip_prefix("/2021-04-06/services/")?, false)
        };
        Some(outcome)
    }
}
