package caz.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/** The statistics of the training data that the features need. */
record Frozen(int ageMedian, Set<String> brands, Set<String> types, Set<String> countries) {

    static Frozen read(Path file) throws IOException {
        JsonNode nodes = new ObjectMapper().readTree(file.toFile()).required("nodes");
        return new Frozen(
                (int) nodes.at("/age_fillna/age/median").asDouble(),
                top(nodes, "carbrand"),
                top(nodes, "cartype"),
                top(nodes, "country"));
    }

    private static Set<String> top(JsonNode nodes, String column) {
        Set<String> values = new HashSet<>();
        nodes.required(column + "_mapper").required(column).required("top=6").forEach(value -> values.add(value.asText()));
        return values;
    }
}
