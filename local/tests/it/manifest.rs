//! What fc-local says about manifests, each remark with its line.

use testkit::program::Ended;
use testkit::{Folder, Launch};

use crate::harness::program;

/// Lists the manifest's functions: success, standard output, standard error.
fn list(folder: &Folder, variables: &[(&str, &str)]) -> (bool, String, String) {
    let launch = Launch::new(program()).args(["list", "--json", "--template"]).args([folder.file("s.yaml")]);
    outcome(&launch, variables)
}

fn outcome(launch: &Launch, variables: &[(&str, &str)]) -> (bool, String, String) {
    let launch = variables.iter().fold(launch.clone(), |launch, (name, value)| launch.var(name, value));
    let Ended { code, out, err } = launch.run();
    (code == Some(0), out, err)
}

const GOOD: &str = "\
edition: 3.0.0
name: test
vars: {region: cn-hangzhou}
resources:
  f:
    component: fc3
    props:
      region: ${vars.region}
      functionName: f
      runtime: custom.debian12
      code: ./code
      timeout: 10
      customRuntimeConfig:
        port: 9000
        healthCheckConfig: {httpGetUrl: /healthz}
      instanceLifecycleConfig:
        initializer: {handler: x}
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig:
            authType: anonymous
            methods: [GET]
";

/// Replaces a line of the good manifest, and checks the remark on its line and whether it is fatal.
#[track_caller]
fn check(line: usize, text: &str, is_fatal: bool, remark: &str) {
    check_lines((line, line), text, is_fatal, remark);
}

/// `text` has several lines from `line` on, and `at` is the one that is refused.
fn check_at(line: usize, at: usize, text: &str, remark: &str) {
    check_lines((line, at), text, true, remark);
}

fn check_lines((line, place): (usize, usize), text: &str, is_fatal: bool, remark: &str) {
    let lines: Vec<&str> =
        GOOD.lines().enumerate().map(|(at, old)| if at + 1 == line { text } else { old }).collect();
    let folder = Folder::new();
    folder.write("s.yaml", &lines.join("\n"));
    let (is_ok, _, errors) = list(&folder, &[]);
    assert_eq!(is_ok, !is_fatal, "{errors}");
    let place = format!("s.yaml:{place}: ");
    assert!(
        errors.lines().any(|error| error.contains(&place) && error.contains(remark)),
        "{place}{remark} in {errors}"
    );
}

#[test]
fn beside_mistakes_notes_are_marked() {
    let folder = Folder::new();
    folder.write("s.yaml", &GOOD.replace("timeout: 10", "timeout: no\n      vpcConfig: auto"));
    let (is_ok, _, errors) = list(&folder, &[]);
    assert!(!is_ok, "{errors}");
    assert!(errors.contains("s.yaml:12: `timeout` must be"), "{errors}");
    assert!(errors.contains("s.yaml:13: note: `vpcConfig` has no effect here"), "{errors}");
}

#[test]
fn a_good_manifest_has_no_remarks() {
    let folder = Folder::new();
    folder.write("s.yaml", GOOD);
    let (is_ok, out, errors) = list(&folder, &[]);
    assert!(is_ok && errors.is_empty(), "{errors}");
    let functions: serde_json::Value = serde_json::from_str(&out).unwrap();
    let expected = serde_json::json!([{
        "function": "f", "runtime": "custom.debian12", "memoryMiB": 512, "timeoutSeconds": 10,
        "instanceConcurrency": 1, "methods": ["GET"], "qualifiers": [], "timers": [], "domains": [], "serverGroups": [],
    }]);
    assert_eq!(functions, expected);
}

