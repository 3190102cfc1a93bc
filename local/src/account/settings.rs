//! Reserved concurrency, and how many instances are kept: the older provision configuration and the scaling one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::Account;
use super::answer::{Answer, Ask};
use super::described::{Described, Fields};
use super::documents::extend;
use super::what::Setting;
use crate::event::AccountNews;
use crate::failure::Failure;
use crate::model::LATEST;

impl Setting {
    /// The name in messages.
    fn name(self) -> &'static str {
        match self {
            Setting::Concurrency => "concurrency",
            Setting::Provision => "provision-config",
            Setting::Scaling => "scaling-config",
        }
    }

    /// The key of a list of them.
    fn list(self) -> &'static str {
        match self {
            Setting::Concurrency => "configs",
            Setting::Provision => "provisionConfigs",
            Setting::Scaling => "scalingConfigs",
        }
    }

    /// What a client may say.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Setting::Concurrency => &["reservedConcurrency"],
            Setting::Provision => &[
                "defaultTarget",
                "target",
                "alwaysAllocateCPU",
                "alwaysAllocateGPU",
                "scheduledActions",
                "targetTrackingPolicies",
            ],
            Setting::Scaling => &[
                "minInstances",
                "scheduledPolicies",
                "horizontalScalingPolicies",
                "enableOnDemandScaling",
                "enableMixMode",
                "requestDispatchPolicy",
                "residentPoolId",
            ],
        }
    }

    fn of(self, described: &Described) -> BTreeMap<String, Fields> {
        match self {
            Setting::Concurrency => {
                described.concurrency.iter().map(|own| (LATEST.to_owned(), own.clone())).collect()
            }
            Setting::Provision => described.provision.clone(),
            Setting::Scaling => described.scaling.clone(),
        }
    }

    fn set(self, described: &mut Described, qualifier: String, fields: Option<Fields>) {
        let by_qualifier = match self {
            Setting::Concurrency => return described.concurrency = fields,
            Setting::Provision => &mut described.provision,
            Setting::Scaling => &mut described.scaling,
        };
        match fields {
            Some(fields) => drop(by_qualifier.insert(qualifier, fields)),
            None => drop(by_qualifier.remove(&qualifier)),
        }
    }
}

/// A provision configuration as `s.yaml` has it, whose schema wants every key.
pub(super) fn provision_props(fields: &Fields) -> Value {
    let mut props = json!({
        "defaultTarget": fields.get("target").cloned().unwrap_or(json!(0)),
        "alwaysAllocateCPU": false, "alwaysAllocateGPU": false,
        "scheduledActions": [], "targetTrackingPolicies": [],
    });
    extend(&mut props, fields.clone().into());
    for (list, texts, numbers) in [
        (
            "scheduledActions",
            &["name", "scheduleExpression", "startTime", "endTime", "timeZone"][..],
            &["target"][..],
        ),
        (
            "targetTrackingPolicies",
            &["name", "metricType", "startTime", "endTime", "timeZone"],
            &["metricTarget", "minCapacity", "maxCapacity"],
        ),
    ] {
        for item in props[list].as_array_mut().into_iter().flatten().filter(|item| item.is_object()) {
            for key in texts.iter().filter(|key| !matches!(**key, "scheduleExpression")) {
                if item[*key].is_null() {
                    item[*key] = "".into();
                }
            }
            for key in numbers {
                if item[*key].is_null() {
                    item[*key] = 0.into();
                }
            }
        }
    }
    props
}

impl Account {
    pub(super) fn get_setting(&self, ask: &Ask, setting: Setting) -> Result<Answer, Failure> {
        let name = ask.function.as_str();
        let described = self.described(name)?;
        let qualifier = self.qualifier_of(ask, setting)?;
        match (setting.of(&described).get(&qualifier), setting) {
            (Some(fields), _) => Ok(Answer::Document(self.setting(name, &qualifier, setting, fields))),
            (None, Setting::Concurrency) => Err(Failure::no_concurrency(name)),
            // Not an error on the platform: the tool reads an empty ARN as none.
            (None, Setting::Provision) => Ok(Answer::Document(json!({
                "functionArn": "", "target": 0, "defaultTarget": 0, "current": 0,
                "alwaysAllocateCPU": false, "alwaysAllocateGPU": false,
                "scheduledActions": [], "targetTrackingPolicies": [],
            }))),
            (None, Setting::Scaling) => Err(Failure::no_scaling(name, &qualifier)),
        }
    }

