//! Listeners, with their defaults and limits.

use std::time::Duration;

use super::action::forward;
use super::balancer::Index;
use super::fields::Fields;
use super::source::{Form, Problems, Resource};
use super::tracing::{self, LOG, TRACING};
use crate::model::alb::{
    AlbEdition, CertificateField, Cidr, Forward, Listener, ListenerProtocol, SecurityPolicy, XForwarded,
};

const POLICIES: [&str; 5] = [
    "tls_cipher_policy_1_0",
    "tls_cipher_policy_1_1",
    "tls_cipher_policy_1_2",
    "tls_cipher_policy_1_2_strict",
    "tls_cipher_policy_1_2_strict_with_1_3",
];

pub(super) fn read(
    form: Form,
    resource: &Resource,
    index: &Index,
    problems: &mut Problems,
) -> Option<Listener> {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    check(&mut fields);
    let protocol = match fields.one_of("listener_protocol", &["HTTP", "HTTPS", "QUIC"]) {
        Some("HTTPS") => ListenerProtocol::Https,
        Some("QUIC") => {
            fields.note("listener_protocol", "QUIC is not emulated: nothing listens there");
            return None;
        }
        Some(_) => ListenerProtocol::Http,
        None => {
            if !fields.has("listener_protocol") {
                fields.error("listener_protocol", "is missing");
            }
            return None;
        }
    };
    let port = fields.integer("listener_port", 1..=65_535);
    if !fields.has("listener_port") {
        fields.error("listener_port", "is missing");
    }
    let default = default_action(&mut fields, index);
    let is_https = protocol == ListenerProtocol::Https;
    for key in ["certificates", "ca_certificates", "security_policy_id", "http2_enabled", "quic_config"] {
        if !is_https && fields.has(key) {
            fields.error(key, "is for HTTPS listeners alone");
        }
    }
    if is_https && form != Form::Short && fields.maps("certificates").is_empty() {
        fields.error("certificates", "is missing: an HTTPS listener has a certificate");
    }
    let security_policy = policy(&mut fields);
    if fields.map("quic_config").is_some() {
        fields.note("quic_config", "is not emulated");
    }
    if fields.one_of("status", &["Running", "Stopped"]) == Some("Stopped") {
        fields.note("status", "is Stopped: nothing listens there");
        return None;
    }
    let balancer = fields.reference("load_balancer_id");
    let known = balancer.as_deref().and_then(|own| index.balancer(own));
    let tracing = tracing::read(&mut fields, known);
    let (balancer, edition) = match known {
        Some(known) => (known.name.clone(), known.edition),
        None => (balancer.unwrap_or_else(|| "alb-local".to_owned()), AlbEdition::default()),
    };
    let seconds = |value: Option<u64>, default| Duration::from_secs(value.unwrap_or(default));
    let name = fields.label("listener_description");
    // The label of a resource of Terraform.
    let name = name.unwrap_or_else(|| resource.address.rsplit('.').next().unwrap_or_default().to_owned());
    let asks_clients = fields.boolean("ca_enabled", false);
    if asks_clients && fields.maps("ca_certificates").is_empty() {
        fields.error("ca_certificates", "is missing: `ca_enabled` needs one");
    }
    Some(Listener {
        name,
        balancer,
        edition,
        place: resource.place.clone(),
        protocol,
        port: port.and_then(|port| u16::try_from(port).ok())?,
        local_port: 0,
        default: default.unwrap_or(Forward { groups: Vec::new(), sticky: None }),
        idle_timeout: seconds(fields.integer("idle_timeout", 1..=3600), 15),
        request_timeout: seconds(fields.integer("request_timeout", 1..=3600), 60),
        gzip: fields.boolean("gzip_enabled", true),
        http2: is_https && fields.boolean("http2_enabled", true),
        security_policy,
        asks_clients,
        x_forwarded: fields
            .map("x_forwarded_for_config")
            .map_or_else(XForwarded::default, |node| x_forwarded(&mut fields.below(node), is_https)),
        tracing,
        acl: None,
        rules: Vec::new(),
    })
}

fn check(fields: &mut Fields<'_>) {
    fields.check(
        &[
            "load_balancer_id",
            "listener_protocol",
            "listener_port",
            "listener_description",
            "default_actions",
            "certificates",
            "ca_enabled",
            "ca_certificates",
            "security_policy_id",
            "http2_enabled",
            "gzip_enabled",
            "idle_timeout",
            "request_timeout",
            "quic_config",
            // ROS has one block for all that concerns the access log.
            if fields.form == Form::Ros { LOG } else { TRACING },
            "x_forwarded_for_config",
            "status",
            "rules",
        ],
        &[
            ("tags", ""),
            ("dry_run", ""),
            ("access_log_record_customized_headers_enabled", "there is no access log here"),
            ("acl_config", "write `alicloud_alb_listener_acl_attachment`"),
            (
                "xforwarded_for_config",
                "its names are those of an old provider; write `x_forwarded_for_config`",
            ),
        ],
    );
}

