//! Section 7: goodbyes.

use super::{BINARY, BYE, CLOSE, ENDS, End, Frame, PING, TEXT, TEXT_BEGINS, check};
use crate::support::Server;

#[test]
fn what_follows_a_goodbye_is_not_answered() {
    let server = Server::contract();
    let hello: Frame<'_> = (TEXT, b"Hello World!");
    check(&server, "7.1.1", &[hello, BYE], &[hello, BYE], End::Closed);
    check(&server, "7.1.2", &[BYE, BYE], &[BYE], End::Closed);
    check(&server, "7.1.3", &[BYE, (PING, b"")], &[BYE], End::Closed);
    check(&server, "7.1.4", &[BYE, hello], &[BYE], End::Closed);
    let halves = [(TEXT_BEGINS, &b"fragment1"[..]), BYE, (ENDS, b"fragment2")];
    check(&server, "7.1.5", &halves, &[BYE], End::Closed);
}

/// Whatever was sent before a goodbye is answered before it.
#[test]
fn a_large_message_before_a_goodbye_is_answered_whole() {
    let server = Server::contract();
    let large = vec![b'*'; 256 * 1024];
    let sent: [Frame<'_>; 4] = [(BINARY, &large), (TEXT, b"Hello World!"), BYE, (PING, b"")];
    super::check_in_turn(&server, "7.1.6", &[(&sent, &sent[..3])], End::Closed);
}

#[test]
fn the_payload_of_a_goodbye() {
    let server = Server::contract();
    let longest = [&b"\x03\xe8"[..], &[b'*'; 123]].concat();
    check(&server, "7.3.1", &[(CLOSE, b"")], &[(CLOSE, b"")], End::Closed);
    check(&server, "7.3.2", &[(CLOSE, b"a")], &[], End::Refused(1002));
    check(&server, "7.3.3", &[BYE], &[BYE], End::Closed);
    check(&server, "7.3.4", &[(CLOSE, b"\x03\xe8Hello!")], &[(CLOSE, b"\x03\xe8Hello!")], End::Closed);
    check(&server, "7.3.5", &[(CLOSE, &longest)], &[(CLOSE, &longest)], End::Closed);
    check(&server, "7.3.6", &[(CLOSE, &[&longest[..], b"*"].concat())], &[], End::Refused(1002));
    let no_text = b"\x03\xe8\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    check(&server, "7.5.1", &[(CLOSE, no_text)], &[], End::Refused(1007));
}

#[test]
fn codes_of_a_goodbye() {
    let server = Server::contract();
    // 1012 to 1014 came into the registry later than into the suite.
    let good = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3003, 3008, 3999, 4000,
        4999,
    ];
    for code in good {
        let code = u16::to_be_bytes(code);
        check(&server, "7.7", &[(CLOSE, &code)], &[(CLOSE, &code)], End::Closed);
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        let code = u16::to_be_bytes(code);
        check(&server, "7.9 and 7.13", &[(CLOSE, &code)], &[], End::Refused(1002));
    }
}
