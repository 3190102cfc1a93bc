//! Functions of containers.

use super::sources::HTTP_TRIGGER;
use crate::doctor::facts::{Facts, Function};
use crate::doctor::finding::{Finding, Level, Rule};
use crate::manifest::{Node, Value};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "container-without-server",
        level: Level::Error,
        title: "A container with an HTTP trigger is a web server.",
        why: "A container that is not in web-server mode gets no HTTP calls, no hooks and no health checks: an HTTP trigger \
              on it is refused. Leave `webServerMode` out, or set it to true, and listen on the configured port.",
        source: HTTP_TRIGGER,
        check: container_without_server,
    },
    Rule {
        id: "container-mutable-image",
        level: Level::Note,
        title: "A container's image is named by a version.",
        why: "The image is fetched when an instance starts. Behind a tag such as `latest` another image may stand by then, \
              and a version of the function is no longer what was published.",
        source: HTTP_TRIGGER,
        check: container_mutable_image,
    },
];

fn container_without_server(facts: &Facts) -> Vec<Finding> {
    let is_off = |function: &&Function| {
        let mode = function.get(&["customContainerConfig", "webServerMode"]).map(|node: &Node| &node.value);
        function.is_container() && mode == Some(&Value::Bool(false)) && facts.is_web(function)
    };
    let finding = |function: &Function| {
        let place = facts.key(function, &["customContainerConfig", "webServerMode"]);
        let text = "HTTP calls do not reach a container that is not in web-server mode";
        Finding::new(place, text, "webServerMode: true")
    };
    facts.functions.iter().filter(is_off).map(finding).collect()
}

fn container_mutable_image(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in facts.functions.iter().filter(|function| function.is_container()) {
        let Some(image) = function.text(&["customContainerConfig", "image"]) else { continue };
        let name = image.rsplit('/').next().unwrap_or(image);
        let is_mutable = !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
        if is_mutable && !image.contains("${") && !image.contains("{{") {
            let place = facts.key(function, &["customContainerConfig", "image"]);
            let text = "the tag of the image leads to another image tomorrow";
            let base = image.strip_suffix(":latest").unwrap_or(image);
            found.push(Finding::new(place, text, format!("image: {base}:1.0.0")));
        }
    }
    found
}
