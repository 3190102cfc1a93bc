//! The operations on the objects of an account.

/// What a client asks for. Operations below a function get its name beside this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    CreateFunction,
    ListFunctions,
    GetFunction,
    UpdateFunction,
    DeleteFunction,
    GetCode,
    CreateTrigger,
    ListTriggers,
    GetTrigger(String),
    UpdateTrigger(String),
    DeleteTrigger(String),
    GetSetting(Setting),
    PutSetting(Setting),
    DeleteSetting(Setting),
    /// Of all functions, or of one.
    ListSettings(Setting),
    ListVpcs,
    BindVpc,
    UnbindVpc(String),
    ListInstances,
    CreateDomain,
    ListDomains,
    GetDomain(String),
    UpdateDomain(String),
    DeleteDomain(String),
    ListLayers,
    PublishLayer(String),
    ListLayerVersions(String),
    /// The name of the layer, and the number of the version as text.
    GetLayer(String, String),
    DeleteLayer(String, String),
    GetLayerByArn(String),
    SetLayerAcl(String),
    ListTags,
    Tag,
    Untag,
    SetResourceGroup,
    ListRegions,
    /// Where code can be sent to, and the keys for that.
    GetUploadToken,
}

/// A setting that stands beside a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    Concurrency,
    Provision,
    Scaling,
}
