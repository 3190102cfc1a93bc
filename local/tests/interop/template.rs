//! The templates, by the real command line of Serverless Devs and by `fc-local new`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::Folder;

use super::{LONG, packages, root, run, run_within, succeed};

use crate::harness::program;

/// Stands in for the component, which cannot be had offline: it gives the schema, and hands over what a
/// deployment would get.
const COMPONENT: &str = r"
const fs = require('fs');
module.exports = class {
  constructor() { this.commands = { deploy: { help: { description: 'd', summary: 'd', option: [['-y, --assume-yes', 'y']] } } }; }
  async getSchema() { return fs.readFileSync(process.env.FC3_SCHEMA, 'utf8'); }
  async getShownProps() { return { deploy: ['region', 'functionName'] }; }
  async deploy(inputs) { fs.writeFileSync(process.env.FAKE_OUT, JSON.stringify(inputs.props)); return {}; }
};
";

pub(super) const PUBLISH: &str = "Edition: 3.0.0\nType: Component\nName: fc3\nVersion: 0.1.22\nProvider: [阿里云]\nDescription: x\nCategory: x\nService: {}\nEffective: Public\nParameters: {}\n";

/// The schema of the platform's component, which is not part of this repository: where `FC3_SCHEMA` says, else
/// beside the repository.
fn schema() -> PathBuf {
    let file = std::env::var_os("FC3_SCHEMA")
        .map_or_else(|| root().join("../shared/reference/fc3-schema.json"), PathBuf::from);
    assert!(
        file.is_file(),
        "there is no schema at {}: set FC3_SCHEMA to the schema.json of the fc3 component of Serverless Devs",
        file.display()
    );
    file
}

/// The command line, with a home of its own.
pub(super) struct Cli {
    folder: Folder,
}

impl Cli {
    pub(super) fn new() -> Self {
        let cli = Cli { folder: Folder::new() };
        succeed(&mut cli.command(cli.folder.path(), &["set", "analysis", "disable", "--silent"]));
        let keys = [
            "--AccessKeyID",
            "aaaaaaaaaaaaaaaa",
            "--AccessKeySecret",
            "bbbbbbbbbbbbbbbb",
            "--AccountID",
            "1234567890123456",
        ];
        succeed(
            &mut cli
                .command(cli.folder.path(), &[&["config", "add", "-a", "default", "-f"], &keys[..]].concat()),
        );
        cli
    }

    pub(super) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(packages().join("node_modules/.bin/s"));
        command
            .args(arguments)
            .current_dir(folder)
            .env("serverless_devs_config_home", self.folder.path().join("home"))
            .env("SERVERLESS_DEVS_CICD", "1")
            .env("FC3_SCHEMA", schema())
            .env("FAKE_OUT", self.folder.path().join("inputs.json"));
        command
    }

    /// Deploys what is in `folder` through the stand-in, with all hooks, and gives what the component would send. `command`
    /// may change the surroundings of the hooks.
    pub(super) fn deploy(&self, folder: &Path, change: impl FnOnce(&mut Command)) -> serde_json::Value {
        let component = folder.join("fc3");
        std::fs::create_dir_all(&component).unwrap();
        std::fs::write(component.join("index.js"), COMPONENT).unwrap();
        std::fs::write(component.join("publish.yaml"), PUBLISH).unwrap();
        let mut command = self.command(folder, &["deploy", "-y"]);
        change(&mut command);
        let output = run_within(&mut command, LONG);
        std::fs::remove_dir_all(&component).unwrap();
        assert_clean(&output);
        let sent = std::fs::read_to_string(self.folder.path().join("inputs.json"));
        serde_json::from_str(&sent.unwrap_or_else(|_| panic!("nothing was deployed: {output:?}"))).unwrap()
    }

    /// Checks the manifest in `folder` against the platform's schema.
    fn verify(&self, folder: &Path) -> std::process::Output {
        let component = folder.join("fc3");
        std::fs::create_dir_all(&component).unwrap();
        std::fs::write(component.join("index.js"), COMPONENT).unwrap();
        std::fs::write(component.join("publish.yaml"), PUBLISH).unwrap();
        let output = run(&mut self.command(folder, &["verify"]));
        std::fs::remove_dir_all(&component).unwrap();
        output
    }
}

