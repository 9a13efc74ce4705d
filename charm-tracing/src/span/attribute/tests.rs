use super::value::*;
use super::*;

macro_rules! value {
    ($value:expr) => {{
        let value: Option<Value> = (&&&Evaluated(&$value)).__value();
        value
    }};
}

#[derive(Debug)]
struct Debuggable;

#[test]
fn numbers_and_texts_are_recorded_as_they_are() {
    assert_eq!(value!(3_u8), Some(Value::I64(3)));
    assert_eq!(value!(u64::MAX), Some("18446744073709551615".into()));
    assert_eq!(value!(0.5_f32), Some(Value::F64(0.5)));
    assert_eq!(value!(true), Some(Value::Bool(true)));
    assert_eq!(value!("tempo"), Some("tempo".into()));
    assert_eq!(value!(String::from("tempo")), Some("tempo".into()));
    assert_eq!(value!(&&3_usize), Some(Value::I64(3)));
}

#[test]
fn nothing_is_left_out() {
    assert_eq!(value!(None::<u8>), None);
    assert_eq!(value!(Some("unit")), Some("unit".into()));
}

#[test]
fn other_values_become_text() {
    assert_eq!(value!(std::net::Ipv4Addr::LOCALHOST), Some("127.0.0.1".into()));
    assert_eq!(value!('x'), Some("x".into()));
    assert_eq!(value!(Debuggable), Some("Debuggable".into()));
    assert_eq!(value!(vec![1, 2]), Some("[1, 2]".into()));
}

#[test]
fn an_expression_that_panics_costs_only_its_attribute() {
    let mut attributes = Attributes::default();
    attributes.add("bad", || panic!("in an expression"));
    attributes.add("good", || value!(1));
    assert_eq!(attributes.0, [KeyValue::new("good", 1)]);
}
