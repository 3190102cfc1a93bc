//! What fc-local reads of custom domains in a manifest, and what it says of mistakes.

use fc_local::Problem;
use serde_json::{Value, json};
use testkit::Launch;
use testkit::manifest::{Function, Manifest};
use testkit::program::Ended;

use crate::harness::{program, scripted, write_manifest};

/// Checks what is said of a manifest with the function `f` and a custom domain, both given as YAML.
#[track_caller]
fn check_manifest(custom: &str, resource: &str, line: usize, is_fatal: bool, remark: &str) {
    let folder = scripted();
    let text = format!(
        "edition: 3.0.0\nname: test\nresources:\n  f:\n    component: fc3\n    props:\n      region: cn-hangzhou\n      \
         functionName: f\n      runtime: custom.debian12\n      code: ./code\n      customDomain: {custom}\n  d:\n    component: \
         fc3-domain\n    props: {resource}\n"
    );
    folder.write("s.yaml", &text);
    let problems = match fc_local::Manifest::load(folder.file("s.yaml").as_ref()) {
        Ok(manifest) => manifest.notes().to_vec(),
        Err(error) => error.problems,
    };
    let is_said = |problem: &Problem| problem.line == line && problem.text.contains(remark);
    assert!(problems.iter().any(is_said), "{line}: {remark} in {problems:?}");
    assert_eq!(problems.iter().any(|problem| problem.fatal), is_fatal, "{text}{problems:?}");
}

#[test]
fn mistakes_in_domains_are_told_with_their_lines() {
    const OWN: &str = "{domainName: a.example.com, protocol: HTTP, route: {path: /a}}";
    const OTHER: &str = "{region: cn-hangzhou, domainName: b.example.com, protocol: HTTP, routeConfig: {routes: [{path: /b, functionName: f}]}}";
    let own = |from: &str, to: &str, remark: &str| {
        let changed = OWN.replacen(from, to, 1);
        assert_ne!(changed, OWN);
        check_manifest(&changed, OTHER, 11, true, remark);
    };
    own("a.example.com", "example", "top-level domain");
    own("a.example.com", "a_b.example.com", "letters, digits or `-`");
    own("a.example.com", "http://a.example.com", "letters, digits or `-`");
    own("domainName: a.example.com, ", "", "`customDomain` needs `domainName`");
    own("HTTP", "HTTP/2", "there are HTTP, HTTPS, HTTP,HTTPS");
    own("protocol", "protocl", "did you mean `protocol`?");
    own(", route: {path: /a}", "", "`route` is missing");
    own("path: /a", "path: a", "`path` must begin with `/`");
    own("path: /a", "path: /*/a", "one `*`");
    own("path: /a", "path: '/a?b'", "without a query");
    own("path: /a", "path: /a, methods: [FETCH]", "`FETCH` cannot be let through");
    own(
        "path: /a",
        "path: /a, rewriteConfig: {regexRules: [{match: '^/(a', replacement: /b}]}",
        "unclosed group",
    );
    own(
        "path: /a",
        "path: /a, rewriteConfig: {regexRules: [{match: '^/a(?=b)', replacement: /b}]}",
        "look-around",
    );
    own(
        "path: /a",
        "path: /a, rewriteConfig: {wildcardRules: [{match: /a/*, replacement: /$2}]}",
        "names $2",
    );
    own(
        "path: /a",
        "path: /a, rewriteConfig: {equalRules: [{match: /a, replacement: b}]}",
        "begins with `/`",
    );
    own("path: /a", "path: /a, rewriteConfig: {equalRules: [{match: /a}]}", "needs `replacement`");
    own("path: /a", "path: /a, rewriteConfig: {equalRule: []}", "did you mean `equalRules`?");
    own("route:", "corsConfig: {maxAge: 86401}, route:", "0 to 86400");
    own("route:", "corsConfig: {allowMethods: [OPTIONS]}, route:", "answers it itself");
    own("route:", "corsConfig: {allowMethods: [FETCH]}, route:", "cannot hold `FETCH`");
    own("route:", "corsConfig: {allowOrigins: ['https://*.a.example']}, route:", "not for a part of one");
    own("route:", "corsConfig: {allowOrigins: ['*'], allowCredentials: true}, route:", "name the origins");
    own("route:", "corsConfig: {allowHeaders: ['a b']}, route:", "no name of a header");
    let many = format!("corsConfig: {{exposeHeaders: [{}]}}, route:", "x-a,".repeat(51));
    own("route:", &many, "holds 51; the platform takes 50");

    own("route:", "authConfig: {authType: jwt}, route:", "`authInfo` is missing");
    own("route:", "authConfig: {authType: bogus}, route:", "`bogus` does not exist");
    own("route:", "authConfig: {authInfo: '{}'}, route:", "needs `authType`");

    let other = |from: &str, to: &str, is_fatal: bool, remark: &str| {
        let changed = OTHER.replacen(from, to, 1);
        assert_ne!(changed, OTHER);
        check_manifest(OWN, &changed, 14, is_fatal, remark);
    };
    other(
        "functionName: f",
        "functionName: g",
        false,
        "leads to function `g`, which this file does not have",
    );
    other("functionName: f", "qualifier: LATEST", true, "`functionName` is missing");
    other("b.example.com", "A.example.com", false, "takes the place of the one on line 11");
    other(
        "{path: /b",
        "{path: /b, functionName: f}, {path: /b",
        true,
        "path `/b` has a route already, on line 14",
    );
    other("routeConfig: {routes: [{path: /b, functionName: f}]}", "routeConfig: {}", true, "needs `routes`");
    other("HTTP,", "'HTTP,HTTPS',", false, "only if the domain has a certificate already");
    other("region: cn-hangzhou, ", "autoCName: true, ", true, "`region` is missing");
    other("protocol", "certConfig: {certId: 1}, protocol", false, "exists only in the cloud");
    let far = "certConfig: {certificate: 'https://a.example/a.pem', privateKey: '-----BEGIN X'}, protocol";
    other("protocol", far, false, "only a deployment reads");
    let half = "certConfig: {certificate: '-----BEGIN X'}, protocol";
    other("protocol", half, true, "`privateKey` is missing");
    other("protocol", "corsConfig: {}, protocol", false, "the deployment tool does not pass it on");
    other("protocol", "wafConfig: {enableWAF: true}, protocol", false, "`wafConfig` has no effect here");
}

