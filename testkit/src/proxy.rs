//! nginx in front of a function, set up as each test needs it.

use std::net::TcpStream;
use std::process::{Command, Stdio};

use testkit::process::free_port;
use testkit::until;

use crate::tools::{Folder, Running};

/// A running nginx.
pub struct Proxy {
    _child: Running,
    pub port: u16,
    folder: Folder,
}

/// What a test says of its own, in nginx's words.
#[derive(Default)]
pub struct Config<'a> {
    /// In the block `http`, where `function` names what stands behind.
    pub http: &'a str,
    /// Behind the port that it listens on.
    pub listen: &'a str,
    /// In the block of the only location.
    pub location: &'a str,
}

impl Proxy {
    #[track_caller]
    pub fn start(upstream: u16, config: &Config<'_>) -> Self {
        let port = free_port();
        let folder = Folder::new(&format!("nginx-{port}"));
        let Config { http, listen, location } = config;
        let place = folder.0.display();
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
        std::fs::write(folder.file("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder.0).arg("-e").arg(folder.file("error.log"));
        command.arg("-c").arg(folder.file("nginx.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Running::start(&mut command);
        until("nginx to listen", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "nginx ended: {}", folder.text("error.log"));
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { _child: child, port, folder }
    }

    /// Its records: status, method, path, id.
    pub fn records(&self) -> String {
        self.folder.text("access.log")
    }

    #[track_caller]
    pub fn assert_no_error(&self) {
        let errors = self.folder.text("error.log");
        assert!(!errors.contains("[error]"), "{errors}");
    }
}
