//! Metrics: the runtime's own and the author's, as Prometheus' text.

use fc_runtime::metrics::SECONDS;
use fc_runtime::testing::{self, Client};
use fc_runtime::{App, AppErrors, Error, Method, Metrics, Reply, at, guard};

/// The value of the one line that begins like this.
#[track_caller]
fn value(text: &str, begin: &str) -> f64 {
    let found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(begin)?.strip_prefix(' ')).collect();
    assert_eq!(found.len(), 1, "{begin} in {text}");
    found[0].parse().unwrap()
}

fn of(method: &str, route: &str, status: u16) -> String {
    format!(
        "{{http_request_method=\"{method}\",http_route=\"{route}\",http_response_status_code=\"{status}\""
    )
}

fn app(metrics: &Metrics) -> Client {
    App::new()
        .get("/items/{id}", async |ex| Ok(ex.param::<u32>("id")?.to_string()))
        .get("/fails", async |_| -> fc_runtime::Result<&'static str> { Err(Error::unavailable("closed")) })
        .get("/panics", async |_| -> &'static str { panic!("asked to") })
        .get("/endless", async |_| {
            Reply::stream(async_stream::stream! {
                loop {
                    yield Ok::<_, Error>("tick");
                    tokio::task::yield_now().await;
                }
            })
        })
        .event(async |event| if event.text()? == "fail" { Err(Error::conflict("no")) } else { Ok("done") })
        .metrics("/metrics", metrics)
        .test_client()
}

#[test]
#[expect(clippy::float_cmp, reason = "counts are whole numbers")]
fn requests_are_counted_by_route_and_status() {
    testing::run(async {
        let client = app(&Metrics::new());
        for path in ["/items/7", "/items/8", "/items/x", "/fails", "/panics", "/nothing", "/else"] {
            client.get(path).await;
        }
        client.call(Method::from_bytes(b"BREW").unwrap(), "/nothing").await.assert_status(404);
        client.call(Method::from_bytes(b"STEEP").unwrap(), "/nothing").await.assert_status(404);
        let mut endless = client.get("/endless").open().await;
        assert!(endless.piece().await.is_some());
        drop(endless);
        client.invoke("x").await.assert_status(200);
        client.invoke("fail").await.assert_status(404);
        let answer = client.get("/metrics").await;
        answer.assert_header("content-type", "text/plain; version=0.0.4; charset=utf-8");
        let text = answer.text();
        let name = "http_server_request_duration_seconds";
        for (labels, count) in [
            (of("GET", "/items/{id}", 200), 2.0),
            (of("GET", "/items/{id}", 400), 1.0),
            (of("GET", "/fails", 503), 1.0),
            (of("GET", "/panics", 500), 1.0),
            (of("GET", "", 404), 2.0),
            (of("_OTHER", "", 404), 2.0),
            (of("GET", "/endless", 499), 1.0),
        ] {
            assert_eq!(value(&text, &format!("{name}_count{labels}}}")), count, "{labels}");
            assert_eq!(value(&text, &format!("{name}_bucket{labels},le=\"+Inf\"}}")), count);
            assert!(value(&text, &format!("{name}_sum{labels}}}")) < 60.0);
        }
        assert_eq!(value(&text, "http_server_active_requests"), 1.0);
        assert_eq!(value(&text, "fc_clients_left_total"), 1.0);
        assert_eq!(value(&text, "fc_panics_total"), 1.0);
        assert_eq!(value(&text, "faas_invoke_duration_seconds_count{outcome=\"success\"}"), 1.0);
        assert_eq!(value(&text, "faas_invoke_duration_seconds_count{outcome=\"failure\"}"), 1.0);
        assert_eq!(value(&text, "target_info{service_name=\"test\",faas_instance=\"c-test\"}"), 1.0);
        // The scrape itself is counted by the next one.
        let text = client.get("/metrics").await.text();
        assert_eq!(value(&text, &format!("{name}_count{}}}", of("GET", "/metrics", 200))), 1.0);
    });
}

#[test]
fn the_authors_metrics_are_written_as_prometheus_reads_them() {
    testing::run(async {
        let metrics = Metrics::new();
        let orders = metrics.counter_by("shop_orders_total", "Orders\nthat were \\ taken.", ["kind"]);
        orders.with(["tea"]).add(2);
        orders.with(["a \"b\"\\\n"]).add(1);
        metrics.counter_by("shop_orders_total", "Again.", ["kind"]).with(["tea"]).add(1);
        metrics.gauge("shop_waiting", "Waiting.").set(1.5);
        let seconds = metrics.histogram("shop_seconds", "Seconds.", &[0.5, 1.0, 2.5]);
        for value in [0.5, 0.7, 100.0, f64::NAN] {
            seconds.observe(value);
        }
        let text = app(&metrics).get("/metrics").await.text();
        let expected = "# HELP shop_orders_total Orders\\nthat were \\\\ taken.\n# TYPE shop_orders_total counter\n\
                        shop_orders_total{kind=\"a \\\"b\\\"\\\\\\n\"} 1\nshop_orders_total{kind=\"tea\"} 3\n\
                        # HELP shop_waiting Waiting.\n# TYPE shop_waiting gauge\nshop_waiting 1.5\n\
                        # HELP shop_seconds Seconds.\n# TYPE shop_seconds histogram\n\
                        shop_seconds_bucket{le=\"0.5\"} 1\nshop_seconds_bucket{le=\"1.0\"} 2\n\
                        shop_seconds_bucket{le=\"2.5\"} 2\nshop_seconds_bucket{le=\"+Inf\"} 3\n\
                        shop_seconds_sum 101.2\nshop_seconds_count 3\n";
        assert!(text.starts_with(expected), "{text}");
    });
}

#[test]
fn names_that_prometheus_would_not_read_are_mistakes_of_the_app() {
    testing::run(async {
        let metrics = Metrics::new();
        metrics.counter("shop_orders", "No suffix.");
        metrics.gauge("shop-waiting", "A dash.");
        metrics.gauge_by("shop_a", "A label of Prometheus.", ["__name__"]);
        metrics.histogram_by("shop_b", "A label of histograms.", SECONDS, ["le"]);
        metrics.histogram("shop_c", "Falls.", &[1.0, 0.5]);
        metrics.gauge("shop_c", "Another kind.");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let error = App::new().metrics("/metrics", &metrics).serve(listener).await.unwrap_err();
        let mistakes = error.find_cause::<AppErrors>().unwrap().to_string();
        for part in [
            "\"shop_orders\" has to end in \"_total\"",
            "the name \"shop-waiting\"",
            "\"shop_a\" cannot have the name \"__name__\"",
            "\"shop_b\" cannot have the name \"le\"",
            "the bounds of \"shop_c\"",
            "two different metrics have the name \"shop_c\"",
        ] {
            assert!(
                mistakes.contains(part) && mistakes.contains("tests/it/metrics.rs"),
                "{part} in {mistakes}"
            );
        }
        assert!(mistakes.starts_with("the app has 6 mistakes"), "{mistakes}");
    });
}

#[test]
fn the_place_of_the_metrics_can_be_guarded() {
    testing::run(async {
        let client = App::new()
            .metrics(at("/internal/metrics"), &Metrics::new())
            .around(guard::bearer(["a long token"]))
            .test_client();
        client.get("/internal/metrics").await.assert_status(401);
        client
            .get("/internal/metrics")
            .header("authorization", "Bearer a long token")
            .await
            .assert_status(200);
    });
}