#[test]
fn typos_of_known_keys_are_caught() {
    check(12, "      timout: 10", true, "did you mean `timeout`?");
    check(12, "      instanceConcurency: 10", true, "did you mean `instanceConcurrency`?");
    check(13, "      customRuntimeConfg:", true, "did you mean `customRuntimeConfig`?");
    check(14, "        prot: 9000", true, "did you mean `port`?");
    check(
        15,
        "        healthCheckConfig: {httpGetUrl: /h, periodSecond: 3}",
        true,
        "did you mean `periodSeconds`?",
    );
    check(20, "          triggerTyp: http", true, "did you mean `triggerType`?");
    check(22, "            authTyp: anonymous", true, "did you mean `authType`?");
    check(3, "var: {region: cn-hangzhou}", true, "did you mean `vars`?");
    check(6, "    componet: fc3", true, "did you mean `component`?");
}

#[test]
fn what_has_no_effect_or_is_unknown_is_named() {
    check(12, "      vpcConfig: auto", false, "`vpcConfig` has no effect here");
    check(12, "      somethingNew: 1", false, "`somethingNew` is not a key of `props`");
    let domain = "      customDomain: {domainName: auto, protocol: HTTP, route: {path: /*}, tlsConfig: {minVersion: TLSv1.2}}";
    check(12, domain, false, "`tlsConfig` has no effect here");
    let metrics = "      scalingConfig: {horizontalScalingPolicies: [{name: a, metricType: CPUUtilization, metricTarget: 0.6}]}";
    check(12, metrics, false, "`horizontalScalingPolicies` has no effect here");
    check(6, "    component: oss", true, "component `oss` is not started here");
}

#[test]
fn values_that_the_platform_would_refuse_are_refused() {
    check(1, "edition: 1.0.0", true, "edition `1.0.0` is not supported");
    check(9, "      functionName: 9f", true, "must be 1 to 64 letters");
    check(10, "      runtime: nodejs20", true, "is not supported here");
    check(10, "      runtime: custom.debian13", true, "is no runtime");
    check(10, "      runtime: micro-sandbox", true, "is not supported here; use a custom runtime");
    check(11, "      code: ./f.zip", true, "must be a folder");
    check(11, "      code: {ossBucketName: b, ossObjectName: o}", true, "must be a folder");
    check(12, "      timeout: 0", true, "must be 1 to 86400 but is 0");
    check(12, "      timeout: ten", true, "must be an integer but is text");
    check(12, "      memorySize: 500", true, "multiple of 64");
    check(12, "      cpu: 17", true, "must be 0.05 to 16 but is 17");
    check(12, "      instanceConcurrency: 201", true, "must be 1 to 200");
    let scaling =
        |policy: &str| format!("      scalingConfig: {{scheduledPolicies: [{{name: a, {policy}}}]}}");
    check(12, &scaling("scheduleExpression: cron(0 4 * * *), target: 1"), true, "six fields");
    check(12, &scaling("scheduleExpression: cron(0 0 4 * * *), target: 301"), true, "must be 0 to 300");
    check(12, &scaling("target: 1"), true, "`scheduleExpression` is missing");
    let zone = "scheduleExpression: cron(0 0 4 * * *), target: 1, timeZone: Shanghai";
    check(12, &scaling(zone), true, "`Shanghai` is no time zone");
    let affinity =
        |rest: &str| format!("      sessionAffinity: HEADER_FIELD\n      sessionAffinityConfig: {{{rest}}}");
    for (rest, remark) in [
        ("affinityHeaderFieldName: id", "must be 5 to 40 letters"),
        ("affinityHeaderFieldName: x-fc-session", "not start with `x-fc-`"),
        ("affinityHeaderFieldName: session, sessionConcurrencyPerInstance: 201", "must be 1 to 200"),
        ("affinityHeaderFieldName: session, sessionTTLInSeconds: 0", "must be 1 to 21600"),
        ("affinityHeaderFieldName: session, sessionIdleTimeoutInSeconds: 21601", "must be 0 to 21600"),
    ] {
        // The map stands in the second of the two lines.
        check_at(12, 13, &affinity(rest), remark);
    }
    check(12, "      environmentVariables: {NUM: 5}", true, "must be text but is an integer; quote it");
    check(12, "      environmentVariables: {FC_X: a}", true, "reserved by the platform");
    check(12, "      timeout: ${env('FC_LOCAL_NOT_SET')}", true, "FC_LOCAL_NOT_SET is not set");
    check(
        15,
        "        healthCheckConfig: {httpGetUrl: /h, timeoutSeconds: 4}",
        true,
        "must be 1 to 3 but is 4",
    );
    check(17, "        initializer: {handler: x, command: [a]}", true, "both `handler` and `command`");
    check(17, "        initializer: {timeout: 3}", true, "needs `handler`");
    check(23, "            methods: [FETCH]", true, "`FETCH` cannot be let through");
    check(9, "      functionName: @f", true, "not YAML");
    check(9, "      region: x", true, "stands twice");
}

