//! The registry's client against a server that answers, refuses, hangs and comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::lookup::REST;
use super::{Lookup, Registry, RegistryError, RegistrySettings};

const SCHEMA: &str = r#"{"type":"record","name":"E","fields":[{"name":"n","type":"int"}]}"#;

/// What a server does.
#[derive(Clone)]
enum Answer {
    Json(u16, String),
    /// Sends on to this address.
    Moved(u16, String),
    /// Takes the request and says nothing.
    Hang,
    /// Ends the connection at once.
    HangUp,
}

/// A server of canned answers by method and path; it notes what it was asked.
#[derive(Clone)]
struct Server {
    address: std::net::SocketAddr,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
    authorization: Arc<Mutex<Option<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), answers: Arc::default(), asked: Arc::default(), authorization: Arc::default() };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        server
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let mut request = String::new();
            reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
                let (name, value) = header.split_once(": ").unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap_or(0),
                    "authorization" => *self.authorization.lock().unwrap() = Some(value.trim().to_owned()),
                    _ => {}
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let asked = request.rsplit_once(' ').map(|(asked, _)| asked.to_owned()).unwrap_or_default();
            self.asked.lock().unwrap().push(asked.clone());
            let not_found = Answer::Json(404, json!({"error_code": 40403, "message": "Schema not found"}).to_string());
            let answer = self.answers.lock().unwrap().get(&asked).cloned().unwrap_or(not_found);
            match answer {
                Answer::Json(status, text) => {
                    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{text}", text.len()).ok()?;
                }
                Answer::Moved(status, to) => {
                    write!(stream, "HTTP/1.1 {status} x\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").ok()?;
                }
                Answer::Hang => std::thread::sleep(Duration::from_secs(60)),
                Answer::HangUp => return None,
            }
        }
    }

    fn set(&self, asked: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(asked.to_owned(), answer);
    }

    fn set_schema(&self, id: u64, schema: &str) {
        self.set(&format!("GET /schemas/ids/{id}"), Answer::Json(200, json!({ "schema": schema }).to_string()));
    }

    fn times_asked(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == what).count()
    }

    fn settings(&self) -> RegistrySettings {
        RegistrySettings {
            url: format!("http://{}", self.address),
            basic_auth: Some(("caz".into(), "hunter2".into())),
            ca_file: None,
            request_timeout: Duration::from_millis(300),
            unreachable_wait: Duration::from_secs(60),
            not_found_wait: Duration::from_secs(60),
        }
    }

    fn registry(&self) -> Registry {
        Registry::new(self.settings()).unwrap()
    }
}

/// Looks an id up until the answer is as wanted.
fn until(registry: &Registry, id: u64, wanted: impl Fn(&Lookup) -> bool) -> Lookup {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = registry.lookup(id);
        if wanted(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "still {found:?}");
        std::thread::yield_now();
    }
}

fn known(found: &Lookup) -> bool {
    matches!(found, Lookup::Known(_))
}

