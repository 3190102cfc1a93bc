//! The table of requests that nginx and haproxy answer too, here by the readers and the rules alone.

use http::header::{COOKIE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};

use super::tests::of_terraform;
use crate::alb::{RequestView, Rules, Terminal};

const RULES: &str = include_str!("../../../tests/interop/alb/rules.tf");
const REQUESTS: &str = include_str!("../../../tests/interop/alb/requests.tsv");

#[test]
fn each_request_of_the_table_takes_its_route() {
    let (mut balancer, problems) = of_terraform(RULES, "");
    assert_eq!(problems, Vec::<String>::new());
    // A redirect names the port of the cloud.
    balancer.listeners[0].local_port = 80;
    let rules = Rules::new(&balancer, &balancer.listeners[0]);
    let mut count = 0;
    for line in REQUESTS.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [method, host, target, lines, route] = columns[..5] else { panic!("{line}") };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.split(" ;; ").filter_map(|header| header.split_once(": ")) {
            let name = if name.eq_ignore_ascii_case("cookie") {
                COOKIE
            } else {
                HeaderName::try_from(name).unwrap()
            };
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let method: Method = method.parse().unwrap();
        let request = RequestView {
            method: &method,
            host,
            path,
            query,
            headers: &headers,
            source: [127, 0, 0, 1].into(),
            source_port: 1,
        };
        let answer = match rules.decide(&request, 0).terminal {
            Terminal::Forward { group, .. } => balancer.group(group).unwrap().name.clone(),
            Terminal::Redirect { status, location } => format!("{} {location}", status.as_u16()),
            other => format!("{other:?}"),
        };
        assert_eq!(answer, route, "{line}");
        count += 1;
    }
    assert!(count >= 300, "{count} requests");
}
