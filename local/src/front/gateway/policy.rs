//! What an entry point lets through, and how.

use crate::failure::Failure;
use crate::front::target::EntryPoint;
use crate::model::Function;

/// The settings of the entry point of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy<'a> {
    methods: &'a [String],
}

impl<'a> Policy<'a> {
    /// Finds the settings, or refuses the request: the entry point leads nowhere, or is closed.
    pub(crate) fn of(entry: &EntryPoint, settings: &'a Function) -> Result<Self, Failure> {
        match entry {
            EntryPoint::BuiltIn | EntryPoint::Port => {
                let trigger =
                    settings.trigger.as_ref().ok_or_else(|| Failure::trigger_not_found(&settings.name))?;
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
