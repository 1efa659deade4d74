//! The secured broker of `scripts/with-kafka --secured`, and the helpers around it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::car_insurance::root;

/// What `scripts/kafka.d/credentials` made.
pub(crate) fn security() -> PathBuf {
    let cluster = std::env::var("CAZ_TEST_KAFKA_DIR").unwrap_or_default();
    let folder = PathBuf::from(cluster).join("security");
    assert!(
        folder.exists(),
        "the broker is not secured: run `make test`, or `scripts/with-kafka --secured scripts/with-registry cargo test`"
    );
    folder
}

/// The path of one of its files.
pub(crate) fn path(name: &str) -> String {
    security().join(name).display().to_string()
}

/// The text of one of its files.
pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).expect("a file").trim().to_owned()
}

/// A service in Python beside a test; ends with it.
pub(crate) struct Service {
    child: Child,
    pub(crate) port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .arg(root().join("tests/security").join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = output.next().expect("a port").unwrap().parse().expect("a port");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        std::thread::spawn(move || output.map_while(Result::ok).for_each(|line| written.lock().unwrap().push(line)));
        Self { child, port, lines }
    }

    /// A token endpoint whose tokens live for so many seconds.
    pub(crate) fn identity(lifetime_s: u32) -> Self {
        Self::start("identity.py", &["serve", &security().display().to_string(), &lifetime_s.to_string()])
    }

    /// TLS and basic authentication before the registry.
    pub(crate) fn registry_gate(registry: &str, user: &str, password: &str) -> Self {
        Self::start("registry_gate.py", &[&security().display().to_string(), registry, user, password])
    }

    /// What it answered, a line for each request.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A token that the broker's key has signed.
pub(crate) fn token(claims: &serde_json::Value) -> String {
    let output = Command::new("python3")
        .arg(root().join("tests/security/identity.py"))
        .args(["token", &security().display().to_string(), &claims.to_string()])
        .output()
        .expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