#[test]
fn sizes_that_do_not_fit_each_other_are_refused() {
    check(12, "      cpu: 0.33", true, "must be a multiple of 0.05 but is 0.33");
    check(12, "      diskSize: 1024", true, "must be 512 or 10240 but is 1024");
    check(
        12,
        "      cpu: 1",
        true,
        "with 1 vCPU the platform takes 1024 to 4096 MiB (1 to 4 GiB for each), not 512 MiB",
    );
    check(12, "      cpu: 0.1", true, "with 0.1 vCPU the platform takes 128 to 384 MiB");
    check(
        12,
        "      cpu: 16\n      memorySize: 8192",
        true,
        "with 16 vCPU the platform takes 16384 to 32768 MiB",
    );
    for sizes in [
        "cpu: 0.05\n      memorySize: 128",
        "cpu: 0.35",
        "cpu: 0.15\n      memorySize: 192",
        "cpu: 1.15\n      memorySize: 1216",
        "cpu: 16\n      memorySize: 32768\n      diskSize: 10240",
    ] {
        let folder = Folder::new();
        folder.write("s.yaml", &GOOD.replace("      timeout: 10", &format!("      {sizes}")));
        let (is_ok, _, errors) = list(&folder, &[]);
        assert!(is_ok && errors.is_empty(), "{sizes}: {errors}");
    }
}

