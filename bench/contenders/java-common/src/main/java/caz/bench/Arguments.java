package caz.bench;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The arguments of a contender's `run`. */
public record Arguments(
        Path workload,
        String bootstrap,
        String input,
        String output,
        String deadLetters,
        String group,
        boolean exactlyOnce,
        int batch,
        int workers,
        int commitIntervalMs) {

    private static final int COMMIT_INTERVAL_MS = 100;
    private static final int EX_USAGE = 64;

    /** Reads {@code --name value} pairs; ends the process with 64 and one line on stderr when they are not what the contract says. */
    public static Arguments parse(String[] args) {
        try {
            return read(args);
        } catch (IllegalArgumentException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(EX_USAGE);
            throw e;
        }
    }

    private static Arguments read(String[] args) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < args.length; i += 2) {
            if (!args[i].startsWith("--") || i + 1 == args.length) {
                throw new IllegalArgumentException("expected --name value, found " + args[i]);
            }
            options.put(args[i].substring(2), args[i + 1]);
        }
        Arguments read = new Arguments(
                Path.of(take(options, "workload")),
                take(options, "bootstrap"),
                take(options, "input"),
                take(options, "output"),
                take(options, "dead-letters"),
                take(options, "group"),
                isExactlyOnce(take(options, "guarantee")),
                positive("batch", take(options, "batch")),
                positive("workers", take(options, "workers")),
                options.containsKey("commit-interval-ms")
                        ? positive("commit-interval-ms", options.remove("commit-interval-ms"))
                        : COMMIT_INTERVAL_MS);
        if (!options.isEmpty()) {
            throw new IllegalArgumentException("unknown options " + options.keySet());
        }
        return read;
    }

    private static String take(Map<String, String> options, String name) {
        String value = options.remove(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return value;
    }

    private static boolean isExactlyOnce(String guarantee) {
        return switch (guarantee) {
            case "exactly_once" -> true;
            case "at_least_once" -> false;
            default -> throw new IllegalArgumentException("--guarantee is exactly_once or at_least_once, not " + guarantee);
        };
    }

    private static int positive(String name, String value) {
        try {
            int number = Integer.parseInt(value);
            if (number > 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IllegalArgumentException("--" + name + " is a positive number, not " + value);
    }
}
