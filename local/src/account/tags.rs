//! Tags, resource groups and regions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::Account;
use super::answer::{Answer, Ask, required_text, text};
use super::described::{Described, Fields};
use crate::failure::Failure;

/// The most tags of a function.
const TAGS_MAX: usize = 20;

impl Account {
    pub(super) async fn tag(&self, ask: &Ask) -> Result<Answer, Failure> {
        let fields = ask.fields()?;
        let more = tags_of(fields.get("tag").or_else(|| fields.get("tags")))?;
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

    /// By the query, or by a body.
    pub(super) async fn untag(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut fields = ask.fields()?;
        for (own, key) in [("ResourceId", "resourceId"), ("TagKey", "tagKey")] {
            if let Some(list) = ask.list(own) {
                fields.insert(key.to_owned(), list.into());
            }
        }
        let has_all = fields.get("all").and_then(Value::as_bool).unwrap_or(false)
            || ask.parameter("All").is_some_and(|all| all == "true");
        let keys: Vec<String> = texts(fields.get("tagKey")).unwrap_or_default();
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
                    "resourceId": self.arn(&format!("functions/{name}")), "resourceType": "FUNCTION",
                    "tagKey": key, "tagValue": value,
                });
                all.push((format!("{name}.{key}"), document));
            }
        }
        Ok(Answer::List("tagResources", all))
    }

    pub(super) async fn set_resource_group(&self, ask: &Ask) -> Result<Answer, Failure> {
        let fields = ask.fields()?;
        let group = match text(&fields, "newResourceGroupId")? {
            Some(group) => group,
            None => required_text(&fields, "resourceGroupId")?,
        };
        let id = required_text(&fields, "resourceId")?;
        let name = name_of(&id);
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(&name)?);
        let former = described.fields.insert("resourceGroupId".to_owned(), group.clone().into());
        self.put(&name, described).await?;
        Ok(Answer::Document(json!({
            "resourceId": id, "oldResourceGroupId": former.unwrap_or_default(), "newResourceGroupId": group,
        })))
    }

    pub(super) fn regions(&self) -> Answer {
        let region = self.place.region.as_str();
        let endpoint = format!("http://{}", self.place.endpoint);
        Answer::Document(json!({ "regions": { "region": [
            { "regionId": region, "localName": region, "regionEndpoint": endpoint },
        ] } }))
    }

    /// The functions that the field `resourceId` names.
    fn resources(&self, fields: &Fields) -> Result<Vec<String>, Failure> {
        let kind = text(fields, "resourceType")?.unwrap_or_default();
        if !kind.is_empty() && !kind.eq_ignore_ascii_case("function") {
            let text = format!("`resourceType` must be FUNCTION but is '{kind}'");
            return Err(Failure::invalid_argument(text));
        }
        let ids = texts(fields.get("resourceId"))
            .ok_or_else(|| Failure::invalid_argument("`resourceId` must be a list of ARNs of functions"))?;
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
    let wrong = || Failure::invalid_argument("`tag` must be a list of maps with the texts `key` and `value`");
    let items = match value {
        None => return Ok(BTreeMap::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    let pairs = items.iter().map(|item| {
        let key = item["key"].as_str().filter(|key| !key.is_empty()).ok_or_else(wrong)?;
        Ok((key.to_owned(), item["value"].as_str().unwrap_or_default().to_owned()))
    });
    pairs.collect()
}

fn set_tags(described: &mut Described, tags: &BTreeMap<String, String>) -> Result<(), Failure> {
    if tags.len() > TAGS_MAX {
        return Err(Failure::invalid_argument(format!(
            "a function may have {TAGS_MAX} tags, not {}",
            tags.len()
        )));
    }
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    described.fields.insert("tags".to_owned(), tags.into());
    Ok(())
}
