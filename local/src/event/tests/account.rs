//! Events about a local account, and their sentences.

use super::samples::Sample;
use super::*;

pub(super) fn samples() -> Vec<Sample> {
    let url = || "http://127.0.0.1:8080".to_owned();
    vec![
        (
            Kind::Account(AccountNews::Opened { url: url() }),
            "the API takes signed calls at http://127.0.0.1:8080; `fc-local keys` shows the key",
        ),
        (
            Kind::Account(AccountNews::FunctionCreated { url: url() }),
            "created by the API; its HTTP trigger is at http://127.0.0.1:8080",
        ),
        (Kind::Account(AccountNews::FunctionUpdated), "updated by the API"),
        (Kind::Account(AccountNews::FunctionDeleted), "deleted by the API"),
        (Kind::Account(AccountNews::set("trigger", "web")), "trigger web is set"),
        (Kind::Account(AccountNews::removed("domain", "a.com")), "domain a.com is removed"),
        (Kind::Account(AccountNews::Note("it has no effect".to_owned())), "it has no effect"),
        (
            Kind::Account(AccountNews::NotRead { error: "broken".to_owned() }),
            "what is kept of the account cannot be used: broken",
        ),
        (
            Kind::Account(AccountNews::Unavailable { error: "taken".to_owned() }),
            "the account is not opened, and calls that change it are refused: taken",
        ),
    ]
}