    pub(super) async fn put_setting(&self, ask: &Ask, setting: Setting) -> Result<Answer, Failure> {
        let name = ask.function.as_str();
        let mut fields = ask.fields()?;
        fields.retain(|key, _| setting.fields().contains(&key.as_str()));
        if setting == Setting::Concurrency && !fields.contains_key("reservedConcurrency") {
            return Err(Failure::invalid_argument("`reservedConcurrency` is missing"));
        }
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(name)?);
        let qualifier = self.qualifier_of(ask, setting)?;
        match setting {
            Setting::Provision if described.scaling.contains_key(&qualifier) => {
                return Err(Failure::scaling_exists(name));
            }
            Setting::Scaling if described.provision.contains_key(&qualifier) => {
                return Err(Failure::provision_exists(name));
            }
            _ => {}
        }
        setting.set(&mut described, qualifier.clone(), Some(fields.clone()));
        self.put(name, described).await?;
        if qualifier != LATEST {
            let text =
                format!("instances are kept for LATEST alone; {} of `{qualifier}` is stored", setting.name());
            self.note(name, text);
        }
        self.news(name, AccountNews::set(setting.name(), &qualifier));
        Ok(Answer::Document(self.setting(name, &qualifier, setting, &fields)))
    }

    pub(super) async fn delete_setting(&self, ask: &Ask, setting: Setting) -> Result<Answer, Failure> {
        let name = ask.function.as_str();
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(name)?);
        let qualifier = self.qualifier_of(ask, setting)?;
        if !setting.of(&described).contains_key(&qualifier) {
            return match setting {
                Setting::Concurrency => Err(Failure::no_concurrency(name)),
                Setting::Provision => Ok(Answer::Done),
                Setting::Scaling => Err(Failure::no_scaling(name, &qualifier)),
            };
        }
        setting.set(&mut described, qualifier.clone(), None);
        self.put(name, described).await?;
        self.news(name, AccountNews::removed(setting.name(), &qualifier));
        Ok(Answer::Done)
    }

    pub(super) fn list_settings(&self, ask: &Ask, setting: Setting) -> Result<Answer, Failure> {
        let wanted = ask.parameter("functionName");
        if let Some(name) = &wanted {
            self.described(name)?;
        }
        let mut all = Vec::new();
        for (name, described) in self.all() {
            if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
                continue;
            }
            for (qualifier, fields) in setting.of(&described) {
                let document = self.setting(&name, &qualifier, setting, &fields);
                all.push((format!("{name}.{qualifier}"), document));
            }
        }
        Ok(Answer::List(setting.list(), all))
    }

    /// The qualifier of a call, which has to be there.
    fn qualifier_of(&self, ask: &Ask, setting: Setting) -> Result<String, Failure> {
        match ask.qualifier() {
            Some(qualifier) if setting != Setting::Concurrency => {
                self.version_of(&ask.function, &qualifier).map(|_| qualifier)
            }
            _ => Ok(LATEST.to_owned()),
        }
    }

    fn setting(&self, name: &str, qualifier: &str, setting: Setting, fields: &Fields) -> Value {
        let arn = match qualifier {
            LATEST => format!("functions/{name}"),
            qualifier => format!("functions/{name}/{qualifier}"),
        };
        // A client finds a list where the platform has one.
        let mut document = match setting {
            Setting::Concurrency => json!({}),
            Setting::Provision => json!({
                "alwaysAllocateCPU": false, "alwaysAllocateGPU": false, "scheduledActions": [],
                "targetTrackingPolicies": [],
            }),
            Setting::Scaling => json!({ "horizontalScalingPolicies": [], "scheduledPolicies": [] }),
        };
        extend(&mut document, fields.clone().into());
        let number = |key: &str| fields.get(key).and_then(Value::as_u64);
        let own = match setting {
            Setting::Concurrency => json!({}),
            Setting::Provision => {
                let target = number("defaultTarget").or_else(|| number("target")).unwrap_or(0);
                let current = self.kept_now(name, qualifier, target);
                json!({ "target": target, "defaultTarget": target, "current": current, "currentError": "" })
            }
            Setting::Scaling => {
                let target = number("minInstances").unwrap_or(0);
                let current = self.kept_now(name, qualifier, target);
                json!({ "targetInstances": target, "currentInstances": current, "currentError": "" })
            }
        };
        extend(&mut document, own);
        document["functionArn"] = self.arn(&arn).into();
        document
    }

    /// How many of the instances that are to be kept are there. What this machine cannot have counts as there, or a client
    /// would wait for ever; and so does everything of a version, of which no instances are kept here.
    fn kept_now(&self, name: &str, qualifier: &str, target: u64) -> u64 {
        let functions = self.registry.functions();
        let Some(function) = functions.get(name).filter(|_| qualifier == LATEST) else { return target };
        let Some(usage) = function.usage().into_iter().find(|usage| usage.version.is_none()) else {
            return 0;
        };
        if usage.instances.len() >= usage.instances_max {
            target
        } else {
            target.min(usage.instances.len() as u64)
        }
    }
}
