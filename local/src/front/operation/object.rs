//! What a client of object storage asks for, of the bucket that fc-local has.

use http::{Request, header};

use super::path::decode;
use crate::account::BUCKET;
use crate::auth::is_of_object_client;
use crate::front::guard;
use crate::wire::host::Host;

/// The name of the object that a client of object storage asks for. The bucket's name stands in the host or before the
/// path. Where the endpoint is a number, `ali-oss` sends the host that the bucket would have in the cloud.
pub(crate) fn object<B>(host: &Host<'_>, request: &Request<B>) -> Option<String> {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_of_client = is_of_object_client(authorization, request.uri().query().unwrap_or_default());
    let below_bucket = host.name.strip_prefix(BUCKET);
    let is_in_cloud = |rest: &str| rest.starts_with(".oss-") && rest.ends_with(".aliyuncs.com");
    let is_host = guard::is_this_machine(&host.name) || below_bucket.is_some_and(is_in_cloud);
    if below_bucket != Some(".localhost") && !(is_of_client && is_host) {
        return None;
    }
    let path = decode(request.uri().path())?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let below = path.strip_prefix(BUCKET).and_then(|rest| rest.strip_prefix('/'));
    Some(below.unwrap_or(path).to_owned())
}
