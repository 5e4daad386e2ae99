//! Clients that do what they should not: the right status, bounded memory, and nothing lost for the others.

mod support;

use serde_json::json;
use std::time::Duration;
use support::{Api, job};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn faulty_bodies_are_refused_as_the_callers_fault() {
    let api = Api::start().await;
    let deep = format!("{{\"Job\": {{\"ID\": \"d\", \"Meta\": {}1{}}}}}", "[".repeat(20_000), "]".repeat(20_000));
    let cases = [
        ("/v1/jobs", "{\"Job\": {\"ID\": \"a\"", 400),
        ("/v1/jobs", "hello", 400),
        ("/v1/jobs", "[]", 400),
        ("/v1/jobs", "{\"Job\": {\"ID\": 5}}", 400),
        ("/v1/jobs", "{\"Job\": []}", 400),
        ("/v1/jobs", &deep, 400),
        ("/v1/job/x/plan", "{\"Job\": 3}", 400),
        ("/v1/namespace", "{\"Name\": 5}", 400),
        ("/v1/jobs/parse", "{\"JobHCL\": 3}", 400),
    ];
    for (path, body, status) in cases {
        let answer = api.send(api.request("PUT", path).body(body.to_owned())).await;
        assert_eq!(answer.status, status, "{path} {} {}", &body[..body.len().min(60)], answer.text);
    }
    let answer = api.send(api.request("PUT", "/v1/jobs").body("null")).await;
    assert_eq!((answer.status, answer.text.as_str()), (400, "Job must be specified"));
    let unknown = json!({"Job": job("u"), "Nope": 1});
    assert_eq!(api.put("/v1/jobs", unknown).await.status, 200, "what is not known is not looked at");
    let answer = api.send(api.request("PUT", "/v1/jobs").body(vec![b' '; 65 * 1024])).await;
    assert_eq!((answer.status, answer.text.as_str()), (413, "request body is larger than 65536 bytes"));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_take_the_page_sizes_that_clients_send() {
    let api = Api::start().await;
    api.register("a").await;
    assert_eq!(api.get("/v1/jobs?per_page=-1").await.json().as_array().map(Vec::len), Some(1));
    assert_eq!(api.get("/v1/jobs?per_page=99999999999").await.status, 400);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_too_many_connections_is_told_and_others_go_on() {
    let api = Api::start().await;
    let mut open = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(api.address()).await.unwrap();
        assert!(leader(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
        open.push(stream);
    }
    let mut refused = TcpStream::connect(api.address()).await.unwrap();
    let mut text = String::new();
    refused.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{text}");
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{text}");
    assert!(leader(&mut open[0]).await.starts_with("HTTP/1.1 200 OK"), "those that are there stay");
    drop(open.pop());
    let again = async {
        loop {
            let mut stream = TcpStream::connect(api.address()).await.unwrap();
            if leader(&mut stream).await.starts_with("HTTP/1.1 200") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), again).await.expect("a closed connection makes room for another");
    drop(open);
    api.stop().await;
}

/// Empty when the connection is closed at once.
async fn leader(stream: &mut TcpStream) -> String {
    let asked = stream.write_all(b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut buffer = [0; 4096];
    let read = if asked.is_ok() { stream.read(&mut buffer).await.unwrap_or(0) } else { 0 };
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_slowly_or_reads_nothing_stops_nobody() {
    let api = Api::start().await;
    let mut slow = TcpStream::connect(api.address()).await.unwrap();
    slow.write_all(b"PUT /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{").await.unwrap();
    let mut deaf = TcpStream::connect(api.address()).await.unwrap();
    deaf.write_all(&b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500)).await.unwrap();
    let mut half = TcpStream::connect(api.address()).await.unwrap();
    half.write_all(b"GET /v1/jobs HT").await.unwrap();
    for number in 0..20 {
        assert_eq!(api.register(&format!("job-{number}")).await.status, 200);
    }
    assert_eq!(api.get("/v1/jobs").await.json().as_array().map(Vec::len), Some(20));
    drop((slow, deaf, half));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_namespaces_are_listed_page_by_page() {
    const NAMESPACES: usize = 10_000;
    let api = Api::start().await;
    let made = (0..4).map(|part| {
        let api = &api;
        async move {
            for number in (part..NAMESPACES).step_by(4) {
                let answer = api.put("/v1/namespace", json!({"Name": format!("ns-{number:05}")})).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
        }
    });
    futures::future::join_all(made).await;
    let (mut seen, mut next) = (0, String::new());
    loop {
        let page = api.get(&format!("/v1/namespaces?per_page=3000&next_token={next}")).await;
        seen += page.json().as_array().unwrap().len();
        match page.header("x-nomad-nexttoken") {
            Some(token) => next = token.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, NAMESPACES + 1);
    api.stop().await;
}
