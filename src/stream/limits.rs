//! What the output topics take, asked once at the start.

use super::worker::{OutputTopic, Settings};
use crate::kafka::Admin;

/// librdkafka's own limit of a batch, bytes.
const BATCH_BYTES: usize = 1_000_000;

impl Settings {
    /// Asks the broker for the largest record that each output topic takes. Larger ones are then dead letters, instead of records that the
    /// broker refuses together with all others of their request. Without the right to ask, librdkafka's defaults stand.
    pub fn ask_limits(&mut self, admin: &Admin) {
        for topic in [&mut self.output, &mut self.dead_letters] {
            topic.ask_limit(admin);
        }
        let limits = [self.output.max_record_bytes, self.dead_letters.max_record_bytes].into_iter().flatten();
        let (Some(least), Some(most)) = (limits.clone().min(), limits.max()) else { return };
        // A batch must fit every topic; a single record only its own, which the worker sees to.
        self.producer.set_default("batch.size", least.min(BATCH_BYTES).to_string());
        self.producer.set_default("message.max.bytes", most.max(BATCH_BYTES).to_string());
    }
}

impl OutputTopic {
    fn ask_limit(&mut self, admin: &Admin) {
        match admin.max_message_bytes(&self.name) {
            Ok(limit) => self.max_record_bytes = limit,
            Err(error) => tracing::warn!(%error, topic = self.name, "the largest record that the topic takes is not known"),
        }
    }
}
