//! What edition 2.0 does otherwise at an HTTP trigger: more headers in both directions.

use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::call::Usage;
use crate::failure::mebibytes;
use crate::front::visit::Visit;
use crate::model::Function;
use crate::registry::Callee;

const BASE_PATH: HeaderName = HeaderName::from_static(fc::BASE_PATH);
const INSTANCE: HeaderName = HeaderName::from_static("x-fc-instance-id");
const VERSION: HeaderName = HeaderName::from_static("x-fc-invocation-service-version");
const DURATION: HeaderName = HeaderName::from_static("x-fc-invocation-duration");
const MEMORY: HeaderName = HeaderName::from_static("x-fc-max-memory-usage");

/// Tells the function its address.
pub(crate) fn add_base_path(headers: &mut HeaderMap, settings: &Function) {
    let path = format!("/2016-08-15/proxy/{}/{}/", settings.service, settings.name);
    if let Ok(path) = HeaderValue::try_from(path) {
        headers.insert(BASE_PATH, path);
    }
}

/// Tells the client of the call. A streamed reply has no usage: its head comes first.
pub(crate) fn add_to_reply(headers: &mut HeaderMap, visit: &Visit, callee: &Callee, usage: Option<Usage>) {
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    if let Some(instance) = visit.instance() {
        set(INSTANCE, instance.to_owned());
    }
    set(VERSION, callee.version_text());
    if let Some(Usage { duration, memory }) = usage {
        set(DURATION, duration.as_millis().to_string());
        set(MEMORY, mebibytes(memory));
    }
}
