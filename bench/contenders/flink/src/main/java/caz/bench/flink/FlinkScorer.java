package caz.bench.flink;

import caz.bench.Arguments;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.clients.producer.ProducerConfig;
import sun.misc.Signal;

/** Scores a topic with Flink in this process, until SIGTERM. */
public final class FlinkScorer {

    private static final Duration TRANSACTION_TIMEOUT = Duration.ofMinutes(1);

    private FlinkScorer() {}

    public static void main(String[] args) throws Exception {
        Arguments arguments = Arguments.parse(args);
        // Before Flink starts, so that SIGTERM is never the JVM's own: its shutdown hooks would run beside the job.
        CountDownLatch told = new CountDownLatch(1);
        Signal.handle(new Signal("TERM"), signal -> told.countDown());

        Checkpoints checkpoints = new Checkpoints(Path.of(".caz/bench/flink/state", arguments.group()).toAbsolutePath());
        JobClient job = job(arguments, checkpoints).executeAsync(arguments.group());
        job.getJobExecutionResult().whenComplete((result, error) -> {
            if (error != null) {
                error.printStackTrace();
                System.exit(1);
            }
        });
        told.await();
        // The last checkpoint, whose transactions are committed before the job ends.
        job.stopWithSavepoint(false, checkpoints.uri(), SavepointFormatType.NATIVE).get();
        job.getJobExecutionResult().get();
        System.exit(0);
    }

    private static StreamExecutionEnvironment job(Arguments arguments, Checkpoints checkpoints) throws Exception {
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(arguments.workers(), configuration(arguments, checkpoints));
        environment
                .fromSource(source(arguments), WatermarkStrategy.noWatermarks(), "events")
                .transform("score", Outgoing.TYPE, new ScoringOperator(arguments))
                .sinkTo(sink(arguments));
        return environment;
    }

    private static Configuration configuration(Arguments arguments, Checkpoints checkpoints) throws Exception {
        Configuration configuration = new Configuration();
        // One chain from source to sink: events are handed on as they are.
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        configuration.set(PipelineOptions.GENERIC_TYPES, false);
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(arguments.commitIntervalMs()));
        configuration.set(
                CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE,
                arguments.exactlyOnce() ? CheckpointingMode.EXACTLY_ONCE : CheckpointingMode.AT_LEAST_ONCE);
        configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.uri());
        // The process holds the job manager too; who starts it anew goes on from its last checkpoint.
        configuration.set(
                CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        checkpoints.latest().ifPresent(latest -> {
            configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, latest);
            configuration.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
        });
        return configuration;
    }

    private static KafkaSource<Tuple2<byte[], byte[]>> source(Arguments arguments) {
        return KafkaSource.<Tuple2<byte[], byte[]>>builder()
                .setBootstrapServers(arguments.bootstrap())
                .setTopics(arguments.input())
                .setGroupId(arguments.group())
                .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
                .setDeserializer(new Incoming())
                // What a poll returns is handed from the fetcher's thread to the task's in one go: the default of 500 hands over too often.
                .setProperty(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "10000")
                .build();
    }

    private static KafkaSink<Outgoing> sink(Arguments arguments) {
        return KafkaSink.<Outgoing>builder()
                .setBootstrapServers(arguments.bootstrap())
                .setRecordSerializer(new ToRecord(arguments.output(), arguments.deadLetters()))
                .setDeliveryGuarantee(
                        arguments.exactlyOnce() ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE)
                .setTransactionalIdPrefix(arguments.group())
                // Ten checkpoints a second: ids that are used again spare the broker ten new ones a second.
                .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
                .setProperty(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, Long.toString(TRANSACTION_TIMEOUT.toMillis()))
                // Fewer, larger requests: the default of 16 KiB holds about 100 scores.
                .setProperty(ProducerConfig.BATCH_SIZE_CONFIG, Integer.toString(128 * 1024))
                .build();
    }
}