/// Replaces a line of the good manifest, and checks that there is one remark, on its line.
#[track_caller]
fn check_one(line: usize, text: &str, remark: &str) {
    check(line, text, true, remark);
    let lines: Vec<&str> =
        GOOD.lines().enumerate().map(|(at, old)| if at + 1 == line { text } else { old }).collect();
    let folder = Folder::new();
    folder.write("s.yaml", &lines.join("\n"));
    let errors = list(&folder, &[]).2;
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn a_slip_gets_one_remark_with_its_cause() {
    check_one(3, "var: {region: cn-hangzhou}", "did you mean `vars`?");
    check_one(4, "resorces:", "did you mean `resources`?");
    check_one(6, "    componet: fc3", "did you mean `component`?");
    check_one(7, "    prop:", "did you mean `props`?");
    check_one(9, "      functionNme: f", "did you mean `functionName`?");
    check_one(18, "      trigers:", "did you mean `triggers`?");
    check_one(21, "          trigerConfig:", "did you mean `triggerConfig`?");
    check_one(23, "            method: [GET]", "did you mean `methods`?");
    check_one(8, "      region: ${vars.regon}", "there is no `regon` in `vars`; is `region` meant?");
    check_one(3, "vars: {region: \"${env('FC_LOCAL_NOT_SET')}\"}", "FC_LOCAL_NOT_SET is not set");
    check_one(9, "      functionName: ${HOME}", "for a shell variable write `$NAME` without braces");
    check_one(8, "      region: ${ vars.region }", "write ${vars.region}");
    check_one(9, "      functionName: ${env.USER}", "write ${env('USER')}");
    check_one(11, "      code: ${path('nothing')}", "there is no ");
    check_one(8, "      region: cn-hangzhu", "did you mean `cn-hangzhou`?");
    check_one(12, "      layers: x", "`layers` must be a list but is text");
    check_one(12, "      vpcConfig: {vpcId: v, securityGroupId: s}", "`vpcConfig` needs `vSwitchIds`");
}

#[test]
fn hooks_are_those_of_the_deployment_tool() {
    let check = |hook: &str, remark: Option<&str>| {
        let folder = Folder::new();
        folder.write(
            "s.yaml",
            &GOOD.replace("    props:\n", &format!("    actions:\n      {hook}\n    props:\n")),
        );
        let errors = list(&folder, &[]).2;
        match remark {
            Some(remark) => assert!(errors.contains("s.yaml:8: ") && errors.contains(remark), "{errors}"),
            None => assert_eq!(errors, "", "{hook}"),
        }
    };
    check("pre_local: [{run: x}]", Some("`pre_local` is no hook, so its steps never run: write `pre-local`"));
    check("prelocal: [{run: x}]", Some("there are pre-, success-, fail- and complete-"));
    check("pre-deploy: {run: x}", Some("must be a list of steps but is a map"));
    check("pre-deploy: [{run: false}]", Some("`run` must be a command but is true or false"));
    check("pre-deploy: [{rnu: x}]", Some("a step needs `run`, `plugin` or `component`"));
    check("pre-${regex('(')}: [{run: x}]", Some("is no regular expression"));
    check("pre-deploy: [{plugin: x}]", Some("the step `plugin: x` is not run: the deployment tool runs it"));
    check("pre-deploy: [{component: fc3 build}]", Some("run `s build` before, or write the commands"));
    check(
        "success-deploy: [{run: \"${env('FC_LOCAL_NOT_SET')}\"}]",
        Some("the deployment tool refuses the whole file"),
    );
    check("pre-deploy:\n#       - run: x", None);
    check("pre-${regex('dep.*|local$')}: [{run: x, allow_failure: true}]", None);
}

#[test]
fn one_function_can_have_two_resources_and_a_trigger_for_each_qualifier() {
    let folder = Folder::new();
    let twin = GOOD.split("resources:\n").nth(1).unwrap().replace("  f:\n", "  g:\n");
    folder.write("s.yaml", &format!("{GOOD}{twin}"));
    let (is_ok, out, errors) = list(&folder, &[]);
    assert!(is_ok && errors.contains("takes the place of the one on line 8"), "{errors}");
    assert_eq!(out.matches("\"function\":\"f\"").count(), 1, "{out}");
    let trigger = GOOD.split("      triggers:\n").nth(1).unwrap();
    let other = trigger.replace("triggerType: http\n", "triggerType: http\n          qualifier: prod\n");
    folder.write("s.yaml", &format!("{GOOD}{other}"));
    let (is_ok, _, errors) = list(&folder, &[]);
    assert!(is_ok && errors.is_empty(), "{errors}");
    folder.write("s.yaml", &format!("{GOOD}{}", other.replace("prod", "\"0\"")));
    assert!(
        list(&folder, &[])
            .2
            .contains("`qualifier` must be LATEST, the number of a version, or the name of an alias")
    );
    folder.write("s.yaml", &format!("{GOOD}{trigger}"));
    assert!(list(&folder, &[]).2.contains("a second HTTP trigger of `LATEST`"));
}

#[test]
fn devices_pipes_and_huge_files_are_refused_at_once() {
    check_one(
        9,
        "      functionName: ${file('/dev/zero')}",
        "it is a device, a pipe or a socket, not a file",
    );
    let folder = Folder::new();
    assert_eq!(Launch::new("mkfifo").args([folder.file("pipe")]).run().code, Some(0));
    folder.write("s.yaml", &GOOD.replace("functionName: f", "functionName: ${file('pipe')}"));
    assert!(list(&folder, &[]).2.contains("s.yaml:9: `${file('pipe')}`: cannot read "));
    folder.hollow("huge", 1 << 40);
    folder.write("s.yaml", &GOOD.replace("functionName: f", "functionName: ${file('huge')}"));
    assert!(list(&folder, &[]).2.contains("it is larger than 8 MiB"));
    // A pipe in the place of a `.env` file is a remark.
    std::fs::rename(folder.path().join("pipe"), folder.path().join(".env")).unwrap();
    folder.write("s.yaml", GOOD);
    let (is_ok, _, errors) = list(&folder, &[]);
    assert!(is_ok && errors.contains(".env is not read: it is a device"), "{errors}");
}

#[test]
fn environments_and_base_files_are_laid_over() {
    let folder = Folder::new();
    folder.write("env.yaml", "environments: [{name: test, overlays: {components: {fc3: {timeout: 42}}}}]");
    folder.write("base.yaml", GOOD);
    folder.write("s.yaml", "extend: base.yaml\nresources: {f: {props: {memorySize: 1024}}}");
    assert!(list(&folder, &[]).1.contains("\"memoryMiB\":1024"));
    let named = folder.write("s.yml", GOOD);
    let launch = Launch::new(program()).args(["--env", "test", "--template"]).args([named]);
    let (_, out, errors) = outcome(&launch.args(["list", "--json"]), &[]);
    assert!(out.contains("\"timeoutSeconds\":42"), "{out}{errors}");
    let (_, out, _) = outcome(&Launch::new(program()).args(["manifest"]).folder(folder.path()), &[]);
    let manifest: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(manifest["resources"]["f"]["props"]["region"], "cn-hangzhou");
    assert_eq!(manifest["resources"]["f"]["props"]["memorySize"], 1024);
}

#[test]
fn no_secret_is_printed() {
    let folder = Folder::new();
    let own = "timeout: 10\n      environmentVariables: {MY_TOKEN: sup3rsecretvalue, URL: 'https://u:pw@h/', PLAIN: seen}";
    let other = "\n  db: {component: rds, props: {password: s3cret, note: of sup3rsecretvalue}}";
    folder.write("s.yaml", &format!("{}{other}", GOOD.replace("timeout: 10", own).trim_end()));
    let (is_ok, out, errors) = outcome(&Launch::new(program()).args(["manifest"]).folder(folder.path()), &[]);
    assert!(is_ok, "{errors}");
    let manifest: serde_json::Value = serde_json::from_str(&out).unwrap();
    let expected = serde_json::json!({"MY_TOKEN": "******", "URL": "https://u:******@h/", "PLAIN": "seen"});
    assert_eq!(manifest["resources"]["f"]["props"]["environmentVariables"], expected);
    let expected = serde_json::json!({"password": "******", "note": "of ******"});
    assert_eq!(manifest["resources"]["db"]["props"], expected);
}

#[test]
fn everything_is_reported_at_once() {
    let folder = Folder::new();
    folder.write("s.yaml", &GOOD.replace("timeout: 10", "timout: 10").replace("port: 9000", "port: 0"));
    let (is_ok, _, errors) = list(&folder, &[]);
    assert!(!is_ok);
    assert!(errors.contains(":12: ") && errors.contains(":14: "), "{errors}");
}

#[test]
fn expressions_read_the_environment_and_the_file_beside() {
    let folder = Folder::new();
    let name = "functionName: ${env('FC_LOCAL_STAGE', 'dev')}-${json(file('a.json')).x}";
    folder.write("a.json", "{\"x\": \"y\"}");
    folder
        .write("s.yaml", &GOOD.replace("functionName: f", "functionName: f-${env('FC_LOCAL_STAGE', 'dev')}"));
    assert!(list(&folder, &[]).1.contains("\"f-dev\""));
    folder.write(".env", "# a comment\nexport FC_LOCAL_STAGE='beside'\n");
    assert!(list(&folder, &[]).1.contains("\"f-beside\""));
    assert!(list(&folder, &[("FC_LOCAL_STAGE", "outside")]).1.contains("\"f-outside\""));
    folder.write("s.yaml", &GOOD.replace("functionName: f", name));
    assert!(list(&folder, &[]).1.contains("\"beside-y\""));
    folder.write("a.json", "{}");
    let errors = list(&folder, &[]).2;
    assert!(errors.contains("s.yaml:9: `${json(file('a.json')).x}`: it gives nothing"), "{errors}");
}

#[test]
fn dot_env_files_are_read_in_the_deployment_tools_order() {
    let folder = Folder::new();
    let name =
        "functionName: ${env('FC_LOCAL_A', 'no')}-${env('FC_LOCAL_B', 'no')}-${env('FC_LOCAL_C', 'no')}";
    folder.write("app/s.yaml", &GOOD.replace("functionName: f", name));
    folder.write("code/.env", "FC_LOCAL_A=code\nFC_LOCAL_B=code\n");
    folder.write("app/code/.env", "FC_LOCAL_A=unread\nFC_LOCAL_B=unread\n");
    folder.write("app/.env", "FC_LOCAL_A=beside\nFC_LOCAL_B=beside\nFC_LOCAL_C=beside-$FC_LOCAL_A\n");
    let launch = Launch::new(program()).args(["--template", "app/s.yaml", "list"]).folder(folder.path());
    let list = |shell: &[(&str, &str)]| {
        let (_, out, errors) = outcome(&launch, shell);
        let remark = "app/code/.env is not read: the deployment tool looks for it from the current folder";
        assert!(errors.contains(remark), "{errors}");
        out
    };
    assert!(list(&[]).starts_with("code-code-beside-code "), "{}", list(&[]));
    folder.write(".env", "FC_LOCAL_A=current\n");
    assert!(list(&[]).starts_with("current-code-beside-current "), "{}", list(&[]));
    assert!(list(&[("FC_LOCAL_A", "shell")]).starts_with("shell-code-beside-shell "));
    assert!(
        list(&[("FC_LOCAL_C", "")]).starts_with("current-code-no "),
        "a default stands for what is empty"
    );
}

#[test]
fn settings_of_this_machine_that_have_no_effect_are_named() {
    check(2, "x-local: {port: 9123}", false, "`port` is ignored here");
    check(2, "x-local: true", true, "`x-local` must be a map of settings");
}

#[test]
fn expressions_have_bounds() {
    let lists = (1..10).fold(String::from("a0: [x,x,x,x,x,x,x,x,x,x]"), |all, level| {
        let item = format!("'${{vars.a{}}}'", level - 1);
        format!("{all}, a{level}: [{}]", vec![item; 10].join(", "))
    });
    check(3, &format!("vars: {{region: '${{{}}}'}}", "a(".repeat(200_000)), true, "is not an expression");
    check(3, &format!("vars: {{region: '${{vars.a9}}', {lists}}}"), true, "more than 200000 values");
    // Few values, and gigabytes of text.
    let big = "x".repeat(20_000);
    let text = format!("vars: {{region: '{}', big: {big}}}", "${vars.big}".repeat(40_000));
    check(3, &text, true, "more than 128 MiB of text");
    let sum = " + vars.big".repeat(200);
    let text = format!("vars: {{region: '${{str(\"a\"){sum}}}', big: {big}}}");
    check(3, &text, true, "more than 128 MiB of text");
}

#[test]
fn a_container_needs_an_image_and_a_server() {
    let check = |text: String, remark: &str| {
        let folder = Folder::new();
        folder.write("s.yaml", &text);
        let errors = list(&folder, &[]).2;
        assert!(errors.contains(remark), "{remark} in {errors}");
    };
    let image = GOOD.replace("custom.debian12", "custom-container");
    let with = |config: &str| image.replace("timeout: 10", &format!("customContainerConfig: {config}"));
    check(image.clone(), "customContainerConfig` is missing: `custom-container` needs an image");
    check(with("{port: 9000}"), "s.yaml:12: `image` is missing");
    check(with("{image: a, port: 0}"), "s.yaml:12: `port` must be 1 to 65535 but is 0");
    check(with("{image: a, webServerMode: false}"), "s.yaml:12: `webServerMode` must be left out");
    let own = "x-local: {command: [./app]}\nresources:";
    check(
        GOOD.replace("resources:", own),
        "s.yaml:11: `runtime` must be `custom-container` for `x-local.command`",
    );
    let folder = Folder::new();
    folder.write("s.yaml", &with("{image: a, port: 8080, command: [serve]}"));
    let (is_ok, out, errors) = list(&folder, &[]);
    assert!(is_ok && out.contains("custom-container"), "{errors}");
}
