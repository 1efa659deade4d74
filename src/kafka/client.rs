//! What a consumer and a producer share: configuration, the native handle, logs and client-wide errors.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::bindings::{
    RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, rd_kafka_conf_destroy, rd_kafka_conf_new, rd_kafka_conf_res_t, rd_kafka_conf_set,
    rd_kafka_conf_set_error_cb, rd_kafka_conf_set_log_cb, rd_kafka_conf_set_opaque, rd_kafka_conf_t, rd_kafka_destroy_flags, rd_kafka_name,
    rd_kafka_new, rd_kafka_t, rd_kafka_type_t,
};

use super::error::copied;
use super::oauthbearer::TokenSource;
use super::{ClientProperties, ErrorCode, KafkaError, Right, ffi, sasl};

const ERROR_TEXT_BYTES: usize = 512;
/// librdkafka tells several times a second that no broker is there; it is logged no more often than this.
const DOWN_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// One property that librdkafka, or caz, refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyProblem {
    /// The property.
    pub name: String,
    /// What is wrong with it.
    pub fault: PropertyFault,
    /// librdkafka's own text, or caz's, secrets masked.
    pub message: String,
}

/// What is wrong with a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyFault {
    /// librdkafka does not have it.
    Unknown,
    /// librdkafka refuses its value, and may quote it.
    Value,
    /// It breaks a rule of caz's.
    Rule,
}

impl PropertyProblem {
    pub(super) fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), fault: PropertyFault::Rule, message: message.into() }
    }
}

/// Every reason why a client could not be made from its properties.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.listed())]
pub struct ConfigError {
    /// One entry per wrong property; a problem between properties has an empty name.
    pub problems: Vec<PropertyProblem>,
}

