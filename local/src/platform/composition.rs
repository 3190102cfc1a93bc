//! What the manifest and the account bring together: the domains, the timers, and the addresses that people are told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::domains::Known;
use super::settings::Settings;
use crate::account::{Account, Place, Surroundings};
use crate::event::{Address, Kind, Log, Source};
use crate::front::reachable;
use crate::manifest::{ACCOUNT_DEFAULT, Manifest};
use crate::model::Function;
use crate::queue::Queue;
use crate::registry::Registry;
use crate::timers::Timers;
use crate::wire::Identities;

/// The region of an account without functions.
const REGION_DEFAULT: &str = "cn-hangzhou";

/// The number of the account and its region: as the settings say, or the manifest's first function.
pub(super) fn account_place(manifest: &Manifest, settings: &Settings, endpoint: SocketAddr) -> Place {
    let first = manifest.functions().first();
    let region = settings.region.clone().or_else(|| Some(first?.region.clone()));
    let id = settings.account.clone().or_else(|| Some(first?.account.clone()));
    Place {
        region: region.unwrap_or_else(|| REGION_DEFAULT.to_owned()),
        id: id.unwrap_or_else(|| ACCOUNT_DEFAULT.to_owned()),
        endpoint,
    }
}

/// What follows the manifest and the account.
#[derive(Debug)]
pub(super) struct Composition {
    pub(super) registry: Arc<Registry>,
    pub(super) account: Arc<Account>,
    pub(super) queue: Arc<Queue>,
    pub(super) timers: Arc<Timers>,
    /// Whether timers fire.
    pub(super) has_timers: bool,
    pub(super) log: Log,
    pub(super) identities: Option<Arc<Identities>>,
    /// The main address.
    pub(super) main: SocketAddr,
    /// The ports of functions that have one of their own.
    pub(super) ports: Mutex<HashMap<String, u16>>,
    /// The manifest in use.
    pub(super) manifest: Mutex<Manifest>,
    /// What was told and set of custom domains.
    pub(super) domains: Mutex<Known>,
}

impl Composition {
    /// The account tells it of changes from now on.
    pub(super) fn of(parts: Self) -> Arc<Self> {
        let composition = Arc::new(parts);
        let surroundings: Arc<dyn Surroundings> = composition.clone();
        composition.account.tell(Arc::downgrade(&surroundings));
        composition
    }

    /// Uses the domains and timers of `manifest` in place of the former ones.
    pub(super) fn use_manifest(&self, manifest: &Manifest) {
        *self.lock_manifest() = manifest.clone();
        self.account.set_manifest(manifest);
        self.use_domains();
        self.use_timers();
    }

    pub(super) fn lock_manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn use_timers(&self) {
        if self.has_timers {
            let mut functions: Vec<Function> = self.lock_manifest().functions().to_vec();
            functions.extend(self.account.functions().iter().map(|own| Function::clone(own)));
            self.timers.set(&functions);
        }
    }

    pub(super) fn lock_ports(&self) -> MutexGuard<'_, HashMap<String, u16>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a function answers. One without a port of its own answers at the main port alone.
    pub(super) fn address(&self, function: &Function) -> Address {
        let (main, own) = (self.main.port(), self.lock_ports().get(&function.name).copied());
        let url = |qualifier: &str| format!("http://{qualifier}.{}.localhost:{main}/", function.name);
        let host_url = format!("http://{}.localhost:{main}/", function.name);
        let port_url =
            own.map(|port| format!("http://{}/", reachable(SocketAddr::new(self.main.ip(), port))));
        Address {
            function: function.name.clone(),
            port_url: port_url.unwrap_or_else(|| host_url.clone()),
            host_url,
            has_trigger: function.trigger.is_some(),
            qualified_urls: function.qualified.iter().map(|(own, _)| (own.clone(), url(own))).collect(),
        }
    }

    /// Tells that a function answers from now on.
    pub(super) fn tell_ready(&self, function: &Function) {
        let ready = Kind::Ready(self.address(function));
        self.log.emit(&Source::function(&Arc::from(function.name.as_str())), ready);
        self.tell_domains(|name| name == function.name);
        self.queue.changed(&function.name);
    }
}

impl Surroundings for Composition {
    fn changed(&self) {
        self.use_domains();
        self.use_timers();
        let functions = self.registry.functions();
        self.tell_domains(|name| functions.get(name).is_some());
    }

    fn created(&self, function: &str) {
        if let Some(deployed) = self.registry.functions().get(function) {
            self.tell_ready(&deployed.settings());
        }
    }
}
