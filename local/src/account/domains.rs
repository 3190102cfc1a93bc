//! Custom domains.

use serde_json::{Value, json};

use super::account::{Account, Objects};
use super::answer::{Answer, Ask, required_text};
use super::described::{Fields, Part};
use super::documents::{extend, utc};
use super::opening::Kept;
use crate::event::AccountNews;
use crate::failure::Failure;
use crate::manifest::read_domain;
use crate::model::Domain;

/// A domain of a client of the API.
#[derive(Debug, Clone)]
pub(super) struct OwnDomain {
    pub(super) part: Part,
    pub(super) domain: Domain,
}

/// What a client may say of a domain.
const FIELDS: [&str; 8] =
    ["protocol", "routeConfig", "authConfig", "certConfig", "tlsConfig", "corsConfig", "wafConfig", "isE2B"];

impl Account {
    /// All domains: those of the manifest, and those of clients of the API.
    pub(crate) fn domains(&self) -> Vec<Domain> {
        let objects = self.read();
        let mut all = objects.domains_of_manifest.clone();
        let own = objects.domains.values().filter(|own| !has_manifest(&objects, &own.domain.name));
        all.extend(own.map(|own| own.domain.clone()));
        all
    }

    pub(super) async fn create_domain(&self, ask: &Ask) -> Result<Answer, Failure> {
        let fields = ask.fields()?;
        let name = required_text(&fields, "domainName")?;
        let _turn = self.turn.lock().await;
        if has_manifest(&self.read(), &name) {
            return Err(Failure::domain_exists(&name, ": the manifest defines it"));
        }
        if self.own_domain(&name).is_ok() {
            return Err(Failure::domain_exists(&name, ""));
        }
        self.put_domain(name, Part::new(known(fields))).await
    }

    pub(super) fn list_domains(&self, ask: &Ask) -> Answer {
        let prefix = ask.parameter("prefix").unwrap_or_default();
        let objects = self.read();
        let mut all: Vec<(String, Value)> = objects
            .domains
            .iter()
            .filter(|(name, _)| !has_manifest(&objects, name))
            .map(|(name, own)| (name.clone(), self.domain_document(name, &own.part)))
            .collect();
        all.extend(objects.domains_of_manifest.iter().map(|own| (own.name.clone(), self.of_manifest(own))));
        all.retain(|(name, _)| name.starts_with(&prefix));
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Answer::List("customDomains", all)
    }

    pub(super) fn get_domain(&self, name: &str) -> Result<Answer, Failure> {
        let objects = self.read();
        if let Some(own) = objects.domains_of_manifest.iter().find(|own| own.name.eq_ignore_ascii_case(name))
        {
            return Ok(Answer::Document(self.of_manifest(own)));
        }
        drop(objects);
        let (name, own) = self.own_domain(name)?;
        Ok(Answer::Document(self.domain_document(&name, &own.part)))
    }

    pub(super) async fn update_domain(&self, ask: &Ask, name: &str) -> Result<Answer, Failure> {
        let fields = known(ask.fields()?);
        let _turn = self.turn.lock().await;
        let (name, former) = self.changeable_domain(name)?;
        self.put_domain(name, former.part.with(fields)).await
    }

    pub(super) async fn delete_domain(&self, name: &str) -> Result<Answer, Failure> {
        let _turn = self.turn.lock().await;
        let (name, former) = self.changeable_domain(name)?;
        self.write().domains.remove(&name);
        if let Err(failure) = self.keep().await {
            self.write().domains.insert(name, former);
            return Err(failure);
        }
        self.news("", AccountNews::removed("domain", &name));
        self.changed();
        Ok(Answer::Done)
    }

