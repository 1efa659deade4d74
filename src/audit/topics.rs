//! Topics as an audit reads them: their ends, committed and not, and everything between.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{AuditError, Scope};
use crate::kafka::{Admin, ClientProperties, Consumer, MessageBatch, OffsetRange, RangeReader, Watermarks};
use crate::stream::Assembly;

/// How long one question to the broker may take, and how long reading may stand still.
const TIMEOUT: Duration = Duration::from_secs(30);
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
    /// Offsets that were there when the audit began and that an open transaction still hides: it has outlived its timeout.
    pub hung: i64,
}

/// Clients for the pipeline's topics.
pub(super) struct Topics {
    properties: ClientProperties,
    /// Sees the ends of committed records.
    committed: Admin,
    /// Sees the ends of all records.
    all: Admin,
}

impl Topics {
    pub(super) fn new(assembly: &Assembly) -> Result<Self, AuditError> {
        let properties = assembly.settings().consumer;
        let admin = |isolation: &str| Admin::new(&properties.clone().with("isolation.level", isolation), TIMEOUT);
        Ok(Self { committed: admin("read_committed")?, all: admin("read_uncommitted")?, properties })
    }

    /// What is audited of the input: from the first offset that exists to what the group has committed, unless the scope says otherwise.
    pub(super) fn ranges(&self, topic: &str, group: &str, scope: &Scope) -> Result<Vec<OffsetRange>, AuditError> {
        let partitions = self.partitions(topic)?;
        if let Some(unknown) = scope.partitions.iter().find(|partition| !partitions.contains(partition)) {
            return Err(AuditError::Missing(format!("topic `{topic}` has no partition {unknown}; it has {}", partitions.len())));
        }
        let chosen: Vec<i32> = partitions.into_iter().filter(|id| scope.partitions.is_empty() || scope.partitions.contains(id)).collect();
        let committed = Consumer::new(&self.properties.clone().with("group.id", group), topic)?.committed(&chosen, TIMEOUT)?;
        let range = |(partition, committed): (i32, Option<i64>)| {
            let Watermarks { low, high } = self.committed.watermarks(topic, partition)?;
            let from = scope.from.map_or(low, |from| from.max(low));
            let to = scope.to.or(committed).map_or(from, |to| to.min(high)).max(from);
            Ok(OffsetRange { partition, from, to })
        };
        committed.into_iter().map(range).collect()
    }

    /// The ends of a topic's partitions once every transaction that was open at first has ended, or `patience` is over.
    pub(super) fn settled_ends(&self, topic: &str, patience: Duration) -> Result<Vec<TopicEnd>, AuditError> {
        let give_up = Instant::now() + patience;
        let end = |partition: i32| {
            let Watermarks { high, .. } = self.all.watermarks(topic, partition)?;
            loop {
                let Watermarks { low, high: stable } = self.committed.watermarks(topic, partition)?;
                let hung = (high - stable).max(0);
                if hung == 0 || Instant::now() > give_up {
                    return Ok(TopicEnd { topic: topic.to_owned(), partition, first: low, stable, hung });
                }
                std::thread::sleep(LOOK);
            }
        };
        self.partitions(topic)?.into_iter().map(end).collect()
    }

    /// Reads these ranges; `each` gets a batch and how many records came so far.
    pub(super) fn read(
        &self,
        topic: &str,
        ranges: &[OffsetRange],
        mut each: impl FnMut(&MessageBatch, u64) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        let mut reader = RangeReader::new(&self.properties, topic, ranges, TIMEOUT)?;
        let (mut batch, mut read) = (MessageBatch::new(), 0);
        while reader.read(&mut batch)? {
            read += batch.len() as u64;
            each(&batch, read)?;
        }
        Ok(())
    }

    fn partitions(&self, topic: &str) -> Result<Vec<i32>, AuditError> {
        let description = self.all.describe_topic(topic)?;
        let description = description.ok_or_else(|| AuditError::Missing(format!("topic `{topic}` does not exist")))?;
        Ok(description.partitions)
    }
}
