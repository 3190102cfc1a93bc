//! The events of CDN.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::maybe_number;

/// What a CDN trigger sends.
///
/// ```
/// use fc_events::cdn::CdnEvent;
///
/// let event: CdnEvent = fc_events::read(br#"{"events": [{
///     "eventName": "CachedObjectsRefreshed", "resource": {"domain": "example.com"},
///     "eventParameter": {"objectPath": ["/a.mp4"], "taskId": "2089687230", "objectType": "File"}
/// }]}"#)?;
/// assert_eq!(event.events[0].event_parameter.object_path, ["/a.mp4"]);
/// assert_eq!(event.events[0].event_parameter.task_id, Some(2_089_687_230)); // as a number or as a text
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CdnEvent {
    /// What happened.
    pub events: Vec<DomainEvent>,
}

/// One thing that happened to a domain. See [`CdnEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DomainEvent {
    /// `CachedObjectsRefreshed`, `CachedObjectsPushed`, `CachedObjectsBlocked`, `CdnDomainAdded`, `CdnDomainDeleted`, `CdnDomainStarted`,
    /// `CdnDomainStopped`, `LogFileCreated`.
    pub event_name: String,
    /// `1.0.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_version: Option<String>,
    /// `cdn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_source: Option<String>,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// When it happened, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
    /// For questions to the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The domain.
    #[serde(default)]
    pub resource: Resource,
    /// What belongs to this kind of event.
    #[serde(default)]
    pub event_parameter: EventParameter,
    /// The account.
    #[serde(default)]
    pub user_identity: UserIdentity,
}

/// What an event is about. See [`CdnEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// The domain's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// What belongs to the kinds of events: objects for caches, a state for domains, a file for logs. See [`CdnEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventParameter {
    /// The domain's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The cached objects, as paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub object_path: Vec<String>,
    /// `File` or `Directory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// The refresh or push task.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub task_id: Option<u64>,
    /// When the task was made, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub create_time: Option<i64>,
    /// When the task was done, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub complete_time: Option<i64>,
    /// The domain's state: `online`, `offline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Where the log file begins, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<i64>,
    /// Where the log file ends, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// Bytes of the log file.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// Where the log file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_path: Option<String>,
    /// Fields of kinds that have no name here.
    #[serde(flatten)]
    pub other: std::collections::BTreeMap<String, Value>,
}

/// The account of an event.
///
/// ```
/// let identity: fc_events::cdn::UserIdentity = serde_json::from_str(r#"{"aliUid": "1"}"#).unwrap();
/// assert_eq!(identity.ali_uid, "1");
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserIdentity {
    /// The account's number.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub ali_uid: String,
}
