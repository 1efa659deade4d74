//! XDM: the validator against a JSON Schema validator, what is told of violations, and hostile events.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{all_fields, decode};
use crate::codec::fuzz::{xdm_schema, xdm_validator};
use crate::codec::json::{JsonDecoder, Rules, messages};
use crate::dataset::{DatasetSchema, MAX_DEPTH, Reason};

fn decoder(schema: &DatasetSchema, projection: &[usize]) -> JsonDecoder {
    JsonDecoder::by(Rules::Xdm, schema, projection).unwrap()
}

fn entity() -> Value {
    json!({
        "_id": "e1", "timestamp": "2024-02-29T17:04:05.123456789+02:00", "n": 5, "long": -3, "x": 0.5, "flag": null, "day": "2024-02-29",
        "kind": "new", "code": "AB1", "mail": "a@example.com", "tags": ["a", "b"], "cars": [{"km": 5, "name": "x"}, {"km": 0}],
        "closed": {"a": "x", "b": 1}, "open": {"a": "x", "other": 1.5},
        "identityMap": {"ECID": [{"id": "1", "authenticatedState": "ambiguous", "primary": true}]}, "unknown": [1, {"a": null}],
    })
}

fn told(decoder: &mut JsonDecoder, payloads: &[&[u8]]) -> String {
    let decoded = decode(decoder, payloads);
    let mut text = String::new();
    for (index, payload) in (0u32..).zip(payloads) {
        let _ = writeln!(text, "{}", payload.escape_ascii());
        let Some((_, rejection)) = decoded.rejected.iter().find(|(rejected, _)| *rejected == index) else {
            let _ = writeln!(text, "    decoded");
            continue;
        };
        let (byte, field) = (rejection.byte.unwrap_or(usize::MAX), rejection.field.as_deref().unwrap_or("the event"));
        let _ = writeln!(text, "    {} at byte {byte} of {field}: {}", rejection.reason.name(), rejection.message);
        if let Some(violations) = &rejection.violations {
            let _ = writeln!(text, "    {violations}");
        }
    }
    text
}

#[test]
fn what_people_write_is_an_entity_or_an_envelope() {
    let schema = xdm_schema();
    let mut decoder = JsonDecoder::by_hand(&schema, &all_fields(&schema)).unwrap();
    let mut bad = entity();
    bad["n"] = json!("5");
    let envelope = |entity: Value| json!({"header": {"source": {"name": "web"}}, "body": {"xdmEntity": entity}});
    let mut unnamed = envelope(entity());
    unnamed["header"]["source"]["name"] = json!("");
    let payloads = [entity(), bad.clone(), envelope(entity()), envelope(bad), unnamed].map(|event| event.to_string().into_bytes());
    let decoded = decode(&mut decoder, &payloads.each_ref().map(Vec::as_slice));
    let reasons: Vec<_> = decoded.rejected.iter().map(|(row, rejection)| (*row, rejection.reason)).collect();
    assert_eq!(reasons, [(1, Reason::XdmViolation), (3, Reason::XdmViolation), (4, Reason::MissingSourceName)]);
}

/// Without it a dump of the topic would be rows of nulls.
#[test]
fn a_row_is_an_entity_or_an_envelope() {
    let schema = xdm_schema();
    let mut decoder = JsonDecoder::new(&schema, &all_fields(&schema)).unwrap();
    let envelope = json!({"header": {"source": {"name": "web"}}, "body": {"xdmEntity": entity()}});
    let payloads = [entity(), envelope.clone(), json!({"messages": [envelope]})].map(|event| event.to_string().into_bytes());
    let decoded = decode(&mut decoder, &payloads.each_ref().map(Vec::as_slice));
    let reasons: Vec<_> = decoded.rejected.iter().map(|(row, rejection)| (*row, rejection.reason)).collect();
    assert_eq!((&decoded.rows, reasons), (&vec![0, 1], vec![(2, Reason::WrongType)]));
    assert!(decoded.columns.iter().all(|column| column.slice(0, 1).to_data() == column.slice(1, 1).to_data()));
}

