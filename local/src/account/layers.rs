//! Layers: packages that functions have at `/opt`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::Account;
use super::answer::{Answer, Ask};
use super::code::Sent;
use super::described::{Code, Fields, Part};
use super::documents::{extend, utc};
use crate::event::AccountNews;
use crate::failure::Failure;
use crate::manifest::is_function_name;

/// The layers by name.
pub(super) type Layers = BTreeMap<String, Layer>;

/// A layer with its versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Layer {
    /// The highest number that a version had.
    last: u64,
    /// Who may use it; kept, and without effect here.
    acl: String,
    pub(super) versions: BTreeMap<u64, LayerVersion>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LayerVersion {
    part: Part,
    pub(super) code: Code,
    /// Functions that have it keep it.
    pub(super) is_deleted: bool,
}

/// What a client may say of a version.
const FIELDS: [&str; 3] = ["compatibleRuntime", "description", "license"];

impl Account {
    pub(super) async fn publish_layer(&self, ask: &Ask, name: &str) -> Result<Answer, Failure> {
        // The name becomes that of a folder.
        if !is_function_name(name) {
            let text = "a layer's name must be 1 to 64 letters, digits, `_` or `-`, not starting with a digit or `-`";
            return Err(Failure::invalid_argument(text));
        }
        let mut fields = ask.fields()?;
        let sent = Sent::take(self, &mut fields)?;
        let sent = sent.ok_or_else(|| Failure::invalid_argument("`code` is missing"))?;
        fields.retain(|key, _| FIELDS.contains(&key.as_str()));
        let _turn = self.turn.lock().await;
        let code = self.store_code(sent).await?;
        let mut layer = self.read().layers.get(name).cloned().unwrap_or_default();
        layer.last += 1;
        let number = layer.last;
        let version = LayerVersion { part: Part::new(fields), code, is_deleted: false };
        layer.versions.insert(number, version.clone());
        self.put_layer(name, layer.clone()).await?;
        self.news("", AccountNews::set("layer", &format!("{name}:{number}")));
        Ok(Answer::Document(self.layer_document(ask, name, number, &layer, &version)))
    }

    pub(super) fn list_layers(&self, ask: &Ask) -> Answer {
        let prefix = ask.parameter("prefix").unwrap_or_default();
        let objects = self.read();
        let own = objects.layers.iter().filter(|(name, _)| name.starts_with(&prefix));
        let latest = own.filter_map(|(name, layer)| {
            let (number, version) = layer.versions.iter().rfind(|(_, version)| !version.is_deleted)?;
            Some((name.clone(), self.layer_document(ask, name, *number, layer, version)))
        });
        Answer::List("layers", latest.collect())
    }

