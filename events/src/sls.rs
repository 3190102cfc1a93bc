//! The event of SLS, the log service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::maybe_number;

/// What an SLS trigger sends: cursors. The function reads the logs between them itself.
///
/// A retry repeats `task_id`, so this is the key by which to do work once.
///
/// ```
/// use fc_events::sls::SlsEvent;
///
/// let event: SlsEvent = fc_events::read(br#"{
///     "parameter": {}, "jobName": "1f7043", "taskId": "c2691505-38da", "cursorTime": 1529486425,
///     "source": {"endpoint": "http://log.example.com", "projectName": "shop", "logstoreName": "access", "shardId": 0, "beginCursor": "MTU=", "endCursor": "MTY="}
/// }"#)?;
/// assert_eq!((event.source.shard_id, &*event.source.begin_cursor), (0, "MTU="));
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SlsEvent {
    /// The parameters of the trigger's settings.
    #[serde(default)]
    pub parameter: BTreeMap<String, Value>,
    /// Which logs.
    pub source: Source,
    /// The trigger's job at SLS.
    #[serde(default)]
    pub job_name: String,
    /// The same for every try at one range of a shard.
    #[serde(default)]
    pub task_id: String,
    /// When the last of these logs arrived, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub cursor_time: Option<i64>,
}

/// Which logs an event is about. See [`SlsEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Source {
    /// The service's address within the region.
    #[serde(default)]
    pub endpoint: String,
    /// The project.
    pub project_name: String,
    /// The log store.
    pub logstore_name: String,
    /// The shard.
    #[serde(deserialize_with = "crate::lenient::number")]
    pub shard_id: u32,
    /// Where the range begins.
    #[serde(default)]
    pub begin_cursor: String,
    /// Where the range ends; the log there is not part of it.
    #[serde(default)]
    pub end_cursor: String,
}
