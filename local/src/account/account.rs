//! The account: its objects, and how a change of one comes into effect.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use super::answer::{Answer, Ask};
use super::described::Described;
use super::domains::OwnDomain;
use super::files::Files;
use super::layers::Layers;
use super::what::What;
use crate::deploy::Deployer;
use crate::event::{AccountNews, Kind, Log, Source};
use crate::failure::Failure;
use crate::model::{Domain, Function};
use crate::registry::Registry;

/// Where an account is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) region: String,
    /// The number of the account.
    pub(crate) id: String,
    /// The main address.
    pub(crate) endpoint: SocketAddr,
}

/// What has to follow a change of an account's objects.
pub(crate) trait Surroundings: fmt::Debug + Send + Sync {
    /// Triggers or domains changed.
    fn changed(&self);
    /// A function answers for the first time.
    fn created(&self, function: &str);
}

/// A local account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(super) registry: Arc<Registry>,
    pub(super) deployer: Arc<Deployer>,
    pub(super) log: Log,
    pub(super) files: Files,
    pub(super) place: Place,
    pub(super) objects: RwLock<Objects>,
    /// Changes come one after the other.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Held while this process has the account, and has read it.
    held: Mutex<Option<File>>,
    surroundings: OnceLock<Weak<dyn Surroundings>>,
    /// The remarks that were made, each with its function.
    told: Mutex<BTreeSet<(String, String)>>,
}

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) functions: BTreeMap<String, Arc<Described>>,
    /// The functions of the manifest, which the API reads and does not change.
    pub(super) of_manifest: BTreeMap<String, Arc<Described>>,
    pub(super) domains: BTreeMap<String, OwnDomain>,
    pub(super) domains_of_manifest: Vec<Domain>,
    pub(super) layers: Layers,
    /// Whether there are documents of functions that cannot be read.
    pub(super) has_unread: bool,
}

impl Account {
    /// The account whose files are in `folder`. Nothing is read yet.
    pub(crate) fn new(
        (registry, deployer): (Arc<Registry>, Arc<Deployer>),
        log: Log,
        folder: &Path,
        place: Place,
    ) -> Arc<Self> {
        Arc::new(Account {
            registry,
            deployer,
            log,
            files: Files::of(folder),
            place,
            objects: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            surroundings: OnceLock::new(),
            told: Mutex::default(),
        })
    }

    /// Tells `surroundings` of changes from now on.
    pub(crate) fn tell(&self, surroundings: Weak<dyn Surroundings>) {
        // Set once, while the platform opens.
        drop(self.surroundings.set(surroundings));
    }

    /// Carries out a call.
    ///
    /// # Errors
    ///
    /// The call asks for something that is not there or cannot be, or the disk refuses.
    pub(crate) async fn carry_out(self: Arc<Self>, ask: Ask) -> Result<Answer, Failure> {
        match &ask.what {
            What::CreateFunction => self.create_function(&ask).await,
            What::ListFunctions => Ok(self.list_functions(&ask)),
            What::GetFunction => self.get_function(&ask).await,
            What::UpdateFunction => self.update_function(&ask).await,
            What::DeleteFunction => self.delete_function(&ask).await,
            What::GetCode => self.code(&ask).await,
            What::CreateTrigger => self.create_trigger(&ask).await,
            What::ListTriggers => self.list_triggers(&ask),
            What::GetTrigger(name) => self.get_trigger(&ask, name),
            What::UpdateTrigger(name) => self.update_trigger(&ask, name).await,
            What::DeleteTrigger(name) => self.delete_trigger(&ask, name).await,
            What::GetSetting(setting) => self.get_setting(&ask, *setting),
            What::PutSetting(setting) => self.put_setting(&ask, *setting).await,
            What::DeleteSetting(setting) => self.delete_setting(&ask, *setting).await,
            What::ListSettings(setting) => self.list_settings(&ask, *setting),
            What::ListVpcs => self.list_vpcs(&ask),
            What::BindVpc => self.bind_vpc(&ask).await,
            What::UnbindVpc(id) => self.unbind_vpc(&ask, id).await,
            What::ListInstances => self.list_instances(&ask),
            What::CreateDomain => self.create_domain(&ask).await,
            What::ListDomains => Ok(self.list_domains(&ask)),
            What::GetDomain(name) => self.get_domain(name),
            What::UpdateDomain(name) => self.update_domain(&ask, name).await,
            What::DeleteDomain(name) => self.delete_domain(name).await,
            What::ListLayers => Ok(self.list_layers(&ask)),
            What::PublishLayer(name) => self.publish_layer(&ask, name).await,
            What::ListLayerVersions(name) => self.list_layer_versions(&ask, name),
            What::GetLayer(name, version) => self.get_layer(&ask, name, version),
            What::GetLayerByArn(arn) => self.get_layer_by_arn(&ask, arn),
            What::DeleteLayer(name, version) => self.delete_layer(name, version).await,
            What::SetLayerAcl(name) => self.set_layer_acl(&ask, name).await,
            What::ListTags => self.list_tags(&ask),
            What::Tag => self.tag(&ask).await,
            What::Untag => self.untag(&ask).await,
            What::SetResourceGroup => self.set_resource_group(&ask).await,
            What::ListRegions => Ok(self.regions()),
            What::GetUploadToken => Self::upload_token(&ask),
        }
    }

