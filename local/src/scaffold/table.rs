//! The templates: what is each one's own.

/// A template. English stands first, Chinese second.
#[derive(Debug)]
pub(crate) struct Template {
    /// The name behind `--template`.
    pub(crate) kind: &'static str,
    pub(crate) title: (&'static str, &'static str),
    pub(crate) about: (&'static str, &'static str),
    /// Commands that ask the running function something.
    pub(crate) ask: &'static str,
    /// Seconds.
    pub(crate) timeout: u32,
    pub(crate) concurrency: u32,
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// More properties of `s.yaml`, each line with its indentation and its end.
    pub(crate) settings: &'static str,
    pub(crate) has_trigger: bool,
    /// Its own files, by their paths in the package. They take the place of shared ones.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

impl Template {
    /// The name of its package: `start-fc3-rust-http`.
    pub(crate) fn package(&self) -> String {
        format!("start-fc3-rust-{}", self.kind)
    }
}

macro_rules! own {
    ($package:literal, $($path:literal),+) => {
        &[$(($path, include_str!(concat!("../../../templates/start-fc3-rust-", $package, "/", $path)))),+]
    };
}

/// All templates, the first one by default.
pub(crate) const TEMPLATES: [Template; 9] = [
    Template {
        kind: "http",
        title: ("A web function in Rust", "Rust Web 函数"),
        about: (
            "Routes with parameters, JSON in and out, errors with statuses, and state that requests share.",
            "带参数的路由、JSON 请求与响应、带状态码的错误，以及请求之间共享的状态。",
        ),
        ask: "curl http://127.0.0.1:8080/hello/you\n\
              curl http://127.0.0.1:8080/items --json '{\"name\": \"tea\", \"price\": 5}'",
        timeout: 30,
        concurrency: 20,
        environment: &[],
        settings: "",
        has_trigger: true,
        files: own!("http", "src/Cargo.toml", "src/src/main.rs"),
    },
    Template {
        kind: "sse",
        title: ("Server-sent events in Rust", "Rust SSE 函数（服务器推送事件）"),
        about: (
            "A stream of events that a page shows, and that goes on where a broken connection left it. A stream ends with the function's `timeout`.",
            "网页可以显示的事件流；连接断开后从断点继续。事件流最长持续到函数的 `timeout`。",
        ),
        ask: "curl -N 'http://127.0.0.1:8080/ticks?n=3'      # or open http://127.0.0.1:8080/ in a browser",
        timeout: 600,
        concurrency: 100,
        environment: &[],
        settings: "",
        has_trigger: true,
        files: own!("sse", "src/Cargo.toml", "src/src/main.rs"),
    },
    Template {
        kind: "websocket",
        title: ("WebSockets in Rust", "Rust WebSocket 函数"),
        about: (
            "A chat with a page for it. A socket is one request, and ends with the function's `timeout`; a message has 6 MiB at most.",
            "一个带网页的聊天室。一个 WebSocket 就是一次请求，最长持续到函数的 `timeout`；一条消息最多 6 MiB。",
        ),
        ask: "# open http://127.0.0.1:8080/ in two windows, or:\nnpx wscat -c 'ws://127.0.0.1:8080/chat?name=ann'",
        timeout: 600,
        concurrency: 100,
        environment: &[],
        settings: "",
        has_trigger: true,
        files: own!("websocket", "src/Cargo.toml", "src/src/main.rs"),
    },
    Template {
        kind: "grpc",
        title: ("A gRPC service in Rust", "Rust gRPC 函数"),
        about: (
            "Methods as closures, with health, reflection and gRPC-Web. The platform takes gRPC by TLS at port 8089 of the function's host or a custom domain.",
            "以闭包实现的方法，带健康检查、反射和 gRPC-Web。平台在函数域名或自定义域名的 8089 端口通过 TLS 接收 gRPC。",
        ),
        ask: "grpcurl -plaintext -d '{\"name\": \"you\"}' 127.0.0.1:8089 greeter.Greeter/SayHello",
        timeout: 60,
        concurrency: 100,
        environment: &[],
        settings: "",
        has_trigger: true,
        files: own!("grpc", "src/Cargo.toml", "src/build.rs", "src/proto/greeter.proto", "src/src/main.rs"),
    },
    Template {
        kind: "event",
        title: ("An event function in Rust", "Rust 事件函数"),
        about: (
            "Typed events of triggers, here of an object store, and an initializer. No HTTP trigger: events call the function.",
            "触发器事件的类型（这里是对象存储 OSS），以及初始化钩子。没有 HTTP 触发器：函数由事件调用。",
        ),
        ask: "fc-local send oss NAME --set events.oss.object.key=in/tea.png      # NAME is the function's, in s.yaml",
        timeout: 60,
        concurrency: 10,
        environment: &[("ENDING", ".png")],
        settings: "      instanceLifecycleConfig:\n        initializer:\n          handler: initialize\n          timeout: 10\n",
        has_trigger: false,
        files: own!("event", "src/Cargo.toml", "src/src/main.rs"),
    },
    Template {
        kind: "async",
        title: ("Asynchronous tasks in Rust", "Rust 异步任务函数"),
        about: (
            "Long work that the platform takes with 202, keeps, carries out later and repeats after failures: as a task that can be looked at and stopped.",
            "平台以 202 接受并保存的长任务，稍后执行，失败后重试；作为任务可以查询和停止。",
        ),
        ask: "curl http://127.0.0.1:8080/report -H 'X-Fc-Invocation-Type: Async' -H 'X-Fc-Async-Task-Id: r1' --json '{\"id\": \"a\", \"pages\": 30}'\n\
              fc-local tasks list NAME      # NAME is the function's, in s.yaml",
        timeout: 600,
        concurrency: 10,
        environment: &[],
        settings: "      asyncInvokeConfig:\n        asyncTask: true\n        maxAsyncRetryAttempts: 3\n        maxAsyncEventAgeInSeconds: 86400\n",
        has_trigger: true,
        files: own!("async", "src/Cargo.toml", "src/src/main.rs"),
    },
    Template {
        kind: "axum",
        title: ("An axum router in Rust", "Rust axum 函数"),
        about: (
            "A router of axum with a layer of tower-http, unchanged, beside routes of the runtime.",
            "原样使用的 axum 路由和 tower-http 中间件，与运行时自己的路由并存。",
        ),
        ask: "curl 'http://127.0.0.1:8080/sum?a=1&b=2'\ncurl http://127.0.0.1:8080/sum --json '{\"a\": 1, \"b\": 2}'",
        timeout: 30,
        concurrency: 20,
        environment: &[],
        settings: "",
        has_trigger: true,
        files: own!("axum", "src/Cargo.toml", "src/src/main.rs"),
    },
    Template {
        kind: "mcp",
        title: ("An MCP server in Rust", "Rust MCP 服务器函数"),
        about: (
            "Tools of the Model Context Protocol over streamable HTTP, by the official crate `rmcp`. The platform leads each session to its instance.",
            "通过 Streamable HTTP 提供模型上下文协议（MCP）的工具，使用官方的 `rmcp`。平台把每个会话引到它的实例。",
        ),
        ask: "npx @modelcontextprotocol/inspector --cli http://127.0.0.1:8080/mcp --transport http --method tools/list",
        timeout: 600,
        concurrency: 100,
        environment: &[],
        settings: "      sessionAffinity: MCP_STREAMABLE\n      sessionAffinityConfig: '{\"sessionConcurrencyPerInstance\": 20}'\n",
        has_trigger: true,
        files: own!("mcp", "src/Cargo.toml", "src/src/main.rs"),
    },
    Template {
        kind: "container",
        title: ("A container in Rust", "Rust 容器函数"),
        about: (
            "A web function as an image: one static program on nothing else, which no root runs.",
            "以镜像部署的 Web 函数：镜像中只有一个静态链接的程序，并且不以 root 运行。",
        ),
        ask: "curl http://127.0.0.1:8080/hello/you",
        timeout: 30,
        concurrency: 20,
        environment: &[],
        settings: "",
        has_trigger: true,
        files: own!(
            "container",
            "src/.dockerignore",
            "src/Cargo.toml",
            "src/Dockerfile",
            "src/readme.md",
            "src/readme_zh.md",
            "src/s.yaml",
            "src/src/main.rs"
        ),
    },
];
