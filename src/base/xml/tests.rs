//! Reading and writing, against Python.

use std::process::Command;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};

use super::{is_char, parse, write};
use crate::material;

const MAX: usize = 1 << 24;

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else {
        panic!("{value} is not an object")
    };
    map
}

fn read(text: &str) -> Map<String, Value> {
    parse(text.as_bytes(), MAX).unwrap_or_else(|err| panic!("{} bytes: {err}", text.len()))
}

#[test]
fn fields_are_written_as_flat_xml() {
    let fields = map(json!({
        "appid": "wx8888888888888888",
        "total_fee": 888,
        "rate": 0.5,
        "flag": false,
        "attach": "",
        "none": null,
        "body": "a & b",
        "detail": r#"{"cost_price":1}"#,
        "cut": "x]]>y]]>",
        "lines": "a\r\nb<\rc",
        "quote": "it's",
    }));
    assert_eq!(
        write(&fields).unwrap(),
        "<xml><appid>wx8888888888888888</appid><total_fee>888</total_fee><rate>0.5</rate>\
         <flag>0</flag><attach></attach><none></none><body><![CDATA[a & b]]></body>\
         <detail><![CDATA[{\"cost_price\":1}]]></detail>\
         <cut><![CDATA[x]]]]><![CDATA[>y]]]]><![CDATA[>]]></cut>\
         <lines>a&#13;<![CDATA[\nb<]]>&#13;c</lines><quote>it's</quote></xml>"
    );
    assert_eq!(write(&Map::new()).unwrap(), "<xml></xml>");
}

#[test]
fn fields_that_xml_cannot_represent_are_errors() {
    for (fields, message) in [
        (
            json!({"body": "a\0b"}),
            "the field `body` has the character U+0000",
        ),
        (
            json!({"body": "\u{1b}[0m"}),
            "the field `body` has the character U+001B",
        ),
        (
            json!({"attach": "\u{ffff}"}),
            "the field `attach` has the character U+FFFF",
        ),
        (
            json!({"detail": {"goods": 1}}),
            "the field `detail` is an object; an XML field is text",
        ),
        (
            json!({"list": []}),
            "the field `list` is an array; an XML field is text",
        ),
        (json!({"": "x"}), "invalid XML field name ``"),
        (json!({"1a": "x"}), "invalid XML field name `1a`"),
        (json!({"a b": "x"}), "invalid XML field name `a b`"),
        (json!({"a:b": "x"}), "invalid XML field name `a:b`"),
        (json!({"a><b": "x"}), "invalid XML field name `a><b`"),
        (json!({"名": "x"}), "invalid XML field name `名`"),
    ] {
        let err = write(&map(fields)).unwrap_err();
        assert!(err.is_request());
        assert!(err.to_string().starts_with(message), "{err}");
    }
}

#[test]
fn responses_are_read() {
    for (text, fields) in [
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n  <return_code><![CDATA[SUCCESS]]>\
             </return_code>\n <fee>1</fee></xml>\n",
            json!({"return_code": "SUCCESS", "fee": "1"}),
        ),
        ("\u{feff}<xml><a/></xml>", json!({"a": ""})),
        ("\u{feff}<?xml version='1.0'?><xml/>", json!({})),
        ("<xml/>", json!({})),
        ("<xml>\n</xml>", json!({})),
        // A sign covers line ends as they are.
        ("<xml><a> b\r\nc\r</a></xml>", json!({"a": " b\r\nc\r"})),
        ("<xml><a>b\r&lt;</a></xml>", json!({"a": "b\r<"})),
        ("<xml>\r\n<a>b</a>\r\n</xml>\r\n", json!({"a": "b"})),
        (
            "<xml><a>\u{1}b\u{1b}[0m\u{7f}</a></xml>",
            json!({"a": "\u{1}b\u{1b}[0m\u{7f}"}),
        ),
        (
            "<xml><a><![CDATA[a\u{10}b\0\u{ffff}\r\n]]></a></xml>",
            json!({"a": "a\u{10}b\0\u{ffff}\r\n"}),
        ),
        (
            "<xml><a>&#1;&#x1F;&#0;&#xffff;&#27;</a></xml>",
            json!({"a": "\u{1}\u{1f}\0\u{ffff}\u{1b}"}),
        ),
        ("<xml b='\u{1}'><!-- \u{1} --></xml>", json!({})),
        (
            "<xml><a>&lt;&gt;&amp;&quot;&apos;&#65;&#x4e2d;&#13;</a></xml>",
            json!({"a": "<>&\"'A中\r"}),
        ),
        (
            "<xml><a>x<![CDATA[<y>&amp;]]>z</a></xml>",
            json!({"a": "x<y>&amp;z"}),
        ),
        ("<xml><a><!-- no --> b</a></xml>", json!({"a": " b"})),
        ("<xml><a type=\"x\" b='y'>c</a ></xml>", json!({"a": "c"})),
        (
            "<xml><l><h><o>1</o></h> <h><o>2</o></h></l></xml>",
            json!({"l": {"h": [{"o": "1"}, {"o": "2"}]}}),
        ),
        (
            "<xml><a>1</a><a>2</a><a>3</a></xml>",
            json!({"a": ["1", "2", "3"]}),
        ),
    ] {
        assert_eq!(Value::Object(read(text)), fields, "{text}");
    }
}

