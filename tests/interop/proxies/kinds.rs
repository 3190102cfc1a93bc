//! Which proxies there are, with their settings, and how each is started.

/// One proxy. In `command` and `files`, `@FOLDER@`, `@PORT@`, `@HTTP2@` and `@FUNCTION@` stand for what a test gives it.
#[derive(Debug)]
pub struct Kind {
    /// The name that its rows have.
    pub name: &'static str,
    /// The words that start it. `@PYTHON@` is the folder of the programs that come with Python packages.
    pub command: &'static [&'static str],
    /// The words that make it print its version.
    pub version: &'static [&'static str],
    /// Its settings: names of files, and their texts.
    pub files: &'static [(&'static str, &'static str)],
    /// Whether it speaks HTTP/2 with its clients without TLS.
    pub http2: bool,
    /// Whether it refuses to be root.
    pub shuns_root: bool,
}

/// A file of the folder `settings`, with its name.
macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("settings/", $name)))
    };
}

/// All of them.
pub const KINDS: [Kind; 12] = [
    Kind {
        name: "nginx",
        command: &["nginx", "-p", "@FOLDER@", "-e", "stderr", "-c", "@FOLDER@/nginx.conf"],
        version: &["nginx", "-v"],
        files: &[file!("nginx.conf")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "HAProxy",
        command: &["haproxy", "-db", "-f", "@FOLDER@/haproxy.cfg"],
        version: &["haproxy", "-v"],
        files: &[file!("haproxy.cfg")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "Apache httpd",
        command: &["apache2", "-DFOREGROUND", "-f", "@FOLDER@/httpd.conf"],
        version: &["apache2", "-v"],
        files: &[file!("httpd.conf")],
        http2: true,
        shuns_root: true,
    },
    Kind {
        name: "Caddy",
        command: &["@PYTHON@/caddy", "run", "--config", "@FOLDER@/Caddyfile", "--adapter", "caddyfile"],
        version: &["@PYTHON@/caddy", "version"],
        files: &[file!("Caddyfile")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "Traefik",
        command: &["@PYTHON@/traefik", "--configFile=@FOLDER@/traefik.yaml"],
        version: &["@PYTHON@/traefik", "version"],
        files: &[file!("traefik.yaml"), file!("traefik-routes.yaml")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "Envoy",
        command: &[
            "@PYTHON@/envoy",
            "-c",
            "@FOLDER@/envoy.yaml",
            "--use-dynamic-base-id",
            "--concurrency",
            "1",
            "-l",
            "warning",
        ],
        version: &["@PYTHON@/envoy", "--version"],
        files: &[file!("envoy.yaml")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "nghttpx",
        command: &["nghttpx", "--conf=@FOLDER@/nghttpx.conf"],
        version: &["nghttpx", "--version"],
        files: &[file!("nghttpx.conf")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "h2o",
        command: &["h2o", "-m", "worker", "-c", "@FOLDER@/h2o.conf"],
        version: &["h2o", "-v"],
        files: &[file!("h2o.conf")],
        http2: true,
        shuns_root: true,
    },
    Kind {
        name: "lighttpd",
        command: &["lighttpd", "-D", "-f", "@FOLDER@/lighttpd.conf"],
        version: &["lighttpd", "-v"],
        files: &[file!("lighttpd.conf")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "Varnish",
        command: &[
            "varnishd",
            "-F",
            "-a",
            "127.0.0.1:@PORT@",
            "-f",
            "@FOLDER@/varnish.vcl",
            "-n",
            "@FOLDER@/work",
            "-s",
            "malloc,16m",
            "-j",
            "none",
            "-p",
            "feature=+http2",
        ],
        version: &["varnishd", "-V"],
        files: &[file!("varnish.vcl")],
        http2: true,
        shuns_root: false,
    },
    Kind {
        name: "Squid",
        command: &["squid", "-N", "-f", "@FOLDER@/squid.conf"],
        version: &["squid", "-v"],
        files: &[file!("squid.conf")],
        http2: false,
        shuns_root: true,
    },
    Kind {
        name: "Traffic Server",
        command: &["traffic_server", "--run-root=@FOLDER@/runroot.yaml"],
        version: &["traffic_server", "--version"],
        files: &[
            file!("records.config"),
            file!("remap.config"),
            file!("ip_allow.yaml"),
            file!("runroot.yaml"),
            // No cache: the file has to be there, and names no disk.
            ("storage.config", ""),
        ],
        http2: false,
        shuns_root: true,
    },
];
