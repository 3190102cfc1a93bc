//! Whether a listener adds tracing headers, and to how many requests.

use super::balancer::Known;
use super::fields::Fields;
use super::source::Form;
use crate::model::alb::AlbEdition;

/// The settings of tracing.
pub(super) const TRACING: &str = "access_log_tracing_config";

/// The block of ROS around them.
pub(super) const LOG: &str = "log_config";

/// A rate that samples every request.
const SAMPLE_MAX: u16 = 10_000;

/// The rate of sampling; `None` is off. `balancer` is the listener's load balancer, if it is part of the configuration.
pub(super) fn read(fields: &mut Fields<'_>, balancer: Option<&Known>) -> Option<u16> {
    if fields.form != Form::Ros {
        return below(fields, balancer);
    }
    let node = fields.map(LOG)?;
    let mut log = fields.below(node);
    log.check(&[TRACING], &[("access_log_record_customized_headers_enabled", "there is no access log here")]);
    below(&mut log, balancer)
}

fn below(fields: &mut Fields<'_>, balancer: Option<&Known>) -> Option<u16> {
    let node = fields.map(TRACING)?;
    let mut own = fields.below(node);
    own.check(&["tracing_enabled", "tracing_sample", "tracing_type"], &[]);
    let sample = own.integer("tracing_sample", 1..=u64::from(SAMPLE_MAX));
    own.one_of("tracing_type", &["Zipkin"]);
    if !own.boolean("tracing_enabled", false) {
        return None;
    }
    if let Some(Known { edition: AlbEdition::Basic, .. }) = balancer {
        own.error("tracing_enabled", "is for the editions Standard and StandardWithWaf");
    }
    if own.form == Form::Terraform && balancer.is_some_and(|balancer| !balancer.has_log) {
        own.note("tracing_enabled", "needs the access log of the load balancer, `access_log_config`");
    }
    Some(sample.and_then(|sample| u16::try_from(sample).ok()).unwrap_or(SAMPLE_MAX))
}
