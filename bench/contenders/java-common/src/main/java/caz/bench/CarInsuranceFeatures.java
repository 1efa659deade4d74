package caz.bench;

import caz.example.CarInsuranceEvent;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The 60 features of models/car-insurance/features.py: hour, price, and eight columns as dummies.
 *
 * <p>A dummy column is a map from the column's value to the one place in the row that is 1; a value without a place leaves all of them 0.
 */
final class CarInsuranceFeatures {

    private static final String NOT_GIVEN = "notgiven";
    private static final String OTHERS = "Others";

    private static final int[] AGE_EDGES = {20, 28, 36, 44, 52, 60};
    private static final List<String> AGE_LABELS =
            List.of("u20", "20to28", "28to36", "36to44", "44to52", "52to60", OTHERS);

    private static final long MILLIS_PER_HOUR = 3_600_000;
    private static final long MILLIS_PER_DAY = 24 * MILLIS_PER_HOUR;
    private static final int THURSDAY = 3; // 1970-01-01; Monday is 0

    private final float[] zeros;
    private final int ageMedian;
    private final int hour;
    private final int price;
    private final int[] ageBuckets;
    private final int[] days;
    private final Map<String, Integer> genders;
    private final Map<String, Integer> cities;
    private final Map<String, Integer> leasings;
    private final Groups countries;
    private final Groups brands;
    private final Groups types;

    private CarInsuranceFeatures(List<String> names, Frozen frozen) {
        zeros = new float[names.size()];
        ageMedian = frozen.ageMedian();
        hour = names.indexOf("hour");
        price = names.indexOf("pricequote");
        ageBuckets = AGE_LABELS.stream().mapToInt(label -> names.indexOf("age_bucket_" + label)).toArray();
        days = new int[7];
        for (int day = 0; day < days.length; day++) {
            days[day] = names.indexOf("dayofweek_" + day);
        }
        genders = placesByValue(names, "gender");
        cities = placesByValue(names, "city");
        leasings = placesByValue(names, "leasing");
        leasings.put("dataLayerNull", leasings.get(NOT_GIVEN));
        countries = Groups.of(names, "country", frozen.countries(), Map.of());
        brands = Groups.of(names, "carbrand", frozen.brands(), Map.of("vw", "volkswagen"));
        types = Groups.of(names, "cartype", frozen.types(), Map.of());
    }

    static CarInsuranceFeatures of(List<String> names, Frozen frozen) {
        return new CarInsuranceFeatures(names, frozen);
    }

    private static Map<String, Integer> placesByValue(List<String> names, String column) {
        String prefix = column + "_";
        Map<String, Integer> places = new HashMap<>();
        for (int place = 0; place < names.size(); place++) {
            if (names.get(place).startsWith(prefix)) {
                places.put(names.get(place).substring(prefix.length()), place);
            }
        }
        return places;
    }

    /** Lower-case values that keep their name; all the others are one group. */
    private record Groups(Map<String, Integer> places, Integer others) {

        static Groups of(List<String> names, String column, Set<String> top, Map<String, String> aliases) {
            Map<String, Integer> places = placesByValue(names, column);
            Integer others = places.get(OTHERS);
            places.keySet().retainAll(top);
            aliases.forEach((alias, value) -> places.put(alias, places.getOrDefault(value, others)));
            return new Groups(places, others);
        }

        Integer place(String value) {
            String lower = value == null ? NOT_GIVEN : value.toLowerCase(Locale.ROOT);
            return places.getOrDefault(lower, others);
        }
    }

    /** Puts the event's row at the buffer's position. */
    void put(CarInsuranceEvent event, FloatBuffer rows) {
        int row = rows.position();
        rows.put(zeros);

        long timestamp = event.getTimestamp();
        rows.put(row + hour, Math.floorMod(timestamp, MILLIS_PER_DAY) / MILLIS_PER_HOUR);
        rows.put(row + price, (float) event.getPricequote());
        rows.put(row + days[Math.floorMod(Math.floorDiv(timestamp, MILLIS_PER_DAY) + THURSDAY, 7)], 1);
        rows.put(row + ageBuckets[ageBucket(event.getAge() == null ? ageMedian : event.getAge())], 1);
        mark(rows, row, genders.get(event.getGender() == null ? NOT_GIVEN : event.getGender()));
        mark(rows, row, cities.get(event.getCity()));
        mark(rows, row, leasings.get(event.getLeasing() == null ? NOT_GIVEN : event.getLeasing()));
        mark(rows, row, countries.place(event.getCountry()));
        mark(rows, row, brands.place(event.getCarbrand()));
        mark(rows, row, types.place(event.getCartype()));
    }

    private static int ageBucket(int age) {
        int bucket = 0;
        while (bucket < AGE_EDGES.length && age >= AGE_EDGES[bucket]) {
            bucket++;
        }
        return bucket;
    }

    private static void mark(FloatBuffer rows, int row, Integer place) {
        if (place != null) {
            rows.put(row + place, 1);
        }
    }
}
