//! A function or a domain that a client of the API described: read by the same rules as `s.yaml`.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::node::Node;
use super::problem::Problem;
use super::{domain, function, keys, resources};
use crate::model::{Domain, Function, Local};

/// What was read, and remarks on what has no effect here.
#[derive(Debug)]
pub(crate) struct Read<T> {
    pub(crate) value: T,
    pub(crate) notes: Vec<String>,
}

/// Reads a function. `props` are those of component fc3, with the folder of the code under `code`; keys that the tables do
/// not know are passed over, as the API does. `domains` are those of the account.
///
/// # Errors
///
/// Everything that is wrong.
pub(crate) fn read_function(
    props: Json,
    local: Local,
    account: &str,
    domains: &[Domain],
) -> Result<Read<Function>, Vec<String>> {
    let mut props = Node::from_json(0, props);
    keys::keep_known_props(&mut props);
    let mut problems = Vec::new();
    let mut reading = domain::Reading::default();
    let read =
        function::read(&props, Vec::new(), local, account, Path::new("/"), &mut reading, &mut problems);
    let mut function = done(read, &problems)?;
    "default".clone_into(&mut function.service);
    resources::tell_secrets(std::slice::from_mut(&mut function), domains);
    Ok(Read { value: function, notes: notes(problems) })
}

/// The properties of which the deployment tool makes the resource if they say `auto`.
const MADE_BY_THE_TOOL: [&str; 5] = ["logConfig", "nasConfig", "ossMountConfig", "role", "vpcConfig"];

/// Takes out the properties that say `auto`, and gives their names: the deployment tool puts what it makes in place of the
/// word, which the API does not know.
pub(crate) fn take_auto(props: &mut Map<String, Json>) -> Vec<&'static str> {
    let is_auto = |value: &Json| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("auto"));
    let mut names = Vec::new();
    for name in MADE_BY_THE_TOOL {
        if props.get(name).is_some_and(is_auto) {
            props.remove(name);
            names.push(name);
        }
    }
    names
}

/// Reads a custom domain. `props` are those of component fc3-domain.
///
/// # Errors
///
/// Everything that is wrong.
pub(crate) fn read_domain(props: Json, account: &str) -> Result<Read<Domain>, Vec<String>> {
    let mut props = Node::from_json(0, props);
    keys::keep_known_domain(&mut props);
    let mut problems = Vec::new();
    let mut reading = domain::Reading::default();
    reading.of_resource(&props, account, &mut problems);
    let domain = done(reading.domains.pop(), &problems)?;
    Ok(Read { value: domain, notes: notes(problems) })
}

/// What was read, if nothing is wrong.
fn done<T>(read: Option<T>, problems: &[Problem]) -> Result<T, Vec<String>> {
    let wrong: Vec<String> =
        problems.iter().filter(|problem| problem.fatal).map(|problem| problem.text.clone()).collect();
    match read {
        Some(read) if wrong.is_empty() => Ok(read),
        _ if wrong.is_empty() => Err(vec!["it cannot be read".to_owned()]),
        _ => Err(wrong),
    }
}

/// What has no effect. Of what exists only in the cloud a caller of the API expects nothing here.
fn notes(problems: Vec<Problem>) -> Vec<String> {
    problems.into_iter().filter(|problem| !problem.fatal).map(|problem| problem.text).collect()
}