    /// The function, of a client of the API or of the manifest.
    pub(super) fn described(&self, name: &str) -> Result<Arc<Described>, Failure> {
        let objects = self.read();
        let found = objects.of_manifest.get(name).or_else(|| objects.functions.get(name)).cloned();
        found.ok_or_else(|| Failure::function_not_found(name))
    }

    /// The function, which a client of the API made and may change.
    pub(super) fn own(&self, name: &str) -> Result<Arc<Described>, Failure> {
        let objects = self.read();
        if objects.of_manifest.contains_key(name) {
            return Err(Failure::of_manifest(&format!("function '{name}'")));
        }
        objects.functions.get(name).cloned().ok_or_else(|| Failure::function_not_found(name))
    }

    /// Puts a function in the place of the former one of its name, on the disk and in the registry.
    pub(super) async fn put(&self, name: &str, described: Described) -> Result<(), Failure> {
        let function = self.model(name, &described)?;
        let prepared = self.deployer.prepare_stored(function).await?;
        let (own, kept) = (name.to_owned(), described.clone());
        self.stored(move |files| files.write_function(&own, &kept)).await?;
        self.write().functions.insert(name.to_owned(), Arc::new(described));
        self.deployer.put_stored(prepared).await;
        self.changed();
        Ok(())
    }

    /// Tells those who have to follow a change.
    pub(super) fn changed(&self) {
        if let Some(surroundings) = self.surroundings() {
            surroundings.changed();
        }
    }

    pub(super) fn surroundings(&self) -> Option<Arc<dyn Surroundings>> {
        self.surroundings.get()?.upgrade()
    }

    pub(super) fn read(&self) -> std::sync::RwLockReadGuard<'_, Objects> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> std::sync::RwLockWriteGuard<'_, Objects> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that no other process has the account, nor has had it: what is not read here must not be written over.
    fn hold(&self) -> io::Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            let lock = self.files.lock()?;
            if self.files.has_account() {
                let text = "it has objects that this fc-local did not read at its start: start it again";
                return Err(io::Error::other(text));
            }
            *held = Some(lock);
        }
        Ok(())
    }

    /// Has the account from now on, which was read behind this lock.
    pub(super) fn held(&self, lock: File) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(lock);
    }

    /// Work on the files of an account that this process has, on a thread where blocking does no harm.
    pub(super) async fn stored<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.hold().map_err(|error| failed(&error))?;
        self.blocking(work).await.map_err(|error| failed(&error))
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let files = self.files.clone();
        let outcome = tokio::task::spawn_blocking(move || work(&files)).await;
        outcome.map_err(io::Error::other).and_then(|outcome| outcome)
    }

    /// The settings of the functions that clients of the API made, as far as these run.
    pub(crate) fn functions(&self) -> Vec<Arc<Function>> {
        let functions = self.registry.functions();
        let names: Vec<String> = self.read().functions.keys().cloned().collect();
        names.iter().filter_map(|name| Some(functions.get(name)?.settings())).collect()
    }

    /// Logs a remark about a function, once.
    pub(super) fn note(&self, function: &str, note: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert((function.to_owned(), note.clone())) {
            self.log.emit(&Source::function(&Arc::from(function)), Kind::Account(AccountNews::Note(note)));
        }
    }

    /// Logs a change.
    pub(super) fn news(&self, function: &str, news: AccountNews) {
        let source =
            if function.is_empty() { Source::default() } else { Source::function(&Arc::from(function)) };
        self.log.emit(&source, Kind::Account(news));
    }

    /// The number of the account and the region, as the begin of an ARN.
    pub(super) fn arn(&self, resource: &str) -> String {
        format!("acs:fc:{}:{}:{resource}", self.place.region, self.place.id)
    }
}

/// An error of the disk, or of what a client sent to be stored there.
pub(super) fn failed(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Failure::invalid_argument(error.to_string())
        }
        _ => Failure::unavailable(format!("the account cannot be changed: {error}")),
    }
}
