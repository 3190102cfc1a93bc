//! Reads how many instances are kept: `scalingConfig`, or the older `provisionConfig`.

use super::node::{Node, Value};
use super::reader::Reader;

/// The instances that are kept although nothing calls them.
pub(super) fn instances_min(props: &Node, reader: &mut Reader<'_>) -> usize {
    const MOST: u64 = 300;
    let (scaling, provision) = (props.child("scalingConfig"), props.child("provisionConfig"));
    if scaling.is_some() && provision.is_some() {
        reader.error(props, "provisionConfig", "does not go together with `scalingConfig`");
    }
    let mut least = 0;
    for (config, key, schedules) in [
        (provision, "defaultTarget", ["scheduledActions", "targetTrackingPolicies"]),
        (scaling, "minInstances", ["scheduledPolicies", "horizontalScalingPolicies"]),
    ] {
        let Some(config) = config else { continue };
        least = reader.integer(config, key, 0, 0..=MOST);
        for schedule in schedules {
            let Some(entry) = config.entry(schedule) else { continue };
            if matches!(&entry.node.value, Value::List(items) if !items.is_empty()) {
                let text =
                    format!("`{schedule}` has no effect here: fc-local keeps `{key}` instances at all times");
                reader.note(entry.line, text);
            }
        }
    }
    usize::try_from(least).unwrap_or(0)
}
