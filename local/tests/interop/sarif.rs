//! The SARIF logs of `fc-local doctor`, through the checker of the format's makers.

use std::process::{Command, Output};

use testkit::{Folder, Launch};

use super::{root, run};
use crate::harness::program;

const MANIFEST: &str = "\
edition: 3.0.0
name: test
access: default
resources:
  web:
    component: fc3
    props:
      region: cn-hangzhou
      functionName: web
      runtime: custom.debian12
      code: ./my code
      logConfig: auto # doctor: allow no-log-config: tried
      environmentVariables: {FC_A: b, DB_PASSWORD: correct-horse}
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig: {authType: anonymous, methods: [GET]}
";

fn check(log: &std::path::Path) -> Output {
    let tool = root().join("target/sarif/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool");
    assert!(tool.exists(), "{} is absent: run `.ci/run tools`", tool.display());
    run(Command::new(tool).arg("validate").arg(log).env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1"))
}

fn has_errors(output: &Output) -> bool {
    let text = [&*output.stdout, &output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("1 files scanned"), "{text}");
    !output.status.success() || text.contains("): error ")
}

#[test]
#[ignore = "needs the packages of `.ci/run tools`"]
fn a_log_is_one_that_others_read() {
    let folder = Folder::new();
    folder.write("s.yaml", MANIFEST);
    folder.write("my code/.env", "A=1\n");
    folder.write("my code/bootstrap", "#!/bin/sh\r\n");
    let launch = Launch::new(program()).args(["doctor", "--format", "sarif", "--allow", "default-timeout"]);
    let ended = launch.folder(folder.path()).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let log = folder.write("log.sarif", &ended.out);
    let output = check(&log);
    assert!(!has_errors(&output), "{output:?}");
    // The checker finds what is wrong, and ends with 0 all the same.
    let log = folder.write("wrong.sarif", &ended.out.replace("\"startLine\": ", "\"startLine\": -"));
    assert!(has_errors(&check(&log)));
}
