//! The documents that rules rest on.

pub(super) const LIMITS: &str = "Function Compute, Limits: https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage";
pub(super) const WEB_FUNCTION: &str = "Function Compute, Create a web function: \
     https://help.aliyun.com/zh/functioncompute/fc/user-guide/creating-a-web-function";
pub(super) const AFTER_499: &str = "Function Compute, Why an instance restarts after a client's 499: \
     https://help.aliyun.com/en/functioncompute/fc/why-does-a-function-instance-restart-after-a-client-499";
pub(super) const HEALTH: &str = "Function Compute, Custom health checks: \
     https://help.aliyun.com/zh/functioncompute/fc/user-guide/configure-a-custom-health-check-policy-for-instances-1";
pub(super) const HOOKS: &str = "Function Compute, Lifecycle hooks in a custom runtime: \
     https://www.alibabacloud.com/help/en/functioncompute/fc/lifecycle-hooks-for-function-instances-in-a-custom-runtime";
pub(super) const HOOK_STATUSES: &str =
    "Function Compute, Lifecycle hooks, statuses: https://help.aliyun.com/document_detail/425056.html";
pub(super) const HTTP_TRIGGER: &str = "Function Compute, HTTP triggers: \
     https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-triggers-overview";
pub(super) const WEB_HANDLER: &str = "Function Compute, Web functions: \
     https://help.aliyun.com/zh/functioncompute/fc/user-guide/web-functions";
pub(super) const GRPC: &str = "Function Compute, gRPC: \
     https://help.aliyun.com/zh/functioncompute/fc/user-guide/configure-an-http-trigger-that-invokes-a-function-with-grpc-requests";
pub(super) const TABLESTORE: &str = "Function Compute, Tablestore triggers: \
     https://help.aliyun.com/zh/functioncompute/fc/user-guide/tablestore-triggers";
pub(super) const ASYNC: &str =
    "Function Compute, Asynchronous invocation: https://help.aliyun.com/document_detail/2513612.html";
pub(super) const DESTINATIONS: &str = "Function Compute, Destinations: \
     https://help.aliyun.com/zh/functioncompute/user-guide/result-callback";
pub(super) const ENVIRONMENT: &str = "Function Compute, Environment variables: \
     https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables";
pub(super) const LOGS: &str = "Function Compute, Function logs: \
     https://help.aliyun.com/zh/functioncompute/fc-3-0/user-guide/print-function-logs";
pub(super) const RUNTIMES: &str = "Function Compute, Custom runtime, overview: \
     https://www.alibabacloud.com/help/en/functioncompute/user-guide/overview-10";
pub(super) const STARTS: &str = "Function Compute, Custom runtime, troubleshooting: \
     https://help.aliyun.com/zh/functioncompute/fc/user-guide/troubleshooting-2";
pub(super) const KEEP_ALIVE: &str = "Function Compute, Process exited unexpectedly before completing request: \
     https://help.aliyun.com/zh/functioncompute/fc/process-exited-unexpectedly-before-completing-request-message";
pub(super) const ALB_GROUPS: &str = "ALB, Server groups of Function Compute: https://www.alibabacloud.com/help/en/slb/application-load-balancer";
pub(super) const ALB_LISTENER: &str = "ALB, CreateListener (2020-06-16), IdleTimeout and RequestTimeout";
pub(super) const TOOL: &str =
    "Serverless Devs, Spec and actions: https://docs.serverless-devs.com/user-guide/spec/";
pub(super) const TOOL_FC3: &str =
    "Serverless Devs, s.yaml of fc3: https://manual.serverless-devs.com/user-guide/aliyun/#fc3";
pub(super) const TOOL_RUN: &str = "Serverless Devs 3.1.10, as it was seen to run";
