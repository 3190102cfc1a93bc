//! Whose a line is, and where it is cut.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use tokio::io::{AsyncWriteExt, DuplexStream};

use super::*;
use crate::event::{Event, Events};
use crate::process::runner::Printed;

/// What reads a pipe to its end. It has a turn only where a test waits for it.
type Reader = Pin<Box<dyn Future<Output = ()>>>;

/// An output, and what reads `pipe`, after its first turn.
fn output(pipe: impl Printed + 'static) -> (Arc<Output>, Events, Reader) {
    let (log, events) = Log::new();
    let redactor = Redactor::new([("TOKEN", "hunter2-hunter2")]);
    let output = Output::new(Source::default(), log, redactor, [Kind::Stdout, Kind::Stderr]);
    let output = Arc::new(output);
    let mut reader: Reader = Box::pin(Arc::clone(&output).read(Box::new(pipe), false));
    assert!(reader.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    (output, events, reader)
}

/// As [`output`], with what the program writes to.
fn program() -> (Arc<Output>, Events, DuplexStream, Reader) {
    let (program, pipe) = tokio::io::duplex(KIB);
    let (output, events, reader) = output(pipe);
    (output, events, program, reader)
}

/// Reads until a line is shown.
async fn shown(output: &Output, reader: &mut Reader) {
    let mut lines = output.lines.subscribe();
    let shown = async {
        tokio::select! {
            () = reader => panic!("it ended"),
            changed = lines.changed() => changed.unwrap(),
        }
    };
    tokio::time::timeout(Duration::from_secs(30), shown).await.expect("it is shown");
}

async fn ended(reader: Reader) {
    tokio::time::timeout(Duration::from_secs(30), reader).await.expect("it ends");
}

#[track_caller]
fn check(events: &mut Events, expected: &[(&str, Option<&str>)]) {
    let mut seen = Vec::new();
    events.take(&mut seen, 10);
    let line = |event: &Arc<Event>| (event.text().into_owned(), event.request.as_deref().map(str::to_owned));
    let expected = expected.iter().map(|(text, id)| ((*text).to_owned(), id.map(str::to_owned)));
    assert_eq!(seen.iter().map(line).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_line_belongs_to_the_call_that_began_it() {
    let (output, mut events, mut program, reader) = program();
    let [one, two] = ["one", "two"].map(Arc::<str>::from);
    let tails = [(); 2].map(|()| Tail::default());
    output.begin(&one, Some(tails[0].clone()));
    // A block ends anywhere, as in a secret.
    program.write_all(b"whole\nkey hunter2-").await.unwrap();
    output.end(&one, Rest::Told);
    output.begin(&two, Some(tails[1].clone()));
    program.write_all(b"hunter2\nof two\nhalf").await.unwrap();
    output.end(&two, Rest::Told);
    drop(program);
    ended(reader).await;
    check(
        &mut events,
        &[
            ("whole", Some("one")),
            ("key ******", Some("one")),
            ("of two", Some("two")),
            ("half", Some("two")),
        ],
    );
    assert_eq!(tails.map(|tail| tail.text()), ["whole\nkey ******\n", "of two\nhalf\n"]);
}

#[tokio::test]
async fn a_line_whose_end_does_not_come_is_shown_and_its_rest_is_of_its_own_time() {
    let (output, mut events, mut program, mut reader) = program();
    let [one, two] = ["one", "two"].map(Arc::<str>::from);
    output.begin(&one, None);
    program.write_all(b"key hunter2-").await.unwrap();
    output.end(&one, Rest::Told);
    shown(&output, &mut reader).await;
    check(&mut events, &[("key ******", Some("one"))]);
    output.begin(&two, None);
    program.write_all(b"hunter2 and more").await.unwrap();
    output.end(&two, Rest::Told);
    shown(&output, &mut reader).await;
    check(&mut events, &[(" and more", Some("two"))]);
    // Only the end was missing.
    program.write_all(b"\nnobody's hunter2").await.unwrap();
    drop(program);
    ended(reader).await;
    check(&mut events, &[("nobody's ******", None)]);
}

#[tokio::test]
async fn what_was_written_while_calls_overlap_is_not_given_to_the_one_that_stays() {
    let (output, mut events, mut program, reader) = program();
    let [one, two, three] = ["one", "two", "three"].map(Arc::<str>::from);
    let tail = Tail::default();
    output.begin(&one, None);
    output.begin(&two, Some(tail.clone()));
    program.write_all(b"of either\n").await.unwrap();
    output.end(&one, Rest::Told);
    program.write_all(b"of two\n").await.unwrap();
    output.begin(&three, None);
    program.write_all(b"of either again\n").await.unwrap();
    output.end(&three, Rest::Told);
    output.end(&two, Rest::Told);
    drop(program);
    ended(reader).await;
    check(&mut events, &[("of either", None), ("of two", Some("two")), ("of either again", None)]);
    assert_eq!(tail.text(), "of two\n");
}

#[tokio::test]
async fn what_was_written_before_a_call_is_not_its_own() {
    let (output, mut events, mut program, reader) = program();
    let one = Arc::<str>::from("one");
    program.write_all(b"before\n").await.unwrap();
    output.begin(&one, None);
    program.write_all(b"within\n").await.unwrap();
    output.end(&one, Rest::Told);
    drop(program);
    ended(reader).await;
    check(&mut events, &[("before", None), ("within", Some("one"))]);
}

/// A pipe that wakes nobody: it has these bytes, or its end, at the next look.
#[derive(Clone, Default)]
struct Mute(Arc<Mutex<Option<&'static [u8]>>>);

impl AsyncRead for Mute {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Some(bytes) = self.0.lock().unwrap().take() else { return Poll::Pending };
        into.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl Printed for Mute {}

/// Whether the reader was woken.
#[derive(Default)]
struct News(AtomicBool);

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A call may see bytes, or the end of a pipe, before the task that reads does.
#[tokio::test]
async fn what_a_call_sees_is_news_to_the_reader() {
    let pipe = Mute::default();
    let (output, mut events, mut reader) = output(pipe.clone());
    let news = Arc::new(News::default());
    let waker = Waker::from(Arc::clone(&news));
    let mut context = Context::from_waker(&waker);
    assert!(reader.as_mut().poll(&mut context).is_pending());
    let id = Arc::<str>::from("id");
    output.begin(&id, None);
    assert!(!news.0.swap(false, Ordering::Relaxed));
    *pipe.0.lock().unwrap() = Some(b"half");
    output.end(&id, Rest::Told);
    assert!(news.0.swap(false, Ordering::Relaxed));
    assert!(reader.as_mut().poll(&mut context).is_pending());
    *pipe.0.lock().unwrap() = Some(b"");
    output.begin(&id, None);
    assert!(news.0.swap(false, Ordering::Relaxed));
    assert!(reader.as_mut().poll(&mut context).is_ready());
    check(&mut events, &[("half", Some("id"))]);
}

#[tokio::test]
async fn the_log_of_a_call_has_its_marks_once() {
    let (output, mut events, mut program, reader) = program();
    let (id, tail) = (Arc::<str>::from("one"), Tail::default());
    output.begin(&id, Some(tail.clone()));
    let marks = "FC Invoke Start RequestId: one\nwithin\nFC Invoke End RequestId: one, Error: own\nFC Invoke End RequestId: one\n";
    program.write_all(marks.as_bytes()).await.unwrap();
    output.end(&id, Rest::Told);
    // fc-local writes the marks of the call by itself.
    assert_eq!(tail.text(), "within\nFC Invoke End RequestId: one, Error: own\n");
    drop(program);
    ended(reader).await;
    let mut seen = Vec::new();
    events.take(&mut seen, 10);
    assert_eq!(seen.len(), 4);
}