/// Rows of files are not held against the rules, and have the names that events have.
#[test]
fn rows_have_the_other_names_of_required_members() {
    let schema = xdm_schema();
    let mut decoder = JsonDecoder::new(&schema, &all_fields(&schema)).unwrap();
    let payloads: [&[u8]; 2] =
        [br#"{"@id":"e","xdm:timestamp":"2024-02-29T17:04:05Z"}"#, br#"{"@id":"e","_id":"f","timestamp":"2024-02-29T17:04:05Z"}"#];
    let decoded = decode(&mut decoder, &payloads);
    let reasons: Vec<_> = decoded.rejected.iter().map(|(row, rejection)| (*row, rejection.reason)).collect();
    assert_eq!((decoded.rows, reasons), (vec![0], vec![(1, Reason::DuplicateKey)]));
}

#[test]
fn violations_in_the_documented_form() {
    let schema = xdm_schema();
    let event = |members: &str| format!(r#"{{"_id":"e","timestamp":"2024-02-29T17:04:05Z"{members}}}"#).into_bytes();
    let payloads = [
        event(""),
        event(r#","n":"5""#),
        event(r#","kind":5"#),
        event(r#","n":2147483649,"long":9007199254740992,"x":0,"code":"abc1","tags":[],"mail":"nobody""#),
        event(r#","closed":{"b":1,"c":2}"#),
        event(r#","cars":[{"km":1},{"name":5}]"#),
        event(r#","identityMap":{"ECID":[{"id":"1"},{"authenticatedState":"maybe"}]}"#),
        event(r#","tags":{"a":1},"cars":5,"open":[1],"day":"2024-02-30""#),
        event(r#","day":null"#),
        event(r#","n":5.5"#),
        event(r#","n":5.0,"long":9007199254740991"#),
        event(r#","n":"5","n":6"#),
        event(r#","cars":[{"km":1,"km":2}]"#),
        event(r#","n":"5""#).strip_suffix(b"}").unwrap().to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        br#"{"@id":"e","xdm:timestamp":"2024-02-29T17:04:05+02"}"#.to_vec(),
        br#"{"@id":"e","_id":"f","timestamp":"2024-02-29T17:04:05Z"}"#.to_vec(),
        br#"{"_id":"e","timestamp":"2024-02-29T17:04:05"}"#.to_vec(),
        br#"{"_id":"e","timestamp":"9999-12-31T23:59:59Z"}"#.to_vec(),
        br#"{"_id":"e","timestamp":"2024-02-29T17:04:05,2Z"}"#.to_vec(),
    ];
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    insta::assert_snapshot!(told(&mut decoder(&schema, &all_fields(&schema)), &payloads));
}

/// Each rule with the last value that keeps to it and the first that does not, and what a message shows of long ones.
#[test]
fn rules_at_their_limits() {
    let long = "x".repeat(41);
    let members = [
        r#""tags":["a","b","c"]"#,
        r#""tags":["a","b","c","d"]"#,
        r#""tags":["🚗🚗🚗🚗"]"#,
        r#""tags":["aaaaa"]"#,
        r#""word":"\u00e9""#,
        r#""word":"\u00e9\u00e9""#,
        r#""word":"\u00e9\u00e9\u00e9""#,
        r#""word":"abcd""#,
        r#""n":-2147483648"#,
        r#""n":-2147483649"#,
        r#""x":1.5"#,
        r#""x":1.6"#,
        r#""rank":2.0"#,
        r#""rank":null"#,
        r#""rank":3"#,
        r#""share":1"#,
        r#""share":0.25"#,
        r#""sure":true"#,
        r#""sure":false"#,
        r#""sure":null"#,
        r#""short":"abc""#,
        r#""mail":"nobody""#,
        &format!(r#""mail":"{long}""#),
        &format!(r#""code":"{long}""#),
        &format!(r#""kind":"{long}""#),
        &format!(r#""closed":{{"a":"x","{long}":1}}"#),
        &format!(r#""open":{{"a/b~c":"x","{}":"x"}}"#, long.repeat(5)),
    ];
    let events = members.map(|member| format!(r#"{{"_id":"e","timestamp":"2024-02-29T17:04:05Z",{member}}}"#));
    let payloads: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
    let (schema, validator) = (xdm_schema(), xdm_validator());
    let mut decoder = decoder(&schema, &all_fields(&schema));
    for event in &events {
        let is_valid = validator.is_valid(&serde_json::from_str(event).unwrap());
        assert_eq!(decode(&mut decoder, &[event.as_bytes()]).rejected.is_empty(), is_valid, "{event}");
    }
    insta::assert_snapshot!(told(&mut decoder, &payloads));
}

#[test]
fn envelopes() {
    let schema = xdm_schema();
    let sound = r#"{"_id":"e","timestamp":"2024-02-29T17:04:05Z"}"#;
    let payloads = [
        format!(r#"{{"header":{{"schemaRef":{{"id":"x"}},"source":{{"name":"s"}}}},"body":{{"xdmMeta":{{}},"xdmEntity":{sound}}}}}"#),
        format!(r#"{{"body":{{"xdmEntity":{sound}}},"header":{{"source":{{"name":"s"}}}}}}"#),
        format!(r#"{{"header":{{"source":{{}}}},"body":{{"xdmEntity":{sound}}}}}"#),
        format!(r#"{{"header":{{"source":{{"name":" "}}}},"body":{{"xdmEntity":{sound}}}}}"#),
        format!(r#"{{"header":{{"source":"s"}},"body":{{"xdmEntity":{sound}}}}}"#),
        format!(r#"{{"header":"s","body":{{"xdmEntity":{sound}}}}}"#),
        format!(r#"{{"body":{{"xdmEntity":{sound}}}}}"#),
        r#"{"header":{"source":{"name":"s"}},"body":{"xdmMeta":{}}}"#.to_owned(),
        r#"{"header":{"source":{"name":"s"}}}"#.to_owned(),
        r#"{"header":{"source":{"name":"s"}},"body":{"xdmEntity":{"_id":5}}}"#.to_owned(),
        r#"{"body":{"xdmEntity":{"_id":5}}}"#.to_owned(),
        r#"{"header":{"source":{"name":"s"}},"body":{"xdmEntity":null}}"#.to_owned(),
        format!(r#"{{"header":{{"source":{{"name":"s"}}}},"header":{{}},"body":{{"xdmEntity":{sound}}}}}"#),
        format!(r#"{{"header":{{"source":{{"name":"s"}}}},"body":{{"xdmEntity":{sound},"xdmEntity":{sound}}}}}"#),
        "5".to_owned(),
        sound.to_owned(),
    ];
    let payloads: Vec<&[u8]> = payloads.iter().map(String::as_bytes).collect();
    insta::assert_snapshot!(told(&mut decoder(&schema, &all_fields(&schema)).enveloped(), &payloads));
}

/// Every level counts, those of the envelope too, wherever something nests.
#[test]
fn envelopes_nest_as_deep_as_any_event() {
    let schema = xdm_schema();
    let mut decoder = decoder(&schema, &all_fields(&schema)).enveloped();
    let (name, sound) = (r#""source":{"name":"s"}"#, r#""_id":"e","timestamp":"2024-02-29T17:04:05Z""#);
    let places = [
        (1, format!(r#"{{"unknown":@,"header":{{{name}}},"body":{{"xdmEntity":{{{sound}}}}}}}"#)),
        (2, format!(r#"{{"header":{{"unknown":@,{name}}},"body":{{"xdmEntity":{{{sound}}}}}}}"#)),
        (3, format!(r#"{{"header":{{"source":{{"name":"s","unknown":@}}}},"body":{{"xdmEntity":{{{sound}}}}}}}"#)),
        (2, format!(r#"{{"header":{{{name}}},"body":{{"xdmMeta":@,"xdmEntity":{{{sound}}}}}}}"#)),
        (3, format!(r#"{{"header":{{{name}}},"body":{{"xdmEntity":{{"unknown":@,{sound}}}}}}}"#)),
    ];
    for (around, place) in places {
        let nested = |levels: usize| place.replace('@', &format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        let mut refused = |levels: usize| decode(&mut decoder, &[nested(levels).as_bytes()]).rejected.pop().map(|(_, why)| why.reason);
        assert_eq!(refused(MAX_DEPTH - around), None, "{place}");
        assert_eq!(refused(MAX_DEPTH - around + 1), Some(Reason::TooDeep), "{place}");
    }
}

#[test]
fn records_of_several_messages() {
    let split = |value: &str| match messages(value.as_bytes()) {
        None => "one event".to_owned(),
        Some(Ok(parts)) => parts.into_iter().map(|part| value[part].to_owned()).collect::<Vec<_>>().join(" | "),
        Some(Err(why)) => format!("{} at byte {}: {}", why.reason.name(), why.byte.unwrap_or(usize::MAX), why.message),
    };
    let values = [
        r#"{"messages":[{"a":1},{"b":[2,"]"]}]}"#,
        " {\n \"messages\" : [ 1 , \"x\",null ] } ",
        r#"{"header":{},"messages":[1]}"#,
        r#"{"messages":5}"#,
        r#"{"messages":[]}"#,
        r#"{"messages":[{"a":1}"#,
        r#"{"messages":[{"a":1}]"#,
        r#"{"messages":[{"a":}]}"#,
        r#"{"messages":[1 2]}"#,
        r#"{"messages":[1],"more":2}"#,
        r#"{"messages":[1]}}"#,
        r#"{"messages":[1,]}"#,
        r#"{"messages":["#,
    ];
    let text: Vec<String> = values.iter().map(|value| format!("{value}\n    {}", split(value))).collect();
    insta::assert_snapshot!(text.join("\n"));
    let many = format!(r#"{{"messages":[{}1]}}"#, "1,".repeat(10_000));
    assert_eq!(messages(many.as_bytes()).unwrap().unwrap_err().reason, Reason::Oversized);
}

/// Values that are right somewhere and wrong elsewhere.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        prop_oneof![Just(2_147_483_648_i64), Just(2_147_483_649), Just(9_007_199_254_740_991), Just(9_007_199_254_740_992), Just(i64::MIN)]
            .prop_map(Value::from),
        Just(Value::from(u64::MAX)),
        prop_oneof![Just(0.0), Just(0.5), Just(1.5), Just(1.6), Just(-2.0), Just(3.0), Just(1e300)].prop_map(Value::from),
        prop_oneof![
            Just("new"),
            Just("used"),
            Just("AB1"),
            Just("ab1"),
            Just("AB1x"),
            Just("A\u{661}"),
            Just(""),
            Just("a@example.com"),
            Just("nobody"),
            Just("2024-02-29"),
            Just("2023-02-29"),
            Just("2024-02-29T17:04:05Z"),
            Just("2024-02-29T17:04:05.5+01:30"),
            Just("2024-02-29T17:04:05"),
            Just("2024-02-29T25:04:05Z"),
            Just("2024-02-29 17:04:05Z"),
            Just("authenticated"),
            Just("\u{1f697}\u{1f697}\u{1f697}\u{1f697}"),
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let names =
            prop_oneof![Just("a"), Just("b"), Just("km"), Just("name"), Just("id"), Just("primary"), Just("authenticatedState"), Just("c")];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((names.prop_map(str::to_owned), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A sound entity with some members changed, added or taken away, at any depth.
fn any_entity() -> impl Strategy<Value = Value> {
    let paths = [
        "/_id",
        "/timestamp",
        "/n",
        "/long",
        "/x",
        "/flag",
        "/day",
        "/kind",
        "/code",
        "/mail",
        "/tags",
        "/tags/0",
        "/cars",
        "/cars/1",
        "/cars/0/km",
        "/cars/0/name",
        "/closed",
        "/closed/a",
        "/closed/c",
        "/open",
        "/open/a",
        "/open/other",
        "/identityMap",
        "/identityMap/ECID",
        "/identityMap/ECID/0",
        "/identityMap/ECID/0/id",
        "/identityMap/ECID/0/authenticatedState",
        "/unknown",
    ];
    proptest::collection::vec((proptest::sample::select(paths.to_vec()), proptest::option::weighted(0.8, any_value())), 0..3).prop_map(
        |changes| {
            let mut entity = entity();
            for (path, change) in changes {
                let (parent, name) = path.rsplit_once('/').unwrap();
                match (entity.pointer_mut(parent), change) {
                    (Some(Value::Object(members)), Some(value)) => drop(members.insert(name.to_owned(), value)),
                    (Some(Value::Object(members)), None) => drop(members.shift_remove(name)),
                    (Some(Value::Array(items)), Some(value)) if !items.is_empty() => items[0] = value,
                    _ => {}
                }
            }
            entity
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// An entity is decoded when, and only when, a validator of JSON Schema takes it, whatever fields are asked for; and what is told of it
    /// is what the validator finds.
    #[test]
    fn agrees_with_a_validator(entity in any_entity(), some in any::<u16>()) {
        let (schema, validator) = (xdm_schema(), xdm_validator());
        let projection: Vec<usize> = all_fields(&schema).into_iter().filter(|field| some >> (field % 16) & 1 == 1).collect();
        let text = entity.to_string();
        let decoded = decode(&mut decoder(&schema, &projection), &[text.as_bytes()]);
        let valid = validator.is_valid(&entity);
        prop_assert_eq!(decoded.rejected.is_empty(), valid, "{}: {:?}", text, decoded.rejected);
        if let Some((_, rejection)) = decoded.rejected.first() {
            prop_assert_eq!(rejection.reason, Reason::XdmViolation);
            let report: Value = serde_json::from_str(rejection.violations.as_ref().unwrap()).unwrap();
            let told = report["_validationErrors"].as_array().unwrap();
            prop_assert!((1..=5).contains(&told.len()));
            // Both find the same places, unless there are more than are told.
            let mut ours: Vec<String> = told.iter().map(|one| one["pointerToViolation"].as_str().unwrap()[1..].to_owned()).collect();
            let mut theirs: Vec<String> = validator.iter_errors(&entity).map(|error| error.instance_path().to_string()).collect();
            ours.sort();
            ours.dedup();
            theirs.sort();
            theirs.dedup();
            if told.len() < 5 {
                prop_assert_eq!(ours, theirs, "{}", text);
            }
            prop_assert_eq!(told[0]["message"].as_str().unwrap(), &rejection.message);
        }
    }

    /// Whatever the bytes are, a payload is a row or a rejection, and its neighbours are as without it.
    #[test]
    fn hostile_bytes(cut in 0_usize..400, at in 0_usize..400, byte in any::<u8>(), deep in 0_usize..200) {
        let schema = xdm_schema();
        let sound = format!(r#"{{"header":{{"source":{{"name":"s"}}}},"body":{{"xdmEntity":{}}}}}"#, entity()).into_bytes();
        let mut changed = sound.clone();
        let place = at % changed.len();
        changed[place] = byte;
        let truncated = &sound[..cut % sound.len()];
        let nested = format!(r#"{{"header":{{"source":{{"name":"s"}}}},"body":{{"xdmEntity":{{"unknown":{}{}}}}}}}"#, "[".repeat(deep), "]".repeat(deep));
        let mut decoder = decoder(&schema, &all_fields(&schema)).enveloped();
        let batch = decode(&mut decoder, &[&sound, &changed, truncated, nested.as_bytes(), &sound]);
        prop_assert_eq!(batch.rows.first(), Some(&0));
        prop_assert_eq!(batch.rows.last(), Some(&4));
        prop_assert!(batch.rejected.iter().any(|(index, _)| *index == 2));
        let alone = decode(&mut decoder, &[&sound]);
        for (column, single) in batch.columns.iter().zip(&alone.columns) {
            prop_assert_eq!(&column.slice(column.len() - 1, 1), single);
        }
        let _ = messages(&changed).map(|parts| parts.map(|parts| parts.len()));
        let batch = [b"{\"messages\":[", changed.as_slice(), b"]}"].concat();
        if let Some(Ok(parts)) = messages(&batch) {
            prop_assert!(parts.iter().all(|part| part.end <= batch.len()));
        }
    }
}

#[test]
fn nine_digits_of_a_second_are_kept() {
    use arrow_array::cast::AsArray;
    let schema = xdm_schema();
    let (index, _) = schema.field("timestamp").unwrap();
    let decoded = decode(&mut decoder(&schema, &[index]), &[entity().to_string().as_bytes()]);
    let values = decoded.columns[0].as_primitive::<arrow_array::types::TimestampNanosecondType>();
    assert_eq!(values.value(0), 1_709_219_045_123_456_789);
}