fn policy(fields: &mut Fields<'_>) -> SecurityPolicy {
    match fields.raw("security_policy_id").as_deref() {
        Some("tls_cipher_policy_1_2_strict") => SecurityPolicy::Tls12Strict,
        Some("tls_cipher_policy_1_2_strict_with_1_3") => SecurityPolicy::Tls12Strict13,
        Some("tls_cipher_policy_1_0" | "tls_cipher_policy_1_1") => {
            fields.note(
                "security_policy_id",
                "lets clients speak TLS 1.0 or 1.1, which this machine does not: 1.2 is the oldest",
            );
            SecurityPolicy::Tls12
        }
        None | Some("tls_cipher_policy_1_2") => SecurityPolicy::Tls12,
        Some(other) if !other.starts_with("tls_cipher_policy_") => SecurityPolicy::Tls12,
        Some(other) => {
            let text = format!("must be {}, or the id of a policy, but is `{other}`", POLICIES.join(", "));
            fields.error("security_policy_id", &text);
            SecurityPolicy::Tls12
        }
    }
}

fn default_action(fields: &mut Fields<'_>, index: &Index) -> Option<Forward> {
    let actions = fields.maps("default_actions");
    let [node] = actions.as_slice() else {
        let why = if actions.is_empty() { "is missing" } else { "holds one action" };
        fields.error("default_actions", why);
        return None;
    };
    let mut action = fields.below(node);
    action.check(&["type", "forward_group_config", "order"], &[]);
    let kind = action.required("type")?;
    if kind != "ForwardGroup" {
        action.error("type", &format!("must be ForwardGroup but is `{kind}`: rules have the other actions"));
        return None;
    }
    forward(&mut action, index, 20)
}

fn x_forwarded(fields: &mut Fields<'_>, is_https: bool) -> XForwarded {
    const FIELDS: [&str; 4] = ["subject_dn", "issuer_dn", "finger_print", "client_verify"];
    let certificate = |word: &str, end: &str| format!("x_forwarded_for_client_cert_{word}_{end}");
    let own: Vec<String> =
        FIELDS.iter().flat_map(|word| [certificate(word, "enabled"), certificate(word, "alias")]).collect();
    let mut known = vec![
        "x_forwarded_for_enabled",
        "x_forwarded_for_processing_mode",
        "x_forwarded_for_proto_enabled",
        "x_forwarded_for_slb_port_enabled",
        "x_forwarded_for_slb_id_enabled",
        "x_forwarded_for_host_enabled",
        "x_forwarded_for_client_src_port_enabled",
        "x_forwarded_for_client_source_ips_enabled",
        "x_forwarded_for_client_source_ips_trusted",
    ];
    known.extend(own.iter().map(String::as_str));
    fields.check(&known, &[]);
    let mode = fields.one_of("x_forwarded_for_processing_mode", &["append", "remove"]);
    let trusts = fields.boolean("x_forwarded_for_client_source_ips_enabled", false);
    let mut trusted = Vec::new();
    // The provider takes one text with semicolons, the API does too.
    for text in fields.texts("x_forwarded_for_client_source_ips_trusted") {
        for part in text.split([';', ',']).map(str::trim).filter(|part| !part.is_empty()) {
            match Cidr::parse(part) {
                Some(block) => trusted.push(block),
                None => fields.error(
                    "x_forwarded_for_client_source_ips_trusted",
                    &format!("has `{part}`, which is no address and no block"),
                ),
            }
        }
    }
    let [subject, issuer, fingerprint, verify] = FIELDS.map(|word| {
        let (enabled, alias) = (certificate(word, "enabled"), certificate(word, "alias"));
        let field = CertificateField { enabled: fields.boolean(&enabled, false), alias: fields.text(&alias) };
        if field.enabled && !is_https {
            fields.error(&enabled, "is for HTTPS listeners alone");
        }
        let is_word = |name: &String| {
            (1..=40).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        };
        if field.alias.as_ref().is_some_and(|name| !is_word(name)) {
            fields.error(&alias, "must have 1 to 40 small letters, digits, `-` and `_`");
        }
        field
    });
    XForwarded {
        forwarded_for: fields.boolean("x_forwarded_for_enabled", true),
        removes: mode == Some("remove"),
        proto: fields.boolean("x_forwarded_for_proto_enabled", false),
        port: fields.boolean("x_forwarded_for_slb_port_enabled", false),
        host: fields.boolean("x_forwarded_for_host_enabled", false),
        client_port: fields.boolean("x_forwarded_for_client_src_port_enabled", false),
        slb_id: fields.boolean("x_forwarded_for_slb_id_enabled", false),
        trusted: trusts.then_some(trusted),
        subject,
        issuer,
        fingerprint,
        verify,
    }
}
