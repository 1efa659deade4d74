//! Topics as an audit reads them: their ends, committed and not, and everything between.

use std::time::Duration;

use super::{AuditError, Scope};
use crate::kafka::{ClientProperties, Consumer, Ends, MessageBatch, OffsetRange, RangeReader, TopicEnd, Watermarks};
use crate::stream::Assembly;

/// How long one question to the broker may take, and how long reading may stand still.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Clients for the pipeline's topics.
pub(super) struct Topics {
    properties: ClientProperties,
    ends: Ends,
}

impl Topics {
    pub(super) fn new(assembly: &Assembly) -> Result<Self, AuditError> {
        let properties = assembly.settings().consumer;
        Ok(Self { ends: Ends::new(&properties, TIMEOUT)?, properties })
    }

    /// What is audited of the input: from the first offset that exists to what the group has committed, unless the scope says otherwise.
    pub(super) fn ranges(&self, topic: &str, group: &str, scope: &Scope) -> Result<Vec<OffsetRange>, AuditError> {
        let partitions = self.partitions(topic)?;
        if let Some(unknown) = scope.partitions.iter().find(|partition| !partitions.contains(partition)) {
            return Err(AuditError::Missing(format!("topic `{topic}` has no partition {unknown}; it has {}", partitions.len())));
        }
        let chosen: Vec<i32> = partitions.into_iter().filter(|id| scope.partitions.is_empty() || scope.partitions.contains(id)).collect();
        // Of a busy group a transaction is always open somewhere: who waits for its end may wait for ever.
        let properties = self.properties.clone().with("group.id", group).with("isolation.level", "read_uncommitted");
        let committed = Consumer::new(&properties, topic)?.committed(&chosen, TIMEOUT)?;
        let range = |(partition, committed): (i32, Option<i64>)| {
            let Watermarks { low, high } = self.ends.committed.watermarks(topic, partition)?;
            let from = scope.from.map_or(low, |from| from.max(low));
            let to = scope.to.or(committed).map_or(from, |to| to.min(high)).max(from);
            Ok(OffsetRange { partition, from, to })
        };
        committed.into_iter().map(range).collect()
    }

    /// The first offset that still exists.
    pub(super) fn first(&self, topic: &str, partition: i32) -> Result<i64, AuditError> {
        Ok(self.ends.committed.watermarks(topic, partition)?.low)
    }

    /// The ends of a topic's partitions once every transaction that was open at first has ended, or `patience` is over.
    pub(super) fn settled_ends(&self, topic: &str, patience: Duration) -> Result<Vec<TopicEnd>, AuditError> {
        Ok(self.ends.settled(topic, &self.partitions(topic)?, patience)?)
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
        let description = self.ends.committed.describe_topic(topic)?;
        let description = description.ok_or_else(|| AuditError::Missing(format!("topic `{topic}` does not exist")))?;
        Ok(description.partitions)
    }
}
