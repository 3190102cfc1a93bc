//! The first event of an MCP stream, which names the session.

/// How much of a stream is read in search of the event, in bytes.
const READ_MAX: usize = 4096;

/// Looks for the event `endpoint` at the beginning of a stream.
#[derive(Debug, Default)]
pub(super) struct EndpointEvent {
    read: Vec<u8>,
}

/// What was found so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The event may still come.
    NotYet,
    /// The stream names no session.
    Nothing,
    Session(String),
}

impl EndpointEvent {
    /// Reads a piece of the stream.
    pub(super) fn read(&mut self, piece: &[u8]) -> Found {
        let room = READ_MAX.saturating_sub(self.read.len());
        self.read.extend_from_slice(&piece[..piece.len().min(room)]);
        let Ok(text) = std::str::from_utf8(&self.read) else { return Found::Nothing };
        let is_full = self.read.len() >= READ_MAX;
        let (mut event, mut data) = ("", "");
        for line in text.split_inclusive(['\n', '\r']) {
            let Some(line) = line.strip_suffix(['\n', '\r']) else { break };
            if let Some(value) = field(line, "event") {
                event = value;
            } else if let Some(value) = field(line, "data") {
                data = value;
            }
            if event == "endpoint" && !data.is_empty() {
                return session(data).map_or(Found::Nothing, Found::Session);
            }
        }
        if is_full { Found::Nothing } else { Found::NotYet }
    }
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix(name)?.strip_prefix(':').map(|value| value.strip_prefix(' ').unwrap_or(value))
}

/// The session in an address such as `/messages?sessionId=1`.
fn session(address: &str) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| matches!(*name, "sessionId" | "session_id")).map(|(_, id)| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], expected: &[Found]) {
        let mut event = EndpointEvent::default();
        let found: Vec<Found> = pieces.iter().map(|piece| event.read(piece.as_bytes())).collect();
        assert_eq!(found, expected, "{pieces:?}");
    }

    #[test]
    fn the_first_event_names_the_session() {
        let one = || Found::Session("1".to_owned());
        check(&["event: endpoint\ndata: /messages?sessionId=1\n\n"], &[one()]);
        check(&["event:endpoint\r\ndata:/m?a=b&session_id=1\r\n\r\n"], &[one()]);
        check(
            &["event: end", "point\ndata: /m?session", "Id=1", "\n"],
            &[Found::NotYet, Found::NotYet, Found::NotYet, one()],
        );
        check(&[": hello\n\nevent: endpoint\ndata: /m?sessionId=1\n\n"], &[one()]);
        check(&["event: endpoint\ndata: /messages\n\n"], &[Found::Nothing]);
        check(&["data: x\n\n"], &[Found::NotYet]);
        check(&[&"x".repeat(5000)], &[Found::Nothing]);
    }
}
