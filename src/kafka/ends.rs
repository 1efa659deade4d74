//! Where partitions end for readers of committed records, and what open transactions still hide there.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Admin, ClientProperties, ConfigError, KafkaError, Watermarks};

/// How often an open transaction is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Where a partition that caz writes to ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicEnd {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first offset that exists.
    pub first: i64,
    /// Up to where readers of committed records can read.
    pub stable: i64,
    /// Offsets that were there when the end was asked for and that an open transaction still hides: it has outlived the patience.
    pub hung: i64,
}

/// Asks for the ends of partitions.
pub struct Ends {
    /// Sees the ends of committed records.
    pub committed: Admin,
    /// Sees the ends of all records.
    all: Admin,
}

impl Ends {
    /// `timeout` bounds each question to the broker.
    ///
    /// # Errors
    /// Every wrong property.
    pub fn new(properties: &ClientProperties, timeout: Duration) -> Result<Self, ConfigError> {
        let admin = |isolation: &str| Admin::new(&properties.clone().with("isolation.level", isolation), timeout);
        Ok(Self { committed: admin("read_committed")?, all: admin("read_uncommitted")? })
    }

    /// The ends of partitions once every transaction that was open in them at first has ended, or `patience` is over. All are asked first:
    /// on a busy topic some transaction is always open, and what one waits for the others wait for too.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    pub fn settled(&self, topic: &str, partitions: &[i32], patience: Duration) -> Result<Vec<TopicEnd>, KafkaError> {
        let high = |partition: &i32| Ok((*partition, self.all.watermarks(topic, *partition)?.high));
        let highs: Vec<(i32, i64)> = partitions.iter().map(high).collect::<Result<_, KafkaError>>()?;
        let give_up = Instant::now() + patience;
        highs.into_iter().map(|(partition, high)| self.settles(topic, partition, high, give_up)).collect()
    }

    fn settles(&self, topic: &str, partition: i32, high: i64, give_up: Instant) -> Result<TopicEnd, KafkaError> {
        loop {
            let Watermarks { low, high: stable } = self.committed.watermarks(topic, partition)?;
            let hung = (high - stable).max(0);
            if hung == 0 || Instant::now() > give_up {
                return Ok(TopicEnd { topic: topic.to_owned(), partition, first: low, stable, hung });
            }
            thread::sleep(LOOK);
        }
    }
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}
