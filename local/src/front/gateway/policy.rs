//! What an entry point lets through, and how.

use crate::failure::Failure;
use crate::front::target::{Binding, EntryPoint};
use crate::model::Function;

/// The settings of the entry point of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy<'a> {
    methods: &'a [String],
}

impl<'a> Policy<'a> {
    /// Finds the settings, or refuses the request: the entry point leads nowhere, or is closed.
    pub(crate) fn of(binding: &Binding, settings: &'a Function) -> Result<Self, Failure> {
        match &binding.entry {
            EntryPoint::BuiltIn | EntryPoint::Port | EntryPoint::Proxy(_) => {
                let qualifier = binding.qualifier.as_deref();
                let trigger = settings.trigger_of(qualifier);
                let trigger = trigger.ok_or_else(|| Failure::trigger_not_found(&settings.name, qualifier))?;
                if trigger.internet_disabled {
                    return Err(Failure::internet_disabled());
                }
                Ok(Policy { methods: &trigger.methods })
            }
        }
    }

    /// Whether the entry point takes requests with this method.
    pub(crate) fn allows(&self, method: &str) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
    }
}
