//! A function as the properties that `s.yaml` has, to be read by its rules.

use serde_json::{Value, json};

use super::account::Account;
use super::described::{Described, Fields, Part};
use super::tags::{props_tags, spell_tags};
use crate::failure::Failure;
use crate::manifest::{read_function, take_auto};
use crate::model::{Domain, Function, LATEST, Local};

impl Account {
    /// The function as it runs.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn model(&self, name: &str, described: &Described) -> Result<Function, Failure> {
        let mut props = described.fields.clone();
        // The tool sends settings without values, which mean none.
        props.retain(|_, value| !is_empty(value));
        if let Some(name) = take_auto(&mut props).first() {
            let text = format!("`{name}` cannot be `auto`: the deployment tool alone knows the word");
            return Err(Failure::invalid_argument(text));
        }
        if props.get("logConfig").is_some_and(|log| log["project"].as_str().is_none_or(str::is_empty)) {
            props.remove("logConfig");
        }
        if let Some(tags) = props_tags(&described.fields)? {
            props.insert("tags".to_owned(), tags);
        }
        props.insert("functionName".to_owned(), name.into());
        props.insert("region".to_owned(), self.place.region.as_str().into());
        match &described.code {
            Some(code) => {
                let folder = self.files.tree(code);
                props.insert("code".to_owned(), folder.to_string_lossy().into());
            }
            None => drop(props.remove("code")),
        }
        let triggers: Vec<Value> =
            described.triggers.iter().map(|(name, part)| trigger(name, part)).collect::<Result<_, _>>()?;
        if !triggers.is_empty() {
            props.insert("triggers".to_owned(), triggers.into());
        }
        if let Some(concurrency) = &described.concurrency {
            props.insert("concurrencyConfig".to_owned(), concurrency.clone().into());
        }
        if let Some(scaling) = described.scaling.get(LATEST) {
            props.insert("scalingConfig".to_owned(), scaling.clone().into());
        } else if let Some(provision) = described.provision.get(LATEST) {
            props.insert("provisionConfig".to_owned(), super::settings::provision_props(provision));
        }
        let local = Local { layers: self.layer_folders(name, &described.fields)?, ..Local::default() };
        let domains: Vec<Domain> = self.domains();
        match read_function(props.into(), local, &self.place.id, &domains) {
            Ok(read) => {
                for note in read.notes {
                    self.note(name, note);
                }
                Ok(read.value)
            }
            Err(wrong) => Err(Failure::invalid_argument(wrong.join("; "))),
        }
    }
}

/// A trigger as `s.yaml` has it, with its configuration as a map.
fn trigger(name: &str, part: &Part) -> Result<Value, Failure> {
    let mut fields = part.fields.clone();
    let config = match fields.get("triggerConfig") {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        Some(config) => Some(config.clone()),
        None => Some(json!({})),
    };
    let Some(config @ Value::Object(_)) = config else {
        let text = format!("`triggerConfig` of trigger '{name}' must be a JSON object as text");
        return Err(Failure::invalid_argument(text));
    };
    fields.insert("triggerConfig".to_owned(), config);
    fields.insert("triggerName".to_owned(), name.into());
    fields.retain(|_, value| value.as_str() != Some(""));
    Ok(fields.into())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Null => true,
        _ => false,
    }
}

/// A function of the manifest, as a client of the API sees it. `props` are those of the manifest.
pub(super) fn of_manifest(props: &Value, former: Option<&Described>, since: u64) -> Described {
    let mut fields = match props {
        Value::Object(fields) => fields.clone(),
        _ => Fields::new(),
    };
    let mut take = |key: &str| match fields.remove(key) {
        Some(Value::Object(own)) => Some(own),
        _ => None,
    };
    let (concurrency, provision, scaling) =
        (take("concurrencyConfig"), take("provisionConfig"), take("scalingConfig"));
    let vpcs = take("vpcBinding").and_then(|own| serde_json::from_value(own.get("vpcIds")?.clone()).ok());
    let listed = fields.remove("triggers");
    // What the tool would make is not there.
    take_auto(&mut fields);
    for key in [
        "functionName",
        "region",
        "code",
        "customDomain",
        "asyncInvokeConfig",
        "annotations",
        "endpoint",
        "supplement",
    ] {
        fields.remove(key);
    }
    if let Some(config @ Value::Object(_)) = fields.get("sessionAffinityConfig") {
        let text = config.to_string();
        fields.insert("sessionAffinityConfig".to_owned(), text.into());
    }
    // The manifest's reader has reported what cannot be one.
    drop(spell_tags(&mut fields));
    let mut described = Described::new(fields, None);
    described.id = former.map_or(described.id, |former| former.id.clone());
    (described.created, described.modified) = (since, since);
    let listed = listed.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for own in listed.iter().filter_map(Value::as_object) {
        let mut fields = own.clone();
        let Some(Value::String(trigger)) = fields.remove("triggerName") else { continue };
        if let Some(config) = fields.get("triggerConfig").filter(|config| config.is_object()) {
            let text = config.to_string();
            fields.insert("triggerConfig".to_owned(), text.into());
        }
        let former = former.and_then(|former| former.triggers.get(&trigger));
        let mut part = Part::new(fields);
        part.id = former.map_or(part.id, |former| former.id.clone());
        (part.created, part.modified) = (since, since);
        described.triggers.insert(trigger, part);
    }
    described.concurrency = concurrency;
    described.provision.extend(provision.map(|own| (LATEST.to_owned(), own)));
    described.scaling.extend(scaling.map(|own| (LATEST.to_owned(), own)));
    described.vpcs = vpcs.unwrap_or_default();
    described
}
