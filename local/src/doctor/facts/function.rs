//! A function of the manifest, and what leads to it.

use std::path::PathBuf;

use super::{Code, Described, Program, Server};
use crate::manifest::{Node, Value, items};

/// One function.
#[derive(Debug, Clone, Default)]
pub(crate) struct Function {
    /// The key under `resources`.
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) props: Option<Node>,
    /// The properties as they were written, with their expressions.
    pub(crate) written: Option<Node>,
    pub(crate) is_fc2: bool,
    pub(crate) alb: Option<Alb>,
    pub(crate) code: Option<Code>,
    /// The program in the code folder, or the one that stands for it.
    pub(crate) file: Option<PathBuf>,
    /// What the file of the deployed program says. `None` if another program may be deployed.
    pub(crate) program: Option<Program>,
    /// What the program says of itself, as an app of fc-runtime does.
    pub(crate) described: Option<Described>,
    pub(crate) server: Option<Server>,
}

/// The load balancer before a function, as `x-local.doctor.alb` describes it. The defaults are the platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alb {
    pub(crate) line: usize,
    pub(crate) idle_seconds: i64,
    pub(crate) request_seconds: i64,
    /// How often health is checked, if it is.
    pub(crate) check_seconds: Option<i64>,
}

/// A custom domain of the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) node: Node,
    /// The functions that it leads to, and by which paths.
    pub(crate) routes: Vec<(String, String)>,
}

impl Domain {
    pub(crate) fn leads_to(&self, function: &Function) -> bool {
        self.routes.iter().any(|(name, _)| *name == function.name)
    }

    /// Who may call: `anonymous` if nothing is said.
    pub(crate) fn auth(&self) -> &str {
        let config = self.node.child("authConfig").and_then(|config| config.child("authType"));
        config.and_then(Node::as_text).unwrap_or("anonymous")
    }
}

impl Function {
    /// The value at a path of keys below `props`.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self.props.as_ref()?, |node, key| node.child(key))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(&[key]).is_some()
    }

    pub(crate) fn integer(&self, path: &[&str]) -> Option<i64> {
        match self.get(path)?.value {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_text()
    }

    /// Seconds until a call ends, with the platform's default.
    pub(crate) fn timeout(&self) -> i64 {
        self.integer(&["timeout"]).unwrap_or(3)
    }

    pub(crate) fn concurrency(&self) -> i64 {
        self.integer(&["instanceConcurrency"]).unwrap_or(1)
    }

    pub(crate) fn is_container(&self) -> bool {
        self.text(&["runtime"]).is_some_and(|runtime| runtime == "custom-container")
    }

    /// Whether the function is an HTTP server of its own: then hooks and health checks are requests to it.
    pub(crate) fn is_custom(&self) -> bool {
        self.text(&["runtime"]).is_some_and(|runtime| runtime.starts_with("custom"))
    }

    /// The triggers: kind and node.
    pub(crate) fn triggers(&self) -> impl Iterator<Item = (&str, &Node)> {
        let triggers = self.get(&["triggers"]).map(items).unwrap_or_default();
        triggers.iter().filter_map(|node| Some((node.child("triggerType")?.as_text()?, node)))
    }

    /// The settings of the HTTP triggers.
    pub(crate) fn http_triggers(&self) -> impl Iterator<Item = &Node> {
        self.triggers()
            .filter(|(kind, _)| *kind == "http")
            .filter_map(|(_, node)| node.child("triggerConfig"))
    }

    pub(crate) fn event_triggers(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.triggers().filter(|(kind, _)| *kind != "http")
    }

    /// Seconds of a hook, with the platform's default; `None` without the hook.
    pub(crate) fn hook_seconds(&self, hook: &str) -> Option<i64> {
        let hook = self.get(&["instanceLifecycleConfig", hook])?;
        match hook.child("timeout").map(|node| &node.value) {
            Some(Value::Int(seconds)) => Some(*seconds),
            _ => Some(3),
        }
    }

    /// Whether a hook is a request to the server, not a command beside it.
    pub(crate) fn has_hook_request(&self, hook: &str) -> bool {
        self.get(&["instanceLifecycleConfig", hook]).is_some_and(|hook| hook.child("command").is_none())
    }

    /// Whether the function answers gRPC, as far as that is known.
    pub(crate) fn speaks_grpc(&self) -> bool {
        const GRPC_PORT: i64 = 8089;
        let port = self.integer(&["customRuntimeConfig", "port"]);
        port == Some(GRPC_PORT) || self.server.as_ref().is_some_and(|server| server.is_grpc)
    }
}

/// The texts in `methods`.
pub(crate) fn methods(config: &Node) -> Vec<&str> {
    config.child("methods").map(items).unwrap_or_default().iter().filter_map(Node::as_text).collect()
}
