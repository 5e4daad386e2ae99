use super::{Rules, Tape};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Box { width: u8, height: i8 },
    Line(u8, u8),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Thing {
    name: String,
    count: Option<i64>,
    nothing: Option<u8>,
    shapes: Vec<Shape>,
    by_number: BTreeMap<u16, String>,
    pair: (bool, char),
    free: Value,
}

fn thing() -> Thing {
    Thing {
        name: "über".into(),
        count: Some(-7),
        nothing: None,
        shapes: vec![Shape::Point, Shape::Circle(1.5), Shape::Box { width: 1, height: -1 }, Shape::Line(1, 2)],
        by_number: BTreeMap::from([(3, "c".into())]),
        pair: (true, 'x'),
        free: json!({"a": [null, {"b": 18_446_744_073_709_551_615u64}], "": {}}),
    }
}

#[test]
fn what_is_laid_out_reads_back_as_it_was() {
    let thing = thing();
    let tape = Tape::of(&thing).unwrap();
    assert_eq!(tape.read::<Thing>(&Rules::default()).unwrap(), thing);
    assert_eq!(tape.read::<Value>(&Rules::default()).unwrap(), serde_json::to_value(&thing).unwrap());
}

#[test]
fn nulls_and_fields_are_left_out_where_the_rules_say() {
    let document = json!({"Status": "x", "A": null, "B": {"Status": 1, "C": null, "Free": {"D": null}}, "E": [null]});
    let tape = Tape::of(&document).unwrap();
    let rules = Rules { left_out: &["Status"], nulls_left_out_except_below: Some(&["Free"]) };
    let read: Value = tape.read(&rules).unwrap();
    assert_eq!(read, json!({"B": {"Status": 1, "Free": {"D": null}}, "E": [null]}));
}

#[test]
fn values_are_found_and_compared_whatever_the_order_of_keys() {
    let one = Tape::of(&json!({"a": 1, "b": [1.5, "x"], "c": {}})).unwrap();
    let other = Tape::of(&json!({"c": {}, "b": [1.5, "x"], "a": 1})).unwrap();
    let third = Tape::of(&json!({"a": 1, "b": [1.5, "y"], "c": {}})).unwrap();
    assert_eq!(one.root(), other.root());
    assert_ne!(one.root(), third.root());
    assert_ne!(one.root(), Tape::of(&json!({"a": 1})).unwrap().root());
    assert_eq!(one.root().get("b").unwrap().items().nth(1).unwrap().as_str(), Some("x"));
    assert!(one.root().get("c").unwrap().is_hollow());
    assert!(one.root().get("d").is_none());
}

#[test]
fn another_type_is_refused_with_the_difference() {
    let tape = Tape::of(&json!({"name": 5})).unwrap();
    let error = tape.read::<Thing>(&Rules::default()).unwrap_err().to_string();
    assert_eq!(error, "invalid type: integer `5`, expected a string");
}
