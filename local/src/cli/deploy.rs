//! `fc-local deploy`: the rehearsal of `s deploy`, against an account on this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use http::Method;
use serde_json::{Map, Value, json};

use super::client::Running;
use super::version::finish;
use super::{check_name, print};
use crate::Manifest;
use crate::auth::encode;
use crate::manifest::{Component, take_auto};
use crate::package::{Wish, pack};

#[derive(Debug, Args)]
pub(super) struct DeployArguments {
    /// The function's name [default: all functions]
    function: Option<String>,
    /// The port of the running `fc-local serve`
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The folder of the account, which has the key [default: `.fc-local` beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Build nothing: pack what the code folder has
    #[arg(long)]
    no_build: bool,
}

/// What a manifest says beside the function itself, and the API has operations of their own for.
const BESIDE: [&str; 11] = [
    "region",
    "code",
    "triggers",
    "asyncInvokeConfig",
    "concurrencyConfig",
    "provisionConfig",
    "scalingConfig",
    "vpcBinding",
    "customDomain",
    "endpoint",
    "supplement",
];

pub(super) async fn run(
    manifest: &Manifest,
    environment: Option<&str>,
    arguments: DeployArguments,
) -> ExitCode {
    print::notes(manifest);
    finish(try_run(manifest, environment, &arguments).await)
}

async fn try_run(
    manifest: &Manifest,
    environment: Option<&str>,
    arguments: &DeployArguments,
) -> io::Result<()> {
    if let Some(name) = &arguments.function {
        check_name(manifest, name)?;
    }
    let written = Manifest::written(manifest.file(), environment).map_err(io::Error::other)?;
    let account = Running::at(manifest, arguments.port, arguments.data.as_deref()).await?;
    for (_, component, resource) in written.resources() {
        let props = match resource.child("props") {
            Some(props) => props.to_json(),
            None => Value::Null,
        };
        let Some(name) = props["functionName"].as_str().filter(|_| component == Component::Function) else {
            continue;
        };
        if arguments.function.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let package = package(manifest, name, arguments.no_build)?;
        deploy(&account, name, &props, package.as_deref()).await?;
    }
    Ok(())
}

/// Builds and packs a function. `None` for an image, which has no code.
fn package(manifest: &Manifest, name: &str, takes_built: bool) -> io::Result<Option<PathBuf>> {
    let function = manifest.functions().iter().find(|function| function.name == name);
    let Some(function) = function.filter(|function| function.runtime != "custom-container") else {
        return Ok(None);
    };
    let wish = Wish { takes_built, ..Wish::default() };
    let packed = pack(function, manifest.folder(), &wish).map_err(io::Error::other)?;
    let mut findings = packed.findings.iter();
    for finding in findings.clone() {
        print::complain(&format!("{name}: {}", finding.text));
    }
    if findings.any(|finding| finding.is_fatal) {
        return Err(io::Error::other("the package would not run on the platform: the reasons stand above"));
    }
    Ok(Some(packed.zip))
}

async fn deploy(account: &Running, name: &str, props: &Value, package: Option<&Path>) -> io::Result<()> {
    let path = format!("/2023-03-30/functions/{}", encode(name.as_bytes()));
    let mut body: Map<String, Value> = props.as_object().cloned().unwrap_or_default();
    body.retain(|key, _| !BESIDE.contains(&key.as_str()));
    for key in take_auto(&mut body) {
        print::complain(&format!(
            "{name}: `{key}: auto` is not deployed: `s deploy` makes this resource in the cloud"
        ));
    }
    if let Some(package) = package {
        body.insert("code".to_owned(), json!({ "zipFile": STANDARD.encode(std::fs::read(package)?) }));
    }
    // As the deployment tool does: whatever is wrong with the read, the function counts as absent.
    let is_there = account.call(Method::GET, &path, &Value::Null).await.is_ok();
    let done = if is_there {
        account.call(Method::PUT, &path, &body.into()).await?
    } else {
        account.call(Method::POST, "/2023-03-30/functions", &body.into()).await?
    };
    let what = if is_there { "updated" } else { "created" };
    let code = done["codeChecksum"].as_str().filter(|checksum| !checksum.is_empty());
    print::say(&format!("{name}  {what}, code {}", code.unwrap_or("of an image")));
    for trigger in props["triggers"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let mut trigger = trigger.clone();
        // On the wire it is a text.
        trigger["triggerConfig"] = trigger["triggerConfig"].to_string().into();
        let own = trigger["triggerName"].as_str().unwrap_or_default().to_owned();
        let at = format!("{path}/triggers/{}", encode(own.as_bytes()));
        let done = if account.call(Method::GET, &at, &Value::Null).await.is_ok() {
            account.call(Method::PUT, &at, &trigger).await?
        } else {
            account.call(Method::POST, &format!("{path}/triggers"), &trigger).await?
        };
        let url = done["httpTrigger"]["urlInternet"].as_str().unwrap_or_default();
        print::say(&format!("  trigger  {own}  {url}"));
    }
    for (key, at) in [
        ("asyncInvokeConfig", "async-invoke-config"),
        ("concurrencyConfig", "concurrency"),
        ("provisionConfig", "provision-config?qualifier=LATEST"),
        ("scalingConfig", "scaling-config?qualifier=LATEST"),
    ] {
        if props[key].is_object() {
            account.call(Method::PUT, &format!("{path}/{at}"), &props[key]).await?;
            print::say(&format!("  {key}"));
        }
    }
    if props["customDomain"].is_object() {
        print::complain(&format!("{name}: `customDomain` is not deployed: `fc-local dev` serves it"));
    }
    Ok(())
}
