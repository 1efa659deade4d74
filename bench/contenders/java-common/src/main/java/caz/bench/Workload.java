package caz.bench;

import caz.example.CarInsuranceEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * What is scored: how an event becomes a row of the model's input, and which model that is.
 *
 * @param model path of the ONNX file
 * @param width floats in a row
 * @param keyField the field of the event that stands in the score beside the model's answers
 * @param outputs names of the answers: the label, then the last columns of the probabilities
 * @param events makes a reader of events; each belongs to one thread
 */
public record Workload<E>(
        Path model, int width, String keyField, List<String> outputs, Supplier<EventReader<E>> events) {

    /** Events of one kind: their decoding and their features. Not to be shared by threads. */
    public interface EventReader<E> {
        /** @throws IOException when the bytes are no event: it is a dead letter then */
        E decode(byte[] value) throws IOException;

        /** The event's value of {@link Workload#keyField}. */
        String key(E event);

        /** Puts the event's row, {@link Workload#width} floats. */
        void put(E event, FloatBuffer row);
    }

    /** Reads `workload.json`. */
    public static Workload<?> read(Path file) throws IOException {
        JsonNode json = new ObjectMapper().readTree(file.toFile());
        Path model = Path.of(json.required("model").asText());
        String keyField = json.required("key_field").asText();
        List<String> outputs = texts(json.required("outputs"));
        String kind = json.required("kind").asText();
        return switch (kind) {
            case "features" -> {
                List<String> features = texts(json.required("features"));
                Supplier<EventReader<CarInsuranceEvent>> events = CarInsurance.reader(
                        Path.of(json.required("schema").asText()), Path.of(json.required("frozen").asText()), features);
                yield new Workload<>(model, features.size(), keyField, outputs, events);
            }
            case "tensor" -> {
                int width = json.required("width").asInt();
                String field = json.required("field").asText();
                yield new Workload<>(model, width, keyField, outputs, () -> new TensorReader(keyField, field, width));
            }
            default -> throw new IOException(file + ": unknown kind " + kind);
        };
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>(array.size());
        array.forEach(item -> texts.add(item.asText()));
        return List.copyOf(texts);
    }
}
