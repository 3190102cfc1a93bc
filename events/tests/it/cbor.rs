//! Tablestore's events, beside an independent encoder of CBOR.

use std::fmt::Write as _;
use std::process::Command;

use fc_events::samples;
use fc_events::tablestore::{Column, ColumnKind, Info, KeyColumn, Kind, Record, TablestoreEvent, Value};

use crate::generated::Generator;

fn read(bytes: &[u8]) -> Result<TablestoreEvent, fc_events::Error> {
    fc_events::read(bytes)
}

fn written(event: &TablestoreEvent) -> Vec<u8> {
    cbor4ii::serde::to_vec(Vec::new(), event).expect("plain types")
}

#[test]
fn the_sample_comes_back_whole() {
    let bytes = samples::tablestore();
    assert_eq!(written(&read(&bytes).unwrap()), bytes);
}

#[test]
fn a_thousand_come_back_whole() {
    let mut generator = Generator::new("tablestore");
    for round in 0..1000 {
        let event = made(&mut generator);
        assert_eq!(read(&written(&event)).unwrap(), event, "round {round}");
    }
}

fn made(generator: &mut Generator) -> TablestoreEvent {
    let mut event = TablestoreEvent::default();
    event.version.push_str("Sync-v1");
    for _ in 0..=generator.below(3) {
        let mut record = Record::default();
        record.kind = [Kind::PutRow, Kind::UpdateRow, Kind::DeleteRow][generator.below(3)].clone();
        record.info = Info::default();
        record.info.timestamp = generator.number(1 << 50);
        for _ in 0..=generator.below(4) {
            let mut key = KeyColumn::default();
            key.column_name = format!("key-{}", generator.below(100));
            key.value = value(generator, 3);
            record.primary_key.push(key);
        }
        for _ in 0..generator.below(4) {
            let mut column = Column::default();
            let kinds = [ColumnKind::Put, ColumnKind::DeleteOneVersion, ColumnKind::DeleteAllVersions];
            column.kind = kinds[generator.below(3)].clone();
            column.column_name = "茶".repeat(generator.below(4));
            column.value = value(generator, 6);
            column.timestamp = (generator.below(2) == 0).then_some(1_767_595_271_741);
            record.columns.push(column);
        }
        event.records.push(record);
    }
    event
}

fn value(generator: &mut Generator, kinds: usize) -> Value {
    let number = generator.number(1 << 60) - (1 << 59);
    match generator.below(kinds) {
        0 => Value::Integer(number),
        1 => Value::Text(number.to_string()),
        2 => Value::Bytes(number.to_be_bytes().to_vec()),
        3 => Value::Truth(number % 2 == 0),
        4 => Value::Double(f64::from(u16::try_from(generator.below(1000)).unwrap_or_default()) / 8.0),
        _ => Value::Nothing,
    }
}

#[test]
fn wrong_cbor_is_told() {
    let bytes = samples::tablestore();
    assert_eq!(read(&[]).unwrap_err().to_string(), "the CBOR ends too early");
    for end in 1..bytes.len() {
        let error = read(&bytes[..end]).unwrap_err();
        assert!(error.to_string().contains("the CBOR ends too early"), "{end}: {error}");
    }
    let more = [&*bytes, &[0]].concat();
    assert_eq!(read(&more).unwrap_err().to_string(), "bytes after the event");
    assert!(read(br#"{"Version": "Sync-v1"}"#).is_err(), "JSON is no CBOR");
}

#[test]
fn a_wrong_field_is_named() {
    let event = serde_json::json!({"Records": [{"Type": "PutRow", "PrimaryKey": "k"}]});
    let bytes = cbor4ii::serde::to_vec(Vec::new(), &event).unwrap();
    let error = read(&bytes).unwrap_err();
    assert_eq!(error.field(), Some("Records[0].PrimaryKey"), "{error}");
}

/// What the encoder of Python's `cbor2` writes is read, and what is written here is decoded by `cbor2` to the same values.
#[test]
#[ignore = "needs the Python environment of the interop stage"]
fn cbor2_agrees() {
    const SCRIPT: &str = r#"
import cbor2, sys
event = {"Version": "Sync-v1", "Records": [
    {"Type": "UpdateRow", "Info": {"Timestamp": 1506416585740836},
     "PrimaryKey": [{"ColumnName": "pk_0", "Value": 1}, {"ColumnName": "pk_1", "Value": "two"}, {"ColumnName": "pk_2", "Value": b"\x00\xff"}],
     "Columns": [
         {"Type": "Put", "ColumnName": "big", "Value": 2**63 - 1, "Timestamp": 1506416585741},
         {"Type": "Put", "ColumnName": "small", "Value": -2**63, "Timestamp": 1506416585741},
         {"Type": "Put", "ColumnName": "double", "Value": 1.1, "Timestamp": 1506416585741},
         {"Type": "Put", "ColumnName": "half", "Value": 1.5, "Timestamp": 1506416585741},
         {"Type": "Put", "ColumnName": "truth", "Value": True, "Timestamp": 1506416585741},
         {"Type": "DeleteOneVersion", "ColumnName": "one", "Timestamp": 1506416585741},
         {"Type": "DeleteAllVersions", "ColumnName": "all", "Value": None}]},
    {"Type": "DeleteRow", "Info": {"Timestamp": 1506416585740837}, "PrimaryKey": [{"ColumnName": "pk_0", "Value": 2}]}]}
print(cbor2.dumps(event).hex())
print(cbor2.dumps(event, canonical=True).hex())
sample = cbor2.loads(bytes.fromhex(sys.argv[1]))
record = sample["Records"][0]
assert record["Type"] == "PutRow" and record["Info"] == {"Timestamp": 1767595271740836}, record
assert [key["Value"] for key in record["PrimaryKey"]] == [1, "42"], record
assert [column["Value"] for column in record["Columns"]] == ["tea", -2, 1.5, True, b"\x00\xff"], record
"#;
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/python/bin/python");
    let sample = samples::tablestore().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    let output = Command::new(python).args(["-c", SCRIPT, &sample]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut read_lines = 0;
    for line in lines.lines() {
        let bytes: Vec<u8> =
            (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect();
        let event = read(&bytes).unwrap();
        let columns: Vec<_> = event.records[0].columns.iter().map(|column| column.value.clone()).collect();
        let expected = [
            Value::Integer(i64::MAX),
            Value::Integer(i64::MIN),
            Value::Double(1.1),
            Value::Double(1.5),
            Value::Truth(true),
            Value::Nothing,
            Value::Nothing,
        ];
        assert_eq!(columns, expected);
        assert_eq!(event.records[0].primary_key[2].value, Value::Bytes(vec![0, 255]));
        assert_eq!((event.records[1].kind.clone(), event.records[1].columns.len()), (Kind::DeleteRow, 0));
        read_lines += 1;
    }
    assert_eq!(read_lines, 2);
}
