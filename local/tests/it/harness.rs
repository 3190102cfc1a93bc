//! Starts the real program on a manifest of a test, and talks to it over sockets.

use std::ops::Deref;
use std::path::Path;

use testkit::events::{Events, Matcher, kind};
use testkit::h1::{exchange, request};
use testkit::manifest::{Function, Manifest};
use testkit::{Answer, Folder, Launch, Program};

/// The program: the one of this build, unless `FC_LOCAL_PROGRAM` names another one, such as a release build.
pub(crate) fn program() -> String {
    let Some(named) = std::env::var_os("FC_LOCAL_PROGRAM") else {
        return env!("CARGO_BIN_EXE_fc-local").to_owned();
    };
    // It is named from the repository's root, and some tests start it in a folder of theirs.
    let named = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(named);
    let path = std::fs::canonicalize(&named)
        .unwrap_or_else(|error| panic!("FC_LOCAL_PROGRAM: {}: {error}", named.display()));
    path.to_str().unwrap().to_owned()
}

/// The function of the tests.
pub(crate) const SCRIPTED: &str = env!("CARGO_BIN_EXE_fc-local-scripted");

/// A folder with the scripted function as `code/bootstrap`.
pub(crate) fn scripted() -> Folder {
    let folder = Folder::new();
    folder.link("code/bootstrap", SCRIPTED);
    folder
}

/// A function `f` of which nothing else is said.
pub(crate) fn f() -> Function {
    Function::default()
}

/// Writes `s.yaml`.
pub(crate) fn write_manifest(folder: &Folder, manifest: impl Into<Manifest>) {
    folder.write("s.yaml", &manifest.into().to_string());
}

/// A running `fc-local dev`.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) folder: Folder,
    pub(crate) program: Program,
    events: Events,
}

impl Deref for Local {
    type Target = Events;

    fn deref(&self) -> &Events {
        &self.events
    }
}

impl Local {
    /// Starts a manifest with the scripted function and waits until it is ready.
    pub(crate) fn scripted(manifest: impl Into<Manifest>) -> Self {
        let folder = scripted();
        write_manifest(&folder, manifest);
        Local::start(folder, &[])
    }

    /// Starts the manifest in `folder` and waits until the first function is ready.
    pub(crate) fn start(folder: Folder, arguments: &[&str]) -> Self {
        let local = Local::spawn(folder, arguments);
        local.wait_for(kind("ready"));
        local
    }

    fn launch(folder: &Folder, arguments: &[&str]) -> Launch {
        let launch = Launch::new(program()).args(["--template"]).args([folder.file("s.yaml")]).args(["dev"]);
        let port = if arguments.contains(&"--port") { &[][..] } else { &["--port", "0"] };
        let launch = launch.args(port.iter().chain(arguments).copied());
        if arguments.contains(&"--certificates") {
            return launch;
        }
        // Not the user's own folder.
        launch.args(["--certificates"]).args([Path::new(env!("CARGO_TARGET_TMPDIR")).join("ca")])
    }

    /// Starts the manifest in `folder` with its output in the file `out` beside it.
    pub(crate) fn spawn_into_file(folder: Folder, arguments: &[&str]) -> Self {
        let launch = Local::launch(&folder, arguments).into_file(&folder.file("out"));
        Local::of(folder, &launch)
    }

    /// Starts the manifest in `folder` with a variable in its environment.
    pub(crate) fn spawn_with(folder: Folder, (name, value): (&str, &str)) -> Self {
        let launch = Local::launch(&folder, &[]).args(["--json"]).var(name, value);
        Local::of(folder, &launch)
    }

    /// Another `dev` of the same project.
    pub(crate) fn beside(&self) -> (Program, Events) {
        let program = Local::launch(&self.folder, &[]).args(["--json"]).start();
        let events = Events::of(program.out());
        (program, events)
    }

    /// Starts the manifest in `folder`.
    pub(crate) fn spawn(folder: Folder, arguments: &[&str]) -> Self {
        let launch = Local::launch(&folder, arguments).args(["--json"]);
        Local::of(folder, &launch.var("FC_LOCAL_TEST_SECRET", "test-secret-value"))
    }

    fn of(folder: Folder, launch: &Launch) -> Self {
        let program = launch.start();
        let events = Events::of(program.out());
        Local { folder, program, events }
    }

    /// The port that a URL of the first `ready` event names.
    fn port(&self, url: &str, ready: Matcher) -> u16 {
        let ready = self.wait_for(ready);
        ready[url].as_str().unwrap().trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// The main port.
    pub(crate) fn main_port(&self) -> u16 {
        self.port("url", kind("ready"))
    }

    /// The port of a function.
    pub(crate) fn function_port(&self, function: &str) -> u16 {
        self.port("portUrl", kind("ready").function(function))
    }

    /// Sends a request without a body to function `f`.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.call("GET", target, "", b"")
    }

    /// Sends a request to function `f`.
    pub(crate) fn call(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Answer {
        exchange(self.function_port("f"), &request(method, target, headers, body))
    }

    /// Calls the function as the API's callers do.
    pub(crate) fn invoke(&self, headers: &str, event: &[u8]) -> Answer {
        let target = "/2023-03-30/functions/f/invocations";
        exchange(self.main_port(), &request("POST", target, headers, event))
    }

    /// The process of `fc-local`.
    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Ends fc-local as Ctrl-C does, and gives its exit code. Events that it told before its end are all there.
    #[track_caller]
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        self.program.signal("INT");
        let (status, _) = self.program.ended();
        status.code()
    }
}
