//! nginx in front of a function, set up as each test needs it.

use crate::process::free_port;
use crate::{Folder, Launch, Program};

/// A running nginx.
#[derive(Debug)]
pub struct Proxy {
    /// It ends before its folder goes.
    _program: Program,
    /// Where it listens.
    pub port: u16,
    folder: Folder,
}

/// What a test says of its own, in nginx's words.
#[derive(Debug, Default)]
pub struct Config<'a> {
    /// In the block `http`, where `function` names what stands behind.
    pub http: &'a str,
    /// Behind the port that it listens on.
    pub listen: &'a str,
    /// In the block of the only location.
    pub location: &'a str,
}

impl Proxy {
    /// Starts one that passes everything to the port `upstream`, and waits until it listens.
    #[track_caller]
    pub fn start(upstream: u16, config: &Config<'_>) -> Self {
        let port = free_port();
        let folder = Folder::new();
        let Config { http, listen, location } = config;
        let place = folder.path().display();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error.log warn;\n\
             worker_rlimit_nofile 8192;\nevents {{ worker_connections 4096; }}\n\
             http {{\n\
             log_format short '$status $request_method $uri $request_id';\n\
             access_log {place}/access.log short;\n\
             client_body_temp_path {place}/b;\nproxy_temp_path {place}/p;\nfastcgi_temp_path {place}/f;\n\
             uwsgi_temp_path {place}/u;\nscgi_temp_path {place}/s;\n{http}\n\
             upstream function {{ server 127.0.0.1:{upstream}; keepalive 64; }}\n\
             server {{\nlisten 127.0.0.1:{port} {listen};\nlocation / {{\n{location}\n}}\n}}\n}}\n"
        );
        let config = folder.write("nginx.conf", &config);
        let launch = Launch::new("nginx").args(["-p".into(), folder.path().to_owned()]);
        let launch = launch.args(["-e".into(), folder.file("error.log"), "-c".into(), config]);
        let mut program = launch.start();
        assert!(program.until_open(port), "nginx ended: {}", folder.text("error.log"));
        Self { _program: program, port, folder }
    }

    /// Its records: status, method, path, id.
    pub fn records(&self) -> String {
        self.folder.text("access.log")
    }

    /// It had nothing to complain of.
    #[track_caller]
    pub fn assert_no_error(&self) {
        let errors = self.folder.text("error.log");
        assert!(!errors.contains("[error]"), "{errors}");
    }
}
