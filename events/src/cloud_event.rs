//! The envelope of EventBridge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A CloudEvent 1.0, as EventBridge and the triggers that are built on it send them.
///
/// ```
/// use fc_events::CloudEvent;
///
/// let event: CloudEvent = fc_events::read(
///     br#"{"id": "1", "source": "acs.oss", "specversion": "1.0", "type": "oss:ObjectCreated:PutObject", "aliyunregionid": "cn-hangzhou", "data": {"size": 5}}"#,
/// )?;
/// assert_eq!(event.data["size"], 5);
/// assert_eq!(event.extension("aliyunregionid"), Some("cn-hangzhou"));
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CloudEvent<T = Value> {
    /// Distinct within its source, and the same when the event is delivered again.
    pub id: String,
    /// Who sent the event: for a trigger its name.
    #[serde(default)]
    pub source: String,
    /// `1.0`.
    #[serde(default = "version")]
    pub specversion: String,
    /// What happened, as `oss:ObjectCreated:PutObject`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The media type of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// What the event is about: mostly the resource's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What the source says.
    pub data: T,
    /// Other attributes: `aliyunaccountid`, `aliyunpublishtime`, `aliyunoriginalaccountid`, `aliyuneventbusname`, `aliyunregionid`,
    /// `aliyunpublishaddr`. The platform sends each of them or not.
    #[serde(flatten)]
    pub extensions: BTreeMap<String, Value>,
}

impl<T> CloudEvent<T> {
    /// An attribute beyond the standard's, if the event has it as a text.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.get(name)?.as_str()
    }
}

fn version() -> String {
    "1.0".to_owned()
}
