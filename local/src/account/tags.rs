//! Tags, resource groups and regions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::Account;
use super::answer::{Answer, Ask, required_text};
use super::described::{Described, Fields};
use crate::failure::Failure;

/// The most tags of a function.
const TAGS_MAX: usize = 20;

impl Account {
    pub(super) async fn tag(&self, ask: &Ask) -> Result<Answer, Failure> {
        let fields = ask.fields()?;
        let more = tags_of(either(&fields, "Tag", "tag"))?;
        let names = self.resources(&fields)?;
        let _turn = self.turn.lock().await;
        for name in names {
            let mut described = Described::clone(&*self.own(&name)?);
            let mut tags = tags_of(described.fields.get("tags"))?;
            tags.extend(more.clone());
            set_tags(&mut described, &tags)?;
            self.put(&name, described).await?;
        }
        Ok(Answer::Done)
    }

    pub(super) async fn untag(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut fields = Fields::new();
        if let Some(list) = ask.list("ResourceId") {
            fields.insert("ResourceId".to_owned(), list.into());
        }
        let has_all = ask.parameter("All").is_some_and(|all| all == "true");
        let keys: Vec<String> = ask.list("TagKey").unwrap_or_default();
        let names = self.resources(&fields)?;
        let _turn = self.turn.lock().await;
        for name in names {
            let mut described = Described::clone(&*self.own(&name)?);
            let mut tags = tags_of(described.fields.get("tags"))?;
            tags.retain(|key, _| !has_all && !keys.contains(key));
            set_tags(&mut described, &tags)?;
            self.put(&name, described).await?;
        }
        Ok(Answer::Done)
    }

    pub(super) fn list_tags(&self, ask: &Ask) -> Result<Answer, Failure> {
        let wanted: Option<Vec<String>> =
            ask.list("ResourceId").map(|ids| ids.iter().map(|id| name_of(id)).collect());
        let mut all = Vec::new();
        for (name, described) in self.all() {
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&name)) {
                continue;
            }
            for (key, value) in tags_of(described.fields.get("tags"))? {
                let document = json!({
                    "ResourceId": self.arn(&format!("functions/{name}")), "ResourceType": "FUNCTION",
                    "TagKey": key, "TagValue": value,
                });
                all.push(document);
            }
        }
        Ok(Answer::Document(json!({ "TagResources": all, "RequestId": ask.request })))
    }

    pub(super) async fn set_resource_group(&self, ask: &Ask) -> Result<Answer, Failure> {
        let fields = ask.fields()?;
        let group = required_text(&fields, "NewResourceGroupId")?;
        let id = required_text(&fields, "ResourceId")?;
        let name = name_of(&id);
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(&name)?);
        let former = described.fields.insert("resourceGroupId".to_owned(), group.clone().into());
        self.put(&name, described).await?;
        Ok(Answer::Document(json!({
            "ResourceId": id, "OldResourceGroupId": former.unwrap_or_else(|| "".into()), "NewResourceGroupId": group,
        })))
    }

    pub(super) fn regions(&self) -> Answer {
        let region = self.place.region.as_str();
        Answer::Document(json!({ "Regions": { "Region": [{ "RegionId": region, "LocalName": region }] } }))
    }

    /// The functions that the field `ResourceId` names.
    fn resources(&self, fields: &Fields) -> Result<Vec<String>, Failure> {
        let kind = either(fields, "ResourceType", "resourceType").and_then(Value::as_str).unwrap_or_default();
        if !kind.is_empty() && !kind.eq_ignore_ascii_case("function") {
            let text = format!("`ResourceType` must be FUNCTION but is '{kind}'");
            return Err(Failure::invalid_argument(text));
        }
        let ids = texts(either(fields, "ResourceId", "resourceId"))
            .ok_or_else(|| Failure::invalid_argument("`ResourceId` must be a list of ARNs of functions"))?;
        let names: Vec<String> = ids.iter().map(|id| name_of(id)).collect();
        names.iter().try_for_each(|name| self.own(name).map(drop))?;
        Ok(names)
    }
}

/// The function of an ARN, or of its name.
fn name_of(id: &str) -> String {
    id.rsplit_once("functions/").map_or(id, |(_, name)| name).to_owned()
}

fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn tags_of(value: Option<&Value>) -> Result<BTreeMap<String, String>, Failure> {
    let wrong = || Failure::invalid_argument("tags must be a list of maps with the texts `Key` and `Value`");
    let items = match value {
        None => return Ok(BTreeMap::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    let pairs = items.iter().map(|item| {
        let text = |large: &str, small: &str| item[large].as_str().or_else(|| item[small].as_str());
        let key = text("Key", "key").filter(|key| !key.is_empty()).ok_or_else(wrong)?;
        Ok((key.to_owned(), text("Value", "value").unwrap_or_default().to_owned()))
    });
    pairs.collect()
}

/// A field by its name of today's clients, or in the small letters of the manifest.
fn either<'a>(fields: &'a Fields, large: &str, small: &str) -> Option<&'a Value> {
    fields.get(large).or_else(|| fields.get(small))
}

/// Writes the tags of a function as clients of the API read them. Those of a manifest have small letters.
pub(super) fn spell_tags(fields: &mut Fields) -> Result<(), Failure> {
    if !fields.contains_key("tags") {
        return Ok(());
    }
    let tags = tags_of(fields.get("tags"))?;
    check_number(&tags)?;
    fields.insert("tags".to_owned(), listed(&tags, ["Key", "Value"]));
    Ok(())
}

/// The tags as the manifest has them.
pub(super) fn props_tags(fields: &Fields) -> Result<Option<Value>, Failure> {
    let Some(tags) = fields.get("tags") else { return Ok(None) };
    Ok(Some(listed(&tags_of(Some(tags))?, ["key", "value"])))
}

fn listed(tags: &BTreeMap<String, String>, [key, value]: [&str; 2]) -> Value {
    tags.iter().map(|(own, of)| json!({ key: own, value: of })).collect::<Vec<_>>().into()
}

fn set_tags(described: &mut Described, tags: &BTreeMap<String, String>) -> Result<(), Failure> {
    check_number(tags)?;
    described.fields.insert("tags".to_owned(), listed(tags, ["Key", "Value"]));
    Ok(())
}

fn check_number(tags: &BTreeMap<String, String>) -> Result<(), Failure> {
    if tags.len() > TAGS_MAX {
        return Err(Failure::invalid_argument(format!(
            "a function may have {TAGS_MAX} tags, not {}",
            tags.len()
        )));
    }
    Ok(())
}
