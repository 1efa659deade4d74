package caz.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import caz.example.CarInsuranceEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole dataset: features with the bits of the notebook, scores as scikit-learn's. */
class CarInsuranceTest {

    private static final Path CHECKOUT = Path.of(System.getProperty("checkout"));
    private static final ObjectMapper JSON = new ObjectMapper();
    private static List<byte[]> events;

    @BeforeAll
    static void encode() throws IOException {
        Schema schema = new Schema.Parser().parse(CHECKOUT.resolve("schemas/car-insurance.avsc").toFile());
        List<String> lines = Files.readAllLines(CHECKOUT.resolve("datasets/car-insurance.csv"));
        String[] columns = lines.get(0).split(",");
        events = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            String[] fields = line.split(",", -1);
            GenericRecord event = new GenericData.Record(schema);
            for (int i = 0; i < columns.length; i++) {
                event.put(columns[i], value(columns[i], fields[i]));
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
            new GenericDatumWriter<GenericRecord>(schema).write(event, encoder);
            encoder.flush();
            events.add(bytes.toByteArray());
        }
    }

    private static Object value(String column, String text) {
        if (text.isEmpty()) {
            return null;
        }
        return switch (column) {
            case "km", "age", "purchase" -> Integer.valueOf(text);
            case "pricequote" -> Double.valueOf(text);
            case "timestamp" -> Instant.parse(text).toEpochMilli();
            default -> text;
        };
    }

    private static Workload<CarInsuranceEvent> workload(String model) throws IOException {
        List<String> features = featureNames();
        return new Workload<>(
                CHECKOUT.resolve("models/car-insurance/" + model + ".onnx"),
                features.size(),
                "ecid",
                List.of("purchase_predicted", "probability_yes"),
                CarInsurance.reader(
                        CHECKOUT.resolve("schemas/car-insurance.avsc"),
                        CHECKOUT.resolve("config/car-insurance.frozen.json"),
                        features));
    }

    /** The model's order of features, from the pipeline file. */
    private static List<String> featureNames() throws IOException {
        List<String> lines = Files.readAllLines(CHECKOUT.resolve("config/car-insurance.yaml")).stream().map(String::strip).toList();
        int first = lines.indexOf("features:") + 1;
        return lines.subList(first, lines.size()).stream()
                .takeWhile(line -> line.startsWith("- "))
                .map(line -> line.substring(2))
                .toList();
    }

    @Test
    void featuresHaveTheBitsOfTheNotebook() throws IOException {
        Workload<CarInsuranceEvent> workload = workload("random-forest");
        FloatBuffer expected = ByteBuffer.wrap(Files.readAllBytes(CHECKOUT.resolve("models/car-insurance/features.f32le")))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer();
        FloatBuffer made = FloatBuffer.allocate(events.size() * workload.width());
        Workload.EventReader<CarInsuranceEvent> reader = workload.events().get();
        for (byte[] event : events) {
            reader.put(reader.decode(event), made);
        }
        assertEquals(-1, expected.mismatch(made.flip()));
    }

    @ParameterizedTest
    @CsvSource({"logistic-regression, lr, 1", "logistic-regression, lr, 256", "random-forest, rf, 1", "random-forest, rf, 256"})
    void scoresAreThoseOfTraining(String name, String prefix, int capacity) throws Exception {
        List<String> lines = Files.readAllLines(CHECKOUT.resolve("models/car-insurance/expected.csv"));
        List<String> columns = Arrays.asList(lines.get(0).split(","));
        Workload<CarInsuranceEvent> workload = workload(name);
        Workload.EventReader<CarInsuranceEvent> reader = workload.events().get();
        int[] scored = {0};
        try (Model model = new Model(workload.model(), workload.width());
                Batch<CarInsuranceEvent, Integer> batch = new Batch<>(workload, model, capacity)) {
            Batch.Scores<Integer> check = (row, json) -> {
                String[] expected = lines.get(1 + row).split(",");
                JsonNode score = read(json);
                assertEquals(scored[0]++, row);
                assertEquals(expected[columns.indexOf("ecid")], score.get("ecid").asText());
                assertEquals(expected[columns.indexOf(prefix + "_label")], score.get("purchase_predicted").asText());
                double probability = Double.parseDouble(expected[columns.indexOf(prefix + "_p1")]);
                assertEquals(probability, score.get("probability_yes").asDouble(), 1e-5);
            };
            for (int row = 0; row < events.size(); row++) {
                batch.add(reader.decode(events.get(row)), row);
                if (batch.isFull()) {
                    batch.score(check);
                }
            }
            batch.score(check);
        }
        assertEquals(events.size(), scored[0]);
    }

    @Test
    void whatIsNoEventIsRefused() throws IOException {
        Workload.EventReader<CarInsuranceEvent> reader = workload("random-forest").events().get();
        byte[] event = events.get(0);
        Map<String, byte[]> broken = Map.of(
                "empty", new byte[0],
                "truncated", Arrays.copyOf(event, event.length - 1),
                "trailing byte", Arrays.copyOf(event, event.length + 1),
                "length", new byte[] {-1, -1, -1, -1, 15},
                "branch", branchOfAge());
        broken.forEach((what, bytes) -> assertThrows(IOException.class, () -> reader.decode(bytes), what));
        assertEquals(reader.decode(event), reader.decode(event));
    }

    private static byte[] branchOfAge() {
        byte[] event = events.get(0).clone();
        event[1 + 38] = 4; // km's union, behind ecid: branch 2
        return event;
    }

    private static JsonNode read(byte[] json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
