//! Manifests of `fc-local`, from typed fields. A test of malformed ones writes their text itself.
//!
//! ```
//! use testkit::manifest::{Function, Manifest};
//!
//! let one = Function::new("f").timeout(60).var("SCRIPT_NAME", "one");
//! let two = Function::new("g").prop("vpcConfig", "auto").local("port", 1);
//! let text = Manifest::of([one, two]).to_string();
//! assert!(text.contains("\n  g:\n    component: \"fc3\"\n"), "{text}");
//! ```

use std::fmt;

use serde_json::{Map, Value, json};

/// The methods that a function's trigger takes, if a test does not say otherwise.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"];

/// A manifest, whose text is what it displays.
#[derive(Debug, Clone)]
pub struct Manifest(Map<String, Value>);

/// One function of a manifest: anonymous callers, code in `./code`, a custom runtime.
#[derive(Debug, Clone)]
pub struct Function {
    name: String,
    props: Map<String, Value>,
    /// `x-local`.
    local: Map<String, Value>,
    /// `actions.pre-local`.
    steps: Vec<Value>,
}

impl Default for Function {
    fn default() -> Self {
        Self::new("f")
    }
}

impl Function {
    /// A function that nothing else is said of.
    pub fn new(name: &str) -> Self {
        let function =
            Self { name: name.to_owned(), props: Map::new(), local: Map::new(), steps: Vec::new() };
        let function = function.prop("functionName", name).prop("region", "cn-hangzhou");
        function.prop("runtime", "custom.debian12").code("./code").methods(&METHODS)
    }

    /// Sets any of its `props`.
    #[must_use]
    pub fn prop(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.props.insert(name.to_owned(), value.into());
        self
    }

    /// Sets any of its `x-local`.
    #[must_use]
    pub fn local(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.local.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a build step: a line for a shell, in the manifest's folder.
    #[must_use]
    pub fn step(mut self, run: &str) -> Self {
        self.steps.push(json!({"run": run, "path": "./"}));
        self
    }

    /// Adds a build step whose failure the next steps do not mind.
    #[must_use]
    pub fn step_that_may_fail(mut self, run: &str) -> Self {
        self.steps.push(json!({"run": run, "path": "./", "allow_failure": true}));
        self
    }

    /// Its name for callers, where that differs from the one in the manifest.
    #[must_use]
    pub fn called(self, name: &str) -> Self {
        self.prop("functionName", name)
    }

    /// The folder of its code.
    #[must_use]
    pub fn code(self, folder: &str) -> Self {
        self.prop("code", folder)
    }

    /// How many seconds a call may take.
    #[must_use]
    pub fn timeout(self, seconds: u32) -> Self {
        self.prop("timeout", seconds)
    }

    /// The function's memory, in MiB. The manifest calls the unit MB.
    #[must_use]
    pub fn memory(self, mb: u32) -> Self {
        self.prop("memorySize", mb)
    }

    /// How many calls an instance takes at once.
    #[must_use]
    pub fn concurrency(self, calls: u32) -> Self {
        self.prop("instanceConcurrency", calls)
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn var(self, name: &str, value: &str) -> Self {
        self.prop_inside("environmentVariables", name, value.into())
    }

    /// Sets one of its `customRuntimeConfig`, such as `command`, `port`, `healthCheckConfig`.
    #[must_use]
    pub fn runtime(self, name: &str, value: impl Into<Value>) -> Self {
        self.prop_inside("customRuntimeConfig", name, value.into())
    }

    /// Sets a hook: `initializer` or `preStop`.
    #[must_use]
    pub fn hook(self, name: &str, hook: Value) -> Self {
        self.prop_inside("instanceLifecycleConfig", name, hook)
    }

    /// The methods that its trigger takes.
    #[must_use]
    pub fn methods(self, methods: &[&str]) -> Self {
        self.trigger(&json!({"authType": "anonymous", "methods": methods}))
    }

    /// Its HTTP trigger, by the trigger's configuration.
    #[must_use]
    pub fn trigger(self, config: &Value) -> Self {
        self.prop(
            "triggers",
            json!([{"triggerName": "http", "triggerType": "http", "triggerConfig": config}]),
        )
    }

    fn prop_inside(mut self, around: &str, name: &str, value: Value) -> Self {
        self.props.entry(around).or_insert_with(|| json!({}))[name] = value;
        self
    }

    fn resource(self) -> (String, Value) {
        let mut resource = json!({"component": "fc3", "props": self.props});
        if !self.local.is_empty() {
            resource["x-local"] = self.local.into();
        }
        if !self.steps.is_empty() {
            resource["actions"] = json!({"pre-local": self.steps});
        }
        (self.name, resource)
    }
}

impl Manifest {
    /// A manifest with these functions.
    pub fn of(functions: impl IntoIterator<Item = Function>) -> Self {
        let resources: Map<String, Value> = functions.into_iter().map(Function::resource).collect();
        Self(Map::new()).with("edition", "3.0.0").with("name", "test").with("resources", resources)
    }

    /// Adds a resource of another component, such as a custom domain.
    #[must_use]
    pub fn resource(mut self, name: &str, component: &str, props: &Value) -> Self {
        self.0.entry("resources").or_insert_with(|| json!({}))[name] =
            json!({"component": component, "props": props});
        self
    }

    /// Sets any of its own keys.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Function> for Manifest {
    fn from(function: Function) -> Self {
        Self::of([function])
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_block(f, &self.0, 0)
    }
}

/// Maps in lines, as people write them. Lists and values are JSON, which is YAML too.
fn write_block(f: &mut fmt::Formatter<'_>, map: &Map<String, Value>, depth: usize) -> fmt::Result {
    for (name, value) in map {
        write!(f, "{:indent$}{name}:", "", indent = 2 * depth)?;
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                writeln!(f)?;
                write_block(f, inner, depth + 1)?;
            }
            value => writeln!(f, " {value}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_lines_and_lists_are_json() {
        let function =
            Function::new("f").prop("triggers", json!([])).var("A", "it's").local("port", 1).step("true");
        let text = "\
edition: \"3.0.0\"
name: \"test\"
resources:
  f:
    actions:
      pre-local: [{\"path\":\"./\",\"run\":\"true\"}]
    component: \"fc3\"
    props:
      code: \"./code\"
      environmentVariables:
        A: \"it's\"
      functionName: \"f\"
      region: \"cn-hangzhou\"
      runtime: \"custom.debian12\"
      triggers: []
    x-local:
      port: 1
";
        assert_eq!(Manifest::from(function).to_string(), text);
    }
}
