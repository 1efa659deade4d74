//! `caz fit` as a user meets it: formats of datasets, levels of statistics, the file that it writes, every message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/onnx.rs"]
mod onnx;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use caz::codec::file::{FileFormat, RawRows, RowFile, RowSink};
use caz::codec::{Decoded, Encoded};
use caz::dataset::{DatasetSchema, Frozen};
use caz::fit::{Options, fit};
use caz::stream::Assembly;
use parquet::arrow::ArrowWriter;
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with a pipeline of Pandas nodes in a line, each with these parameters, and a dataset.
struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// `fields` are Avro fields, `nodes` the parameters of the nodes, `rows` the lines of a CSV file.
    fn new(fields: &str, nodes: &[&str], rows: &str) -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap() };
        sandbox.write("rows.csv", rows);
        sandbox.write("rows.avsc", &format!(r#"{{"type": "record", "name": "Row", "fields": [{fields}]}}"#));
        sandbox.write_pipeline(nodes, "");
        sandbox
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// `graph` are further lines of the graph.
    fn write_pipeline(&self, nodes: &[&str], graph: &str) {
        let mut text = String::from(
            "name: p\ninput: {topic: in, group: g, format: json, schema: rows.avsc}\noutput: {topic: out}\ndead_letters: {topic: dead}\n\
             kafka: {bootstrap.servers: 'none:9092'}\ngraph:\n",
        );
        text += graph;
        text += "  nodes:\n    - {id: event, type: JsonToDataframe}\n";
        let mut edges = String::new();
        let mut last = "event".to_owned();
        for (at, params) in nodes.iter().enumerate() {
            text += &format!("    - id: n{at}\n      type: Pandas\n      params: {params}\n");
            edges += &format!("    - [{last}, n{at}]\n");
            last = format!("n{at}");
        }
        text += "    - {id: model, type: ONNXNode, params: {model_id: none, features: [x]}}\n  edges:\n";
        text += &format!("{edges}    - [{last}, model]\n");
        self.write("p.yaml", &text);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn frozen(&self) -> Frozen {
        Frozen::read(&self.path("p.frozen.json")).unwrap()
    }

    /// Exit code and what `caz fit p.yaml --dataset rows.csv` says, without its time.
    fn fit(&self, more: &[&str]) -> (i32, String) {
        let arguments = [&["fit", "p.yaml", "--dataset", "rows.csv"], more].concat();
        caz(self.folder.path(), &arguments)
    }
}

/// Exit code and output of a command, standard output before standard error, times and digests masked.
fn caz(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_caz"))
        .args(arguments)
        .current_dir(folder)
        .env("ORT_DYLIB_PATH", caz::model::library().unwrap())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let said = regex::Regex::new(r"in \d+\.\d\d s").unwrap().replace_all(&said, "in TIME").into_owned();
    (output.status.code().unwrap(), said)
}

#[test]
fn the_example_is_frozen_as_fit_writes_it() {
    let (code, said) = caz(root(), &["fit", "config/car-insurance.yaml", "--dataset", "datasets/car-insurance.csv", "--check"]);
    assert_eq!(code, 0, "{said}");
    insta::assert_snapshot!("the_example", said);
}

#[test]
fn every_format_of_a_dataset_gives_the_same_statistics() {
    let schema = std::fs::read_to_string(root().join("schemas/car-insurance.avsc")).unwrap();
    let schema = DatasetSchema::parse_avro(&schema).unwrap();
    let assembly =
        Assembly::load_to_fit(&root().join("config/car-insurance.yaml")).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let csv = root().join("datasets/car-insurance.csv");
    let expected = fit(&assembly, &csv, Options::default(), &mut |_| {}).unwrap().frozen;

    let (mut file, mut raw, mut decoded) = (RowFile::open(&csv).unwrap(), RawRows::default(), Decoded::default());
    let mut decoder = file.decoder(&schema, &(0..schema.fields().len()).collect::<Vec<_>>()).unwrap();
    file.read(10_000, &mut raw).unwrap();
    decoder.decode(&raw.payloads(), &mut decoded);
    let fields: Vec<_> = schema.fields().iter().map(|field| (field.path.clone(), field.data_type.clone(), field.nullable)).collect();
    let folder = tempfile::tempdir().unwrap();
    for name in ["rows.csv", "rows.jsonl", "rows.avro", "rows.parquet"] {
        let path = folder.path().join(name);
        if name == "rows.parquet" {
            let fields: Vec<Field> =
                fields.iter().map(|(name, data_type, nullable)| Field::new(name, data_type.clone(), *nullable)).collect();
            let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), decoded.columns.clone()).unwrap();
            let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
        } else {
            let mut encoder = FileFormat::of(&path).unwrap().encoder("Row", &fields).unwrap();
            let mut sink = RowSink::create(&path, encoder.as_ref()).unwrap();
            let mut encoded = Encoded::default();
            encoder.encode(&decoded.columns, &mut (0..decoded.rows.len()), &mut encoded, &mut Vec::new());
            sink.write(&encoded).unwrap();
            sink.finish().unwrap();
        }
        let fitted = fit(&assembly, &path, Options::default(), &mut |_| {}).unwrap_or_else(|error| panic!("{name}: {error}")).frozen;
        assert_eq!((&fitted.nodes, fitted.dataset.rows), (&expected.nodes, 5_000), "{name}");
    }
}

