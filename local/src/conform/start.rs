//! The start: the port, its address, and the first request.

use super::bench::Bench;
use super::case::{Case, Need, Outcome, check, seen};
use super::sources::{CUSTOM_RUNTIME, ENVIRONMENT, START_ERRORS};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "start-listens",
        route: "",
        title: "the program opens its port in time",
        need: Need::Must,
        source: CUSTOM_RUNTIME,
        advice: "Start an HTTP server on the port that FC_SERVER_PORT names (9000 by default). The platform waits for it for 120 s; a program that takes longer here needs --timeout, one that has another port --port.",
        run: |bench| Box::pin(listens(bench)),
    },
    Case {
        id: "start-first-request",
        route: "",
        title: "the first request behind the open port is answered",
        need: Need::Must,
        source: CUSTOM_RUNTIME,
        advice: "Open the port when the program is ready to answer, or let early requests wait: the platform sends calls as soon as it can connect.",
        run: |bench| Box::pin(first_request(bench)),
    },
    Case {
        id: "start-given-port",
        route: "",
        title: "the port is the one that the environment names",
        need: Need::Should,
        source: ENVIRONMENT,
        advice: "Read FC_SERVER_PORT or FC_CUSTOM_LISTEN_PORT, with 9000 as the default. With a fixed port, say the same number in customRuntimeConfig.port.",
        run: |bench| Box::pin(given_port(bench)),
    },
    Case {
        id: "start-all-addresses",
        route: "",
        title: "the port is open on 0.0.0.0",
        need: Need::Must,
        source: START_ERRORS,
        advice: "Listen on 0.0.0.0 instead of 127.0.0.1 or localhost: the platform connects from outside of the instance.",
        run: |bench| Box::pin(all_addresses(bench)),
    },
];

async fn listens(bench: &mut Bench) -> Outcome {
    bench.program().await.map(drop)
}

async fn first_request(bench: &mut Bench) -> Outcome {
    bench.program().await?;
    match &bench.first {
        Ok(status) => check(*status < 500 || *status == 501, || format!("it is answered with {status}")),
        Err(text) => seen(text),
    }
}

async fn given_port(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let (given, port) = (program.given_port, program.port);
    check(given == port, || format!("the environment names {given}, and the program listens on {port}"))
}

async fn all_addresses(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let own: Vec<_> = program.listening().into_iter().filter(|open| open.port == program.port).collect();
    if own.is_empty() {
        return seen("it cannot be seen who listens on the port");
    }
    check(own.iter().any(|open| !open.is_loopback), || {
        format!("port {} is open on a loopback address alone", program.port)
    })
}