#[track_caller]
fn assert_clean(output: &std::process::Output) {
    assert!(output.status.success(), "{output:?}");
}

/// The templates by their names behind `--template`.
pub(super) const KINDS: [&str; 9] =
    ["async", "axum", "container", "event", "grpc", "http", "mcp", "sse", "websocket"];

/// Makes a project by `fc-local new` in an empty folder. The function has the name of the folder.
pub(super) fn new(kind: &str, more: &[&str]) -> Folder {
    let folder = Folder::new();
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let mut new = Command::new(program());
    new.args(["new", &name, "--template", kind]).args(more).current_dir(folder.path().parent().unwrap());
    succeed(&mut new);
    folder
}

/// All files below a folder, by their paths.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn the_deployment_tool_and_new_make_the_same_projects() {
    let cli = Cli::new();
    let link = cli.folder.path().join("link");
    let there: Vec<String> = KINDS.iter().map(|kind| format!("start-fc3-rust-{kind}")).collect();
    let mut all: Vec<String> = std::fs::read_dir(root().join("templates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    assert_eq!(all, there);
    for kind in KINDS {
        let own = new(kind, &["--memory", "1024", "--region", "cn-shanghai"]);
        let folder = Folder::new();
        // The link is consumed; the folder behind it stays.
        std::os::unix::fs::symlink(root().join(format!("templates/start-fc3-rust-{kind}")), &link).unwrap();
        let name = own.path().file_name().unwrap().to_str().unwrap();
        let parameters = format!(r#"{{"region":"cn-shanghai","functionName":"{name}","memorySize":"1024"}}"#);
        let target = folder.path().to_str().unwrap();
        let init = ["init", "--uri", link.to_str().unwrap(), "-d", target, "-a", "default", "-y", "--silent"];
        succeed(&mut cli.command(cli.folder.path(), &[&init[..], &["--parameters", &parameters]].concat()));
        assert_eq!(files(folder.path()), files(own.path()), "{kind}");
        assert_clean(&cli.verify(own.path()));
        // The check is a real one.
        let text = own.text("s.yaml");
        assert!(!text.contains("{{") && !text.contains("undefined"), "{text}");
        own.write("s.yaml", &text.replace("memorySize: 1024", "memorySize: 1000"));
        let output = cli.verify(own.path());
        assert!(!output.status.success(), "{kind}: {output:?}");
    }
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn defaults_alone_render_everything() {
    let cli = Cli::new();
    let (link, folder) = (cli.folder.path().join("link"), Folder::new());
    std::os::unix::fs::symlink(root().join("templates/start-fc3-rust-http"), &link).unwrap();
    let target = folder.path().to_str().unwrap();
    let init = ["init", "--uri", link.to_str().unwrap(), "-d", target, "-a", "default", "-y", "--silent"];
    // One parameter has to be named, or the tool renders nothing.
    let parameters = r#"{"region":"cn-hangzhou"}"#;
    succeed(&mut cli.command(cli.folder.path(), &[&init[..], &["--parameters", parameters]].concat()));
    let text = folder.text("s.yaml");
    assert!(text.contains("functionName: \"rust-http-") && text.contains("memorySize: 512"), "{text}");
    assert_clean(&cli.verify(folder.path()));
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn the_repositorys_own_manifest_is_one_that_can_be_deployed() {
    let cli = Cli::new();
    let folder = Folder::new();
    folder.write("s.yaml", &std::fs::read_to_string(root().join("s.yaml")).unwrap());
    assert_clean(&cli.verify(folder.path()));
}
