//! The functions by name: deployed ones, and functions whose first deployment is under way. And the domains that lead to
//! them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::deployed::{Deployed, State};
use crate::domain::Domains;
use crate::failure::Failure;

/// The functions of a platform, shared by callers and deployments.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    functions: RwLock<Arc<Functions>>,
}

impl Registry {
    /// The current functions.
    pub(crate) fn functions(&self) -> Arc<Functions> {
        Arc::clone(&self.functions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The function `name`, or the reason why it does not answer.
    pub(crate) fn find(&self, name: &str) -> Result<Arc<Deployed>, Failure> {
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        functions.find(name).cloned()
    }

    /// Adds a deployed function.
    pub(crate) fn add(&self, function: Arc<Deployed>) {
        self.change(|functions| functions.insert(function));
    }

    /// Sets the custom domains in place of the former ones.
    pub(crate) fn set_domains(&self, domains: Domains) {
        let domains = Arc::new(domains);
        self.change(|functions| functions.domains = domains);
    }

    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Deployed>> {
        let mut removed = None;
        self.change(|functions| removed = functions.remove(name));
        removed
    }

    /// Sets the reason why a function that is not deployed yet does not answer. No effect on a deployed function.
    pub(crate) fn set_pending(&self, name: &str, why: &'static str) {
        self.change(|functions| functions.set_pending(name, why));
    }

    fn change(&self, change: impl FnOnce(&mut Functions)) {
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut functions));
    }
}

/// The deployed functions, and the functions that are not deployed yet.
#[derive(Debug, Default, Clone)]
pub(crate) struct Functions {
    deployed: BTreeMap<Arc<str>, Arc<Deployed>>,
    pending: BTreeMap<String, &'static str>,
    /// The custom domains, whose routes name functions.
    pub(crate) domains: Arc<Domains>,
}

impl Functions {
    fn insert(&mut self, function: Arc<Deployed>) {
        self.pending.remove(&*function.name);
        self.deployed.insert(Arc::clone(&function.name), function);
    }

    fn remove(&mut self, name: &str) -> Option<Arc<Deployed>> {
        self.pending.remove(name);
        self.deployed.remove(name)
    }

    fn set_pending(&mut self, name: &str, why: &'static str) {
        if !self.deployed.contains_key(name) {
            self.pending.insert(name.to_owned(), why);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Deployed>> {
        self.deployed.get(name)
    }

    /// The function `name`, or the reason why it does not answer.
    pub(crate) fn find(&self, name: &str) -> Result<&Arc<Deployed>, Failure> {
        match (self.deployed.get(name), self.pending.get(name)) {
            (Some(function), _) => Ok(function),
            (None, Some(why)) => Err(Failure::unavailable(format!("function '{name}' {why}"))),
            (None, None) => Err(Failure::function_not_found(name)),
        }
    }

    /// All functions with their states, in the order of their names.
    pub(crate) fn states(&self) -> Vec<State<'_>> {
        let deployed = self.deployed.values().map(|function| function.state());
        let pending = self.pending.iter().map(|(name, why)| State::pending(name, why));
        let mut states: Vec<_> = deployed.chain(pending).collect();
        states.sort_unstable_by_key(|state| state.name);
        states
    }

    /// The names of all functions, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.deployed.keys().map(|name| &**name).chain(self.pending.keys().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;

    #[test]
    fn a_function_that_is_to_come_says_why_it_does_not_answer() {
        let registry = Registry::default();
        registry.set_pending("soon", "is being built");
        let failure = registry.find("soon").unwrap_err();
        assert_eq!(failure.kind, FailureKind::ServiceUnavailable);
        assert_eq!(failure.message(), "function 'soon' is being built");
        assert_eq!(registry.functions().names().collect::<Vec<_>>(), ["soon"]);
        assert_eq!(registry.find("never").unwrap_err().kind, FailureKind::FunctionNotFound);
        assert!(registry.remove("soon").is_none());
        assert_eq!(registry.functions().names().count(), 0);
    }
}
