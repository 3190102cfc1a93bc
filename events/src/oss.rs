//! The events of OSS, the object store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lenient::{maybe_number, texts};

/// What an OSS trigger sends: mostly one event.
///
/// ```
/// use fc_events::oss::OssEvent;
///
/// let event: OssEvent = fc_events::read(br#"{"events": [{
///     "eventName": "ObjectCreated:PutObject", "eventSource": "acs:oss", "region": "cn-hangzhou",
///     "oss": {"bucket": {"name": "shop"}, "object": {"key": "in/tea.png", "size": 122539, "deltaSize": -8}}
/// }]}"#)?;
/// let created = &event.events[0];
/// assert_eq!((&*created.oss.bucket.name, &*created.oss.object.key), ("shop", "in/tea.png"));
/// assert_eq!(created.oss.object.delta_size, Some(-8));
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OssEvent {
    /// What happened.
    pub events: Vec<ObjectEvent>,
}

/// One thing that happened to an object. See [`OssEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObjectEvent {
    /// As `ObjectCreated:PutObject`.
    pub event_name: String,
    /// `acs:oss`.
    #[serde(default)]
    pub event_source: String,
    /// When it happened, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
    /// `1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_version: Option<String>,
    /// Bucket and object.
    pub oss: Oss,
    /// The bucket's region.
    #[serde(default)]
    pub region: String,
    /// Of the request that caused the event.
    #[serde(default)]
    pub request_parameters: RequestParameters,
    /// Of the reply to that request.
    #[serde(default)]
    pub response_elements: ResponseElements,
    /// Who made that request.
    #[serde(default)]
    pub user_identity: UserIdentity,
}

/// Bucket and object of an event. See [`OssEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Oss {
    /// The bucket.
    pub bucket: Bucket,
    /// The object.
    pub object: Object,
    /// `1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oss_schema_version: Option<String>,
    /// The id of the trigger's rule at OSS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
}

/// A bucket. See [`OssEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Bucket {
    /// As `acs:oss:cn-hangzhou:100200300:shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The bucket's name.
    pub name: String,
    /// The account that owns the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_identity: Option<String>,
    /// Empty, and gone from newer events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_bucket: Option<String>,
}

/// An object. See [`OssEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Object {
    /// The object's key, as it is: not percent-encoded.
    pub key: String,
    /// By how many bytes the object grew: negative when a smaller one overwrites a larger.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub delta_size: Option<i64>,
    /// The object's `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    /// Bytes of the object.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Media type and metadata, where the event has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_meta: Option<ObjectMeta>,
    /// Where an append began, in bytes.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The first byte of a range that was read.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub read_from: Option<u64>,
    /// The last byte of a range that was read.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub read_to: Option<u64>,
}

/// An object's metadata.
///
/// ```
/// let meta: fc_events::oss::ObjectMeta = serde_json::from_str(r#"{"mimeType": "image/png", "userMeta": {"x-oss-meta-by": "ann"}}"#).unwrap();
/// assert_eq!(meta.user_meta["x-oss-meta-by"], "ann");
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObjectMeta {
    /// The media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// `x-oss-meta-…` with their values.
    #[serde(default, deserialize_with = "texts", skip_serializing_if = "BTreeMap::is_empty")]
    pub user_meta: BTreeMap<String, String>,
    /// `Cache-Control`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-Encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Expires`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// `Access-Control-Allow-Origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_control_allow_origin: Option<String>,
    /// `x-oss-persistent-headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_meta: Option<String>,
}

/// Of the request that caused an event.
///
/// ```
/// let request: fc_events::oss::RequestParameters = serde_json::from_str(r#"{"sourceIPAddress": "192.0.2.1"}"#).unwrap();
/// assert_eq!(request.source_ip_address.as_deref(), Some("192.0.2.1"));
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestParameters {
    /// The client's address.
    #[serde(default, rename = "sourceIPAddress", skip_serializing_if = "Option::is_none")]
    pub source_ip_address: Option<String>,
}

/// Of the reply to the request that caused an event.
///
/// ```
/// let reply: fc_events::oss::ResponseElements = serde_json::from_str(r#"{"requestId": "58F9FF2D"}"#).unwrap();
/// assert_eq!(reply.request_id.as_deref(), Some("58F9FF2D"));
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResponseElements {
    /// OSS's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Who made the request that caused an event.
///
/// ```
/// let identity: fc_events::oss::UserIdentity = serde_json::from_str(r#"{"principalId": "100200300"}"#).unwrap();
/// assert_eq!(identity.principal_id.as_deref(), Some("100200300"));
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserIdentity {
    /// The account or role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
}