    /// The newest first. The next page begins with `nextVersion`.
    pub(super) fn list_layer_versions(&self, ask: &Ask, name: &str) -> Result<Answer, Failure> {
        const LIMIT_DEFAULT: usize = 20;
        let number = |key: &str| ask.parameter(key).map(|text| text.parse::<u64>()).transpose();
        let wrong = |_| Failure::invalid_argument("`startVersion` and `limit` must be numbers");
        let (start, limit) = (number("startVersion").map_err(wrong)?, number("limit").map_err(wrong)?);
        let limit =
            limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LIMIT_DEFAULT).clamp(1, 100);
        let objects = self.read();
        let layer = objects.layers.get(name).ok_or_else(|| Failure::layer_not_found(name))?;
        let all: Vec<(&u64, &LayerVersion)> = layer
            .versions
            .iter()
            .rev()
            .filter(|(number, version)| !version.is_deleted && start.is_none_or(|start| **number <= start))
            .collect();
        let documents: Vec<Value> = all
            .iter()
            .take(limit)
            .map(|(number, version)| self.layer_document(ask, name, **number, layer, version))
            .collect();
        let mut document = json!({ "layers": documents });
        if let Some((next, _)) = all.get(limit) {
            document["nextVersion"] = (**next).into();
        }
        Ok(Answer::Document(document))
    }

    pub(super) fn get_layer(&self, ask: &Ask, name: &str, version: &str) -> Result<Answer, Failure> {
        let objects = self.read();
        let (number, layer, version) = find(&objects.layers, name, version)?;
        Ok(Answer::Document(self.layer_document(ask, name, number, layer, version)))
    }

    pub(super) fn get_layer_by_arn(&self, ask: &Ask, arn: &str) -> Result<Answer, Failure> {
        let (name, version) = parts_of(arn).ok_or_else(|| Failure::layer_not_found(arn))?;
        if !arn.starts_with(&self.arn("")) {
            return Err(Failure::layer_not_found(arn));
        }
        self.get_layer(ask, name, version)
    }

    pub(super) async fn delete_layer(&self, name: &str, version: &str) -> Result<Answer, Failure> {
        let _turn = self.turn.lock().await;
        let (number, mut layer) = {
            let objects = self.read();
            let (number, layer, _) = find(&objects.layers, name, version)?;
            (number, layer.clone())
        };
        if let Some(version) = layer.versions.get_mut(&number) {
            version.is_deleted = true;
        }
        self.put_layer(name, layer).await?;
        self.news("", AccountNews::removed("layer", &format!("{name}:{number}")));
        Ok(Answer::Done)
    }

    pub(super) async fn set_layer_acl(&self, ask: &Ask, name: &str) -> Result<Answer, Failure> {
        let is_public = ask.parameter("public").is_some_and(|public| public == "true");
        let acl = ask.parameter("acl").unwrap_or_else(|| if is_public { "1" } else { "0" }.to_owned());
        let _turn = self.turn.lock().await;
        let layer = self.read().layers.get(name).cloned();
        let layer = layer.ok_or_else(|| Failure::layer_not_found(name))?;
        self.put_layer(name, Layer { acl, ..layer }).await?;
        Ok(Answer::Done)
    }

    async fn put_layer(&self, name: &str, layer: Layer) -> Result<(), Failure> {
        let former = self.write().layers.insert(name.to_owned(), layer);
        let kept = self.keep().await;
        if kept.is_err() {
            match former {
                Some(former) => drop(self.write().layers.insert(name.to_owned(), former)),
                None => drop(self.write().layers.remove(name)),
            }
        }
        kept
    }

    /// The folders that a function has at `/opt`. Layers of others are in the cloud.
    ///
    /// # Errors
    ///
    /// A layer of this account does not exist.
    pub(super) fn layer_folders(&self, function: &str, fields: &Fields) -> Result<Vec<PathBuf>, Failure> {
        let mut folders = Vec::new();
        let objects = self.read();
        for arn in arns(fields) {
            let own = parts_of(arn).filter(|_| arn.starts_with(&self.arn("")));
            let Some((name, version)) = own else { continue };
            let number = version.parse::<u64>().ok();
            let found = objects.layers.get(name).and_then(|layer| layer.versions.get(&number?));
            // One that was deleted stays for the functions that have it.
            let has = |version: &&LayerVersion| {
                let former = objects.functions.get(function);
                !version.is_deleted || former.is_some_and(|former| arns(&former.fields).any(|own| own == arn))
            };
            let version = found.filter(has).ok_or_else(|| Failure::layer_not_found(arn))?;
            folders.push(self.files.tree(&version.code));
        }
        Ok(folders)
    }

    /// A layer in the document of a function.
    pub(super) fn layer_of_function(&self, arn: &str) -> Value {
        let objects = self.read();
        let size = parts_of(arn).filter(|_| arn.starts_with(&self.arn(""))).and_then(|(name, version)| {
            Some(objects.layers.get(name)?.versions.get(&version.parse().ok()?)?.code.size)
        });
        json!({ "arn": arn, "size": size.unwrap_or(0) })
    }

    fn layer_document(
        &self,
        ask: &Ask,
        name: &str,
        number: u64,
        layer: &Layer,
        version: &LayerVersion,
    ) -> Value {
        let LayerVersion { part, code, .. } = version;
        let mut document = Value::from(part.fields.clone());
        let own = json!({
            "layerName": name, "version": number,
            "layerVersionArn": self.arn(&format!("layers/{name}/versions/{number}")),
            "acl": if layer.acl.is_empty() { "0" } else { &layer.acl },
            "codeSize": code.size, "codeChecksum": code.checksum, "createTime": utc(part.created),
            "code": { "repositoryType": "OSS", "location": ask.address(code) },
        });
        extend(&mut document, own);
        document
    }
}

/// The ARNs of a function's layers.
pub(super) fn arns(fields: &Fields) -> impl Iterator<Item = &str> {
    let layers = fields.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    layers.iter().filter_map(Value::as_str)
}

fn find<'a>(
    layers: &'a Layers,
    name: &str,
    version: &str,
) -> Result<(u64, &'a Layer, &'a LayerVersion), Failure> {
    let layer = layers.get(name).ok_or_else(|| Failure::layer_not_found(name))?;
    let number = version.parse::<u64>().ok();
    let found = number.and_then(|number| Some((number, layer, layer.versions.get(&number)?)));
    found
        .filter(|(.., version)| !version.is_deleted)
        .ok_or_else(|| Failure::layer_not_found(&format!("{name}, version {version}")))
}

/// The name and the version in an ARN such as `acs:fc:REGION:ACCOUNT:layers/NAME/versions/1`.
pub(super) fn parts_of(arn: &str) -> Option<(&str, &str)> {
    let (_, rest) = arn.split_once(":layers/")?;
    rest.split_once("/versions/")
}
