//! The template, by the real command line of Serverless Devs.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::Folder;
use testkit::events::kind;

use super::clients::curl_status;
use super::{packages, root, run, succeed};

use crate::harness::Local;

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

#[test]
#[ignore = "needs node, npm and curl: .ci/run runs it with --ignored"]
fn the_template_becomes_a_running_function_in_two_commands() {
    let cli = Cli::new();
    let folder = Folder::new();
    let link = cli.folder.path().join("link");
    // The link is consumed; the folder behind it stays.
    std::os::unix::fs::symlink(root().join("templates/start-fc3-rust-http"), &link).unwrap();
    let parameters = r#"{"region":"cn-hangzhou","functionName":"orders","memorySize":"1024"}"#;
    let init = [
        "init",
        "--uri",
        link.to_str().unwrap(),
        "-d",
        folder.path().to_str().unwrap(),
        "-a",
        "default",
        "-y",
        "--silent",
    ];
    succeed(&mut cli.command(cli.folder.path(), &[&init[..], &["--parameters", parameters]].concat()));
    let text = std::fs::read_to_string(folder.path().join("s.yaml")).unwrap();
    assert!(!text.contains("{{") && !text.contains("undefined"), "{text}");
    assert_clean(&cli.verify(folder.path()));
    // The check is a real one.
    folder.write("s.yaml", &text.replace("memorySize: 1024", "memorySize: 1000"));
    let output = cli.verify(folder.path());
    assert!(!output.status.success(), "{output:?}");
    folder.write("s.yaml", &text);

    // The library is taken from here, since it is not published.
    let patch = format!("[patch.crates-io]\nfc-runtime = {{ path = '{}' }}\n", root().display());
    folder.write(".cargo/config.toml", &patch);
    let local = Local::spawn(folder, &[]);
    let ready = local.wait_for_long(kind("ready").or(kind("build_failed")).or(kind("code_missing")));
    assert_eq!(ready["function"], "orders", "{ready}");
    assert_eq!(ready["kind"], "ready", "{ready}");
    for url in [
        format!("http://127.0.0.1:{}", local.main_port()),
        format!("http://127.0.0.1:{}", local.function_port("orders")),
        format!("http://orders.localhost:{}", local.main_port()),
    ] {
        assert_eq!(curl_status(&[&format!("{url}/hello/you")]), "Hello, you!\n|200");
    }
}

#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn the_repositorys_own_manifest_is_one_that_can_be_deployed() {
    let cli = Cli::new();
    let folder = Folder::new();
    folder.write("s.yaml", &std::fs::read_to_string(root().join("s.yaml")).unwrap());
    assert_clean(&cli.verify(folder.path()));
}
