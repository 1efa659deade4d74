//! The real registry that tests ask, and a gate before it.

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};

use crate::support::PATIENCE;
use crate::support::car_insurance::root;

/// The registry under test.
pub(crate) fn registry() -> String {
    std::env::var("CAZ_TEST_REGISTRY").unwrap_or_else(|_| {
        panic!("CAZ_TEST_REGISTRY names no registry: run `make test`, or `scripts/with-kafka scripts/with-registry cargo test`")
    })
}

/// One request to the registry, with a client that shares nothing with caz's.
pub(crate) fn request(method: &str, path: &str, body: &Json) -> (u16, Json) {
    let base = registry();
    let (_, prefix) = base.strip_prefix("http://").unwrap().split_once('/').unwrap();
    request_path(method, &format!("/{prefix}{path}"), body)
}

fn request_path(method: &str, path: &str, body: &Json) -> (u16, Json) {
    let base = registry();
    let (authority, _) = base.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {authority}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Json::Null))
}

pub(crate) fn register(subject: &str, schema: &str, references: &Json) -> u32 {
    let (status, answer) = request("POST", &format!("/subjects/{subject}/versions"), &json!({"schema": schema, "references": references}));
    assert_eq!(status, 200, "{answer}");
    u32::try_from(answer["id"].as_u64().unwrap()).unwrap()
}

pub(crate) fn dataset_schema() -> String {
    std::fs::read_to_string(root().join("schemas/car-insurance.avsc")).unwrap()
}

pub(crate) fn confluent(id: u32, datum: &[u8]) -> Option<Vec<u8>> {
    Some([&[0], id.to_be_bytes().as_slice(), datum].concat())
}

/// The dataset schema with a field more, whose datums are those of the dataset schema behind a string.
pub(crate) fn newer_schema() -> String {
    let mut schema: Json = serde_json::from_str(&dataset_schema()).unwrap();
    schema["fields"].as_array_mut().unwrap().insert(0, json!({"name": "campaign", "type": "string", "default": ""}));
    schema.to_string()
}

pub(crate) fn newer(datum: &[u8]) -> Vec<u8> {
    [b"\x06abc", datum].concat()
}

/// What a gate does with requests for the id that it guards.
#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    /// Says that there is no such schema.
    NotFound,
    /// Says that it does not know the user.
    Denied,
    /// Takes the request and says nothing.
    Hang,
    /// Ends the connection of every request, whatever it asks for.
    Away,
}

/// Stands between caz and the registry and lets no request for one id through until it is opened.
pub(crate) struct Gate {
    address: SocketAddr,
    is_open: Arc<AtomicBool>,
}

impl Gate {
    pub(crate) fn new(id: u32, refusal: Refusal) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, is_open) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let open = Arc::clone(&is_open);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let open = Arc::clone(&open);
                std::thread::spawn(move || pass(stream, id, refusal, &open));
            }
        });
        Self { address, is_open }
    }

    pub(crate) fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    pub(crate) fn close(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// The address of the registry behind it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}", self.address, registry().splitn(4, '/').nth(3).unwrap())
    }
}

/// Passes the one GET request of a connection on.
fn pass(mut stream: TcpStream, id: u32, refusal: Refusal, is_open: &AtomicBool) -> Option<()> {
    let mut request = String::new();
    BufReader::new(stream.try_clone().ok()?).read_line(&mut request).ok()?;
    let path = request.split(' ').nth(1)?.to_owned();
    let guards = matches!(refusal, Refusal::Away) || path.ends_with(&format!("/schemas/ids/{id}"));
    let (status, body) = match (guards && !is_open.load(Ordering::Relaxed), refusal) {
        (false, _) => request_path("GET", &path, &Json::Null),
        (true, Refusal::Away) => return None,
        (true, Refusal::NotFound) => (404, json!({"error_code": 40403, "message": "Schema not found"})),
        (true, Refusal::Denied) => (401, json!({"error_code": 401, "message": "who are you?"})),
        (true, Refusal::Hang) => {
            std::thread::sleep(PATIENCE);
            return None;
        }
    };
    let body = body.to_string();
    write!(stream, "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()
}