#[test]
fn anything_else_is_an_error_with_the_position() {
    let deep = format!("{}{}", "<xml>".repeat(17), "</xml>".repeat(17));
    let many = format!("<xml>{}</xml>", "<a/>".repeat(10_000));
    for (text, message) in [
        ("", "byte 0: no root element"),
        ("not XML", "byte 0: text outside the root element"),
        (
            "<html></html>",
            "byte 0: unexpected root element `<html>`; expected `<xml>`",
        ),
        ("<xml><a>", "byte 8: unclosed element `<a>`"),
        ("<xml><a></b></xml>", "byte 8: "),
        ("</xml>", "byte 0: "),
        (
            "<xml></xml><xml></xml>",
            "byte 11: second root element `<xml>`",
        ),
        ("<xml></xml>x", "byte 11: text outside"),
        ("<xml></xml>&amp;", "byte 11: reference outside"),
        ("<xml>x</xml>", "byte 6: the root element has text"),
        (
            "<xml><a>b<c/></a></xml>",
            "byte 13: `a` mixes text and elements",
        ),
        (
            "<!DOCTYPE xml><xml/>",
            "byte 0: document types are not supported",
        ),
        (
            "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><a>&x;</a></xml>",
            "byte 0: document types are not supported",
        ),
        (
            "<?php x ?><xml/>",
            "byte 0: processing instructions are not supported",
        ),
        (
            " <?xml version=\"1.0\"?><xml/>",
            "byte 1: XML declaration not at the start",
        ),
        (
            "\u{feff}  <?xml version=\"1.0\"?><xml/>",
            "byte 5: XML declaration not at the start",
        ),
        (
            "\u{feff}\u{feff}<xml/>",
            "byte 3: text outside the root element",
        ),
        ("\u{feff}<xml><a></xml>", "byte 11: "),
        (
            "<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>",
            "byte 0: declared as `GBK`",
        ),
        (
            "<xml><a>&nbsp;</a></xml>",
            "byte 8: unknown entity `&nbsp;`",
        ),
        (
            "<xml><a>&#+1;</a></xml>",
            "byte 8: unknown entity of 3 bytes",
        ),
        ("<xml><a>&#;</a></xml>", "byte 8: unknown entity `&#;`"),
        (
            "<xml><a>&#x110000;</a></xml>",
            "byte 8: unknown entity `&#x110000;`",
        ),
        (
            "<xml><a>&#xD800;</a></xml>",
            "byte 8: unknown entity `&#xD800;`",
        ),
        ("<xml><a>a & b</a></xml>", "byte "),
        (
            "<xml>\u{1}<a/></xml>",
            "byte 10: `xml` mixes text and elements",
        ),
        ("<xml>\u{1}</xml>", "byte 6: the root element has text"),
        ("<xml/>\u{1}", "byte 6: text outside"),
        (
            "<xml><a\u{1}/></xml>",
            "byte 5: invalid element name `a\\u{1}`",
        ),
        (
            "<xml><a\u{ffff}/></xml>",
            "byte 5: invalid element name `a\\u{ffff}`",
        ),
        ("<xml><a>]]></a></xml>", "byte 8: `]]>` in text"),
        ("<xml><1a/></xml>", "byte 5: invalid element name `1a`"),
        ("<xml>< a/></xml>", "byte 5: invalid element name ``"),
        ("<xml><a b></a></xml>", "byte 5: invalid attribute of `a`"),
        ("<xml><a><![CDATA[x</a></xml>", "byte 8: "),
        ("<xml><!-- a -- b --></xml>", "byte "),
        (&deep, "byte 80: elements nested deeper than 16 levels"),
        (&many, "byte 40001: more than 10000 elements"),
    ] {
        let Err(err) = parse(text.as_bytes(), MAX) else {
            panic!("{text} was accepted")
        };
        assert!(err.is_decode());
        let expected = format!("invalid XML at {message}");
        assert!(err.to_string().starts_with(&expected), "{text}: {err}");
    }
    let err = parse(b"<xml></x\nml>", MAX).unwrap_err().to_string();
    assert!(!err.contains('\n') && err.contains(r"</x\nml>"), "{err}");
    let long = format!("<xml></{}>", "x".repeat(10_000));
    assert!(parse(long.as_bytes(), MAX).unwrap_err().to_string().len() < 300);
    let err = parse(b"<xml><a>\xb5\xc4</a></xml>", MAX).unwrap_err();
    assert_eq!(err.to_string(), "invalid XML at byte 8: invalid UTF-8");
    assert!(parse(b"<xml></xml>", 10).unwrap_err().is_too_large());
    assert!(parse(b"<xml></xml>", 11).is_ok());
}

