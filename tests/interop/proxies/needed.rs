//! Settings that are not what a proxy does by itself: each is left out, and what that changes is in the table.

use super::front::Front;
use super::kinds::KINDS;
use super::{leaving, replies, table};
use crate::support::Server;

/// A part of a file of `settings` that is left out.
struct Needed {
    name: &'static str,
    part: &'static str,
    /// The first cell of its row.
    setting: &'static str,
    cell: fn(&Server, &Front) -> String,
}

const SOCKET: fn(&Server, &Front) -> String = |_, front| replies::socket(front);

const NEEDED: [Needed; 11] = [
    Needed { name: "nginx", part: "keepalive 16;", setting: "`keepalive`", cell: replies::reuse },
    Needed {
        name: "nginx",
        part: "proxy_request_buffering off;",
        setting: "`proxy_request_buffering off`",
        cell: replies::upload,
    },
    Needed {
        name: "nginx",
        part: "proxy_set_header Upgrade $http_upgrade;",
        setting: "`proxy_set_header Upgrade`",
        cell: SOCKET,
    },
    Needed {
        name: "HAProxy",
        part: "option abortonclose",
        setting: "`option abortonclose`",
        cell: leaving::waiting,
    },
    Needed { name: "Apache httpd", part: " upgrade=websocket", setting: "`upgrade=websocket`", cell: SOCKET },
    Needed {
        name: "Caddy",
        part: "enable_full_duplex",
        setting: "`enable_full_duplex`",
        cell: replies::upload,
    },
    Needed {
        name: "Envoy",
        part: "upgrade_configs: [{ upgrade_type: websocket }]",
        setting: "`upgrade_configs`",
        cell: SOCKET,
    },
    Needed { name: "h2o", part: "proxy.websocket: ON", setting: "`proxy.websocket: ON`", cell: SOCKET },
    Needed {
        name: "lighttpd",
        part: "server.stream-response-body = 2",
        setting: "`server.stream-response-body`",
        cell: replies::events,
    },
    Needed {
        name: "lighttpd",
        part: "server.stream-request-body = 2",
        setting: "`server.stream-request-body`",
        cell: replies::upload,
    },
    Needed {
        name: "Squid",
        part: "http_upgrade_request_protocols websocket allow all",
        setting: "`http_upgrade_request_protocols`",
        cell: SOCKET,
    },
];

#[test]
#[ignore = "needs the proxies: .ci/run runs it with --ignored"]
fn settings_are_needed() {
    for needed in NEEDED {
        let server = Server::contract();
        let kind = KINDS.iter().find(|kind| kind.name == needed.name).unwrap();
        let front = Front::start_with(kind, server.port, |text| {
            let changed = text.replace(needed.part, "");
            assert!(kind.files.len() > 1 || changed != text, "{} is not in {text}", needed.part);
            changed
        });
        let seen = (needed.cell)(&server, &front);
        println!("{} without {}: {seen}", needed.name, needed.setting);
        table::check(needed.setting, &[("without it", seen)]);
    }
}
