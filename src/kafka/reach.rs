//! Whether the brokers let a client in, and what they, or TLS, have against it; and whether they still answer one that was let in.
//!
//! librdkafka tries again for ever whatever the reason, and a call that times out meanwhile only says that no broker answers. So the
//! question is put once, with an ear on what the client is told.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings::{rd_kafka_metadata_destroy, rd_kafka_poll, rd_kafka_topic_destroy, rd_kafka_topic_new, rd_kafka_type_t};

use super::client::{NativeClient, NativeConfig, Role, millis};
use super::{ClientProperties, ConfigError, Consumer, ErrorCode, KafkaError, Producer, ffi};

const OPERATION: &str = "reach Kafka";
/// How often the client is listened to: at first, and at least. An answer that takes longer than a look is lost.
const LOOK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How long a client that may be cut off waits for an answer, and then a new client.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

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
        let (client, deadline, mut look) = (&self.0, Instant::now() + timeout, LOOK.0);
        loop {
            let code = ask(client, None, look);
            look = (look * 2).min(LOOK.1);
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

impl Consumer {
    /// Whether this consumer is cut off: it has no broker to ask, and one answers a new client of the same `properties`. In an outage it is
    /// not, and a consumer that only waits, for its group or for a broker that is slow, is not either.
    ///
    /// librdkafka (2.12) forgets every broker when one that the cluster has shut out answers that there are none, and has nobody left to
    /// ask then. A consumer that is about to connect again may seem cut off for as long as `reconnect.backoff.max.ms`. Takes some seconds
    /// where no broker is there, and up to `fetch.wait.max.ms` where the one that is asked has a fetch to answer first.
    ///
    /// # Errors
    /// It is cut off.
    pub fn check_reach(&self, properties: &ClientProperties) -> Result<(), KafkaError> {
        // The topic is its own: asked for others, librdkafka may let the brokers create one that was deleted.
        check(&self.client, Some(self.role().topic.as_c_str()), properties)
    }
}

impl Producer {
    /// As [`Consumer::check_reach`], of a producer.
    ///
    /// # Errors
    /// It is cut off.
    pub fn check_reach(&self, properties: &ClientProperties) -> Result<(), KafkaError> {
        check(&self.client, None, properties)
    }
}

fn check(client: &NativeClient<impl Role>, topic: Option<&CStr>, properties: &ClientProperties) -> Result<(), KafkaError> {
    if ask(client, topic, ANSWER_WAIT) != ErrorCode::TRANSPORT {
        return Ok(());
    }
    if let Ok(Ok(())) = Knock::new(properties).map(|knock| knock.wait(ANSWER_WAIT)) {
        let reason = "this client has no broker to ask, and one answers a new client".to_owned();
        return Err(KafkaError::with_reason(OPERATION, ErrorCode::ALL_BROKERS_DOWN, reason));
    }
    Ok(())
}

/// Asks any broker which ones there are, and about one topic or those that the client knows, for at most `wait`; the answer is librdkafka's
/// own to use.
fn ask(client: &NativeClient<impl Role>, topic: Option<&CStr>, wait: Duration) -> ErrorCode {
    let mut metadata: *const c_void = ptr::null();
    // SAFETY: a live handle and a NUL-terminated name; topic and answer are destroyed once, and the answer is not looked at.
    unsafe {
        let topic = topic.map_or(ptr::null_mut(), |name| rd_kafka_topic_new(client.as_ptr(), name.as_ptr(), ptr::null_mut()));
        let code = ffi::rd_kafka_metadata(client.as_ptr(), 0, topic, &raw mut metadata, millis(wait));
        if !topic.is_null() {
            rd_kafka_topic_destroy(topic);
        }
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
    let is_answered = |_: &usize| ask(client, None, deadline.saturating_duration_since(Instant::now())) == ErrorCode::NONE;
    // The first answer is a bootstrap server's, the second a broker's.
    let _ = (0..TRIES).filter(is_answered).nth(1);
}
