package caz.bench.flink;

import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes scores and dead letters each to their topic; the sink must know both to find transactions that were left open. */
final class ToRecord implements KafkaRecordSerializationSchema<Outgoing>, KafkaDatasetFacetProvider {

    private static final long serialVersionUID = 1;

    private final String output;
    private final String deadLetters;

    ToRecord(String output, String deadLetters) {
        this.output = output;
        this.deadLetters = deadLetters;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Outgoing record, KafkaSinkContext context, Long timestamp) {
        return new ProducerRecord<>(record.topic, null, timestamp, record.key, record.value);
    }

    @Override
    public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
        return Optional.of(new DefaultKafkaDatasetFacet(
                DefaultKafkaDatasetIdentifier.ofTopics(List.of(output, deadLetters)), new Properties()));
    }
}
