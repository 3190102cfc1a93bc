//! Events about programs that were written for other machines, and their sentences.

use std::time::Duration;

use super::samples::{self, Sample};
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MIB: u64 = 1024 * 1024;

fn unfit(fault: Unfit) -> Kind {
    Kind::ProgramUnfit { program: "/code/a".to_owned(), fault }
}

#[expect(clippy::too_many_lines, reason = "a line for each kind")]
pub(super) fn samples() -> Vec<Sample> {
    let held = |holder: Option<&str>| Kind::PortHeld {
        port: 9000,
        process_id: 12,
        program: "node server.js".to_owned(),
        holder: holder.map(str::to_owned),
    };
    let kept =
        |count, schedule: Option<&str>| Kind::InstancesKept { count, schedule: schedule.map(str::to_owned) };
    let not_frozen = |is_command, fault| Kind::PreFreezeFailed { is_command, fault };
    let console = ["http://console.localhost:8080/", "http://127.0.0.1:8080/_local/console/"];
    vec![
        (Kind::ConsoleReady(console.map(str::to_owned)), "the console is at http://console.localhost:8080/"),
        (
            Kind::ProjectShared { address: ([127, 0, 0, 1], 8080).into() },
            "another fc-local dev of this project runs at 127.0.0.1:8080: they share the versions and \
             aliases",
        ),
        (kept(2, Some("morning")), "2 instances are kept, as the schedule `morning` says"),
        (kept(1, Some("")), "1 instance is kept, as a schedule says"),
        (kept(0, None), "0 instances are kept: no schedule is in effect"),
        (samples::address(false, &["prod"]), "ready for events: fc-local invoke f\nprod: http://prod.f/"),
        (
            not_frozen(false, HookFault::NoAnswer(SECOND)),
            "GET /pre-freeze: no answer within 1 s; the instance is frozen all the same",
        ),
        (
            not_frozen(true, HookFault::ExitCode(1)),
            "the pre-freeze command ended with code 1; the instance is frozen all the same",
        ),
        (
            not_frozen(true, HookFault::NotStarted("no luck".to_owned())),
            "the pre-freeze command: cannot start it: no luck; the instance is frozen all the same",
        ),
        (
            held(None),
            "port 9000, which the manifest declares, is held by process 12 (node server.js): a program that keeps to it \
             cannot start before that process ends",
        ),
        (
            held(Some("a")),
            "port 9000 is held by process 12 (node server.js), an instance of function `a`: two programs that keep to the \
             same port cannot run side by side. Let one of them listen on the port in FC_CUSTOM_LISTEN_PORT, or give one \
             another port in its program and in customRuntimeConfig.port",
        ),
        (
            Kind::ProgramHidden {
                program: "node".to_owned(),
                found: "/usr/bin/node".into(),
                searched: vec!["/a/node".into(), "/b/node".into()],
            },
            "`node` is not where the PATH of the manifest leads: looked for /a/node, /b/node. This machine has \
             /usr/bin/node: add /usr/bin to that PATH",
        ),
        (
            Kind::LayersMissing { layers: vec!["acs:fc:x:official:layers/Python310/versions/3".to_owned()] },
            "the function has layers that are not here: acs:fc:x:official:layers/Python310/versions/3. Name a local folder \
             or zip for each in x-local.layers; it is shown at /opt",
        ),
        (
            unfit(Unfit::NoInterpreter { interpreter: "/bin/x".to_owned() }),
            "/code/a begins with `#!/bin/x`, and there is no /bin/x: name a program that is there",
        ),
        (
            unfit(Unfit::CarriageReturn),
            "the `#!` line of /code/a ends with a carriage return, as on Windows: write the file with line feeds alone",
        ),
        (
            unfit(Unfit::NotFound { searched: vec!["/bin".into(), "/opt/bin".into()] }),
            "there is no program `/code/a` in the folders of the function's PATH: /bin, /opt/bin. Name its whole path, or set \
             PATH in environmentVariables",
        ),
        (
            unfit(Unfit::NoLoader),
            "/code/a needs a dynamic loader that is not there: it was built for another C library. Build it for \
             x86_64-unknown-linux-musl, or on the system that runs it",
        ),
        (unfit(Unfit::OtherMachine), "/code/a was built for another machine, such as arm64 for x86_64"),
        (
            unfit(Unfit::NoProgram),
            "/code/a is neither a binary nor a script: a script begins with a line such as `#!/bin/sh`",
        ),
        (
            Kind::InstanceKilled { process_id: 12, waited: None },
            "killed: process 12, with the calls it worked on",
        ),
        (
            Kind::InstanceKilled { process_id: 12, waited: Some(SECOND) },
            "killed: process 12 had not ended 1 s after SIGTERM (x-local.stopTimeout)",
        ),
        (
            Kind::ConnectionClosedEarly { within: SECOND },
            "the program closed a connection that had been without a call for 1 s or less. The platform keeps connections \
             and answers 502 to a POST on one that closes: raise the program's keep-alive time-out",
        ),
        (
            Kind::AnswersHttp10,
            "the program answers HTTP/1.0. The platform speaks HTTP/1.1, keeps connections, and answers 502 to a POST on one that closes",
        ),
        (
            Kind::DiskExceeded { bytes: 600 * MIB, limit_mib: 512 },
            "/tmp holds 600.00 MiB; the function's disk has 512 MiB, and beyond that writing fails on the platform",
        ),
        (
            Kind::CodeCopying { code: "code".into(), copied: 50 * MIB, bytes: 100 * MIB },
            "copying code: 50.00 of 100.00 MiB",
        ),
        (
            Kind::InterpreterMapped {
                folder: "/var/fc/lang/nodejs18".into(),
                program: "/usr/bin/node".into(),
            },
            "/var/fc/lang/nodejs18 is this machine's /usr/bin/node here; its version may be another one than the platform's",
        ),
        (
            Kind::ImageMissing(ImageFault { image: "a".into(), error: "no luck".into() }),
            "cannot run the image a: no luck",
        ),
        (
            Kind::Watching { folders: vec!["a".into(), "b".into()], builds: true },
            "watching a, b; what the build writes and folders of tools (target, node_modules, .git ..) are left out",
        ),
        (
            Kind::Watching { folders: vec!["a".into()], builds: false },
            "watching a; folders of tools (target, node_modules, .git ..) are left out",
        ),
        (
            Kind::NetworkOwn(9000),
            "the program keeps to port 9000: from now on each instance has a network of its own, in which the port is free",
        ),
        (
            Kind::NetworksUnavailable("no luck".to_owned()),
            "a program that keeps to its port runs as one instance only, and calls wait for it: no luck. With a network of \
             its own each instance would have the port; the tool pasta (package passt) makes one",
        ),
        (
            Kind::FoldersTranslated("no luck".to_owned()),
            "instances have no /code, /opt and /tmp of their own: no luck. In commands and variables this machine's \
             folders take their place; files that name /code do not find it",
        ),
    ]
}
