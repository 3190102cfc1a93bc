//! Functions: made, read, changed and removed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::account::Account;
use super::answer::{Answer, Ask, required_text, text};
use super::code::Sent;
use super::described::{Code, Described, now};
use super::tags::spell_tags;
use crate::event::AccountNews;
use crate::failure::Failure;
use crate::manifest::is_function_name;
use crate::model::VersionId;

impl Account {
    pub(super) async fn create_function(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut fields = ask.fields()?;
        let name = required_text(&fields, "functionName")?;
        // The name becomes that of a folder.
        if !is_function_name(&name) {
            let text = "`functionName` must be 1 to 64 letters, digits, `_` or `-`, not starting with a digit or `-`";
            return Err(Failure::invalid_argument(text));
        }
        let sent = Sent::take(self, &mut fields)?;
        fields.remove("functionName");
        spell_tags(&mut fields)?;
        let _turn = self.turn.lock().await;
        self.check_free(&name)?;
        // What is wrong with the settings is told before the code is written.
        self.check(&name, &Described::new(fields.clone(), None))?;
        let code = match sent {
            Some(sent) => Some(self.store_code(sent).await?),
            None => None,
        };
        let described = Described::new(fields, code);
        self.put(&name, described.clone()).await?;
        self.news(&name, AccountNews::FunctionCreated { url: self.url(&name, None) });
        if let Some(surroundings) = self.surroundings() {
            surroundings.created(&name);
        }
        Ok(Answer::Document(self.function_document(&name, &described)))
    }

    fn check_free(&self, name: &str) -> Result<(), Failure> {
        let objects = self.read();
        if objects.of_manifest.contains_key(name) {
            return Err(Failure::function_exists(name, ": the manifest defines it"));
        }
        if objects.functions.contains_key(name) {
            return Err(Failure::function_exists(name, ""));
        }
        if self.files.has_function(name) {
            return Err(Failure::function_exists(name, ": it is kept, and was not read"));
        }
        Ok(())
    }

    pub(super) fn list_functions(&self, ask: &Ask) -> Answer {
        let wanted = ["functionName", "runtime", "description", "resourceGroupId"]
            .map(|key| (key, ask.parameter(key)));
        let prefix = ask.parameter("prefix").unwrap_or_default();
        let objects = self.read();
        let mut all = objects.functions.clone();
        all.extend(objects.of_manifest.clone());
        drop(objects);
        let fits = |document: &Value| {
            wanted.iter().all(|(key, wanted)| match (wanted, document[*key].as_str()) {
                (None, _) => true,
                (Some(wanted), Some(own)) if *key == "description" => own.contains(wanted.as_str()),
                (Some(wanted), own) => own == Some(wanted.as_str()),
            })
        };
        let all = all.into_iter().filter(|(name, _)| name.starts_with(&prefix));
        let documents = all.map(|(name, own)| {
            let document = self.function_document(&name, &own);
            (name, document)
        });
        Answer::List("functions", documents.filter(|(_, document)| fits(document)).collect())
    }

    pub(super) async fn get_function(&self, ask: &Ask) -> Result<Answer, Failure> {
        let name = ask.function.as_str();
        let latest = self.described(name)?;
        let Some(qualifier) = ask.qualifier() else {
            return Ok(Answer::Document(self.function_document(name, &latest)));
        };
        let version = self.version_of(name, &qualifier)?;
        let described = self.of_version(name, version).await;
        let described = described.unwrap_or_else(|| Described::clone(&latest));
        let mut document = self.function_document(name, &described);
        document["functionArn"] = self.arn(&format!("functions/{name}/{qualifier}")).into();
        Ok(Answer::Document(document))
    }

    /// The version of a qualifier: of an alias its main one.
    pub(super) fn version_of(&self, name: &str, qualifier: &str) -> Result<VersionId, Failure> {
        self.registry.find(name)?.releases(|releases| match qualifier.parse::<VersionId>() {
            Ok(id) => releases.version(id).map(|release| release.version.id),
            Err(_) => releases.alias(qualifier).map(|alias| alias.version),
        })
    }

