//! The operations of edition 2.0. The older of its APIs has the qualifier behind the service's name.

use http::{Method, Request, Uri};

use super::path::{decoded, qualifier, split_service};
use super::{Operation, What};
use crate::failure::Failure;
use crate::front::async_operation;

/// `rest` is the path behind `services/`.
pub(super) fn parse<B>(
    request: &Request<B>,
    rest: &str,
    has_dotted_qualifier: bool,
) -> Result<Operation, Failure> {
    let (uri, method) = (request.uri(), request.method());
    let parts = decoded(rest).unwrap_or_default();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let [service, "functions", function, below @ ..] = parts.as_slice() else { return Err(unknown(uri)) };
    if service.is_empty() || function.is_empty() {
        return Err(unknown(uri));
    }
    let (service, named) = if has_dotted_qualifier { split_service(service) } else { (*service, None) };
    let qualifier = named.or_else(|| qualifier(uri));
    let not_supported = || Failure::path_not_supported(method.as_str(), uri.path());
    let what = match (below, async_operation::fc2(below, method)) {
        (_, Some(what)) => What::Async { qualifier, what: what.map_err(|_| not_supported())? },
        (["invocations"], None) if method == Method::POST => What::Invoke { qualifier },
        (["invocations"], None) => return Err(not_supported()),
        _ => return Err(unknown(uri)),
    };
    Ok(Operation { function: (*function).to_owned(), service: Some(service.to_owned()), what })
}

fn unknown(uri: &Uri) -> Failure {
    let text = format!(
        "fc-local offers /2016-08-15/services/<service>/functions/<name>/ with invocations, async-invoke-config, \
         async-invoke-configs and stateful-async-invocations, not {}",
        uri.path()
    );
    Failure::invalid_argument(text)
}
