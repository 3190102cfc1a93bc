//! How busy the function of an address is: fc-local's own operation, for `fc-local load`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Request, Response, Uri, header};
use serde_json::{Value, json};

use super::auth::admit;
use super::manage::reply;
use crate::auth::Gate;
use crate::failure::Failure;
use crate::front::async_operation::parameter;
use crate::front::body::Outgoing;
use crate::front::target::{Answering, Door};
use crate::front::visit::Visit;
use crate::model;
use crate::wire::ClientBody;
use crate::wire::headers::Peer;

/// Answers how busy the function is that answers the address `url`, asked by `method` with the header `host`. `find` finds it
/// by the port and the request.
///
/// # Errors
///
/// The caller is not let in, or no function of this fc-local answers there.
pub(crate) async fn usage(
    find: impl FnOnce(&Door, &Request<()>, &mut Visit) -> Result<Answering, Failure>,
    ports: &BTreeMap<Arc<str>, SocketAddr>,
    (gate, peer): (&Gate, &Peer),
    visit: &mut Visit,
    request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let (head, _) = admit(gate, peer, request).await?;
    let (door, asked) = asked(&head.uri, ports)?;
    let Answering { function, qualifier, settings, usage } = find(&door, &asked, visit)?;
    let document = json!({
        "function": *function,
        "qualifier": qualifier.as_deref().unwrap_or("LATEST"),
        "instanceConcurrency": settings.concurrency,
        "memorySize": settings.memory_mib,
        "versions": usage.iter().map(version).collect::<Vec<_>>(),
    });
    Ok(reply(&document, visit))
}

/// The request that a client of the address would send, and the port at which it would come in.
fn asked(uri: &Uri, ports: &BTreeMap<Arc<str>, SocketAddr>) -> Result<(Door, Request<()>), Failure> {
    let url = parameter(uri, "url").ok_or_else(|| Failure::invalid_argument("url is missing"))?;
    let no_url = || Failure::invalid_argument(format!("'{url}' is no address of http or https"));
    let address: Uri = url.parse().map_err(|_| no_url())?;
    let authority = address.authority().ok_or_else(no_url)?;
    let port = match (authority.port_u16(), address.scheme_str()) {
        (Some(port), Some("http" | "https")) => port,
        (None, Some("http")) => 80,
        (None, Some("https")) => 443,
        _ => return Err(no_url()),
    };
    let own = ports.iter().find(|(_, own)| own.port() == port);
    let door = match own.map(|(name, _)| Door::named(name)) {
        None => {
            return Err(Failure::invalid_argument(format!("fc-local does not listen on port {port}")));
        }
        // Its rules, not the address, say which function answers.
        Some(Door::Alb(_)) => {
            return Err(Failure::invalid_argument(format!("a load balancer listens on port {port}")));
        }
        Some(door) => door,
    };
    let method = parameter(uri, "method").unwrap_or_else(|| Method::GET.to_string());
    let request = Request::builder()
        .method(&*method)
        .uri(address.path_and_query().map_or("/", |target| target.as_str()))
        .header(header::HOST, parameter(uri, "host").as_deref().unwrap_or(authority.as_str()));
    Ok((door, request.body(()).map_err(|_| no_url())?))
}

fn version(usage: &model::Usage) -> Value {
    let instances = usage.instances.iter().map(|instance| {
        json!({
            "instanceId": *instance.id, "calls": instance.calls, "memoryBytes": instance.memory_bytes,
            "cpuMs": u64::try_from(instance.cpu.as_millis()).unwrap_or(u64::MAX),
        })
    });
    json!({
        "versionId": usage.version.map_or_else(|| "LATEST".to_owned(), |version| version.to_string()),
        "maxInstances": usage.instances_max,
        "starting": usage.starting,
        "waiting": usage.waiting,
        "starts": usage.starts,
        "refused": usage.refused,
        "instances": instances.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_the_door_with_its_port() {
        let doors = [Door::Main, Door::Grpc, Door::Function("shop".into()), Door::Alb("web".into())];
        let open = |(door, port): (&Door, u16)| (door.name(), SocketAddr::from(([127, 0, 0, 1], port)));
        let ports = doors.iter().zip([8080, 8081, 8082, 80]).map(open).collect();
        for (url, expected) in [
            ("http://f.localhost:8080/", Ok(Door::Main)),
            ("http://127.0.0.1:8081/", Ok(Door::Grpc)),
            ("https://127.0.0.1:8082/a?b", Ok(Door::Function("shop".into()))),
            ("http://localhost/", Err("a load balancer listens on port 80")),
            ("http://localhost:9/", Err("does not listen on port 9")),
            ("ftp://localhost:8080/", Err("no address")),
        ] {
            let uri = form_urlencoded::Serializer::new("/usage?".to_owned()).append_pair("url", url).finish();
            match (asked(&uri.parse().unwrap(), &ports), expected) {
                (Ok((door, _)), Ok(expected)) => assert_eq!(door, expected, "{url}"),
                (Err(failure), Err(part)) => assert!(failure.message().contains(part), "{url}: {failure:?}"),
                (other, _) => panic!("{url}: {other:?}"),
            }
        }
    }
}
