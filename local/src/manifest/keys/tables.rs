//! The keys at each place of the file.

use super::domains::{CORS, DOMAIN};
use super::key::{Table, Takes, boolean, each, key, known, map, number, one_of, text, texts};

pub(super) const CLOUD_ONLY: &str = "it exists only in the cloud";

/// The whole file.
pub(super) const TOP: &Table = &[
    known("edition"),
    known("name"),
    known("access"),
    known("vars"),
    known("resources"),
    known("validation"),
    known("actions"),
    known("flow"),
    known("template"),
    known("extend"),
    known("env"),
    known("description"),
    map("x-local", LOCAL),
];

pub(super) const RESOURCE: &Table = &[
    known("component"),
    known("access"),
    known("actions"),
    known("props"),
    known("extend"),
    known("allow_failure"),
    map("x-local", LOCAL),
];

/// Settings that exist only here.
const LOCAL: &Table = &[
    known("port"),
    known("maxInstances"),
    known("idleTimeout"),
    known("startTimeout"),
    known("stopTimeout"),
    known("freeze"),
    known("sampleMemory"),
    known("attachment"),
    known("log"),
    known("passEnv"),
    known("watch"),
    known("mounts"),
    known("network"),
    known("layers"),
    known("build"),
    known("command"),
    known("code"),
    map("package", PACKAGE),
    known("credentials"),
    known("edition"),
    known("eventFunction"),
    known("service"),
    known("destinations"),
    known("asyncConcurrency"),
    known("asyncRetryPause"),
    known("asyncServerErrors"),
    known("timers"),
    known("alb"),
    map("doctor", DOCTOR),
];

/// What `fc-local doctor` does not see by itself. It reads and checks the values.
const DOCTOR: &Table = &[known("allow"), map("alb", ALB)];

const ALB: &Table = &[
    number("idleTimeout").within(1.0, 3600.0, 0.0),
    number("requestTimeout").within(1.0, 3600.0, 0.0),
    boolean("healthCheck"),
    number("healthCheckInterval").within(1.0, 50.0, 0.0),
];

const PACKAGE: &Table = &[known("path"), known("bin"), known("example"), known("features"), known("target")];

pub(super) const PROPS: &Table = &[
    one_of("region", REGIONS),
    text("functionName"),
    text("runtime"),
    map("code", CODE).or_text(),
    text("handler"),
    text("description"),
    number("cpu"),
    known("memorySize"),
    known("diskSize"),
    known("timeout"),
    known("instanceConcurrency"),
    key("environmentVariables", Takes::TextMap),
    boolean("internetAccess"),
    text("role"),
    text("resourceGroupId"),
    text("endpoint"),
    known("supplement"),
    boolean("enableLongLiving"),
    text("instanceIsolationMode"),
    each("tags", &[text("key").required(), text("value").required()]),
    map("annotations", &[key("headers", Takes::TextMap)]),
    map("customRuntimeConfig", CUSTOM_RUNTIME),
    map("instanceLifecycleConfig", &[map("initializer", HOOK), map("preStop", HOOK), map("preFreeze", HOOK)]),
    map("logConfig", LOG).or_auto(),
    each("triggers", TRIGGER),
    map("concurrencyConfig", &[number("reservedConcurrency").required()]),
    map("asyncInvokeConfig", ASYNC),
    map("customDomain", DOMAIN),
    text("sessionAffinity"),
    map("sessionAffinityConfig", AFFINITY).or_text(),
    one_of("disableInjectCredentials", &["None", "Env", "Request", "All"]),
    map("scalingConfig", SCALING),
    map("provisionConfig", PROVISION),
    texts("layers"),
    map("vpcConfig", VPC).or_auto().without_effect(CLOUD_ONLY),
    map("vpcBinding", &[texts("vpcIds").required()]).without_effect(CLOUD_ONLY),
    map("nasConfig", NAS).or_auto().without_effect(CLOUD_ONLY),
    map("ossMountConfig", &[each("mountPoints", OSS_MOUNT).required()]).or_auto().without_effect(CLOUD_ONLY),
    map("tracingConfig", TRACING).without_effect(CLOUD_ONLY),
    map("gpuConfig", GPU).without_effect(CLOUD_ONLY),
    map("customDNS", DNS).without_effect(CLOUD_ONLY),
    map("customContainerConfig", CONTAINER),
];

/// The code of a function: a folder, or where its package is uploaded. A missing folder is reported elsewhere.
const CODE: &Table = &[text("src"), text("ossBucketName").required(), text("ossObjectName").required()];

pub(super) const REGIONS: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-7",
    "cn-beijing",
    "cn-chengdu",
    "cn-hangzhou",
    "cn-heyuan-acdr-1",
    "cn-hongkong",
    "cn-huhehaote",
    "cn-qingdao",
    "cn-shanghai",
    "cn-shanghai-cloudspe",
    "cn-shanghai-finance-1",
    "cn-shenzhen",
    "cn-wulanchabu",
    "cn-zhangjiakou",
    "eu-central-1",
    "eu-west-1",
    "me-central-1",
    "us-east-1",
    "us-west-1",
];

const CUSTOM_RUNTIME: &Table =
    &[texts("command"), texts("args"), number("port"), map("healthCheckConfig", HEALTH)];

const HEALTH: &Table = &[
    text("httpGetUrl"),
    number("initialDelaySeconds"),
    number("periodSeconds"),
    number("timeoutSeconds"),
    number("failureThreshold"),
    number("successThreshold"),
];