fn refused(found: Lookup) -> (&'static str, String) {
    match found {
        Lookup::Refused(reason, why) => (reason.name(), why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_schema_is_asked_for_once_and_known_then() {
    let server = Server::start();
    server.set_schema(7, SCHEMA);
    let registry = server.registry();
    assert!(matches!(registry.lookup(7), Lookup::Awaited));
    until(&registry, 7, known);
    assert!(known(&registry.clone().lookup(7)));
    assert_eq!(server.times_asked("GET /schemas/ids/7"), 1);
    assert_eq!(server.authorization.lock().unwrap().as_deref(), Some("Basic Y2F6Omh1bnRlcjI="));
    assert!(!format!("{registry:?}").contains("hunter2"));
}

#[test]
fn an_id_that_appears_later_is_found_while_it_is_waited_for() {
    let server = Server::start();
    let registry = server.registry();
    until(&registry, 7, |_| server.times_asked("GET /schemas/ids/7") > 1);
    assert!(matches!(registry.lookup(7), Lookup::Awaited));
    server.set_schema(7, SCHEMA);
    until(&registry, 7, known);
}

#[test]
fn an_id_that_stays_unknown_is_refused_after_its_wait() {
    let server = Server::start();
    let registry = Registry::new(RegistrySettings { not_found_wait: Duration::from_millis(300), ..server.settings() }).unwrap();
    let found = until(&registry, 7, |found| matches!(found, Lookup::Refused(..)));
    let missing = "the schema registry has no schema of id 7, or not all that it refers to: Schema not found";
    assert_eq!(refused(found), ("unknown_schema", missing.to_owned()));
    // It has this one, and not what it refers to.
    let main = json!({"schema": SCHEMA, "references": [{"name": "Y", "subject": "y", "version": 1}]});
    server.set("GET /schemas/ids/8", Answer::Json(200, main.to_string()));
    let no_subject = json!({"error_code": 40401, "message": "Subject 'y' not found."});
    server.set("GET /subjects/y/versions/1", Answer::Json(404, no_subject.to_string()));
    let (reason, why) = refused(until(&registry, 8, |found| matches!(found, Lookup::Refused(..))));
    assert!(reason == "unknown_schema" && why.ends_with("of id 8, or not all that it refers to: Subject 'y' not found."), "{why}");
}

#[test]
fn a_registry_that_hangs_refuses_and_errs_is_waited_for_and_known_ids_go_on() {
    let server = Server::start();
    server.set_schema(1, SCHEMA);
    let registry = server.registry();
    until(&registry, 1, known);
    let asked = "GET /schemas/ids/2";
    let bad_gateway = Answer::Json(502, "<html>".into());
    let not_json = Answer::Json(200, "<html>".into());
    let wrong_path = Answer::Json(404, "<html>".into());
    for fault in [Answer::Hang, Answer::HangUp, bad_gateway, not_json, wrong_path] {
        let before = server.times_asked(asked);
        server.set(asked, fault);
        until(&registry, 2, |_| server.times_asked(asked) > before);
        assert!(matches!(registry.lookup(2), Lookup::Awaited));
        assert!(known(&registry.lookup(1)));
    }
    server.set_schema(2, SCHEMA);
    until(&registry, 2, known);
}

#[test]
fn a_registry_that_does_not_answer_is_given_up_and_found_again() {
    let server = Server::start();
    let settings = RegistrySettings { unreachable_wait: Duration::from_millis(200), ..server.settings() };
    server.set("GET /schemas/ids/7", Answer::HangUp);
    let registry = Registry::new(settings).unwrap();
    let (reason, why) = refused(until(&registry, 7, |found| matches!(found, Lookup::Refused(..))));
    assert_eq!(reason, "unknown_schema");
    assert!(why.starts_with(&format!("the schema of id 7 is not known: the schema registry at http://{}: ", server.address)), "{why}");
    // An event that comes later gets the answer of then, not that of now.
    std::thread::sleep(REST + Duration::from_millis(100));
    server.set_schema(7, SCHEMA);
    assert!(matches!(registry.lookup(7), Lookup::Awaited));
    let found = until(&registry, 7, |found| !matches!(found, Lookup::Awaited));
    assert!(known(&found), "{found:?}");
}

/// Else a batch that needs two of them would wait for one or the other for ever.
#[test]
fn ids_that_are_given_up_stay_so_while_events_keep_coming() {
    let server = Server::start();
    let registry = Registry::new(RegistrySettings { unreachable_wait: Duration::from_millis(200), ..server.settings() }).unwrap();
    server.set("GET /schemas/ids/7", Answer::HangUp);
    server.set("GET /schemas/ids/8", Answer::HangUp);
    let both_are_refused = || [7, 8].map(|id| matches!(registry.lookup(id), Lookup::Refused(..))) == [true, true];
    until(&registry, 7, |_| both_are_refused());
    let given_up = Instant::now();
    while given_up.elapsed() < REST * 2 {
        assert!(both_are_refused());
    }
}

/// An event waits for the answer to one of them, and meanwhile nobody looks the others up.
#[test]
fn ids_that_are_given_up_wait_for_one_silence_and_not_in_turns() {
    let server = Server::start();
    let registry = Registry::new(RegistrySettings { unreachable_wait: Duration::from_millis(200), ..server.settings() }).unwrap();
    let asked = [7, 8].map(|id| format!("GET /schemas/ids/{id}"));
    asked.iter().for_each(|asked| server.set(asked, Answer::HangUp));
    let is_given_up = |id| matches!(registry.lookup(id), Lookup::Refused(..));
    until(&registry, 7, |_| is_given_up(7) && is_given_up(8) && asked.iter().all(|asked| server.times_asked(asked) > 0));
    std::thread::sleep(REST + Duration::from_millis(100));
    assert!(matches!(registry.lookup(7), Lookup::Awaited));
    until(&registry, 7, |found| matches!(found, Lookup::Refused(..)));
    assert!(is_given_up(8));
}

#[test]
fn an_id_that_was_given_up_waits_while_the_registry_is_away() {
    let server = Server::start();
    let waits = (Duration::from_secs(4), Duration::ZERO);
    let registry = Registry::new(RegistrySettings { unreachable_wait: waits.0, not_found_wait: waits.1, ..server.settings() }).unwrap();
    until(&registry, 7, |found| matches!(found, Lookup::Refused(..)));
    // Longer than its first event would have waited.
    std::thread::sleep(REST + Duration::from_millis(100));
    let asked = "GET /schemas/ids/7";
    let before = server.times_asked(asked);
    server.set(asked, Answer::HangUp);
    until(&registry, 7, |found| {
        assert!(matches!(found, Lookup::Awaited), "{found:?}");
        server.times_asked(asked) > before + 2
    });
    server.set_schema(7, SCHEMA);
    until(&registry, 7, known);
}

#[test]
fn a_registry_that_refuses_the_user_is_told_of() {
    let server = Server::start();
    let registry = server.registry();
    // Registries of old have no such path, and one that does not answer may yet.
    assert_eq!(registry.knock(), Ok(()));
    server.set("GET /schemas/types", Answer::HangUp);
    assert_eq!(registry.knock(), Ok(()));
    let refusal = Answer::Json(401, json!({"error_code": 401, "message": "who are you?"}).to_string());
    server.set("GET /schemas/types", refusal.clone());
    let why = registry.knock().unwrap_err().to_string();
    assert!(why.contains("refuses the user: status 401, who are you?. Mend: "), "{why}");

    assert_eq!(registry.refusal(), None);
    server.set("GET /schemas/ids/7", refusal);
    until(&registry, 7, |_| registry.refusal().is_some());
    assert_eq!(registry.refusal(), Some(why));
    server.set_schema(7, SCHEMA);
    until(&registry, 7, known);
    assert_eq!(registry.refusal(), None);
}

#[test]
fn a_schema_that_the_user_may_not_have_holds_up_its_own_events_alone() {
    let server = Server::start();
    let registry = Registry::new(RegistrySettings { unreachable_wait: Duration::from_millis(300), ..server.settings() }).unwrap();
    server.set("GET /schemas/ids/7", Answer::Json(403, json!({"error_code": 40301, "message": "not yours"}).to_string()));
    let (reason, why) = refused(until(&registry, 7, |found| matches!(found, Lookup::Refused(..))));
    assert_eq!(reason, "unknown_schema");
    assert!(why.contains("keeps this from the user: status 403, not yours. Mend: grant the user its subject"), "{why}");
    assert_eq!(registry.refusal(), None);
    server.set_schema(8, SCHEMA);
    until(&registry, 8, known);
}

/// Of a list of schemas apache-avro would panic at a text whose name is another than its type's.
#[test]
fn a_reference_with_a_name_beside_its_type_is_read() {
    let server = Server::start();
    let main = json!({"schema": SCHEMA, "references": [{"name": "Y", "subject": "y", "version": 1}]});
    server.set("GET /schemas/ids/7", Answer::Json(200, main.to_string()));
    let odd = json!({"schema": r#"{"name":"Y","type":{"type":"record","name":"X","fields":[]}}"#});
    server.set("GET /subjects/y/versions/1", Answer::Json(200, odd.to_string()));
    server.set_schema(8, SCHEMA);
    let registry = server.registry();
    until(&registry, 7, known);
    until(&registry, 8, known);
}

#[test]
fn references_are_fetched_with_their_own() {
    let server = Server::start();
    let answer =
        |schema: &str, references: serde_json::Value| Answer::Json(200, json!({"schema": schema, "references": references}).to_string());
    let reference = |name: &str, subject: &str| json!([{"name": name, "subject": subject, "version": 3}]);
    let event = r#"{"type":"record","name":"shop.Event","fields":[{"name":"at","type":"shop.Place"},{"name":"of","type":"shop.City"}]}"#;
    server.set("GET /schemas/ids/7", answer(event, reference("shop.Place", "a place/1")));
    let place = r#"{"type":"record","name":"shop.Place","fields":[{"name":"city","type":"shop.City"}]}"#;
    server.set("GET /subjects/a%20place%2F1/versions/3", answer(place, reference("shop.City", "city")));
    let city = r#"{"type":"record","name":"shop.City","fields":[{"name":"name","type":"string"}]}"#;
    server.set("GET /subjects/city/versions/3", answer(city, json!([])));
    let registry = server.registry();
    let found = until(&registry, 7, |found| !matches!(found, Lookup::Awaited));
    insta::assert_debug_snapshot!(found);
}

/// The parser goes through schemas in another order each time.
#[test]
fn what_a_reference_defines_is_known_to_all_after_it() {
    let server = Server::start();
    let reference = |subject: &str| json!({"name": subject, "subject": subject, "version": 1});
    let both = json!([reference("money"), reference("invoice")]);
    let event = r#"{"type":"record","name":"shop.Event","fields":[{"name":"invoice","type":"shop.Invoice"}]}"#;
    for id in 0..32 {
        server.set(&format!("GET /schemas/ids/{id}"), Answer::Json(200, json!({"schema": event, "references": both}).to_string()));
    }
    let currency = r#"{"type":"enum","name":"Currency","symbols":["EUR"]}"#;
    let money = format!(r#"{{"type":"record","name":"shop.Money","fields":[{{"name":"in","type":{currency}}}]}}"#);
    let invoice = r#"{"type":"record","name":"shop.Invoice","fields":[{"name":"in","type":"Currency"}]}"#;
    for (subject, schema) in [("money", money.as_str()), ("invoice", invoice)] {
        server.set(&format!("GET /subjects/{subject}/versions/1"), Answer::Json(200, json!({ "schema": schema }).to_string()));
    }
    let registry = server.registry();
    for id in 0..32 {
        let found = until(&registry, id, |found| !matches!(found, Lookup::Awaited));
        assert!(known(&found), "{found:?}");
    }
}

/// Followed, a registration would ask which versions there are, and take the answer `[1]` for an id.
#[test]
fn a_registry_that_has_moved_is_told_of_and_not_followed() {
    let (server, new) = (Server::start(), Server::start());
    let path = "/subjects/s-value/versions";
    new.set(&format!("GET {path}"), Answer::Json(200, "[1]".into()));
    server.set(&format!("POST {path}"), Answer::Moved(301, format!("http://{}{path}?session=hunter2", new.address)));
    let error = Client::new(&server.settings()).unwrap().register("s-value", SCHEMA).unwrap_err();
    let RegistryError::Unavailable(why) = &error else { panic!("{error:?}") };
    let told = why.replace(&server.address.to_string(), "registry:8081").replace(&new.address.to_string(), "registry:8443");
    insta::assert_snapshot!(told, @"the schema registry at http://registry:8081: status 301 leads to http://registry:8443/subjects/s-value/versions, where caz does not follow. Mend: give that address instead");
    assert_eq!(new.times_asked(&format!("GET {path}")), 0);
}

#[test]
fn what_is_no_avro_schema_is_refused_for_good() {
    let server = Server::start();
    server.set_schema(7, r#"{"type":"recrod"}"#);
    server.set("GET /schemas/ids/8", Answer::Json(200, json!({"schema": "{}", "schemaType": "PROTOBUF"}).to_string()));
    let registry = server.registry();
    for id in [7, 8] {
        let (reason, why) = refused(until(&registry, id, |found| matches!(found, Lookup::Refused(..))));
        assert_eq!(reason, "incompatible_schema", "{why}");
    }
}

#[test]
fn an_incompatible_schema_is_told_in_the_registrys_words() {
    let server = Server::start();
    let refusal = Answer::Json(409, json!({"error_code": 409, "message": "Schema being registered is incompatible"}).to_string());
    server.set("POST /subjects/scores-value/versions", refusal);
    let details = json!({"is_compatible": false, "messages": ["READER_FIELD_MISSING_DEFAULT_VALUE at /fields/1"]});
    server.set("POST /compatibility/subjects/scores-value/versions/latest?verbose=true", Answer::Json(200, details.to_string()));
    server.set("POST /subjects/new-value/versions", Answer::Json(200, r#"{"id":12}"#.into()));
    server.set("POST /subjects/new-value", Answer::Json(200, r#"{"id":12,"version":1}"#.into()));
    let registry = server.registry();
    let never = || false;
    let incompatible = RegistryError::Incompatible("READER_FIELD_MISSING_DEFAULT_VALUE at /fields/1".into());
    assert_eq!(registry.register("scores-value", SCHEMA, true, &never), Err(incompatible));
    assert_eq!(registry.register("new-value", SCHEMA, true, &never), Ok(12));
    assert_eq!(registry.register("new-value", SCHEMA, false, &never), Ok(12));
    assert_eq!(registry.register("old-value", SCHEMA, false, &never), Err(RegistryError::NotFound("Schema not found".into())));
}

#[test]
fn settings_that_cannot_be_used() {
    let settings = |url: &str| RegistrySettings { url: url.into(), ..Server::start().settings() };
    for url in ["registry:8081", "http://", "http://caz:hunter2@registry", "https://caz:hunter2/cd@registry:8081"] {
        let error = Registry::new(settings(url)).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("the registry's `url` must"), "{error}");
        assert!(!error.contains("hunter2"));
    }
    let missing = RegistrySettings { ca_file: Some("/nowhere/ca.pem".into()), ..settings("https://registry") };
    assert!(Registry::new(missing).map(|_| ()).unwrap_err().to_string().starts_with("/nowhere/ca.pem: "));
}

/// A TLS server of one file, with a certificate of its own making.
struct TlsServer {
    folder: tempfile::TempDir,
    process: std::process::Child,
    port: u16,
}

impl TlsServer {
    fn start(path: &str, body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let openssl = || {
            let mut command = std::process::Command::new("openssl");
            command.current_dir(folder.path()).stderr(std::process::Stdio::null());
            command
        };
        let request =
            "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=caz -addext subjectAltName=IP:127.0.0.1";
        assert!(openssl().args(request.split(' ')).status().unwrap().success());
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())).unwrap();
        let serve = "s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -HTTP";
        let mut process = openssl().args(serve.split(' ')).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.trim().parse().ok()).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { folder, process, port }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn tls_trusts_the_named_authority_and_no_other() {
    let server = TlsServer::start("schemas/ids/7", &json!({ "schema": SCHEMA }).to_string());
    let settings = RegistrySettings {
        url: format!("https://127.0.0.1:{}", server.port),
        basic_auth: None,
        ca_file: Some(server.folder.path().join("cert.pem")),
        request_timeout: Duration::from_secs(10),
        unreachable_wait: Duration::from_secs(60),
        not_found_wait: Duration::ZERO,
    };
    until(&Registry::new(settings.clone()).unwrap(), 7, known);
    let others = RegistrySettings { ca_file: None, unreachable_wait: Duration::ZERO, ..settings };
    let registry = Registry::new(others).unwrap();
    let wanted = |found: &Lookup| matches!(found, Lookup::Refused(_, why) if why.contains("certificate"));
    until(&registry, 7, wanted);
}
