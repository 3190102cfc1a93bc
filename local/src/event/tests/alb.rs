//! Events about load balancers, and their sentences.

use super::samples::{Sample, request};
use super::*;

fn visited(status: u16, alb: AlbVisit) -> Kind {
    let Kind::Request(record) = request(status, false) else { unreachable!("a request") };
    Kind::Request(Record { alb: Some(Box::new(alb)), via: Some(Via::Alb), ..record })
}

fn by_rule() -> AlbVisit {
    AlbVisit {
        rule: Some("api".into()),
        group: Some("orders".into()),
        upstream_status: Some(200),
        by: Maker::Function,
        ..AlbVisit::new(Some(&"http:80".into()))
    }
}

pub(super) fn samples() -> Vec<Sample> {
    let listener = || "http:80".to_owned();
    let (group, target) = (|| "orders".to_owned(), || "f".to_owned());
    vec![
        (visited(200, by_rule()), "GET /a 200 1.2 ms, http:80 by rule api to orders"),
        (
            visited(504, AlbVisit { by: Maker::Alb, upstream_status: None, ..by_rule() }),
            "GET /a 504 1.2 ms, http:80 by rule api to orders, status by the load balancer",
        ),
        (
            visited(403, AlbVisit { by: Maker::Alb, rule: None, ..by_rule() }),
            "GET /a 403 1.2 ms, http:80 by its default to orders, status by the load balancer in place of 200",
        ),
        (
            visited(499, AlbVisit::new(Some(&"http:80".into()))),
            "GET /a 499 1.2 ms, the client left, http:80 by its default, status by the load balancer",
        ),
        (visited(200, AlbVisit { is_probe: true, ..by_rule() }), "GET /a 200 1.2 ms, health check of orders"),
        (
            Kind::Alb(AlbNews::Listening {
                listener: listener(),
                port: 80,
                address: "127.0.0.1:10080".parse().unwrap(),
                url: "http://localhost:10080/".to_owned(),
            }),
            "load balancer: http:80 (port 80 in the cloud) answers at http://localhost:10080/",
        ),
        (Kind::Alb(AlbNews::Closed { listener: listener() }), "load balancer: http:80 is closed"),
        (
            Kind::Alb(AlbNews::NotListening { listener: listener(), error: "taken".to_owned() }),
            "load balancer: http:80 cannot be opened: taken",
        ),
        (
            Kind::Alb(AlbNews::Healthy { group: group(), target: target() }),
            "load balancer: f of orders passes its health checks",
        ),
        (
            Kind::Alb(AlbNews::Unhealthy {
                group: group(),
                target: target(),
                error: "status 500".to_owned(),
            }),
            "load balancer: f of orders fails its health checks: status 500",
        ),
        (
            Kind::Alb(AlbNews::GrpcToFunction { group: group(), target: target() }),
            "load balancer: gRPC does not reach f of orders: a function behind a load balancer is asked by HTTP/1.1",
        ),
    ]
}
