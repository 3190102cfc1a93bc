//! What is seen in the manifest, and in the files beside it.

use testkit::Folder;

use super::{check, check_none, facts};

/// A rule, what of the good manifest is replaced, with what the rule finds, and with a twin in which it finds nothing.
/// Beside the manifest stand files.
struct Case {
    id: &'static str,
    from: &'static str,
    bad: &'static str,
    good: &'static str,
    files: &'static [(&'static str, &'static str)],
}

const fn case(id: &'static str, from: &'static str, bad: &'static str, good: &'static str) -> Case {
    Case { id, from, bad, good, files: &[] }
}

const TIMEOUT: &str = "timeout: 30\n";
const TRIGGER: &str = "            authType: function\n            methods: [GET, POST, OPTIONS]\n";
const END: &str = "            methods: [GET, POST, OPTIONS]\n";
const HEALTH: &str = "        healthCheckConfig:\n          httpGetUrl: /healthz\n";
const VARIABLE: &str = "RUST_LOG: info";
const DOMAIN_CHECKS: &str = "            authType: anonymous
            methods: [GET, POST, OPTIONS]
      customDomain:
        domainName: www.example.com
        protocol: HTTP
        authConfig: {authType: function}
        route: {path: /*}
";
const CONTAINER: &str = "runtime: custom-container
      customContainerConfig:
        image: registry.example.com/shop/web:1.2
        healthCheckConfig: {httpGetUrl: /healthz}
";

const CASES: &[Case] = &[
    case("manifest", TIMEOUT, "timeout: soon\n", "timeout: 40\n"),
    case("manifest", "edition: 3.0.0", "edition: 1.0.0", "edition: \"3.0.0\""),
    case("manifest", "region: ${vars.region}", "region: ${vars.regions}", "region: cn-beijing"),
    case("value-lost", TIMEOUT, "timeout: 30\n      zzzOwnKey: 1\n", "timeout: 30\n      description: x\n"),
    case(
        "value-lost",
        TIMEOUT,
        "timeout: 30\n      description: 2026-01-31\n",
        "timeout: 30\n      description: '2026-01-31'\n",
    ),
    case("default-timeout", TIMEOUT, "description: x\n", "timeout: 3\n"),
    case("default-concurrency", "instanceConcurrency: 20", "description: x", "instanceConcurrency: 1"),
    case(
        "hook-timeout-over-limit",
        "preStop: {handler: x, timeout: 5}",
        "preStop: {handler: x, timeout: 91}",
        "preStop: {handler: x, timeout: 90}",
    ),
    case(
        "hook-timeout-over-limit",
        "initializer: {handler: x, timeout: 10}",
        "initializer: {handler: x, timeout: 301}",
        "initializer: {handler: x, timeout: 300}",
    ),
    case(
        "health-check-impatient",
        HEALTH,
        "        healthCheckConfig: {httpGetUrl: /healthz, failureThreshold: 1}\n",
        "        healthCheckConfig: {httpGetUrl: /healthz, failureThreshold: 2}\n",
    ),
    case(
        "pre-freeze-is-gone",
        "preStop: {handler: x, timeout: 5}",
        "preFreeze: {handler: x, timeout: 5}",
        "preStop: {handler: x}",
    ),
    case(
        "anonymous-trigger",
        "authType: function",
        "authType: anonymous",
        "authType: anonymous\n            disableURLInternet: true",
    ),
    case(
        "anonymous-bypass",
        TRIGGER,
        DOMAIN_CHECKS,
        "            authType: anonymous\n            disableURLInternet: true\n            methods: [GET]\n      customDomain:\n        domainName: www.example.com\n        protocol: HTTP\n        authConfig: {authType: function}\n        route: {path: /*}\n",
    ),
    case(
        "anonymous-tasks",
        TRIGGER,
        "            authType: anonymous\n            methods: [GET]\n      asyncInvokeConfig: {asyncTask: true}\n",
        "            authType: function\n            methods: [GET]\n      asyncInvokeConfig: {asyncTask: true}\n",
    ),
    case(
        "mixed-triggers",
        END,
        "            methods: [GET]\n        - triggerName: t\n          triggerType: timer\n          triggerConfig: {cronExpression: '@every 5m', enable: true}\n",
        "            methods: [GET]\n",
    ),
    case(
        "cors-credentials-for-all",
        END,
        "            methods: [GET, POST, OPTIONS]\n            corsConfig: {allowOrigins: ['*'], allowCredentials: true}\n",
        "            methods: [GET, POST, OPTIONS]\n            corsConfig: {allowOrigins: ['https://a.example'], allowCredentials: true}\n",
    ),
    case(
        "fixed-address",
        VARIABLE,
        "BACKEND: https://web-abcdefg.cn-hangzhou.fcapp.run/x",
        "BACKEND: https://api.example.com/x",
    ),
    case("fixed-address", VARIABLE, "BACKEND: http://user@47.96.1.2:8080/", "BACKEND: http://10.0.0.7:8080/"),
    case(
        "failures-go-nowhere",
        TIMEOUT,
        "timeout: 30\n      asyncInvokeConfig: {maxAsyncRetryAttempts: 1}\n",
        "timeout: 30\n      asyncInvokeConfig: {destinationConfig: {onFailure: {destination: 'acs:mns:cn-hangzhou:1:/queues/bad/messages'}}}\n",
    ),
    case(
        "event-age-below-timeout",
        TIMEOUT,
        "timeout: 600\n      asyncInvokeConfig: {asyncTask: true, maxAsyncEventAgeInSeconds: 60}\n",
        "timeout: 600\n      asyncInvokeConfig: {asyncTask: true, maxAsyncEventAgeInSeconds: 600}\n",
    ),
    case(
        "destination-is-itself",
        TIMEOUT,
        "timeout: 30\n      asyncInvokeConfig: {asyncTask: true, destinationConfig: {onSuccess: {destination: 'acs:fc:cn-hangzhou:1:functions/web'}}}\n",
        "timeout: 30\n      asyncInvokeConfig: {asyncTask: true, destinationConfig: {onSuccess: {destination: 'acs:mns:cn-hangzhou:1:/queues/q/messages'}}}\n",
    ),
    case("reserved-variable", VARIABLE, "FC_LOG: info", "APP_LOG: info"),
    case(
        "secret-in-manifest",
        VARIABLE,
        "DB_PASSWORD: correct-horse",
        "DB_PASSWORD: ${env('DB_PASSWORD', '')}",
    ),
    case(
        "secret-in-manifest",
        "  region: cn-hangzhou\nresources",
        "  region: cn-hangzhou\n  apiKey: 9f86d081884c7d65\nresources",
        "  region: cn-hangzhou\n  apiKeyName: shop/key\nresources",
    ),
    case("no-log-config", "logConfig: auto", "description: x", "logConfig: {project: p, logstore: l}"),
    case(
        "container-without-server",
        "runtime: custom.debian12\n",
        "runtime: custom-container\n      customContainerConfig:\n        image: registry.example.com/shop/web:1.2\n        webServerMode: false\n",
        CONTAINER,
    ),
    case(
        "container-mutable-image",
        "runtime: custom.debian12\n",
        "runtime: custom-container\n      customContainerConfig: {image: registry.example.com/shop/web}\n",
        CONTAINER,
    ),
    case(
        "alb-auth-type",
        "    component: fc3\n",
        "    component: fc3\n    x-local: {doctor: {alb: {idleTimeout: 60}}}\n",
        "    component: fc3\n",
    ),
    case("empty-value", TIMEOUT, "timeout: 30\n      description:\n", "timeout: 30\n      description: ''\n"),
    case(
        "empty-value",
        TIMEOUT,
        "timeout: 30\n      layers: []\n      annotations: {headers: {a:b}}\n",
        "timeout: 30\n      annotations: {headers: {a: b}}\n",
    ),
    case(
        "template-mark",
        "functionName: web",
        "functionName: web\n      description: \"{{ description }}\"",
        "functionName: web # {{ name }}\n      description: \"hello {{ name }}\"",
    ),
    case(
        "resource-access",
        "    component: fc3\n",
        "    component: fc3\n    access: other\n",
        "    component: fc3\n    access: default\n",
    ),
    case("resource-access", "access: default", "access: ${env('ACCESS', 'x')}", "access: other"),
    case(
        "hook-key-suffix",
        "    component: fc3\n",
        "    component: fc3\n    actions:\n      pre-deploy-more:\n        - run: make\n",
        "    component: fc3\n    actions:\n      pre-${regex('deploy|local')}:\n        - run: make\n",
    ),
    case(
        "scaling-twice",
        TIMEOUT,
        "timeout: 30\n      scalingConfig: {minInstances: 1}\n      provisionConfig: {defaultTarget: 1, alwaysAllocateCPU: false, alwaysAllocateGPU: false, scheduledActions: [], targetTrackingPolicies: []}\n",
        "timeout: 30\n      scalingConfig: {minInstances: 1}\n",
    ),
    Case {
        id: "component-folder",
        from: "name: test",
        bad: "name: test",
        good: "",
        files: &[("fc3/index.js", "")],
    },
    Case {
        id: "deploy-output-format",
        from: "name: test",
        bad: "name: test",
        good: "",
        files: &[(
            ".github/workflows/deploy.yml",
            "jobs:\n  a:\n    steps:\n      - run: s deploy -y -o json\n",
        )],
    },
    Case {
        id: "panic-aborts",
        from: "    component: fc3\n",
        bad: "    component: fc3\n    actions: {pre-deploy: [{run: cargo build --release, path: ./}]}\n",
        good: "",
        files: &[(
            "Cargo.toml",
            "[package]\nname = \"web\"\n\n[profile.release]\nlto = true\npanic = \"abort\"\n",
        )],
    },
    Case {
        id: "dot-env-in-code",
        from: "name: test",
        bad: "name: test",
        good: "",
        files: &[("code/bootstrap", "#!/bin/sh\n"), ("code/.env", "A=1\n")],
    },
    Case {
        id: "program-missing",
        from: "name: test",
        bad: "name: test",
        good: "",
        files: &[("code/other", "#!/bin/sh\n")],
    },
    Case {
        id: "program-wrong-kind",
        from: "name: test",
        bad: "name: test",
        good: "",
        files: &[("code/bootstrap", "#!/bin/sh\r\nexec ./app\r\n")],
    },
];

/// The rules that are tested here, and those of the tests below.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    let below = [
        "replaced-after-cancel",
        "tablestore-timeout",
        "grpc-without-post",
        "grpc-domain-path",
        "variables-too-large",
        "allow-without-reason",
        "alb-health-check-cost",
        "alb-request-timeout",
        "alb-idle-timeout",
        "alb-async-header",
        "resource-behind-command",
    ];
    CASES.iter().map(|case| case.id).chain(below)
}

#[test]
fn each_rule_finds_its_own_and_nothing_else() {
    for case in CASES {
        let folder = Folder::new();
        for (name, text) in case.files {
            folder.write(name, text);
        }
        check(&facts(&folder, &[(case.from, case.bad)]), case.id);
        if case.files.is_empty() {
            check_none(&facts(&folder, &[(case.from, case.good)]), case.id);
        }
    }
}

/// What a case with files finds is found in the files: their twins have nothing to find.
#[test]
fn files_that_are_as_they_should_be_show_nothing() {
    let folder = Folder::new();
    for (name, text) in [
        ("component/fc3/index.js", ""),
        (".github/workflows/deploy.yml", "      - run: s deploy -y\n      # s deploy -o json\n"),
        ("Cargo.toml", "[profile.release]\npanic = \"unwind\"\n\n[profile.other]\npanic = \"abort\"\n"),
        (".env", "A=1\n"),
        ("code/.env.example", "A=1\n"),
        ("code/bootstrap", "#!/bin/sh\nexec /code/app\n"),
    ] {
        folder.write(name, text);
    }
    let step = "    component: fc3\n    actions: {pre-deploy: [{run: cargo build --release, path: ./}]}\n";
    check_none(&facts(&folder, &[("    component: fc3\n", step)]), "files");
}

#[test]
fn what_fcignore_names_is_not_packed() {
    let folder = Folder::new();
    folder.write("code/bootstrap", "#!/bin/sh\n");
    folder.write("code/.env", "A=1\n");
    check(&facts(&folder, &[]), "dot-env-in-code");
    folder.write("code/.fcignore", ".env\n");
    check_none(&facts(&folder, &[]), "ignored");
}

#[test]
fn one_call_at_a_time_needs_a_health_check() {
    let folder = Folder::new();
    let one = ("instanceConcurrency: 20", "instanceConcurrency: 1");
    check(&facts(&folder, &[one, (HEALTH, "")]), "replaced-after-cancel");
    check_none(&facts(&folder, &[one]), "with a health check");
    check_none(&facts(&folder, &[(HEALTH, "")]), "many calls at a time");
}

#[test]
fn a_tablestore_trigger_waits_a_minute() {
    let folder = Folder::new();
    let trigger = "triggerType: tablestore\n          triggerConfig: {}\n";
    let http = "triggerType: http\n          triggerConfig:\n";
    let trigger = (http.to_owned() + TRIGGER, trigger);
    let trigger = (trigger.0.as_str(), trigger.1);
    check(&facts(&folder, &[trigger, (TIMEOUT, "timeout: 61\n")]), "tablestore-timeout");
    check_none(&facts(&folder, &[trigger, (TIMEOUT, "timeout: 60\n")]), "within a minute");
}

#[test]
fn a_grpc_function_is_reached_by_post_on_every_path() {
    let folder = Folder::new();
    let domain = |path: &str| {
        format!(
            "{END}      customDomain:\n        domainName: www.example.com\n        protocol: HTTP\n        route: {{path: {path}}}\n"
        )
    };
    let port = ("port: 9000", "port: 8089");
    check(&facts(&folder, &[port, (END, &domain("/shop.Shop/*"))]), "grpc-domain-path");
    check_none(&facts(&folder, &[port, (END, &domain("/*"))]), "every path");
    let methods = ("[GET, POST, OPTIONS]", "[GET]");
    check(&facts(&folder, &[port, methods]), "grpc-without-post");
    check_none(&facts(&folder, &[methods]), "no gRPC");
}

#[test]
fn variables_have_room_for_four_kibibytes() {
    let folder = Folder::new();
    let of = |length: usize| format!("SETTING: {}", "x".repeat(length));
    check(&facts(&folder, &[(VARIABLE, &of(4090))]), "variables-too-large");
    check_none(&facts(&folder, &[(VARIABLE, &of(4089))]), "just fits");
}

#[test]
fn what_allows_nothing_is_told() {
    let folder = Folder::new();
    let line = |comment: &str| format!("name: test {comment}");
    check(&facts(&folder, &[("name: test", &line("# doctor: allow no-log-config"))]), "allow-without-reason");
    check_none(&facts(&folder, &[("name: test", &line("# doctor: allow no-log-config: tried"))]), "a reason");
}

#[test]
fn behind_a_load_balancer_other_rules_hold() {
    let folder = Folder::new();
    let with = |alb: &str, replaced: &[(&str, &str)]| {
        let component = format!("    component: fc3\n    x-local: {{doctor: {{alb: {{{alb}}}}}}}\n");
        let all = [&[("    component: fc3\n", component.as_str())], replaced].concat();
        facts(&folder, &all)
    };
    let jwt = (
        "authType: function",
        "authType: jwt\n            authConfig: {jwks: {keys: []}, tokenLookup: 'header:Authorization:Bearer '}",
    );
    let key = (
        jwt.0,
        jwt.1.replace("keys: []", "keys: [{kty: oct, kid: k, alg: HS256, k: '${env(''KEY'', ''AAAA'')}'}]"),
    );
    let jwt = (key.0, key.1.as_str());
    check_none(&with("idleTimeout: 60", &[jwt]), "long enough");
    check(&with("idleTimeout: 15", &[jwt]), "alb-idle-timeout");
    check(&with("idleTimeout: 60, healthCheck: true", &[jwt]), "alb-health-check-cost");
    check(&with("idleTimeout: 3600", &[jwt, (TIMEOUT, "timeout: 61\n")]), "alb-request-timeout");
    check_none(
        &with("idleTimeout: 3600, requestTimeout: 90", &[jwt, (TIMEOUT, "timeout: 61\n")]),
        "both waits are long",
    );
    let closed = ("authType: function", "authType: anonymous\n            disableURLInternet: true");
    check(&with("idleTimeout: 60", &[closed]), "alb-async-header");
}

#[test]
fn scripts_name_the_resource_first() {
    let folder = Folder::new();
    let second = "\n  other:\n    component: fc3\n    props:\n      region: cn-hangzhou\n      functionName: other\n      runtime: custom.debian12\n      code: ./other\n      timeout: 30\n      logConfig: auto\n";
    let two = ("            methods: [GET, POST, OPTIONS]\n", format!("{END}{second}"));
    let two = [(two.0, two.1.as_str())];
    folder.write("Makefile", "deploy:\n\ts deploy web -y\n");
    check(&facts(&folder, &two), "resource-behind-command");
    folder.write("Makefile", "deploy:\n\ts web deploy -y\n");
    check_none(&facts(&folder, &two), "the resource first");
}
