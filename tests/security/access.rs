//! Rules of Kafka's access control, made by the requests CreateAcls and DescribeAcls themselves: rust-rdkafka has neither.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{bootstrap, wait_for};

/// An operation on a resource, as the protocol numbers them.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) operation: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Whether the rule is for all names that begin so.
    pub(crate) prefixed: bool,
}

impl Grant {
    pub(crate) fn new(operation: &'static str, kind: &'static str, name: &str) -> Self {
        Self { operation, kind, name: name.to_owned(), prefixed: false }
    }

    fn number_of(&self) -> (i8, i8, i8) {
        let operation = match self.operation {
            "Read" => 3,
            "Write" => 4,
            "Describe" => 8,
            "DescribeConfigs" => 10,
            other => panic!("no operation {other}"),
        };
        let kind = match self.kind {
            "topic" => 2,
            "group" => 3,
            "transactional id" => 5,
            other => panic!("no resource {other}"),
        };
        (kind, if self.prefixed { 4 } else { 3 }, operation)
    }
}

const DENY: i8 = 2;
const ALLOW: i8 = 3;

/// Allows a user all of this, and returns when the broker goes by it.
pub(crate) fn grant(user: &str, grants: &[Grant]) {
    add(user, grants, ALLOW);
}

/// Denies a user all of this, whatever was allowed, and returns when the broker goes by it.
pub(crate) fn deny(user: &str, grants: &[Grant]) {
    add(user, grants, DENY);
}

fn add(user: &str, grants: &[Grant], permission: i8) {
    let mut body = i32::try_from(grants.len()).unwrap().to_be_bytes().to_vec();
    for grant in grants {
        let (kind, pattern, operation) = grant.number_of();
        body.push(kind as u8);
        body.extend(text(&grant.name));
        body.push(pattern as u8);
        body.extend(text(&format!("User:{user}")));
        body.extend(text("*"));
        body.extend([operation as u8, permission as u8]);
    }
    let answer = request(30, &body);
    // Throttle time, count, and an error code with an optional message for each.
    let (_, mut results) = answer.split_at(8);
    for grant in grants {
        assert_eq!(results[..2], [0, 0], "{grant:?} is refused");
        let length = i16::from_be_bytes([results[2], results[3]]).max(0) as usize;
        results = &results[4 + length..];
    }
    for grant in grants {
        wait_for("the broker knows the rule", || is_known(user, grant, permission).then_some(()));
    }
}

/// Whether the broker itself, and not only the controller, has the rule.
fn is_known(user: &str, grant: &Grant, permission: i8) -> bool {
    let (kind, pattern, operation) = grant.number_of();
    let mut body = vec![kind as u8];
    body.extend(text(&grant.name));
    body.push(pattern as u8);
    body.extend(text(&format!("User:{user}")));
    body.extend(text("*"));
    body.extend([operation as u8, permission as u8]);
    let answer = request(29, &body);
    // Throttle time, error code, an optional message, count of resources.
    assert_eq!(answer[4..6], [0, 0], "the broker describes its rules");
    let length = i16::from_be_bytes([answer[6], answer[7]]).max(0) as usize;
    answer[8 + length..12 + length] != [0, 0, 0, 0]
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = i16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// One request of version 1 to the plain listener, whose user may do everything; the answer without its header.
fn request(key: i16, body: &[u8]) -> Vec<u8> {
    let mut message = key.to_be_bytes().to_vec();
    message.extend(1_i16.to_be_bytes());
    message.extend(7_i32.to_be_bytes());
    message.extend(text("caz-test"));
    message.extend(body);
    let mut stream = TcpStream::connect(bootstrap()).expect("the broker listens");
    stream.write_all(&i32::try_from(message.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&message).unwrap();
    let mut size = [0; 4];
    stream.read_exact(&mut size).expect("an answer");
    let mut answer = vec![0; i32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer).unwrap();
    answer.split_off(4)
}