const X: &str = r#"{"name": "x", "type": ["null", "double"]}"#;
const T: &str = r#"{"name": "t", "type": ["null", "string"]}"#;

#[test]
fn statistics_of_statistics_take_a_pass_each() {
    let nodes = [
        "{import: fillna, cols: x, kwargs: {value: {frozen: median}}}",
        "{import: qcut, cols: x, into: q, kwargs: {q: 2}}",
        "{import: top_k, cols: x, kwargs: {k: 1, others: -1}}",
        "{import: factorize, cols: x}",
    ];
    let sandbox = Sandbox::new(X, &nodes, "x\n1\n\n2\n10\n10\n\"\"\n4\n");
    insta::assert_snapshot!("levels", sandbox.fit(&[]).1);
    insta::assert_snapshot!(
        "levels_file",
        std::fs::read_to_string(sandbox.path("p.frozen.json")).unwrap().replace(sandbox.frozen().date.as_ref().unwrap(), "DATE")
    );
}

#[test]
fn a_fit_that_finds_the_same_leaves_the_file_as_it_is() {
    let nodes = ["{import: fillna, cols: x, kwargs: {value: {frozen: mean}}}"];
    let sandbox = Sandbox::new(X, &nodes, "x,t\n1,a\n2,b\n");
    assert_eq!(sandbox.fit(&["--check"]).0, 1);
    assert!(!sandbox.path("p.frozen.json").exists(), "--check writes nothing");
    assert_eq!(sandbox.fit(&[]).0, 0);
    let earlier = Frozen { date: Some("2001-02-03".into()), ..sandbox.frozen() };
    earlier.write(&sandbox.path("p.frozen.json")).unwrap();
    assert_eq!(sandbox.fit(&["--check"]).0, 0);
    assert_eq!(sandbox.fit(&[]).0, 0);
    // The same data by another path.
    let rows = sandbox.path("rows.csv");
    let (code, said) = caz(sandbox.folder.path(), &["fit", "p.yaml", "--dataset", rows.to_str().unwrap(), "--check"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(sandbox.frozen(), earlier);
    sandbox.write("rows.csv", "x,t\n1,a\n3,b\n");
    let (code, said) = sandbox.fit(&["--check"]);
    assert_eq!((code, said.contains("is not what `caz fit` writes")), (1, true), "{said}");
    assert_eq!(sandbox.frozen(), earlier);
    // What was frozen before is not trusted.
    assert_eq!(sandbox.fit(&[]).0, 0);
    assert_ne!(sandbox.frozen(), earlier);
}

/// The natural slip is to name the training data.
#[test]
fn a_file_that_holds_no_statistics_is_not_written_over() {
    let nodes = ["{import: fillna, cols: x, kwargs: {value: {frozen: mean}}}"];
    let sandbox = Sandbox::new(X, &nodes, "x,t\n1,a\n2,b\n");
    for name in ["rows.csv", "rows.avsc"] {
        let before = std::fs::read(sandbox.path(name)).unwrap();
        sandbox.write_pipeline(&nodes, &format!("  frozen: {name}\n"));
        let (code, said) = sandbox.fit(&[]);
        assert_eq!((code, said.contains("holds no statistics that this caz reads, so it is not written over")), (1, true), "{said}");
        assert_eq!(std::fs::read(sandbox.path(name)).unwrap(), before, "{name}");
    }
    sandbox.write_pipeline(&nodes, "  frozen: no/p.json\n");
    let (code, said) = sandbox.fit(&[]);
    assert_eq!((code, said.as_str()), (1, "error: no/p.json: there is no folder no\n"));
}

#[test]
fn what_cannot_be_fitted_is_told() {
    let many: String = (0..10_001).map(|row| format!("{row},a\n")).collect();
    let many = format!("x,t\n{many}");
    let cases: [(&str, &str, &str); 12] = [
        ("{import: fillna, cols: x, kwargs: {value: {frozen: median}}}", "x,t\n,a\n,b\n", "nothing but nulls"),
        ("{import: get_dummies, kwargs: {columns: [x]}}", &many, "too many categories"),
        ("{import: to_datetime, cols: t}", "x,t\n1,01/02/2020\n2,03/02/2020\n", "ambiguous"),
        ("{import: to_datetime, cols: t}", "x,t\n1,2020-02-01\n2,01.02.2020\n", "mixed"),
        ("{import: cut, cols: x, kwargs: {bins: 0}}", "x,t\n1,a\n", "no bins"),
        ("{import: qcut, cols: x, kwargs: {q: [0, 2]}}", "x,t\n1,a\n", "no probabilities"),
        ("{import: qcut, cols: x, kwargs: {q: 4}}", "x,t\n1,a\n1,b\n1,c\n9,d\n", "equal edges"),
        ("{import: qcut, cols: x, kwargs: {q: 4, retbins: true}}", "x,t\n1,a\n", "retbins"),
        ("{import: top_k, cols: t, kwargs: {k: 2, others: 7}}", "x,t\n1,a\n", "others of another type"),
        ("{import: fillna, cols: t, kwargs: {value: {frozen: mean}}}", "x,t\n1,a\n", "the mean of texts"),
        ("{import: astype, cols: t, kwargs: {dtype: float}}", "x,t\n1,a\n", "nothing to freeze"),
        ("{import: fillna, cols: x, kwargs: {value: {frozen: mean}}}", "x,t\n1,a\nzwei,b\n3,c\n", "a row that is no row"),
    ];
    let mut said = String::new();
    for (node, rows, what) in cases {
        let sandbox = Sandbox::new(&format!("{X}, {T}"), &[node], rows);
        let (code, message) = sandbox.fit(&[]);
        said += &format!("--- {what}: exit {code}\n{}\n", message.trim_end());
        assert!(!sandbox.path("p.frozen.json").exists(), "{what} writes no file");
    }
    insta::assert_snapshot!("refusals", said);
}

/// `check` would look for the file.
#[test]
fn a_file_that_a_graph_without_statistics_names_is_told() {
    let nodes = ["{import: astype, cols: t, kwargs: {dtype: float}}"];
    let sandbox = Sandbox::new(&format!("{X}, {T}"), &nodes, "x,t\n1,1\n");
    sandbox.write_pipeline(&nodes, "  frozen: p.frozen.json\n");
    let (code, said) = sandbox.fit(&[]);
    assert_eq!((code, said.contains("the file that `graph.frozen` names: take it out of the pipeline")), (0, true), "{said}");
    let (_, said) = caz(sandbox.folder.path(), &["check", "p.yaml"]);
    assert!(said.contains("a graph that needs no statistics names none"), "{said}");
}

#[test]
fn a_field_that_the_dataset_lacks_is_told_once() {
    let node = "{import: fillna, cols: x, kwargs: {value: {frozen: median}}}";
    let sandbox = Sandbox::new(&format!("{X}, {T}"), &[node], "X,t\n1,a\n2,b\n");
    let (code, said) = sandbox.fit(&[]);
    assert_eq!(code, 1, "{said}");
    let warning = "warning: rows.csv: the file lacks field `x` (it has `X`), which is null in every row\n";
    assert_eq!(said.matches(warning).count(), 1, "{said}");
}

#[test]
fn rows_that_are_rejected_take_no_part() {
    let nodes = ["{import: astype, cols: t, kwargs: {dtype: float}}", "{import: fillna, cols: x, kwargs: {value: {frozen: mean}}}"];
    let rows = "x,t\n1,1\n2,2\nzwei,3\n100,vier\n3,5\n";
    let sandbox = Sandbox::new(&format!("{X}, {T}"), &nodes, rows);
    let refused = sandbox.fit(&["--max-rejected", "1"]);
    let fitted = sandbox.fit(&["--max-rejected", "2"]);
    insta::assert_snapshot!("rejected_rows", format!("exit {}\n{}\nexit {}\n{}", refused.0, refused.1, fitted.0, fitted.1));
}

#[test]
fn skipped_rows_take_no_part_and_are_counted() {
    let nodes = ["{import: dropna, kwargs: {subset: [t]}}", "{import: fillna, cols: x, kwargs: {value: {frozen: mean}}}"];
    let sandbox = Sandbox::new(&format!("{X}, {T}"), &nodes, "x,t\n1,a\n1000,\n2,b\n");
    let (code, said) = sandbox.fit(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("3 rows in 1 pass in TIME, 0 rejected, 1 skipped by nodes"), "{said}");
    assert!(said.contains("mean       1.5"), "{said}");
}

/// Branches stand beside each other, in whatever order the file lists them: what one takes out is there in the other, as in a notebook.
#[test]
fn a_statistic_is_of_the_rows_of_its_branch() {
    let sandbox = Sandbox::new(&format!("{X}, {T}"), &[], "x,t\n1,a\n5,\n9,\n,b\n");
    let kept = "    - {id: kept, type: Pandas, params: {import: dropna, kwargs: {subset: [t]}}}\n";
    let filled = "    - {id: filled, type: Pandas, params: {import: fillna, cols: x, into: full, kwargs: {value: {frozen: median}}}}\n";
    let behind = "    - {id: behind, type: Pandas, params: {import: fillna, cols: x, into: rest, kwargs: {value: {frozen: mean}}}}\n";
    let text = std::fs::read_to_string(sandbox.path("p.yaml")).unwrap();
    let edges = "    - [event, kept]\n    - [kept, behind]\n    - [event, filled]\n    - [behind, model]\n    - [filled, model]\n";
    for nodes in [[kept, behind, filled], [filled, kept, behind]] {
        let text = text.replace("    - {id: model,", &format!("{}    - {{id: model,", nodes.concat()));
        sandbox.write("p.yaml", &text.replace("    - [event, model]\n", edges));
        let (code, said) = sandbox.fit(&[]);
        assert_eq!(code, 0, "{said}");
        let expected = json!({"filled": {"x": {"median": 5.0}}, "behind": {"x": {"mean": 1.0}}});
        assert_eq!(json!(sandbox.frozen().nodes), expected, "{text}");
        std::fs::remove_file(sandbox.path("p.frozen.json")).unwrap();
    }
}

/// What nobody needs asks for no statistic: the time never is null, so the text is not read.
#[test]
fn a_part_that_nobody_needs_asks_for_no_statistic() {
    let when = r#"{"name": "when", "type": {"type": "long", "logicalType": "timestamp-millis"}}"#;
    let node = "{import: assign, kwargs: {seen: 'coalesce(when, to_datetime(t, utc=true))'}}";
    let sandbox = Sandbox::new(&format!("{X}, {T}, {when}"), &[node], "x,t,when\n1,2020-01-02,1000\n2,2021-01-02,2000\n");
    let (code, said) = sandbox.fit(&[]);
    assert_eq!((code, said.contains("time format")), (0, false), "{said}");
    let (_, said) = caz(sandbox.folder.path(), &["check", "p.yaml"]);
    assert_eq!((said.contains("E0401"), said.contains("E0204")), (true, false), "{said}");
}

/// Which statistics they are is told by the digest of what they depend on.
#[test]
fn the_order_of_assignments_and_the_model_before_a_statistic_count() {
    let statistic = "{import: fillna, cols: b, kwargs: {value: {frozen: median}}}";
    let fitted = |sandbox: &Sandbox| {
        let (code, said) = sandbox.fit(&[]);
        assert!(code == 0 && sandbox.path("p.frozen.json").exists(), "{said}");
        sandbox.frozen().graph.unwrap()
    };
    let assigned = |kwargs: &str| fitted(&Sandbox::new(X, &[&format!("{{import: assign, kwargs: {kwargs}}}"), statistic], "x\n1\n2\n"));
    assert_ne!(assigned("{a: x + 1, b: x * 2}"), assigned("{b: x * 2, a: x + 1}"));
    assert_eq!(assigned("{a: x + 1, b: x * 2}"), assigned("{'a': 'x + 1', b: x * 2}"));

    let scored = |operator: &str| {
        let sandbox = Sandbox::new(X, &["{import: cut, cols: b, into: c, kwargs: {bins: 3}}"], "x\n1\n2\n");
        std::fs::write(sandbox.path("model.onnx"), onnx::unary(operator, onnx::DOUBLE, &[0, 1], &[])).unwrap();
        let text = std::fs::read_to_string(sandbox.path("p.yaml")).unwrap();
        let before = "    - {id: first, type: ONNXNode, params: {model_id: model, features: [x], outputs: {y: b}}}\n    - id: n0";
        let text = text.replace("    - id: n0", before).replace("[event, n0]", "[event, first]\n    - [first, n0]");
        sandbox.write("p.yaml", &text.replace("graph:\n", "model_store: .\ngraph:\n"));
        fitted(&sandbox)
    };
    assert_ne!(scored("Neg"), scored("Abs"));
}

/// Values that were frozen of a column of another type would be found in no event.
#[test]
fn statistics_of_a_column_of_another_type_are_refused() {
    let kind = |name: &str| format!(r#"{X}, {{"name": "kind", "type": "{name}"}}"#);
    let nodes = [
        "{import: top_k, cols: kind, into: top, kwargs: {k: 1, others: 0}}",
        "{import: factorize, cols: kind, into: number}",
        "{import: get_dummies, kwargs: {columns: [kind]}}",
    ];
    let sandbox = Sandbox::new(&kind("long"), &nodes, "x,kind\n1,1\n2,2\n");
    assert_eq!(sandbox.fit(&[]).0, 0);
    sandbox.write("rows.avsc", &format!(r#"{{"type": "record", "name": "Row", "fields": [{}]}}"#, kind("string")));
    let text = std::fs::read_to_string(sandbox.path("p.yaml")).unwrap();
    sandbox.write("p.yaml", &text.replace("others: 0", "others: other").replace("graph:\n", "graph:\n  frozen: p.frozen.json\n"));
    let (code, said) = caz(sandbox.folder.path(), &["check", "p.yaml"]);
    assert_eq!(code, 3, "{said}");
    for (node, statistic) in [("n0", "most frequent values"), ("n1", "order of values"), ("n2", "categories")] {
        let message = format!("node `{node}`: 1 among the frozen {statistic} of column `kind` is no value of type object");
        assert!(said.contains(&message), "{said}");
    }
}

#[test]
fn one_place_in_the_file_is_not_taken_for_two_statistics() {
    let steps = "{steps: [{import: fillna, cols: x, kwargs: {value: {frozen: mean}}}, {import: clip, cols: x, kwargs: {upper: 1}}, \
                 {import: fillna, cols: x, kwargs: {value: {frozen: mean}}}]}";
    let sandbox = Sandbox::new(X, &[steps], "x\n1\n2\n");
    let (code, said) = sandbox.fit(&[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("node `n0` needs the mean of column `x` twice, before and after it changes"), "{said}");
}

/// Both parts have it, and what depends on either is frozen too.
#[test]
fn a_statistic_that_two_parts_of_a_node_need_serves_both() {
    let nodes = [
        "{import: assign, kwargs: {hour: 'hour(to_datetime(t))', dow: 'dayofweek(to_datetime(t))'}}",
        "{import: get_dummies, kwargs: {columns: [hour, dow]}}",
    ];
    let sandbox = Sandbox::new(&format!("{X}, {T}"), &nodes, "x,t\n1,2020-01-02 10:00\n2,2020-01-05 11:00\n");
    let (code, said) = sandbox.fit(&[]);
    assert_eq!(code, 0, "{said}");
    let dummies = json!({"hour": {"categories": [10.0, 11.0]}, "dow": {"categories": [3.0, 6.0]}});
    assert_eq!(json!(sandbox.frozen().nodes), json!({"n0": {"t": {"format": "%Y-%m-%d %H:%M"}}, "n1": dummies}));
    sandbox.write_pipeline(&nodes, "  frozen: p.frozen.json\n");
    let (_, said) = caz(sandbox.folder.path(), &["check", "p.yaml"]);
    assert_eq!((said.contains("E0401"), said.contains("E0204")), (true, false), "{said}");
}

/// Beyond 63 bits a number of the file is read as a float: it would be found in no event, or in that of another number.
#[test]
fn values_that_the_file_gives_back_rounded_are_refused() {
    let hash = r#"{"name": "h", "type": "string"}"#;
    let operations = [
        "{import: factorize, cols: h}",
        "{import: top_k, cols: h, kwargs: {k: 2, others: 0}}",
        "{import: get_dummies, kwargs: {columns: [h]}}",
    ];
    for operation in operations {
        let nodes = ["{import: astype, cols: h, kwargs: {dtype: uint64}}", operation];
        let sandbox = Sandbox::new(&format!("{X}, {hash}"), &nodes, "x,h\n1,18446744073709551615\n2,7\n");
        let (code, said) = sandbox.fit(&[]);
        assert_eq!(code, 3, "{said}");
        let message = "on column `h` of type uint64 (made by `n0`): 1.8446744073709552e+19 has more than 63 bits, and is read as a float";
        assert!(said.contains(message), "{said}");
    }
}

/// A value that is passed over would take what depends on it out of the scores.
#[test]
fn statistics_of_another_shape_are_refused() {
    let nodes = [
        "{import: fillna, cols: x, into: full, kwargs: {value: {frozen: median}}}",
        "{import: cut, cols: x, into: bin, kwargs: {bins: 4}}",
        "{import: to_datetime, cols: t, into: when}",
        "{import: get_dummies, kwargs: {columns: [t]}}",
    ];
    let sandbox = Sandbox::new(&format!("{X}, {T}"), &nodes, "");
    sandbox.write_pipeline(&nodes, "  frozen: p.frozen.json\n");
    let statistics = json!({
        "n0": {"x": {"median": [1.0]}},
        "n1": {"x": {"bins=4": 3.0}},
        "n2": {"t": {"format": ["%Y"]}},
        "n3": {"t": {"categories": {"a": 1}}},
    });
    let file = json!({"version": 1, "dataset": {"path": "", "sha256": "", "rows": 0}, "nodes": statistics});
    sandbox.write("p.frozen.json", &file.to_string());
    let (code, said) = caz(sandbox.folder.path(), &["check", "p.yaml"]);
    assert_eq!(code, 3, "{said}");
    for message in [
        "node `n0`: the frozen median of column `x` must be one value",
        "node `n1`: the frozen bin edges of column `x` must be a list of values",
        "node `n2`: the frozen time format of column `t` must be one value",
        "node `n3`: the frozen categories of column `t` must be a list of values",
    ] {
        assert!(said.contains(message), "{said}");
    }
}

/// The example in a folder of its own, with these texts of the pipeline and of the statistics replaced; what `caz check` warns of.
fn check_example(pipeline: (&str, &str), frozen: (&str, &str)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read_to_string(root().join("config").join(name)).unwrap();
    let text = read("car-insurance.yaml").replace("../", &format!("{}/", root().display()));
    assert!(text.contains(pipeline.0) && read("car-insurance.frozen.json").contains(frozen.0));
    std::fs::write(folder.path().join("p.yaml"), text.replace(pipeline.0, pipeline.1)).unwrap();
    let statistics = read("car-insurance.frozen.json").replace(frozen.0, frozen.1);
    std::fs::write(folder.path().join("car-insurance.frozen.json"), statistics).unwrap();
    let (code, said) = caz(folder.path(), &["check", "p.yaml"]);
    assert_eq!(code, 0, "{said}");
    said.find("warning").map_or_else(String::new, |at| said[at..].to_owned())
}

#[test]
fn statistics_of_another_graph_or_pandas_are_warned_of() {
    let same = ("", "");
    let before = check_example(("import: fillna, cols: age,", "import: fillna, inplace: true, cols: age,"), same);
    let pandas = check_example(same, ("\"pandas\": \"2.2.3\"", "\"pandas\": \"1.5.0\""));
    insta::assert_snapshot!("stale", format!("{before}\n{pandas}"));
    // What stands behind the statistics changes none.
    assert_eq!(check_example(("label: purchase_predicted,", "label: purchase_predicted, "), same), "");
    assert_eq!(check_example(("max_batch: 1024", "max_batch: 1000"), same), "");
}
