//! 32 MiB down, and up and back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::{Bench, Server, Under};
use crate::row::Row;
use crate::subjects::Subject;

pub(crate) static DOWN: Measure = Measure::new("download-cpu", "down, CPU µs per MiB", 0);
pub(crate) static DOWN_PEAK: Measure = Measure::new("download-peak", "peak RSS, KiB", 0);
pub(crate) static BACK: Measure = Measure::new("echo-cpu", "up and back, CPU µs per MiB", 0);
pub(crate) static BACK_PEAK: Measure = Measure::new("echo-peak", "peak RSS then, KiB", 0);

pub(crate) static ROW: Row = Row {
    name: "payload",
    title: "32 MiB down, and up and back",
    about: "`GET /large` streams 32 MiB; `POST /echo` streams 32 MiB in and out at the same time. Each four times on a new \
            connection to one process. Processor time, user and system; the most that was ever resident.",
    measures: &[&DOWN, &DOWN_PEAK, &BACK, &BACK_PEAK],
    plots: &[&BACK],
    ci: false,
    take,
};

pub(super) const MIB: u32 = 1 << 20;
pub(super) const SIZE: u32 = 32 * MIB;
const TIMES: u32 = 4;

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..bench.rounds(5) {
        for subject in bench.deployed() {
            let both = once(bench, subject, figures, &DOWN, &DOWN_PEAK, down)
                .and_then(|()| once(bench, subject, figures, &BACK, &BACK_PEAK, back));
            both.map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    Ok(())
}

fn once(
    bench: &Bench,
    subject: &Subject,
    figures: &mut Figures,
    cpu: &Measure,
    peak: &Measure,
    transfer: fn(&Server) -> Outcome<()>,
) -> Outcome<()> {
    let mut server = bench.start(subject, Under::Nothing)?;
    drop(server.connect()?);
    let spent = bench.processors.on_client(|| {
        transfer(&server)?;
        let before = server.cpu_us()?;
        for _ in 0..TIMES {
            transfer(&server)?;
        }
        Ok(server.cpu_us()? - before)
    })?;
    figures.push(cpu, subject, spent / f64::from(TIMES * SIZE / MIB));
    figures.push(peak, subject, server.status_kib("VmHWM")?);
    Ok(())
}

pub(super) fn down(server: &Server) -> Outcome<()> {
    let mut stream = connect(server)?;
    write!(stream, "GET /large?bytes={SIZE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    whole(&drain(stream)?)
}

fn back(server: &Server) -> Outcome<()> {
    whole(&up(server, "/echo")?)
}

/// The end of the answer to a body of 32 MiB, and its length.
pub(super) fn up(server: &Server, path: &str) -> Outcome<Drained> {
    static PIECE: [u8; 64 * 1024] = [0; 64 * 1024];
    let stream = connect(server)?;
    let mut writer = stream.try_clone()?;
    thread::scope(|scope| {
        let written = scope.spawn(move || {
            write!(
                writer,
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/octet-stream\r\n\
                 content-length: {SIZE}\r\n\r\n"
            )?;
            (0..SIZE as usize / PIECE.len()).try_for_each(|_| writer.write_all(&PIECE))
        });
        let drained = drain(stream)?;
        written.join().map_err(|_| "the writer panicked")??;
        Ok(drained)
    })
}

/// An answer that was read.
pub(super) struct Drained {
    length: usize,
    /// Its last bytes, as one read gave them.
    pub(super) end: Vec<u8>,
}

/// At least the body has to come.
fn whole(drained: &Drained) -> Outcome<()> {
    if drained.length < SIZE as usize { Err("a short body".into()) } else { Ok(()) }
}

/// To its end, which is the connection's.
fn drain(mut stream: TcpStream) -> Outcome<Drained> {
    let mut piece = vec![0; 256 * 1024];
    let (mut length, mut last) = (0, 0);
    loop {
        let read = stream.read(&mut piece)?;
        if length == 0 && !piece.starts_with(b"HTTP/1.1 200") {
            return Err(format!("answered {}", String::from_utf8_lossy(&piece[..read.min(40)])).into());
        }
        length += read;
        if read == 0 {
            piece.truncate(last);
            return Ok(Drained { length, end: piece });
        }
        last = read;
    }
}

fn connect(server: &Server) -> Outcome<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}
