//! The rules of a load balancer beside nginx and haproxy: `alb/requests.tsv` says where each request goes.

use testkit::h1::exchange;
use testkit::process::free_port;
use testkit::{Folder, Launch, Program};

use crate::harness::program;

const RULES: &str = include_str!("alb/rules.tf");
const REQUESTS: &str = include_str!("alb/requests.tsv");

/// The reasons for which another program may answer otherwise. The table explains them.
const REASONS: [&str; 5] = ["decoded", "first", "case", "list", "empty"];

/// One line of the table.
struct Row<'a> {
    method: &'a str,
    host: &'a str,
    target: &'a str,
    headers: Vec<&'a str>,
    route: &'a str,
    /// `PROGRAM=ROUTE`, with ` | ` between several.
    others: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let lines = REQUESTS.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let reason = columns.get(6).copied();
        assert!(matches!(columns.len(), 5 | 7), "{line}");
        assert!(reason.is_none_or(|reason| REASONS.contains(&reason)), "{line}");
        Row {
            method: columns[0],
            host: columns[1],
            target: columns[2],
            headers: columns[3].split(" ;; ").filter(|header| !header.is_empty()).collect(),
            route: columns[4],
            others: columns.get(5).copied().unwrap_or_default(),
        }
    };
    lines.map(row).collect()
}

impl Row<'_> {
    /// What a program has to answer.
    fn expected(&self, program: &str) -> &str {
        let own = self.others.split(" | ").find_map(|other| other.strip_prefix(program)?.strip_prefix('='));
        own.unwrap_or(self.route)
    }

    /// What a program answers: the route that its header names, or where it redirects to.
    fn ask(&self, port: u16) -> String {
        let length = if matches!(self.method, "GET" | "HEAD") { "" } else { "content-length: 0\r\n" };
        let headers: String = self.headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
        let Row { method, host, target, .. } = self;
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{length}{headers}\r\n"
        );
        let answer = exchange(port, head.as_bytes());
        match answer.status {
            302 => format!("302 {}", answer.header("location").unwrap_or_default()),
            status => answer.header("x-route").map_or_else(|| status.to_string(), str::to_owned),
        }
    }

    /// What `alb explain` says.
    fn explain(&self, folder: &Folder) -> String {
        let url = format!("http://{}{}", self.host, self.target);
        let headers = self.headers.iter().flat_map(|header| ["-H", header]);
        let launch = Launch::new(program()).args(["alb", "explain", "--json", self.method, &url]);
        let ended = launch.args(headers).args(["--template".into(), folder.file("s.yaml")]).run();
        assert_eq!(ended.code, Some(0), "{url}: {}", ended.err);
        let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        let action = &value["action"];
        match action["location"].as_str() {
            Some(location) => format!("{} {location}", action["status"]),
            None => action["groups"][0]["group"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

fn start(
    folder: &Folder,
    name: &str,
    text: &str,
    launch: impl Fn(std::path::PathBuf) -> Launch,
) -> (Program, u16) {
    let port = free_port();
    let place = folder.path().display().to_string();
    let text = text.replace("@PORT@", &port.to_string()).replace("@FOLDER@", &place);
    let mut program = launch(folder.write(name, &text)).start();
    assert!(program.until_open(port), "{name}: {}", program.stderr());
    (program, port)
}

#[test]
#[ignore = "needs nginx and haproxy: .ci/run runs it with --ignored"]
fn nginx_and_haproxy_route_as_the_rules_do() {
    let folder = Folder::new();
    folder.write("alb/rules.tf", RULES);
    folder.write(
        "s.yaml",
        "edition: 3.0.0\nname: corpus\nx-local: {alb: {terraform: alb, ports: {80: 80}}}\nresources:\n  f:\n    component: fc3\n    \
         props: {region: cn-hangzhou, functionName: f, runtime: custom.debian12, code: ./code}\n",
    );
    let (_nginx, nginx) = start(&folder, "nginx.conf", include_str!("alb/nginx.conf"), |config| {
        let launch = Launch::new("nginx").args(["-p".into(), folder.path().to_owned()]);
        launch.args(["-e".into(), folder.file("error.log"), "-c".into(), config])
    });
    let (_haproxy, haproxy) = start(&folder, "haproxy.cfg", include_str!("alb/haproxy.cfg"), |config| {
        Launch::new("haproxy").args(["-db".into(), "-f".into(), config])
    });
    let rows = rows();
    assert!(rows.len() >= 300, "{} requests", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let own =
            [("fc-local", row.explain(&folder)), ("nginx", row.ask(nginx)), ("haproxy", row.ask(haproxy))];
        for (program, answer) in own {
            let expected = row.expected(program);
            if answer != expected {
                wrong.push(format!(
                    "{} {}{} {:?}: {program} {answer}, not {expected}",
                    row.method, row.host, row.target, row.headers
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}
