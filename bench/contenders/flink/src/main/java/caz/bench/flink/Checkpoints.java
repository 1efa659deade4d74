package caz.bench.flink;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** Where a group's checkpoints and savepoints lie: `JOB/chk-N/_metadata` and `savepoint-ID/_metadata`. */
record Checkpoints(Path directory) {

    String uri() {
        return directory.toUri().toString();
    }

    /** The URI of the newest complete one: Flink writes `_metadata` last, whole. */
    Optional<String> latest() throws IOException {
        if (!Files.isDirectory(directory)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(directory, 3)) {
            return files.filter(file -> file.endsWith("_metadata"))
                    .max(Comparator.comparing(Checkpoints::modified))
                    .map(file -> file.getParent().toUri().toString());
        }
    }

    private static FileTime modified(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
