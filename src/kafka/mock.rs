//! An in-process broker for the demo without Kafka and for fault injection. It speaks the protocol, groups and
//! transactions included, but does not hide aborted messages: it proves nothing about exactly-once.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// Brokers inside this process; they end with this value.
pub struct MockBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl MockBroker {
    /// Starts `brokers` brokers on loopback ports.
    ///
    /// # Errors
    /// librdkafka's text.
    pub fn start(brokers: i32) -> Result<Self, String> {
        let cluster = MockCluster::new(brokers).map_err(|error| error.to_string())?;
        Ok(Self { cluster })
    }

    /// The value for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// librdkafka's text.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), String> {
        self.cluster.create_topic(name, partitions, 1).map_err(|error| error.to_string())
    }
}