const HOOK: &Table = &[text("handler"), texts("command"), number("timeout")];

const LOG: &Table = &[
    text("project").required(),
    text("logstore").required(),
    boolean("enableRequestMetrics"),
    boolean("enableInstanceMetrics"),
    boolean("enableLlmMetrics"),
    one_of("logBeginRule", &["DefaultRegex", "None"]),
];

/// What a trigger may be.
pub(in crate::manifest) const TRIGGER_TYPES: &[&str] =
    &["cdn_events", "eventbridge", "http", "log", "mns_topic", "oss", "tablestore", "timer"];

const TRIGGER: &Table = &[
    text("triggerName").required(),
    one_of("triggerType", TRIGGER_TYPES).required(),
    map("triggerConfig", ANY).required(),
    text("qualifier"),
    text("description"),
    text("invocationRole"),
    text("sourceArn"),
];

/// A map whose keys are checked elsewhere, or not at all.
const ANY: &Table = &[];

pub(super) const HTTP_TRIGGER: &Table = &[
    text("authType"),
    texts("methods"),
    boolean("disableURLInternet"),
    map("authConfig", AUTH).or_text(),
    map("corsConfig", CORS),
];

/// The expression is checked where it is read.
pub(super) const TIMER_TRIGGER: &Table =
    &[known("cronExpression"), boolean("enable").required(), text("payload")];

/// The values are checked where they are read, also those of the form as text.
pub(super) const AUTH: &Table = &[
    known("jwks"),
    known("tokenLookup"),
    known("claimPassBy"),
    known("whitelist"),
    known("blacklist"),
    known("tokens"),
    known("users"),
];

const ASYNC: &Table = &[
    boolean("asyncTask"),
    number("maxAsyncRetryAttempts").within(0.0, 8.0, 0.0),
    number("maxAsyncEventAgeInSeconds").within(1.0, 2_592_000.0, 0.0),
    text("qualifier"),
    map("destinationConfig", &[map("onSuccess", DESTINATION), map("onFailure", DESTINATION)]),
];

const DESTINATION: &Table = &[text("destination")];

const AFFINITY: &Table = &[
    text("affinityHeaderFieldName"),
    number("sessionConcurrencyPerInstance"),
    number("sessionIdleTimeoutInSeconds"),
    number("sessionTTLInSeconds"),
    text("sseEndpointPath"),
    known("disableSessionIdReuse"),
];

const SCALING: &Table = &[
    number("minInstances"),
    each("horizontalScalingPolicies", SCALING_POLICY),
    each("scheduledPolicies", SCHEDULED_POLICY),
    text("residentPoolId"),
];

const SCALING_POLICY: &Table = &[
    text("name"),
    text("metricType"),
    number("metricTarget"),
    number("minInstances"),
    number("maxInstances"),
    text("startTime"),
    text("endTime"),
    text("timeZone"),
];

const SCHEDULED_POLICY: &Table = &[
    text("name"),
    text("scheduleExpression"),
    number("target"),
    text("startTime"),
    text("endTime"),
    text("timeZone"),
];

const PROVISION: &Table = &[
    number("defaultTarget").required(),
    boolean("alwaysAllocateCPU").required(),
    boolean("alwaysAllocateGPU").required(),
    each("scheduledActions", SCHEDULED_ACTION).required(),
    each("targetTrackingPolicies", TRACKING_POLICY).required(),
];

const SCHEDULED_ACTION: &Table = &[
    text("name").required(),
    text("scheduleExpression").required(),
    number("target").required(),
    text("startTime").required(),
    text("endTime").required(),
    text("timeZone").required(),
];

const TRACKING_POLICY: &Table = &[
    text("name").required(),
    text("metricType").required(),
    number("metricTarget").required(),
    number("minCapacity").required(),
    number("maxCapacity").required(),
    text("startTime").required(),
    text("endTime").required(),
    text("timeZone").required(),
];

const VPC: &Table =
    &[text("vpcId").required(), text("securityGroupId").required(), texts("vSwitchIds").or_auto().required()];

const NAS: &Table =
    &[number("groupId").required(), number("userId").required(), each("mountPoints", NAS_MOUNT).required()];

const NAS_MOUNT: &Table = &[boolean("enableTLS"), text("mountDir").required(), text("serverAddr").required()];

const OSS_MOUNT: &Table = &[
    text("bucketName").required(),
    text("bucketPath"),
    text("endpoint").required(),
    text("mountDir").required(),
    boolean("readOnly"),
];

const TRACING: &Table = &[text("type"), text("params"), map("jaegerConfig", &[text("endpoint").required()])];

const GPU: &Table = &[
    one_of("gpuType", &["fc.gpu.ampere.1", "fc.gpu.tesla.1"]),
    number("gpuMemorySize").within(1024.0, 24576.0, 1024.0),
];

const DNS: &Table = &[
    each("dnsOptions", &[text("name").required(), text("value").required()]),
    texts("nameServers"),
    texts("searches"),
];

const CONTAINER: &Table = &[
    text("image"),
    texts("command"),
    texts("entrypoint"),
    number("port"),
    map("registryConfig", REGISTRY),
    map("healthCheckConfig", HEALTH),
];

const REGISTRY: &Table = &[
    map("authConfig", &[text("userName"), text("password")]),
    map("certConfig", &[boolean("insecure"), text("rootCaCertBase64")]),
    map("networkConfig", &[text("vpcId"), text("vSwitchId"), text("securityGroupId")]),
];