/// Quadratic time would take minutes here.
#[test]
fn large_inputs_take_linear_time() {
    let many = 1 << 17;
    for text in [
        "<".repeat(many),
        "&".repeat(many),
        "<!--".repeat(many / 4),
        "<![CDATA[".repeat(many / 8),
        "<xml>".repeat(many / 4),
        "</xml>".repeat(many / 4),
        format!("<xml><a>{}</a></xml>", "&amp;".repeat(many)),
        format!("<xml><a>{}</a></xml>", "<![CDATA[]]>".repeat(many / 4)),
        format!("<xml><a>{}</a></xml>", "<!---->".repeat(many / 4)),
        format!("<xml><a {}/></xml>", "b=\"c\" ".repeat(many / 4)),
        format!("<xml><a {}", "b=\"c\" ".repeat(many / 4)),
        format!("<xml>{}", "<a>b</a>".repeat(many / 4)),
        format!("<!DOCTYPE xml [{}", "<!ENTITY a \"b\">".repeat(many / 8)),
        format!("<xml><{}/></xml>", "a".repeat(many)),
    ] {
        let _ = parse(text.as_bytes(), MAX);
    }
    let long = map(json!({"a": "]]>\r".repeat(many / 4)}));
    assert_eq!(read(&write(&long).unwrap()), long);
}

/// Text that XML can represent, with many pieces that need care.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "]]>", "]]", "]", ">", "<![CDATA[", "<a>", "&amp;", "&", "&#13;", "\r", "\n", "\r\n",
            "\t", " ", "\"", "'", "😀", "中", "\u{85}", "\u{2028}", "\u{7f}", "\u{feff}", "%", "=",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| text.chars().filter(|c| is_char(*c)).collect()),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("[a-zA-Z_][a-zA-Z0-9_.-]{0,8}", text()), 0..5).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, text)| (name, text.into()))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn written_fields_are_read_back(fields in fields()) {
        prop_assert_eq!(parse(write(&fields).unwrap().as_bytes(), MAX).unwrap(), fields);
    }

    #[test]
    fn random_text_does_not_panic(text in text(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(text.as_bytes(), MAX);
        let _ = parse(format!("<xml>{text}</xml>").as_bytes(), MAX);
        let _ = parse(&bytes, MAX);
    }

    #[test]
    fn any_text_is_written_or_an_error(text in any::<String>()) {
        let fields = map(json!({"a": text}));
        match write(&fields) {
            Ok(xml) => prop_assert_eq!(read(&xml), fields),
            Err(err) => prop_assert!(err.to_string().contains("`a`")),
        }
    }
}

#[test]
fn python_reads_what_is_written() {
    const SCRIPT: &str = "
import json, sys, xml.etree.ElementTree as tree
for line in sys.stdin:
    text, fields = json.loads(line)
    read = {e.tag: e.text or '' for e in tree.fromstring(text.encode('utf-8'))}
    assert read == fields, (text, read, fields)
print('read')
";
    if !material::has_program("python3") {
        return;
    }
    let mut runner = TestRunner::new(Config {
        cases: 1,
        ..Config::default()
    });
    let mut lines = String::new();
    for _ in 0..1_000 {
        let fields = fields().new_tree(&mut runner).unwrap().current();
        lines += &format!("{}\n", json!([write(&fields).unwrap(), fields]));
    }
    let python = material::run(
        Command::new("python3").args(["-c", SCRIPT]),
        lines.as_bytes(),
    );
    assert_eq!(python.unwrap().trim_ascii(), b"read");
}
