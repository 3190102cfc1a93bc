//! A program in the root folder of another system, in place of the platform's image: what it links it has to find there, and
//! names are resolved by a server of the test.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use testkit::{Folder, Launch, Program};

/// The roots in `FC_PACKAGE_ROOTS`, which `debootstrap` makes: `bullseye:bookworm` as paths. Programs and an `/etc/resolv.conf`
/// are written there.
pub(super) fn roots() -> Vec<PathBuf> {
    std::env::var_os("FC_PACKAGE_ROOTS").map(|all| std::env::split_paths(&all).collect()).unwrap_or_default()
}

/// A root with nothing in it.
pub(super) fn empty_root() -> Folder {
    Folder::new()
}

/// Starts a program in a root, with no variables of this machine but its port. Gives the port too.
#[track_caller]
pub(super) fn start_in(root: &Path, program: &Path) -> (Program, u16) {
    let place = root.join("code/bootstrap");
    fs::create_dir_all(root.join("code")).unwrap();
    fs::copy(program, &place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    let launch = Launch::new("/code/bootstrap").var("RUST_BACKTRACE", "0");
    launch.by(&["chroot", root.to_str().unwrap()]).start_on_port("FC_CUSTOM_LISTEN_PORT")
}

/// A name server. Every name is at 127.0.0.1.
#[derive(Debug)]
pub(super) struct NameServer {
    address: Ipv4Addr,
    asked: Receiver<String>,
}

impl NameServer {
    pub(super) fn start() -> Self {
        // Other tests have one too, and so have those of other processes.
        let begin = std::process::id().to_be_bytes()[3];
        let (address, socket) = (0..=u8::MAX)
            .map(|step| Ipv4Addr::new(127, 53, step, begin.max(1)))
            .find_map(|address| Some((address, UdpSocket::bind((address, 53)).ok()?)))
            .expect("port 53 of 127.53.*.* cannot be had: run as root, as chroot needs it too");
        let (asks, asked) = channel();
        std::thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut query) {
                let Some((name, reply)) = answer(&query[..length]) else { continue };
                _ = socket.send_to(&reply, client);
                if asks.send(name).is_err() {
                    return;
                }
            }
        });
        NameServer { address, asked }
    }

    /// Has the programs of a root ask this server.
    pub(super) fn set_in(&self, root: &Path) {
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/resolv.conf"), format!("nameserver {}\n", self.address)).unwrap();
    }

    /// Waits until somebody asks for a name.
    #[track_caller]
    pub(super) fn assert_asked(&self, name: &str) {
        while let Ok(asked) = self.asked.recv_timeout(Duration::from_secs(10)) {
            if asked == name {
                return;
            }
        }
        panic!("nobody asked for {name}");
    }
}

/// The name that a query asks for, and the reply: the address where an address of version 4 is asked for, else nothing.
fn answer(query: &[u8]) -> Option<(String, Vec<u8>)> {
    const HEAD: usize = 12;
    let (mut at, mut labels) = (HEAD, Vec::new());
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).into_owned());
        at += length;
    }
    // Type and class stand behind the name.
    let question = query.get(HEAD..at + 4)?;
    let is_v4 = question.ends_with(&[0, 1, 0, 1]);
    let mut reply = query[..2].to_vec();
    // A response with recursion; one question, and as many answers.
    reply.extend([0x81, 0x80, 0, 1, 0, u8::from(is_v4), 0, 0, 0, 0]);
    reply.extend(question);
    if is_v4 {
        // The name of the question, its type and class, a minute, and four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some((labels.join("."), reply))
}
