//! A health check from outside: one GET over HTTP/1.1, for container images that have no other client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// For the whole check: resolving aside, connecting, asking and reading.
const TIMEOUT: Duration = Duration::from_secs(5);
/// An answer's head and body; the endpoint's are far smaller.
const MAX_RESPONSE_BYTES: u64 = 64 * 1024;

/// Why a check did not pass.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The URL cannot be used.
    #[error("`{url}` is no URL that can be checked: {message}; write one like http://127.0.0.1:9464/readyz")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        message: &'static str,
    },
    /// Nobody answered.
    #[error("no answer from {url}: {source}")]
    Unreachable {
        /// The URL.
        url: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// What answered does not speak HTTP.
    #[error("{url} answered, but not in HTTP/1")]
    NotHttp {
        /// The URL.
        url: String,
    },
    /// The answer is that all is not well.
    #[error("{url} answered {status}: {body}")]
    Unhealthy {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The body, which says why.
        body: String,
    },
}

/// Asks `url` (plain HTTP; `/healthz` when it has no path) and answers the body when the status is 2xx. Takes at most five seconds.
///
/// # Errors
/// When the URL is wrong, nobody answers in time, or the answer is another status.
pub fn probe(url: &str) -> Result<String, ProbeError> {
    let target = parse(url).map_err(|message| ProbeError::Url { url: url.into(), message })?;
    let response = exchange(&target).map_err(|source| ProbeError::Unreachable { url: url.into(), source })?;
    let (status, body) = read_response(&response).ok_or_else(|| ProbeError::NotHttp { url: url.into() })?;
    if (200..300).contains(&status) { Ok(body) } else { Err(ProbeError::Unhealthy { url: url.into(), status, body }) }
}

#[derive(Debug, PartialEq)]
struct Target {
    /// With the port.
    authority: String,
    path: String,
}

fn parse(url: &str) -> Result<Target, &'static str> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", _)) => return Err("the endpoint speaks plain HTTP, not https"),
        Some(_) => return Err("its scheme is not http"),
        None => url,
    };
    // Whatever stands here is written into a request.
    if rest.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err("it has blanks or control characters");
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, "80"),
    };
    if host.is_empty() || host.contains('@') {
        return Err("it names no host");
    }
    if port.parse::<u16>().is_err() {
        return Err("its port is not a number below 65536");
    }
    let path = if path.len() <= 1 { "/healthz" } else { path };
    Ok(Target { authority: format!("{host}:{port}"), path: path.to_owned() })
}

fn exchange(target: &Target) -> std::io::Result<Vec<u8>> {
    let deadline = Instant::now() + TIMEOUT;
    let mut stream = connect(&target.authority, deadline)?;
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: caz\r\nConnection: close\r\n\r\n", target.path, target.authority);
    stream.set_write_timeout(Some(remaining(deadline)?))?;
    stream.write_all(request.as_bytes())?;
    let mut response = Vec::new();
    let mut part = [0; 4096];
    while (response.len() as u64) < MAX_RESPONSE_BYTES {
        stream.set_read_timeout(Some(remaining(deadline)?))?;
        match stream.read(&mut part)? {
            0 => break,
            read => response.extend_from_slice(&part[..read]),
        }
    }
    Ok(response)
}

fn connect(authority: &str, deadline: Instant) -> std::io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = authority.to_socket_addrs()?.collect();
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, remaining(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn remaining(deadline: Instant) -> std::io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    // A timeout of zero would mean none.
    if left.is_zero() { Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "it took longer than five seconds")) } else { Ok(left) }
}

/// Status and body. The endpoint's answers have a length, so a body behind `Connection: close` is simply the rest.
fn read_response(response: &[u8]) -> Option<(u16, String)> {
    let text = String::from_utf8_lossy(response);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut status_line = head.lines().next()?.split(' ');
    let is_http = status_line.next()?.starts_with("HTTP/1.");
    let status = status_line.next()?.parse().ok()?;
    is_http.then(|| (status, body.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(authority: &str, path: &str) -> Result<Target, &'static str> {
        Ok(Target { authority: authority.into(), path: path.into() })
    }

    #[test]
    fn urls() {
        assert_eq!(parse("http://127.0.0.1:9100/readyz"), target("127.0.0.1:9100", "/readyz"));
        assert_eq!(parse("localhost:9100"), target("localhost:9100", "/healthz"));
        assert_eq!(parse("http://caz/"), target("caz:80", "/healthz"));
        assert_eq!(parse("http://[::1]:9100/healthz"), target("[::1]:9100", "/healthz"));
        assert_eq!(parse("http://[::1]/healthz"), target("[::1]:80", "/healthz"));
        for wrong in ["https://caz/", "ftp://caz/", "http://:9100/", "http://caz:x/", "http://caz:70000/", "http://caz/a\r\nb", ""] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn responses() {
        assert_eq!(read_response(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}\n"), Some((200, "{}".into())));
        assert_eq!(read_response(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), Some((503, String::new())));
        assert_eq!(read_response(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(read_response(b""), None);
    }
}
