//! Triggers. Those of HTTP and timers work here; the others are kept, and told of once.

use super::account::Account;
use super::answer::{Answer, Ask, required_text};
use super::described::{Described, Fields, Part};
use crate::event::AccountNews;
use crate::failure::Failure;

/// The longest name of a trigger.
const NAME_MAX: usize = 128;

/// What a client may say of a trigger.
const FIELDS: [&str; 6] =
    ["triggerType", "triggerConfig", "qualifier", "description", "invocationRole", "sourceArn"];

impl Account {
    pub(super) async fn create_trigger(&self, ask: &Ask) -> Result<Answer, Failure> {
        let function = ask.function.as_str();
        let fields = ask.fields()?;
        let (name, _) = (required_text(&fields, "triggerName")?, required_text(&fields, "triggerType")?);
        if !is_name(&name) {
            let text = format!(
                "`triggerName` must be 1 to {NAME_MAX} letters, digits, `_` or `-`, not starting with a digit or `-`"
            );
            return Err(Failure::invalid_argument(text));
        }
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(function)?);
        if described.triggers.contains_key(&name) {
            return Err(Failure::trigger_exists(function, &name));
        }
        let part = Part::new(known(fields));
        described.triggers.insert(name.clone(), part.clone());
        self.put(function, described).await?;
        self.news(function, AccountNews::set("trigger", &name));
        Ok(Answer::Document(self.trigger_document(function, &name, &part)))
    }

    pub(super) fn list_triggers(&self, ask: &Ask) -> Result<Answer, Failure> {
        let prefix = ask.parameter("prefix").unwrap_or_default();
        let described = self.described(&ask.function)?;
        let own = described.triggers.iter().filter(|(name, _)| name.starts_with(&prefix));
        let all = own.map(|(name, part)| (name.clone(), self.trigger_document(&ask.function, name, part)));
        Ok(Answer::List("triggers", all.collect()))
    }

    pub(super) fn get_trigger(&self, ask: &Ask, name: &str) -> Result<Answer, Failure> {
        let described = self.described(&ask.function)?;
        let part = described.triggers.get(name).ok_or_else(|| Failure::no_trigger(&ask.function, name))?;
        Ok(Answer::Document(self.trigger_document(&ask.function, name, part)))
    }

    pub(super) async fn update_trigger(&self, ask: &Ask, name: &str) -> Result<Answer, Failure> {
        let function = ask.function.as_str();
        let mut fields = known(ask.fields()?);
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(function)?);
        let former = described.triggers.get(name).ok_or_else(|| Failure::no_trigger(function, name))?;
        if fields.get("triggerType").is_some_and(|kind| Some(kind) != former.fields.get("triggerType")) {
            return Err(Failure::invalid_argument("`triggerType` of a trigger cannot change"));
        }
        fields.remove("triggerType");
        let part = former.with(fields);
        described.triggers.insert(name.to_owned(), part.clone());
        self.put(function, described).await?;
        self.news(function, AccountNews::set("trigger", name));
        Ok(Answer::Document(self.trigger_document(function, name, &part)))
    }

    pub(super) async fn delete_trigger(&self, ask: &Ask, name: &str) -> Result<Answer, Failure> {
        let function = ask.function.as_str();
        let _turn = self.turn.lock().await;
        let mut described = Described::clone(&*self.own(function)?);
        if described.triggers.remove(name).is_none() {
            return Err(Failure::no_trigger(function, name));
        }
        self.put(function, described).await?;
        self.news(function, AccountNews::removed("trigger", name));
        Ok(Answer::Done)
    }
}

fn known(mut fields: Fields) -> Fields {
    fields.retain(|key, _| FIELDS.contains(&key.as_str()));
    fields
}

fn is_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well
        && name.len() <= NAME_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
