//! Requests over HTTP and HTTPS, each bounded in time and size: what the registry's client and the token endpoint's share.

use std::fmt::Display;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;
use ureq::http::header::LOCATION;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use crate::files;

/// The largest file of certificates that is read.
const MAX_CERTIFICATE_BYTES: u64 = 4 << 20;

/// An agent that trusts the certificates in a PEM file, or the system's; a request takes at most `timeout`, name resolution and all, and goes
/// nowhere else: what is posted would be asked for at the new address, without a body, and the password not be sent on.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn agent(ca_file: Option<&Path>, timeout: Duration) -> Result<Agent, String> {
    let roots = match ca_file {
        None => RootCerts::PlatformVerifier,
        Some(path) => RootCerts::new_with_certs(&certificates(path)?),
    };
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_age(Duration::from_secs(10))
        .user_agent(concat!("caz/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots).build());
    Ok(config.build().into())
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let refuse = |why: &dyn Display| format!("{}: {why}", path.display());
    let pem = files::read(path, MAX_CERTIFICATE_BYTES).map_err(|error| refuse(&error))?;
    let certificates: Vec<Certificate<'static>> =
        parse_pem(&pem).filter_map(|item| if let Ok(PemItem::Certificate(one)) = item { Some(one) } else { None }).collect();
    if certificates.is_empty() { Err(refuse(&"no certificate in it (PEM)")) } else { Ok(certificates) }
}

/// An answer's status and body.
///
/// # Errors
/// When there is no answer, it leads elsewhere, or its body is larger than `most_bytes`.
pub(crate) fn read(response: Result<Response<ureq::Body>, ureq::Error>, most_bytes: u64) -> Result<(u16, Vec<u8>), String> {
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    if let Some(place) = response.headers().get(LOCATION).filter(|_| response.status().is_redirection()) {
        // What follows may be of a session.
        let place = String::from_utf8_lossy(place.as_bytes());
        let place = place.split(['?', '#']).next().unwrap_or_default();
        return Err(format!("status {status} leads to {place}, where caz does not follow. Mend: give that address instead"));
    }
    let mut bytes = Vec::new();
    response.into_body().into_reader().take(most_bytes + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most_bytes {
        return Err(format!("the answer is larger than {most_bytes} bytes"));
    }
    Ok((status, bytes))
}

/// A text as a part of a URL or of a form, every byte that is not unreserved as `%XX`.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