#[test]
fn functions_share_a_domain_as_the_tool_joins_them() {
    let folder = scripted();
    let with = |name: &str, protocol: &str, path: &str| {
        let domain = json!({"domainName": "api.example.com", "protocol": protocol, "route": {"path": path, "methods": ["GET"]}});
        Function::new(name).prop("triggers", json!([])).prop("customDomain", domain)
    };
    let manifest = Manifest::of([with("a", "HTTPS", "/name"), with("b", "HTTP", "/*")]);
    let props = json!({
        "region": "cn-hangzhou", "domainName": "d.example.com", "protocol": "HTTP", "routeConfig": {"routes": []},
    });
    write_manifest(&folder, manifest.resource("s", "dev/fc3-domain@0.0.29", &props));
    let list = |more: &[&str]| {
        let launch = Launch::new(program()).args(["list", "--template"]).args([folder.file("s.yaml")]);
        launch.args(more.iter().copied()).run().out
    };
    let text = list(&[]);
    let lines =
        ["api.example.com  HTTP,HTTPS", "  /name  a  GET", "  /*     b  GET", "", "d.example.com  HTTP"];
    assert!(text.trim_end().ends_with(&lines.join("\n")), "{text}");
    let functions: Value = serde_json::from_str(&list(&["--json"])).unwrap();
    let expected = json!([{
        "domain": "api.example.com", "protocol": "HTTP,HTTPS", "path": "/name", "qualifier": "LATEST",
        "methods": ["GET"], "rewrites": 0,
    }]);
    assert_eq!(functions[0]["domains"], expected);

    write_manifest(&folder, Manifest::of([with("a", "HTTP", "/*"), with("b", "HTTP", "/*")]));
    let Ended { code, err, .. } =
        Launch::new(program()).args(["list", "--template"]).args([folder.file("s.yaml")]).run();
    assert_eq!(code, Some(1));
    assert!(err.contains("path `/*` of domain `api.example.com` is used by function `a`, on line "), "{err}");
}
