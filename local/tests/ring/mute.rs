//! `x-local.log`: whose lines enter the log.

use fc_local::Kind;

use crate::fake::Program;
use crate::function::{Asked, serve, text};
use crate::harness::{Ring, f};

/// The lines so far, each with a mark of its stream.
fn lines(ring: &Ring) -> Vec<String> {
    let all = ring.all();
    let lines = all.iter().filter_map(|event| match &event.kind {
        Kind::Stdout(text) => Some(format!("out {text}")),
        Kind::Stderr(text) => Some(format!("err {text}")),
        _ => None,
    });
    lines.collect()
}

fn talking(log: &str) -> Ring {
    Ring::running(f().local("log", log), |program: Program| async move {
        let speaker = program.clone();
        serve(program, move |_: Asked| {
            let speaker = speaker.clone();
            async move {
                speaker.complains("told").await;
                speaker.prints("told").await;
                text("")
            }
        })
        .await
    })
}

#[test]
fn a_function_is_muted_as_its_manifest_says() {
    for (log, expected) in [("all", &["out told", "err told"][..]), ("errors", &["err told"]), ("none", &[])]
    {
        let ring = talking(log);
        ring.get("/").assert_ok();
        // Both pipes are read at the end of a call.
        let mut told = lines(&ring);
        told.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(told, expected, "{log}");
    }
}

#[test]
fn a_muted_program_that_does_not_start_is_heard() {
    let ring = Ring::running(f().local("log", "none"), |program: Program| async move {
        program.prints("going down").await;
        program.complains("because").await;
        3
    });
    ring.get("/").assert_status(412);
    let mut told = lines(&ring);
    told.sort_unstable();
    assert_eq!(told, ["err because", "out going down"]);
}
