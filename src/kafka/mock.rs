//! An in-process broker for the demo without Kafka and for fault injection. It speaks the protocol, groups and
//! transactions included, but does not hide aborted messages: it proves nothing about exactly-once.
//!
//! It keeps no more than 5 MiB of a partition's records and drops the oldest, read or not: whoever fills it must
//! leave no more unread.

use std::time::Duration;

use rdkafka::bindings::{rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms};
use rdkafka::config::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer as _};

use super::client::millis;

/// How long a new group waits for more members: the broker's own 3 s would be most of a short demo.
const GROUP_DELAY: Duration = Duration::from_millis(300);

/// Brokers inside this process; they end with this value.
pub struct MockBroker {
    /// The client that the brokers belong to.
    host: BaseProducer<DefaultProducerContext>,
}

impl MockBroker {
    /// The most bytes of records that a partition keeps.
    pub const PARTITION_BYTES: usize = 5 << 20;

    /// Starts `brokers` brokers on loopback ports.
    ///
    /// # Errors
    /// librdkafka's text.
    pub fn start(brokers: i32) -> Result<Self, String> {
        let host: BaseProducer = ClientConfig::new()
            .set("test.mock.num.brokers", brokers.to_string())
            .create()
            .map_err(|error| format!("the in-process broker does not start: {error}"))?;
        // SAFETY: a live client; null when it has no brokers, which is checked. They live as long as the client.
        unsafe {
            let cluster = rd_kafka_handle_mock_cluster(host.client().native_ptr());
            if cluster.is_null() {
                return Err("the in-process broker does not start".to_owned());
            }
            rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, millis(GROUP_DELAY));
        }
        Ok(Self { host })
    }

    /// The value for `bootstrap.servers`.
    ///
    /// # Errors
    /// When the brokers are gone.
    pub fn bootstrap_servers(&self) -> Result<String, String> {
        Ok(self.cluster()?.bootstrap_servers())
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// librdkafka's text.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), String> {
        self.cluster()?.create_topic(name, partitions, 1).map_err(|error| format!("topic `{name}`: {error}"))
    }

    fn cluster(&self) -> Result<MockCluster<'_, DefaultProducerContext>, String> {
        self.host.client().mock_cluster().ok_or_else(|| "the in-process broker is gone".to_owned())
    }
}

impl std::fmt::Debug for MockBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockBroker").finish_non_exhaustive()
    }
}
