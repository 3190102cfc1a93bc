//! What an entry point lets through, and how.

use crate::event::Via;
use crate::failure::Failure;
use crate::front::target::{Binding, EntryPoint};
use crate::model::{Auth, Cors, Edition, Function};

/// The methods of a route that names none.
const ALL: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];

/// The settings of the entry point of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy<'a> {
    /// `None` for all that the platform knows.
    methods: Option<&'a [String]>,
    pub(crate) auth: &'a Auth,
    pub(crate) cors: Option<&'a Cors>,
    pub(crate) via: Via,
}

impl<'a> Policy<'a> {
    /// Finds the settings, or refuses the request: the entry point leads nowhere, or is closed.
    pub(crate) fn of(binding: &'a Binding, settings: &'a Function, is_tls: bool) -> Result<Self, Failure> {
        match &binding.entry {
            EntryPoint::BuiltIn | EntryPoint::Port | EntryPoint::Proxy(_) => {
                let qualifier = binding.qualifier.as_deref();
                let trigger = settings.trigger_of(qualifier);
                let trigger = trigger.ok_or_else(|| Failure::trigger_not_found(&settings.name, qualifier))?;
                if trigger.internet_disabled {
                    return Err(Failure::internet_disabled());
                }
                let methods = Some(&*trigger.methods);
                let (auth, cors) = (&trigger.auth, trigger.cors.as_ref());
                Ok(Policy { methods, auth, cors, via: Via::HttpTrigger })
            }
            // The load balancer is inside the platform's network, so a trigger that is closed to the internet is open to it.
            EntryPoint::Alb => match settings.trigger_of(binding.qualifier.as_deref()) {
                Some(trigger) => {
                    let (methods, cors) = (Some(&*trigger.methods), trigger.cors.as_ref());
                    Ok(Policy { methods, auth: &trigger.auth, cors, via: Via::Alb })
                }
                None if settings.local.edition == Edition::Fc2 => {
                    Err(Failure::trigger_not_found(&settings.name, binding.qualifier.as_deref()))
                }
                None => Ok(Policy { methods: None, auth: &Auth::Anonymous, cors: None, via: Via::Alb }),
            },
            // Version 2.0 of the platform lets domains lead to functions with a trigger alone.
            EntryPoint::Domain { .. }
                if settings.local.edition == Edition::Fc2 && settings.trigger.is_none() =>
            {
                Err(Failure::trigger_not_found(&settings.name, None))
            }
            // A domain needs no trigger, and a closed one does not close it.
            EntryPoint::Domain { domain, route } => {
                let protocol = domain.settings.protocol;
                if !protocol.takes(is_tls) {
                    let text = format!("domain name '{}' takes {} only", domain.name, protocol.name());
                    return Err(Failure::access_denied(text));
                }
                let methods = Some(&*domain.route(*route).settings.methods).filter(|own| !own.is_empty());
                let auth = domain.settings.auth.as_ref().unwrap_or(&Auth::Anonymous);
                let cors = domain.settings.cors.as_ref();
                Ok(Policy { methods, auth, cors, via: Via::CustomDomain })
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(methods: &'a [String], cors: Option<&'a Cors>, via: Via) -> Self {
        Policy { methods: Some(methods), auth: &Auth::Anonymous, cors, via }
    }

    /// Whether the entry point takes requests with this method.
    pub(crate) fn allows(&self, method: &str) -> bool {
        match self.methods {
            Some(methods) => methods.iter().any(|allowed| allowed == method),
            None => ALL.contains(&method),
        }
    }

    /// The methods that the entry point takes.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &'a str> {
        let all = if self.methods.is_none() { &ALL[..] } else { &[] };
        self.methods.unwrap_or_default().iter().map(String::as_str).chain(all.iter().copied())
    }

    /// The entry point in the words of a refusal.
    pub(crate) fn name(&self) -> &'static str {
        if self.via == Via::CustomDomain { "the route of the domain" } else { "the HTTP trigger" }
    }

    /// Whether browsers have to download what the entry point replies.
    pub(crate) fn is_built_in(&self) -> bool {
        self.via == Via::HttpTrigger
    }
}
