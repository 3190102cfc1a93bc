//! The names of settings in each spelling. Terraform's are the ones that the readers use.

use super::source::Form;

/// Names that are not the same words in another case.
const ROS: &[(&str, &str)] = &[
    ("qps", "QPS"),
    ("x_forwarded_for_slb_id_enabled", "XForwardedForSLBIdEnabled"),
    ("x_forwarded_for_slb_port_enabled", "XForwardedForSLBPortEnabled"),
    ("x_forwarded_for_client_cert_subject_dn_enabled", "XForwardedForClientCertSubjectDNEnabled"),
    ("x_forwarded_for_client_cert_subject_dn_alias", "XForwardedForClientCertSubjectDNAlias"),
    ("x_forwarded_for_client_cert_issuer_dn_enabled", "XForwardedForClientCertIssuerDNEnabled"),
    ("x_forwarded_for_client_cert_issuer_dn_alias", "XForwardedForClientCertIssuerDNAlias"),
    ("x_forwarded_for_client_cert_finger_print_enabled", "XForwardedForClientCertFingerprintEnabled"),
    ("x_forwarded_for_client_cert_finger_print_alias", "XForwardedForClientCertFingerprintAlias"),
];

/// The name of a setting as the user writes it.
pub(super) fn spelled(form: Form, name: &str) -> String {
    match form {
        Form::Terraform => name.to_owned(),
        Form::Ros => match ROS.iter().find(|(own, _)| *own == name) {
            Some((_, other)) => (*other).to_owned(),
            None => camel(name, true),
        },
        Form::Short => camel(name, false),
    }
}

fn camel(name: &str, mut is_upper: bool) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '_' => is_upper = true,
            letter if is_upper => {
                out.push(letter.to_ascii_uppercase());
                is_upper = false;
            }
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_each_spelling() {
        for (name, ros) in [
            ("server_group_type", "ServerGroupType"),
            ("http2_enabled", "Http2Enabled"),
            ("qps", "QPS"),
            ("per_ip_qps", "PerIpQps"),
            ("x_forwarded_for_slb_id_enabled", "XForwardedForSLBIdEnabled"),
            ("x_forwarded_for_config", "XForwardedForConfig"),
            ("health_check_http_version", "HealthCheckHttpVersion"),
        ] {
            assert_eq!(spelled(Form::Ros, name), ros);
            assert_eq!(spelled(Form::Terraform, name), name);
        }
        assert_eq!(spelled(Form::Short, "idle_timeout"), "idleTimeout");
    }
}