impl ConfigError {
    fn listed(&self) -> String {
        let lines = self.problems.iter().map(|problem| match problem.name.as_str() {
            "" => problem.message.clone(),
            name => format!("`{name}`: {}", problem.message),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn general(message: impl Into<String>) -> Self {
        Self { problems: vec![PropertyProblem::new("", message)] }
    }
}

/// A property whose value is not the user's to choose.
pub(super) struct Forced {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    /// Ends the sentence "it is fixed to V because ...".
    pub(super) because: &'static str,
}

/// The user's properties over the defaults, under the forced ones.
///
/// # Errors
/// One problem per forced property the user set to something else.
pub(super) fn layered(user: &ClientProperties, defaults: &[(&str, &str)], forced: &[Forced]) -> (ClientProperties, Vec<PropertyProblem>) {
    // The user's come last: librdkafka takes the last one of a property and its aliases, and the user may have named the other.
    let mut properties: ClientProperties =
        defaults.iter().copied().filter(|(name, _)| user.get(name).is_none()).chain(user.iter()).collect();
    let mut problems = Vec::new();
    for Forced { name, value, because } in forced {
        if let Some(chosen) = properties.set(*name, *value)
            && chosen != *value
        {
            let message = format!("is fixed to `{value}` because {because}; remove it");
            problems.push(PropertyProblem::new(name, message));
        }
    }
    (properties, problems)
}

/// An owned `rd_kafka_conf_t`, until it becomes a client, and where its tokens come from.
pub(super) struct NativeConfig {
    conf: NonNull<rd_kafka_conf_t>,
    tokens: Option<TokenSource>,
}

impl NativeConfig {
    /// Sets every property and reports every wrong one, in addition to the `problems` known already.
    pub(super) fn new(properties: &ClientProperties, mut problems: Vec<PropertyProblem>) -> Result<Self, ConfigError> {
        // SAFETY: no preconditions.
        let Some(conf) = NonNull::new(unsafe { rd_kafka_conf_new() }) else {
            return Err(ConfigError::general("librdkafka could not allocate a configuration"));
        };
        let mut own = properties.clone();
        let tokens = TokenSource::take(&mut own, &mut problems);
        let conf = Self { conf, tokens };
        for (name, value) in own.iter() {
            if let Err(problem) = conf.set(name, value) {
                problems.push(PropertyProblem { message: properties.redact(&problem.message), ..problem });
            }
        }
        if problems.is_empty() { Ok(conf) } else { Err(ConfigError { problems }) }
    }

    fn set(&self, name: &str, value: &str) -> Result<(), PropertyProblem> {
        let (Ok(c_name), Ok(c_value)) = (CString::new(name), CString::new(value)) else {
            return Err(PropertyProblem::new(name, "a name and a value hold no NUL byte"));
        };
        let mut reason = [0; ERROR_TEXT_BYTES];
        // SAFETY: the configuration is live, the strings NUL-terminated, `reason` as long as said.
        let outcome = unsafe { rd_kafka_conf_set(self.as_ptr(), c_name.as_ptr(), c_value.as_ptr(), reason.as_mut_ptr(), reason.len()) };
        let fault = match outcome {
            rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => return Ok(()),
            rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN => PropertyFault::Unknown,
            _ => PropertyFault::Value,
        };
        Err(PropertyProblem { fault, ..PropertyProblem::new(name, text(&reason)) })
    }

    pub(super) fn as_ptr(&self) -> *mut rd_kafka_conf_t {
        self.conf.as_ptr()
    }
}

impl Drop for NativeConfig {
    fn drop(&mut self) {
        // SAFETY: owned, and not yet given to a client (`NativeClient::new` forgets it then).
        unsafe { rd_kafka_conf_destroy(self.as_ptr()) }
    }
}

/// What only a consumer or only a producer has.
pub(super) trait Role {
    /// The right whose lack this code tells of, as far as it is known.
    fn lacking(&self, _code: ErrorCode) -> Option<Right> {
        None
    }
}

/// A value on the heap at a fixed address, which C callbacks receive as their opaque pointer.
///
/// Unlike a `Box` it may be moved while such pointers exist.
pub(super) struct Pinned<T>(NonNull<T>);

impl<T> Pinned<T> {
    pub(super) fn new(value: T) -> Self {
        Self(NonNull::from(Box::leak(Box::new(value))))
    }

    fn as_opaque(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }
}

impl<T> Deref for Pinned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: allocated in `new`, freed only in `drop`; nobody makes a `&mut T` of it.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for Pinned<T> {
    fn drop(&mut self) {
        // SAFETY: allocated by `Box` in `new`, dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// What the callbacks of a client write to. `S` holds what only a consumer or only a producer has.
pub(super) struct CallbackState<S> {
    fatal: Mutex<Option<KafkaError>>,
    /// The first client-wide error that an operator must mend, until it is taken.
    operator: Mutex<Option<KafkaError>>,
    /// The last other error that says more than that no broker is there.
    latest: Mutex<Option<KafkaError>>,
    /// When it was last logged that no broker is there.
    down_logged: Mutex<Option<Instant>>,
    /// Where OAUTHBEARER tokens come from; another thread asks it.
    pub(super) tokens: Option<TokenSource>,
    pub(super) role: S,
}

impl<S: Role> CallbackState<S> {
    fn new(role: S, tokens: Option<TokenSource>) -> Self {
        Self { fatal: Mutex::default(), operator: Mutex::default(), latest: Mutex::default(), down_logged: Mutex::default(), tokens, role }
    }

    /// The last error that librdkafka tries to get over by itself.
    pub(super) fn latest(&self) -> Option<KafkaError> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The client-wide error that was raised since the last call, if it is one that waiting cannot mend.
    /// A fatal error is returned every time.
    pub(super) fn raised(&self) -> Result<(), KafkaError> {
        if let Some(error) = &*self.fatal.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.clone());
        }
        match self.operator.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Keeps the error for [`raised`](Self::raised) if waiting cannot mend it, and logs it otherwise.
    pub(super) fn raise(&self, error: KafkaError) {
        let error = error.lacking(|code| self.role.lacking(code));
        if error.is_fatal() {
            self.fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        } else if error.code.needs_operator() {
            self.operator.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        } else if error.code == ErrorCode::ALL_BROKERS_DOWN {
            let mut logged = self.down_logged.lock().unwrap_or_else(PoisonError::into_inner);
            if logged.is_none_or(|at| at.elapsed() >= DOWN_LOG_INTERVAL) {
                *logged = Some(Instant::now());
                log_retried(&error);
            }
        } else {
            log_retried(&error);
            *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

fn log_retried(error: &KafkaError) {
    tracing::warn!(target: "librdkafka", %error, "librdkafka met an error and retries");
}

/// A live `rd_kafka_t` and the state its callbacks use.
///
/// Shared by reference count between a client and whatever must not outlive it (messages, topics):
/// librdkafka requires them to be destroyed first.
pub(super) struct NativeClient<S> {
    rk: NonNull<rd_kafka_t>,
    /// Dropped after `rk` is destroyed, see `drop`.
    pub(super) state: Pinned<CallbackState<S>>,
}

// SAFETY: librdkafka's handle may be used from any thread. The callback state is only reached through callbacks,
// which librdkafka runs on the thread that polls, and through the owning client.
unsafe impl<S: Send> Send for NativeClient<S> {}
// SAFETY: shared references are held by batches and topic handles only to keep the handle alive; they call
// nothing on it but the destruction of their own objects, which librdkafka allows on any thread. Everything that
// touches `state.role` lives in `Consumer` and `Producer`, which are not `Sync`.
unsafe impl<S: Send> Sync for NativeClient<S> {}

impl<S: Role> NativeClient<S> {
    /// Makes the client. `conf` carries the callbacks of the role already.
    pub(super) fn new(
        kind: rd_kafka_type_t,
        mut conf: NativeConfig,
        properties: &ClientProperties,
        role: S,
    ) -> Result<Arc<Self>, ConfigError> {
        let tokens = conf.tokens.take();
        let needs_tokens = tokens.is_some();
        let state = Pinned::new(CallbackState::new(role, tokens));
        let mut reason = [0; ERROR_TEXT_BYTES];
        // SAFETY: `conf` is live; the opaque pointer outlives the client, because `drop` destroys the client
        // before the state. rd_kafka_new takes ownership of `conf` only when it succeeds.
        let rk = unsafe {
            rd_kafka_conf_set_opaque(conf.as_ptr(), state.as_opaque());
            rd_kafka_conf_set_log_cb(conf.as_ptr(), Some(on_log));
            rd_kafka_conf_set_error_cb(conf.as_ptr(), Some(on_error::<S>));
            if needs_tokens {
                sasl::ask_for_tokens::<S>(conf.as_ptr());
            }
            rd_kafka_new(kind, conf.as_ptr(), reason.as_mut_ptr(), reason.len())
        };
        match NonNull::new(rk) {
            Some(rk) => {
                std::mem::forget(conf);
                let client = Arc::new(Self { rk, state });
                if needs_tokens {
                    // SAFETY: a live handle, whose configuration was prepared above.
                    let served = unsafe { sasl::serve_in_background(client.as_ptr()) };
                    served.map_err(|error| ConfigError::general(error.to_string()))?;
                }
                Ok(client)
            }
            None => {
                let reason = properties.redact(&text(&reason));
                let is_key = reason.starts_with("ssl.key.");
                let mend = if is_key { ". Mend: see to `ssl.key.location`, and whether `ssl.key.password` opens it" } else { "" };
                Err(ConfigError::general(reason + mend))
            }
        }
    }
}

impl<S> NativeClient<S> {
    pub(super) fn as_ptr(&self) -> *mut rd_kafka_t {
        self.rk.as_ptr()
    }
}

impl<S> Drop for NativeClient<S> {
    fn drop(&mut self) {
        // SAFETY: the last reference: no message, topic or queue of this client is left. A consumer that wanted
        // to leave its group has done so in `Consumer::close`; the flag keeps this call from blocking on a group
        // coordinator that does not answer. Callbacks end with this call, then `state` is dropped.
        unsafe { rd_kafka_destroy_flags(self.as_ptr(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
    }
}

/// Time left until `deadline` in the milliseconds librdkafka takes, rounded up so that it never spins.
pub(super) fn remaining_ms(deadline: Instant) -> c_int {
    millis(deadline.saturating_duration_since(Instant::now()))
}

/// A duration in the milliseconds librdkafka takes, rounded up.
pub(super) fn millis(duration: Duration) -> c_int {
    c_int::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX)
}

fn text(buffer: &[c_char; ERROR_TEXT_BYTES]) -> String {
    // SAFETY: librdkafka terminates the text inside the buffer, which starts zeroed.
    unsafe { copied(buffer.as_ptr()) }
}

/// librdkafka's log lines, on any of its threads.
unsafe extern "C" fn on_log(rk: *const rd_kafka_t, level: c_int, facility: *const c_char, line: *const c_char) {
    // SAFETY: librdkafka passes NUL-terminated strings that live as long as this call, and a live or null handle.
    let (client, facility, line) = unsafe {
        let client = if rk.is_null() { ptr::null() } else { rd_kafka_name(rk) };
        (copied(client), copied(facility), CStr::from_ptr(line).to_string_lossy())
    };
    log_line(level, &client, &facility, &line);
}

/// Hands one of librdkafka's log lines, of a syslog level, to `tracing`.
pub(super) fn log_line(level: c_int, client: &str, facility: &str, line: &str) {
    // A pipeline has one set of properties for its consumer and its producer, so each sees some of the other's.
    if facility == "CONFWARN" && line.contains("property and will be ignored by") {
        tracing::trace!(target: "librdkafka", client, facility, "{line}");
        return;
    }
    match level {
        0..=3 => tracing::error!(target: "librdkafka", client, facility, "{line}"),
        4 => tracing::warn!(target: "librdkafka", client, facility, "{line}"),
        5 | 6 => tracing::info!(target: "librdkafka", client, facility, "{line}"),
        _ => tracing::debug!(target: "librdkafka", client, facility, "{line}"),
    }
}

/// Client-wide errors, on the thread that polls.
unsafe extern "C" fn on_error<S: Role>(rk: *mut rd_kafka_t, code: c_int, reason: *const c_char, opaque: *mut c_void) {
    // SAFETY: `opaque` is the state pinned for the life of this client; only shared references to it exist.
    let state = unsafe { &*opaque.cast::<CallbackState<S>>() };
    // SAFETY: NUL-terminated for the time of this call.
    let reason = unsafe { copied(reason) };
    let code = ErrorCode(code);
    if code == ErrorCode::FATAL {
        let mut text = [0; ERROR_TEXT_BYTES];
        // SAFETY: the handle is live during its callbacks; the buffer is as long as said.
        let cause = ErrorCode(unsafe { ffi::rd_kafka_fatal_error(rk, text.as_mut_ptr(), text.len()) });
        return state.raise(KafkaError::fatal("Kafka client", cause, self::text(&text)));
    }
    state.raise(KafkaError::with_reason("Kafka client", meant(code, &reason), reason));
}

/// What a client-wide error is, where librdkafka takes it for another.
fn meant(code: ErrorCode, reason: &str) -> ErrorCode {
    // A broker that refuses a client's certificate says so only once the handshake is over: to librdkafka that is a broken connection.
    if reason.contains("SSL routines") && reason.contains("alert") {
        return ErrorCode::SSL;
    }
    // And a connection that breaks before the broker has answered the handshake, as it does when brokers are restarted, is a refusal.
    let is_unanswered = code == ErrorCode::AUTHENTICATION && reason.contains("supported mechanisms: (n/a)");
    if is_unanswered { ErrorCode::TRANSPORT } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_without_an_answer_is_no_refusal() {
        let failed = |why: &str| meant(ErrorCode::AUTHENTICATION, &format!("SASL PLAIN mechanism handshake failed: {why}"));
        let unanswered = failed("Local: Broker transport failure: broker's supported mechanisms: (n/a) (after 12ms in state AUTH)");
        assert!(!unanswered.needs_operator());
        assert!(failed("Broker: Unsupported SASL mechanism: broker's supported mechanisms: SCRAM-SHA-512").needs_operator());
    }
}
