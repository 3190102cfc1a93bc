//! The documents that cases refer to.

/// A page, by the name that the table of cases shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
}

macro_rules! sources {
    ($($id:ident = $name:literal, $address:literal;)*) => {
        $(pub(super) const $id: Source = Source { name: $name, address: $address };)*
        /// All pages.
        #[cfg(test)]
        pub(crate) const ALL: &[Source] = &[$($id),*];
    };
}

sources! {
    CUSTOM_RUNTIME = "custom runtime", "https://www.alibabacloud.com/help/en/functioncompute/fc/principles-1";
    START_ERRORS = "start errors", "https://help.aliyun.com/zh/functioncompute/fc/user-guide/troubleshooting-2";
    ENVIRONMENT = "environment", "https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables";
    KEEP_ALIVE = "keep-alive", "https://help.aliyun.com/zh/functioncompute/fc/process-exited-unexpectedly-before-completing-request-message";
    WEB_FUNCTIONS = "web functions", "https://help.aliyun.com/zh/functioncompute/fc/user-guide/web-functions";
    HTTP_TRIGGERS = "HTTP triggers", "https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-triggers-overview";
    HEADERS = "headers", "https://www.alibabacloud.com/help/doc-detail/425057.htm";
    EVENTS = "events", "https://www.alibabacloud.com/help/en/function-compute/latest/custom-runtime-event-functions";
    ERRORS = "error handling", "https://help.aliyun.com/zh/functioncompute/fc/user-guide/error-handling-in-c";
    HOOKS = "hooks", "https://www.alibabacloud.com/help/en/functioncompute/fc/lifecycle-hooks-for-function-instances-in-a-custom-runtime";
    HOOKS_2 = "hooks of 2.0", "https://help.aliyun.com/document_detail/425056.html";
    HEALTH = "health checks", "https://www.alibabacloud.com/help/en/functioncompute/fc/configure-a-custom-health-check-policy-for-instances-1";
    CONCURRENCY = "concurrency", "https://www.alibabacloud.com/help/en/functioncompute/fc-2-0/user-guide/configure-instance-concurrency";
    INSTANCES = "instances", "https://help.aliyun.com/zh/functioncompute/fc/user-guide/instance-level-events";
    CANCEL = "499", "https://help.aliyun.com/en/functioncompute/fc/why-does-a-function-instance-restart-after-a-client-499";
    LOGS = "logs", "https://help.aliyun.com/en/functioncompute/fc/print-function-logs";
    STREAMS = "streams", "https://help.aliyun.com/zh/functioncompute/fc/does-function-compute-support-sse-streaming-response";
    QUOTAS = "quotas", "https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage";
    WEBSOCKET = "WebSocket", "https://help.aliyun.com/en/functioncompute/fc/user-guide/configure-an-http-trigger-for-a-function-that-is-triggered-by-websocket-requests-1";
    GRPC = "gRPC", "https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/configure-an-http-trigger-that-invokes-a-function-with-grpc-requests";
    RFC_9110 = "RFC 9110", "https://www.rfc-editor.org/rfc/rfc9110";
    RFC_9112 = "RFC 9112", "https://www.rfc-editor.org/rfc/rfc9112";
    RFC_6455 = "RFC 6455", "https://www.rfc-editor.org/rfc/rfc6455";
    GRPC_WIRE = "gRPC over HTTP/2", "https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md";
    INFERRED = "inferred", "fidelity.md";
}
