//! Runs ffmpeg, tells how far it is, and ends it when nobody wants its result any more.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fc_runtime::{Error, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// What is read: containers that name no other files and no addresses, as play lists do.
const READ: &str = "avi,flv,matroska,mov,mp4,mpegts,webm";

/// How often progress is told at most.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// How many of ffmpeg's last lines an error shows.
const LAST_LINES: usize = 8;

/// Makes `target` of `source`. Dropping the future kills ffmpeg.
pub async fn transcode(program: &str, source: &Path, target: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.args(["-nostdin", "-hide_banner", "-nostats", "-loglevel", "info", "-progress", "pipe:1"]);
    command.args(["-protocol_whitelist", "file", "-format_whitelist", READ]);
    command.arg("-i").arg(source).arg(target);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child =
        command.spawn().map_err(|error| Error::new(500, format!("cannot start {program}: {error}")))?;
    let lines = |pipe| BufReader::new(pipe).lines();
    let mut progress = lines(child.stdout.take().ok_or_else(|| Error::new(500, "ffmpeg has no output"))?);
    let mut said =
        BufReader::new(child.stderr.take().ok_or_else(|| Error::new(500, "ffmpeg has no errors"))?).lines();
    let (mut length, mut last, mut told) = (None, VecDeque::new(), Instant::now());
    let (mut has_progress, mut has_said) = (true, true);
    while has_progress || has_said {
        tokio::select! {
            line = progress.next_line(), if has_progress => match line? {
                Some(line) => {
                    if let Some(at) = line.strip_prefix("out_time_us=").and_then(|us| us.parse().ok()).map(Duration::from_micros)
                        && told.elapsed() >= TOLD_EVERY
                    {
                        told = Instant::now();
                        tell(at, length);
                    }
                }
                None => has_progress = false,
            },
            line = said.next_line(), if has_said => match line? {
                Some(line) => {
                    length = length.or_else(|| duration(&line));
                    if last.len() == LAST_LINES {
                        last.pop_front();
                    }
                    last.push_back(line);
                }
                None => has_said = false,
            },
        }
    }
    let status = child.wait().await?;
    if status.success() {
        return Ok(());
    }
    let last: Vec<String> = last.into();
    Err(Error::new(500, format!("ffmpeg ended with {status}: {}", last.join(" | "))))
}

fn tell(at: Duration, length: Option<Duration>) {
    let seconds = at.as_secs_f64();
    match length {
        Some(length) if !length.is_zero() => {
            let percent = (seconds / length.as_secs_f64() * 100.0).min(100.0);
            tracing::info!("transcoded {percent:.0} %: {seconds:.1} s of {:.1} s", length.as_secs_f64());
        }
        _ => tracing::info!("transcoded {seconds:.1} s"),
    }
}

/// The length in a line such as `  Duration: 00:00:05.02, start: 0.000000, bitrate: 107 kb/s`.
fn duration(line: &str) -> Option<Duration> {
    let text = line.trim_start().strip_prefix("Duration: ")?.split(',').next()?;
    let mut parts = text.split(':');
    let mut next = || parts.next()?.parse::<f64>().ok();
    let (hours, minutes, seconds) = (next()?, next()?, next()?);
    Duration::try_from_secs_f64(hours * 3600.0 + minutes * 60.0 + seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_found() {
        let line = "  Duration: 01:02:05.50, start: 0.000000, bitrate: 107 kb/s";
        assert_eq!(duration(line), Some(Duration::from_millis(3_725_500)));
        assert_eq!(duration("  Duration: N/A, start: 0.0"), None);
        assert_eq!(duration("Stream #0:0"), None);
    }
}
