//! Failures of calls that read or change the objects of an account.

use super::kind::FailureKind;
use super::texts::Failure;

impl Failure {
    /// `more` says what is special about it.
    pub(crate) fn function_exists(name: &str, more: &str) -> Self {
        Failure::new(FailureKind::FunctionAlreadyExists, format!("function '{name}' already exists{more}"))
    }

    /// A call wants to change what the manifest defines.
    pub(crate) fn of_manifest(what: &str) -> Self {
        Failure::access_denied(format_args!(
            "{what} is defined by the manifest, which the API does not change: change it there"
        ))
    }

    pub(crate) fn no_trigger(function: &str, name: &str) -> Self {
        let message = format!("trigger '{name}' does not exist in function '{function}'");
        Failure::new(FailureKind::TriggerNotFound, message)
    }

    pub(crate) fn trigger_exists(function: &str, name: &str) -> Self {
        let message = format!("trigger '{name}' already exists in function '{function}'");
        Failure::new(FailureKind::TriggerAlreadyExists, message)
    }

    /// `more` says what is special about it.
    pub(crate) fn domain_exists(name: &str, more: &str) -> Self {
        let message = format!("domain name '{name}' already exists{more}");
        Failure::new(FailureKind::DomainNameAlreadyExists, message)
    }

    pub(crate) fn layer_not_found(name: &str) -> Self {
        Failure::new(FailureKind::LayerNotFound, format!("layer '{name}' does not exist"))
    }

    pub(crate) fn instance_not_found(function: &str, id: &str) -> Self {
        let message = format!("function '{function}' has no instance '{id}' that runs");
        Failure::new(FailureKind::InstanceNotFound, message)
    }

    pub(crate) fn no_concurrency(function: &str) -> Self {
        let message = format!("function '{function}' has no reserved concurrency");
        Failure::new(FailureKind::ConcurrencyNotFound, message)
    }

    pub(crate) fn no_scaling(function: &str, qualifier: &str) -> Self {
        let message = format!("function '{function}' has no scaling configuration for '{qualifier}'");
        Failure::new(FailureKind::ScalingNotFound, message)
    }

    /// The function has a scaling configuration, and is to get the older provision configuration.
    pub(crate) fn scaling_exists(function: &str) -> Self {
        let message = format!(
            "function '{function}' has a scaling configuration, which excludes a provision configuration"
        );
        Failure::new(FailureKind::ScalingExists, message)
    }

    /// The other way about.
    pub(crate) fn provision_exists(function: &str) -> Self {
        let message = format!(
            "function '{function}' has a provision configuration, which excludes a scaling configuration"
        );
        Failure::new(FailureKind::ProvisionExists, message)
    }
}
