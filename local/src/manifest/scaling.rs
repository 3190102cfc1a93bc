//! Reads how many instances are kept, and when: `scalingConfig`, or the older `provisionConfig`.

use super::node::{Node, Value};
use super::reader::Reader;
use crate::model::Schedule;

/// The most instances that can be kept.
const MOST: u64 = 300;

/// The instances that are kept although nothing calls them.
#[derive(Debug, Default)]
pub(super) struct Scaling {
    pub(super) instances_min: usize,
    pub(super) schedules: Vec<Schedule>,
}

/// The keys of one of the two settings.
struct Keys {
    least: &'static str,
    schedules: &'static str,
    metrics: &'static str,
}

const PROVISION: Keys =
    Keys { least: "defaultTarget", schedules: "scheduledActions", metrics: "targetTrackingPolicies" };
const SCALING: Keys =
    Keys { least: "minInstances", schedules: "scheduledPolicies", metrics: "horizontalScalingPolicies" };

pub(super) fn read(props: &Node, reader: &mut Reader<'_>) -> Scaling {
    let (scaling, provision) = (props.child("scalingConfig"), props.child("provisionConfig"));
    if scaling.is_some() && provision.is_some() {
        reader.error(props, "provisionConfig", "does not go together with `scalingConfig`");
    }
    let (config, keys) = match (scaling, provision) {
        (Some(config), _) => (config, SCALING),
        (None, Some(config)) => (config, PROVISION),
        (None, None) => return Scaling::default(),
    };
    let least = reader.integer(config, keys.least, 0, 0..=MOST);
    let items = |key| match config.child(key).map(|node| &node.value) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    if let Some(entry) = config.entry(keys.metrics).filter(|_| !items(keys.metrics).is_empty()) {
        let text = format!(
            "`{}` has no effect here: fc-local starts instances as calls need them, and measures no utilization",
            keys.metrics
        );
        reader.note(entry.line, text);
    }
    let schedules = items(keys.schedules).iter().filter_map(|item| schedule(item, reader)).collect();
    Scaling { instances_min: usize::try_from(least).unwrap_or(0), schedules }
}

fn schedule(item: &Node, reader: &mut Reader<'_>) -> Option<Schedule> {
    let expression = reader.required_text(item, "scheduleExpression")?;
    let target = usize::try_from(reader.integer(item, "target", 0, 0..=MOST)).unwrap_or(0);
    let mut text = |key| reader.text(item, key).filter(|text| !text.is_empty());
    let name = text("name").unwrap_or_default();
    let more = ["timeZone", "startTime", "endTime"].map(text);
    match Schedule::read(&name, target, &expression, more.each_ref().map(Option::as_deref)) {
        Ok(schedule) => Some(schedule),
        Err((key, fault)) => {
            reader.error(item, key, &fault);
            None
        }
    }
}
