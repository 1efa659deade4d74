//! What all workers of a pipeline share, and what their output topics take.

use std::time::Duration;

use crate::config::{OnError, ScoreHeaders};
use crate::kafka::{Admin, ClientProperties, KafkaError, MOST_RECORD_BYTES};

/// What all workers of a pipeline share.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Topic of the events.
    pub input_topic: String,
    /// Where scores go.
    pub output: OutputTopic,
    /// Where dead letters go.
    pub dead_letters: OutputTopic,
    /// The consumer's properties; `group.id` among them.
    pub consumer: ClientProperties,
    /// The producer's properties, without `transactional.id`.
    pub producer: ClientProperties,
    /// What transactional ids begin with; `None` for at least once.
    pub transactional_id_prefix: Option<String>,
    /// What becomes of an event that cannot be scored.
    pub on_error: OnError,
    /// Whether the process has a name of its own, which another process could have too, in its transactional ids.
    pub is_named: bool,
    /// The most events in a batch.
    pub max_batch: usize,
    /// How long a batch waits for more events once it has one.
    pub linger: Duration,
    /// How long work may stay open while events keep coming.
    pub commit_interval: Duration,
    /// How long one call to the broker may take before it is asked again.
    pub call_timeout: Duration,
    /// How long leaving the group may take.
    pub leave_timeout: Duration,
    /// Which headers scores have.
    pub score_headers: ScoreHeaders,
    /// Digest of the pipeline, 16 hexadecimal digits.
    pub pipeline_digest: String,
    /// Digests of its models, 16 hexadecimal digits each, separated by commas.
    pub model_digests: String,
}

/// A topic that a worker writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputTopic {
    /// Its name.
    pub name: String,
    /// The largest record that it takes, bytes; `None` when nobody may know.
    pub max_record_bytes: Option<usize>,
}

/// librdkafka's own limit of a batch, bytes.
const BATCH_BYTES: usize = 1_000_000;
/// The largest answer that librdkafka takes of a broker unless told otherwise, bytes.
const ANSWER_BYTES: usize = 100_000_000;
/// What an answer may have besides the value of its only event, bytes: key and headers, and the protocol's own.
const BESIDE_VALUE_BYTES: usize = 1 << 20;
/// What librdkafka wants an answer to have besides what is fetched, bytes.
const BESIDE_FETCH_BYTES: usize = 512;

impl Settings {
    /// The properties of a worker's producers: one, or two whose transactions take turns.
    ///
    /// The broker writes a transaction's markers after it has answered, and refuses the next one of the same producer meanwhile, which
    /// librdkafka then tries again 20 ms later.
    pub(super) fn producers(&self, worker: usize) -> Vec<ClientProperties> {
        let transactional = |prefix: &String| {
            let id = |turn| format!("{prefix}-{worker}-{turn}");
            (0..2).map(|turn| self.producer.clone().with("transactional.id", id(turn))).collect()
        };
        self.transactional_id_prefix.as_ref().map_or_else(|| vec![self.producer.clone()], transactional)
    }

    /// Asks the broker for the largest record that each output topic takes. Larger ones are then dead letters, instead of records that the
    /// broker refuses together with all others of their request. Without the right to ask, librdkafka's defaults stand.
    ///
    /// # Errors
    /// When no broker answers: what is not known now would stay unknown.
    pub fn ask_limits(&mut self, admin: &Admin) -> Result<(), KafkaError> {
        for topic in [&mut self.output, &mut self.dead_letters] {
            topic.ask_limit(admin)?;
        }
        let limits = [self.output.max_record_bytes, self.dead_letters.max_record_bytes].into_iter().flatten();
        let (Some(least), Some(most)) = (limits.clone().min(), limits.max()) else { return Ok(()) };
        // A batch must fit every topic; a single record only its own, which the worker sees to.
        self.producer.set_default("batch.size", least.min(BATCH_BYTES).to_string());
        let most = most.clamp(BATCH_BYTES, MOST_RECORD_BYTES);
        self.producer.set_default("message.max.bytes", most.to_string());
        Ok(())
    }
}

/// Lets a consumer take events of so many bytes: a broker sends a record whole, however little is fetched at a time.
pub(super) fn take_events_of(bytes: u64, consumer: &mut ClientProperties) {
    let answer = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(BESIDE_VALUE_BYTES);
    if answer > ANSWER_BYTES {
        // A fetch is never of less than `message.max.bytes`.
        let fetched = ["fetch.max.bytes", "message.max.bytes"].into_iter().filter_map(|name| consumer.bytes(name)).max().unwrap_or(0);
        consumer.set_default("receive.message.max.bytes", answer.max(fetched.saturating_add(BESIDE_FETCH_BYTES)).to_string());
    }
}

impl OutputTopic {
    fn ask_limit(&mut self, admin: &Admin) -> Result<(), KafkaError> {
        match admin.max_message_bytes(&self.name) {
            Ok(limit) => self.max_record_bytes = limit,
            Err(error) if error.is_retriable() => return Err(error),
            Err(error) => tracing::warn!(%error, topic = self.name, "the largest record that the topic takes is not known"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientProperties, take_events_of};

    #[test]
    fn a_consumer_takes_the_largest_event_that_is_decoded() {
        let takes = |bytes, mut consumer: ClientProperties| {
            take_events_of(bytes, &mut consumer);
            consumer.bytes("receive.message.max.bytes")
        };
        assert_eq!(takes(1 << 20, ClientProperties::new()), None);
        assert_eq!(takes(200_000_000, ClientProperties::new()), Some(201_048_576));
        let fetching = ClientProperties::new().with("message.max.bytes", "300000000.0");
        assert_eq!(takes(200_000_000, fetching), Some(300_000_512));
        let own = ClientProperties::new().with("receive.message.max.bytes", "5000");
        assert_eq!(takes(200_000_000, own), Some(5_000));
    }
}
