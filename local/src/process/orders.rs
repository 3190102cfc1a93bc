//! The orders of fc-local to a guard: they reach the instance as signals, until the instance has ended.
//!
//! One thread hears the orders and the end of the instance, and looks at the instance's `/tmp`. Each thread of a guard would cost
//! memory once for every instance.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::disk::Disk;

/// The pause between two looks at an instance whose end the kernel does not tell. Kernels before Linux 5.3 do not.
const LOOK: Duration = Duration::from_millis(20);

/// The receiving end of the orders.
#[derive(Debug)]
pub(super) struct Orders {
    /// `None` once fc-local has ended.
    control: Option<UnixStream>,
    /// The begin of an order whose end has not come.
    part: Vec<u8>,
    /// `None` once fc-local was told that the instance keeps too much, which it is told once.
    disk: Option<Disk>,
}

impl Orders {
    pub(super) fn new(control: UnixStream, disk: Option<Disk>) -> Self {
        Orders { control: Some(control), part: Vec::new(), disk }
    }

    /// Carries out orders until `instance` has ended, and reaps the instance. The end of fc-local is an order to kill.
    pub(super) fn carry_out(mut self, instance: &mut Child) -> io::Result<ExitStatus> {
        let group = i32::try_from(instance.id()).ok().and_then(Pid::from_raw);
        let group = group.ok_or(io::ErrorKind::InvalidInput)?;
        let end = rustix::process::pidfd_open(group, PidfdFlags::empty()).ok();
        loop {
            // The process is reaped here alone, so no signal below reaches another process of the same number.
            if let Some(status) = instance.try_wait()? {
                return Ok(status);
            }
            match self.wait(end.as_ref()) {
                Ok(true) => self.hear(group),
                Ok(false) => {}
                // Nothing would be heard any more, not even that fc-local has ended.
                Err(_) => {
                    signal(group, Signal::KILL);
                    return instance.wait();
                }
            }
            self.look_at_disk();
        }
    }

    fn look_at_disk(&mut self) {
        if let Some(bytes) = self.disk.as_mut().and_then(Disk::look) {
            self.disk = None;
            // Fails if fc-local is gone. Nobody needs the report then.
            _ = self.control.as_mut().map(|control| writeln!(control, "disk {bytes}"));
        }
    }

    /// Waits for the next order, the end of the instance, or the time for a look. True if an order has come.
    fn wait(&self, end: Option<&OwnedFd>) -> io::Result<bool> {
        let control = self.control.as_ref().map(AsFd::as_fd);
        let sources = control.into_iter().chain(end.map(AsFd::as_fd));
        let mut watched: Vec<PollFd<'_>> =
            sources.map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN)).collect();
        let pauses = [self.disk.as_ref().map(Disk::pause), end.is_none().then_some(LOOK)];
        let pause = pauses.into_iter().flatten().min().map(Timespec::try_from).transpose();
        match poll(&mut watched, pause.map_err(|_| io::ErrorKind::InvalidInput)?.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(control.is_some() && watched.first().is_some_and(|control| !control.revents().is_empty()))
    }

    /// Reads what has come, and passes it on to the group of processes.
    fn hear(&mut self, group: Pid) {
        let mut chunk = [0; 64];
        let Some(control) = &self.control else { return };
        match rustix::io::read(control, &mut chunk) {
            Ok(length) if length > 0 => self.part.extend_from_slice(&chunk[..length]),
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => {
                self.control = None;
                signal(group, Signal::KILL);
            }
        }
        while let Some(end) = self.part.iter().position(|byte| *byte == b'\n') {
            signal(group, signal_of(&self.part[..end]));
            self.part.drain(..=end);
        }
    }
}

fn signal_of(order: &[u8]) -> Signal {
    match order {
        b"term" => Signal::TERM,
        b"stop" => Signal::STOP,
        b"cont" => Signal::CONT,
        _ => Signal::KILL,
    }
}

fn signal(group: Pid, signal: Signal) {
    // The signal fails only if every process of the group has ended. The next look notices such an end.
    _ = rustix::process::kill_process_group(group, signal);
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::Command;

    use super::*;

    fn start(script: &str) -> (Child, Orders, UnixStream) {
        let child = Command::new("sh").args(["-c", script]).process_group(0).spawn().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        (child, Orders::new(theirs, None), ours)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "there is no executor")]
    fn an_order_may_come_in_pieces_and_with_the_next_one() {
        let (mut child, orders, mut ours) = start("sleep 60");
        let sender = std::thread::spawn(move || {
            for piece in ["st", "op\nco", "nt\nstop\nterm\ncont\n"] {
                ours.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
            ours
        });
        assert_eq!(orders.carry_out(&mut child).unwrap().signal(), Some(15));
        drop(sender.join().unwrap());
    }

    #[test]
    fn the_end_of_the_sender_kills() {
        let (mut child, orders, ours) = start("trap '' TERM; sleep 60");
        drop(ours);
        assert_eq!(orders.carry_out(&mut child).unwrap().signal(), Some(9));
    }

    #[test]
    fn an_end_without_an_order_is_told() {
        let (mut child, orders, _ours) = start("exit 7");
        assert_eq!(orders.carry_out(&mut child).unwrap().code(), Some(7));
    }

    #[test]
    fn without_news_of_the_end_the_instance_is_looked_at() {
        let (_child, orders, mut ours) = start("exit 0");
        assert!(!orders.wait(None).unwrap(), "there is no order yet");
        ours.write_all(b"cont\n").unwrap();
        assert!(orders.wait(None).unwrap());
    }
}