    /// What was kept with a version of the function.
    async fn of_version(&self, name: &str, version: VersionId) -> Option<Described> {
        serde_json::from_value(self.deployer.version_document(name, version).await?).ok()
    }

    /// What is to be kept with a version of the function.
    pub(crate) fn document_of(&self, name: &str) -> Option<Value> {
        serde_json::to_value(&*self.described(name).ok()?).ok()
    }

    pub(super) async fn update_function(&self, ask: &Ask) -> Result<Answer, Failure> {
        let name = ask.function.as_str();
        let mut fields = ask.fields()?;
        let sent = Sent::take(self, &mut fields)?;
        if text(&fields, "functionName")?.is_some_and(|own| own != name) {
            return Err(Failure::invalid_argument("`functionName` differs from the one of the path"));
        }
        fields.remove("functionName");
        spell_tags(&mut fields)?;
        let _turn = self.turn.lock().await;
        let former = self.own(name)?;
        let mut described = Described::clone(&former);
        described.fields.extend(fields);
        described.modified = now();
        self.check(name, &described)?;
        if let Some(sent) = sent {
            described.code = Some(self.store_code(sent).await?);
        }
        self.put(name, described.clone()).await?;
        if described.code != former.code {
            self.sweep().await;
        }
        self.news(name, AccountNews::FunctionUpdated);
        Ok(Answer::Document(self.function_document(name, &described)))
    }

    pub(super) async fn store_code(&self, sent: Sent) -> Result<Code, Failure> {
        self.stored(move |files| sent.store(files)).await
    }

    pub(super) async fn delete_function(&self, ask: &Ask) -> Result<Answer, Failure> {
        let name = ask.function.as_str();
        let _turn = self.turn.lock().await;
        self.own(name)?;
        // A version that is being published would be there again after the removal.
        let releases = self.deployer.hold_releases().await;
        let own = name.to_owned();
        self.stored(move |files| files.remove_function(&own)).await?;
        self.write().functions.remove(name);
        self.deployer.remove_stored(name);
        drop(releases);
        self.news(name, AccountNews::FunctionDeleted);
        self.changed();
        self.sweep().await;
        Ok(Answer::Done)
    }

    pub(super) async fn code(&self, ask: &Ask) -> Result<Answer, Failure> {
        let name = ask.function.as_str();
        let mut described = self.described(name)?;
        if let Some(qualifier) = ask.qualifier() {
            let version = self.version_of(name, &qualifier)?;
            let own = self.of_version(name, version).await;
            // A version runs from a copy. Its package goes when no function has it any more.
            let is_kept = |own: &Described| {
                own.code.as_ref().is_none_or(|code| self.files.package(&code.package).is_file())
            };
            described = Arc::new(own.filter(is_kept).ok_or_else(|| {
                Failure::invalid_argument(format!(
                    "the package of version {version} of function '{name}' is no longer kept"
                ))
            })?);
        }
        let Some(code) = &described.code else {
            let text = format!(
                "function '{name}' has no package: its code is a folder of the manifest, or an image"
            );
            return Err(Failure::invalid_argument(text));
        };
        Ok(Answer::Document(json!({ "url": ask.address(code), "checksum": code.checksum })))
    }

    /// Checks settings without regard to the code.
    fn check(&self, name: &str, described: &Described) -> Result<(), Failure> {
        let with_code = Described { code: Some(Code::none()), ..described.clone() };
        self.model(name, &with_code).map(drop)
    }

    /// The address of the function's HTTP trigger.
    pub(super) fn url(&self, name: &str, qualifier: Option<&str>) -> String {
        let qualifier = qualifier.map(|qualifier| format!("{qualifier}.")).unwrap_or_default();
        format!("http://{qualifier}{name}.localhost:{}", self.place.endpoint.port())
    }

    /// All functions, of clients of the API and of the manifest.
    pub(super) fn all(&self) -> Vec<(String, Arc<Described>)> {
        let objects = self.read();
        let mut all = objects.functions.clone();
        all.extend(objects.of_manifest.clone());
        all.into_iter().collect()
    }
}
