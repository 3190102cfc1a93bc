//! Lists of addresses, and the listeners that they guard.

use super::balancer::Index;
use super::fields::Fields;
use super::source::{Form, Problems, Resource};
use crate::model::alb::{Acl, AclKind, Cidr, ListenerAcl, LoadBalancer};

/// The most lists of a listener.
const LISTS_MAX: usize = 3;

pub(super) fn read(form: Form, resource: &Resource, problems: &mut Problems) -> Acl {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    fields.check(
        &["acl_name", "acl_entries", "address_ip_version"],
        &[("resource_group_id", ""), ("tags", ""), ("dry_run", "")],
    );
    let name = fields.label("acl_name").unwrap_or_else(|| resource.address.clone());
    let mut entries = Vec::new();
    for node in fields.maps("acl_entries") {
        entries.extend(entry(&mut fields.below(node)));
    }
    Acl { name, place: resource.place.clone(), entries }
}

fn entry(fields: &mut Fields<'_>) -> Option<Cidr> {
    let text = fields.required("entry")?;
    let block = Cidr::parse(&text);
    if block.is_none() {
        fields.error("entry", &format!("must be an address or a block such as 10.0.0.0/8, but is `{text}`"));
    }
    block
}

/// Adds the entries of an attachment to their list.
pub(super) fn add(form: Form, resource: &Resource, index: &Index, acls: &mut [Acl], problems: &mut Problems) {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    fields.check(&["acl_id", "entry", "entries", "description", "acl_entries"], &[]);
    let mut entries = Vec::new();
    if fields.has("entry") {
        entries.extend(entry(&mut fields));
    }
    for key in ["entries", "acl_entries"] {
        for node in fields.maps(key) {
            entries.extend(entry(&mut fields.below(node)));
        }
    }
    if let Some(at) = list(&mut fields, "acl_id", index) {
        acls[at].entries.extend(entries);
    }
}

fn list(fields: &mut Fields<'_>, key: &str, index: &Index) -> Option<usize> {
    let Some(reference) = fields.reference(key) else {
        fields.error(key, "is missing");
        return None;
    };
    let found = index.acl(&reference);
    if found.is_none() {
        fields.error(key, &format!("is `{reference}`, which is no list of this configuration"));
    }
    found
}

/// Puts a list before a listener.
pub(super) fn attach(
    form: Form,
    resource: &Resource,
    index: &Index,
    whole: &mut LoadBalancer,
    problems: &mut Problems,
) {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    fields.check(&["acl_id", "acl_ids", "acl_type", "listener_id"], &[]);
    let kind = match fields.one_of("acl_type", &["White", "Black"]) {
        Some("White") => AclKind::White,
        Some(_) => AclKind::Black,
        None => {
            if !fields.has("acl_type") {
                fields.error("acl_type", "is missing");
            }
            return;
        }
    };
    let mut lists = Vec::new();
    if fields.has("acl_ids") {
        for text in fields.value("acl_ids").map(crate::manifest::node::items).unwrap_or_default() {
            let text = text.scalar().unwrap_or_default();
            let reference = super::source::reference(&text).unwrap_or(&text).to_owned();
            match index.acl(&reference) {
                Some(at) => lists.push(at),
                None => fields
                    .error("acl_ids", &format!("has `{reference}`, which is no list of this configuration")),
            }
        }
    } else {
        lists.extend(list(&mut fields, "acl_id", index));
    }
    let Some(reference) = fields.reference("listener_id") else {
        fields.error("listener_id", "is missing");
        return;
    };
    let Some(listener) = index.listener(&reference) else {
        fields.error("listener_id", &format!("is `{reference}`, which is no listener of this configuration"));
        return;
    };
    let own = whole.listeners[listener].acl.get_or_insert(ListenerAcl { kind, acls: Vec::new() });
    own.acls.extend(lists);
    if own.kind != kind {
        fields
            .error("acl_type", "differs from another list of the listener: all are White, or all are Black");
    }
    if own.acls.len() > LISTS_MAX {
        fields.error("listener_id", &format!("has more than {LISTS_MAX} lists of addresses"));
    }
}