    async fn put_domain(&self, name: String, part: Part) -> Result<Answer, Failure> {
        let domain = self.read_domain(&name, &part.fields)?;
        let former = self.write().domains.insert(name.clone(), OwnDomain { part: part.clone(), domain });
        if let Err(failure) = self.keep().await {
            match former {
                Some(former) => drop(self.write().domains.insert(name, former)),
                None => drop(self.write().domains.remove(&name)),
            }
            return Err(failure);
        }
        self.news("", AccountNews::set("domain", &name));
        self.changed();
        Ok(Answer::Document(self.domain_document(&name, &part)))
    }

    /// The domain as it works here.
    pub(super) fn read_domain(&self, name: &str, fields: &Fields) -> Result<Domain, Failure> {
        let mut props = fields.clone();
        props.retain(|_, value| !matches!(value, Value::Object(fields) if fields.is_empty()));
        if let Some(certificate) = props.get("certConfig") {
            // In a manifest these may be files; a client of the API has no files here.
            let is_text =
                |key: &str| certificate[key].as_str().is_some_and(|text| text.contains("-----BEGIN "));
            if !is_text("certificate") || !is_text("privateKey") {
                let text = "`certConfig` needs `certificate` and `privateKey` as PEM";
                return Err(Failure::invalid_argument(text));
            }
        }
        props.insert("domainName".to_owned(), name.into());
        props.insert("region".to_owned(), self.place.region.as_str().into());
        props.entry("routeConfig").or_insert_with(|| json!({ "routes": [] }));
        match read_domain(props.into(), &self.place.id) {
            Ok(read) => {
                for note in read.notes {
                    self.note("", format!("domain {name}: {note}"));
                }
                Ok(read.value)
            }
            Err(wrong) => Err(Failure::invalid_argument(wrong.join("; "))),
        }
    }

    fn own_domain(&self, name: &str) -> Result<(String, OwnDomain), Failure> {
        let objects = self.read();
        let found = objects.domains.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        let found = found.map(|(own, domain)| (own.clone(), domain.clone()));
        found.ok_or_else(|| {
            let known: Vec<&str> = objects.domains.keys().map(String::as_str).collect();
            Failure::domain_not_found(name, &known.join(", "))
        })
    }

    fn changeable_domain(&self, name: &str) -> Result<(String, OwnDomain), Failure> {
        if has_manifest(&self.read(), name) {
            return Err(Failure::of_manifest(&format!("domain '{name}'")));
        }
        self.own_domain(name)
    }

    fn domain_document(&self, name: &str, part: &Part) -> Value {
        let mut document = Value::from(part.fields.clone());
        // Whoever asks has it already.
        if let Some(Value::Object(certificate)) = document.get_mut("certConfig") {
            certificate.remove("privateKey");
        }
        let own = json!({
            "domainName": name, "accountId": self.place.id, "apiVersion": "2023-03-30",
            "createdTime": utc(part.created), "lastModifiedTime": utc(part.modified),
        });
        extend(&mut document, own);
        document
    }

    /// A domain of the manifest.
    fn of_manifest(&self, domain: &Domain) -> Value {
        let routes: Vec<Value> = domain
            .routes
            .iter()
            .map(|route| {
                json!({
                    "path": route.path, "functionName": route.function, "methods": route.methods,
                    "qualifier": route.qualifier.as_deref().unwrap_or(crate::model::LATEST),
                })
            })
            .collect();
        json!({
            "domainName": domain.name, "accountId": self.place.id, "apiVersion": "2023-03-30",
            "protocol": domain.protocol.name(), "routeConfig": { "routes": routes },
        })
    }

    /// Keeps what belongs to no function.
    pub(super) async fn keep(&self) -> Result<(), Failure> {
        let kept = Kept::of(&self.read());
        self.stored(move |files| files.write_account(&kept)).await
    }
}

fn has_manifest(objects: &Objects, name: &str) -> bool {
    objects.domains_of_manifest.iter().any(|own| own.name.eq_ignore_ascii_case(name))
}

fn known(mut fields: Fields) -> Fields {
    fields.retain(|key, _| FIELDS.contains(&key.as_str()));
    fields
}
