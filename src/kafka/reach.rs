//! Whether the brokers let a client in, and what they, or TLS, have against it.
//!
//! librdkafka tries again for ever whatever the reason, and a call that times out meanwhile only says that no broker answers. So the
//! question is put once, with an ear on what the client is told.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings::{rd_kafka_metadata_destroy, rd_kafka_poll, rd_kafka_type_t};

use super::client::{NativeClient, NativeConfig, Role, millis};
use super::{ClientProperties, ConfigError, ErrorCode, KafkaError, ffi};

/// How often the client is listened to.
const LOOK: Duration = Duration::from_millis(100);

/// A client that only asks whether it is let in.
pub(super) struct Knock(Arc<NativeClient<Stranger>>);

/// The part of a client that has none.
struct Stranger;

impl Role for Stranger {}

impl Knock {
    /// # Errors
    /// Every wrong property.
    pub(super) fn new(properties: &ClientProperties) -> Result<Self, ConfigError> {
        let conf = NativeConfig::new(properties, Vec::new())?;
        NativeClient::new(rd_kafka_type_t::RD_KAFKA_PRODUCER, conf, properties, Stranger).map(Self)
    }

    /// Waits until a broker has let the client in and answered.
    ///
    /// # Errors
    /// At once what waiting does not mend: refused credentials, certificates that do not go together. After `timeout` what the client was
    /// told last.
    pub(super) fn wait(&self, timeout: Duration) -> Result<(), KafkaError> {
        const OPERATION: &str = "reach Kafka";
        let (client, deadline) = (&self.0, Instant::now() + timeout);
        loop {
            let code = ask(client, LOOK);
            // SAFETY: a live handle.
            unsafe { rd_kafka_poll(client.as_ptr(), 0) };
            if code == ErrorCode::NONE {
                return Ok(());
            }
            client.state.raised()?;
            let latest = client.state.latest();
            if latest.as_ref().is_some_and(|error| error.code == ErrorCode::SSL) || Instant::now() >= deadline {
                return Err(latest.unwrap_or_else(|| KafkaError::from_code(OPERATION, code)));
            }
        }
    }
}

/// Asks any broker which ones there are, for at most `wait`; the answer is librdkafka's own to use.
fn ask(client: &NativeClient<impl Role>, wait: Duration) -> ErrorCode {
    let mut metadata: *const c_void = ptr::null();
    // SAFETY: a live handle; the answer is destroyed once and not looked at.
    unsafe {
        let code = ffi::rd_kafka_metadata(client.as_ptr(), 0, ptr::null_mut(), &raw mut metadata, millis(wait));
        if !metadata.is_null() {
            rd_kafka_metadata_destroy(metadata.cast());
        }
        ErrorCode(code)
    }
}

/// Waits until the client is connected to a broker that it has heard of from another, at most `wait`.
///
/// A new client asks a bootstrap server, and leaves it once it knows the brokers themselves. What is under way then fails, and librdkafka
/// (2.12) tries it again half a second later.
pub(super) fn meet(client: &NativeClient<impl Role>, wait: Duration) {
    const TRIES: usize = 5;
    let deadline = Instant::now() + wait;
    let is_answered = |_: &usize| ask(client, deadline.saturating_duration_since(Instant::now())) == ErrorCode::NONE;
    // The first answer is a bootstrap server's, the second a broker's.
    let _ = (0..TRIES).filter(is_answered).nth(1);
}
