//! Writes a plan as Rust.

use std::fmt::Write;

use wechatpay_chain::catalog::Sealing;

use super::{
    form::Need,
    plan::{Enum, Item, Member, Plan, Purpose, Struct, Type},
    words::is_snake,
};
use crate::text::{t, tf};

/// Reads what is text on the wire, and numbers too.
const TEXT: &str = include_str!("text.rs.txt");

const ONE_OR_MANY: &str = "\
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}
";

/// Returns the source of a plan, formatted as rustfmt does. `derives` are added to serde's.
pub(super) fn source(plan: &Plan, derives: &[String]) -> String {
    let mut source = String::new();
    let mut derive = String::from("Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize");
    for more in derives {
        derive.push_str(", ");
        derive.push_str(more);
    }
    let derive = format!("#[derive({derive})]\n");
    for item in &plan.items {
        source.push('\n');
        match item {
            Item::Struct(structure) => write_struct(&mut source, structure, &derive),
            Item::Enum(enumeration) => write_enum(&mut source, enumeration, &derive),
        }
    }
    let has = |wanted: fn(&Type) -> bool| {
        plan.items.iter().any(|item| match item {
            Item::Struct(structure) => structure.members.iter().any(|member| wanted(&member.ty)),
            Item::Enum(_) => false,
        })
    };
    if has(|ty| matches!(ty, Type::OneOrMany(_))) {
        let doc = t("One value, or a list.", "单个值或列表。");
        let _ = write!(
            source,
            "\n/// {doc}\n{}",
            ONE_OR_MANY.replace(BASE_DERIVE, &derive)
        );
    }
    if has(|ty| matches!(ty, Type::IntegerText)) {
        let doc = t(
            "Whole numbers that are text on the wire.",
            "以文本传输的整数。",
        );
        let _ = write!(source, "\n/// {doc}\n{TEXT}");
    }
    source
}

const BASE_DERIVE: &str =
    "#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]\n";

fn write_struct(source: &mut String, structure: &Struct, derive: &str) {
    let _ = writeln!(source, "/// {}", purpose(structure));
    source.push_str(derive);
    if !structure
        .members
        .iter()
        .all(|member| is_snake(&member.identifier))
    {
        source.push_str("#[allow(non_snake_case)]\n");
    }
    let _ = writeln!(source, "pub struct {} {{", structure.name);
    for member in &structure.members {
        write_member(source, member);
    }
    if !structure.numbered.is_empty() {
        let names: Vec<_> = structure
            .numbered
            .iter()
            .map(|numbered| format!("`{}`", numbered.name))
            .collect();
        let names = names.join(", ");
        let doc = tf!(
            "All other fields: {names}, where `$n` is a number from 0.",
            "其他字段: {names}, 其中 `$n` 为从0开始的序号。"
        );
        let _ = writeln!(source, "    /// {doc}\n    #[serde(flatten)]");
        source.push_str("    pub numbered: serde_json::Map<String, serde_json::Value>,\n");
    }
    source.push_str("}\n");
    if !structure.numbered.is_empty() {
        write_accessors(source, structure);
    }
}

fn purpose(structure: &Struct) -> String {
    match &structure.of {
        Purpose::Request => t(
            "The options map of the request: `Options::from(serde_json::to_value(&request)?)`.",
            "请求参数: `Options::from(serde_json::to_value(&request)?)`。",
        )
        .to_owned(),
        Purpose::Part(name @ ("json" | "xml")) => {
            tf!("The body, `{name}`.", "请求体, `{name}`。")
        }
        Purpose::Part("query") => t("The query.", "查询参数。").to_owned(),
        Purpose::Part(name) => tf!("The part `{name}`.", "`{name}` 部分。"),
        Purpose::Meta => t(
            "The metadata of the file: `Media::meta(serde_json::to_value(&meta)?)`.",
            "文件的元信息: `Media::meta(serde_json::to_value(&meta)?)`。",
        )
        .to_owned(),
        Purpose::Response => t("The body of the response.", "应答体。").to_owned(),
        Purpose::Event => t("What the notification has.", "通知内容。").to_owned(),
        Purpose::Field(path) => tf!("The object `{path}`.", "对象 `{path}`。"),
        Purpose::Text(path) => tf!("The JSON text in `{path}`.", "`{path}` 中的JSON文本。"),
    }
}

fn write_member(source: &mut String, member: &Member) {
    let _ = writeln!(source, "    /// {}", notes(member));
    let is_optional = member.required != Need::Always;
    let bare = member.identifier.trim_start_matches("r#");
    let mut serde = Vec::new();
    if bare != member.name {
        serde.push(format!("rename = {:?}", member.name));
    }
    match (&member.ty, is_optional) {
        (Type::IntegerText, true) => serde.push("default, with = \"text::option\"".to_owned()),
        (Type::IntegerText, false) => serde.push("with = \"text\"".to_owned()),
        _ => {}
    }
    if is_optional {
        serde.push("skip_serializing_if = \"Option::is_none\"".to_owned());
    }
    if !serde.is_empty() {
        let _ = writeln!(source, "{}", attribute(&serde));
    }
    let ty = name(&member.ty);
    let _ = match is_optional {
        true => writeln!(source, "    pub {}: Option<{ty}>,", member.identifier),
        false => writeln!(source, "    pub {}: {ty},", member.identifier),
    };
}

/// Breaks an attribute where rustfmt does.
fn attribute(serde: &[String]) -> String {
    let line = format!("    #[serde({})]", serde.join(", "));
    // rustfmt breaks arguments that take more than 70 columns, or a line of more than 100.
    let arguments = line.chars().count() - "    #[serde()]".len();
    if arguments <= 70 {
        return line;
    }
    let arguments: Vec<_> = serde
        .iter()
        .flat_map(|argument| argument.split(", "))
        .map(|argument| format!("        {argument}"))
        .collect();
    format!("    #[serde(\n{}\n    )]", arguments.join(",\n"))
}

/// What the documents say of a field.
fn notes(member: &Member) -> String {
    let mut notes = vec![
        match member.required {
            Need::Always => t("Required.", "必填。"),
            Need::Mostly => t("Required in some cases.", "部分情况必填。"),
            Need::ByClient => t("The client sets it.", "由客户端设置。"),
            Need::Never => t("Optional.", "选填。"),
        }
        .to_owned(),
    ];
    if member.is_fen {
        notes.push(t("In fen.", "单位: 分。").to_owned());
    }
    match member.sealed {
        None => {}
        Some(sealed) => {
            let cipher = cipher(sealed);
            notes.push(tf!("Encrypted with {cipher}.", "加密: {cipher}。"));
        }
    }
    if let Some(text) = &member.text_of {
        notes.push(tf!(
            "The JSON text of [`{text}`].",
            "[`{text}`] 的JSON文本。"
        ));
    }
    if !member.values.is_empty() {
        let values: Vec<_> = member
            .values
            .iter()
            .map(|value| format!("`{value}`"))
            .collect();
        let values = values.join(", ");
        notes.push(tf!("Values: {values}.", "取值: {values}。"));
    }
    notes.join(t(" ", ""))
}

/// Returns the name of a cipher.
pub(in crate::command::documents) fn cipher(sealed: Sealing) -> &'static str {
    match sealed {
        Sealing::RsaOaep => "RSA-OAEP",
        Sealing::RsaPkcs1 => "RSA PKCS#1 v1.5",
        Sealing::AesGcm => "AES-256-GCM",
        Sealing::AesEcb => "AES-256-ECB",
        _ => "?",
    }
}

fn name(ty: &Type) -> String {
    match ty {
        Type::Text => "String".to_owned(),
        Type::Integer | Type::IntegerText => "i64".to_owned(),
        Type::Number => "serde_json::Number".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Value => "serde_json::Value".to_owned(),
        Type::Named(name) => name.clone(),
        Type::List(item) => format!("Vec<{}>", name(item)),
        Type::OneOrMany(item) => format!("OneOrMany<{}>", name(item)),
    }
}

fn write_accessors(source: &mut String, structure: &Struct) {
    let _ = writeln!(source, "\nimpl {} {{", structure.name);
    for (at, numbered) in structure.numbered.iter().enumerate() {
        if at > 0 {
            source.push('\n');
        }
        // `coupon_id_$n_$m`: the names of the numbers stand in the name.
        let key = numbered
            .name
            .split('_')
            .map(|word| match word.strip_prefix('$') {
                Some(number) => format!("{{{number}}}"),
                None => word.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("_");
        let numbers: String = numbered
            .name
            .split('_')
            .filter_map(|word| word.strip_prefix('$'))
            .map(|number| format!(", {number}: usize"))
            .collect();
        let _ = write!(
            source,
            "    /// `{}`\n    pub fn {}(&self{numbers}) -> Option<&str> {{\n        \
             let name = format!(\"{key}\");\n        self.numbered.get(&name)?.as_str()\n    }}\n",
            numbered.name, numbered.method
        );
    }
    source.push_str("}\n");
}

fn write_enum(source: &mut String, enumeration: &Enum, derive: &str) {
    let path = &enumeration.of;
    let doc = tf!("A value of `{path}`.", "`{path}` 的取值。");
    let _ = writeln!(source, "/// {doc}");
    source.push_str(derive);
    let _ = writeln!(source, "pub enum {} {{", enumeration.name);
    for (identifier, value) in &enumeration.variants {
        if identifier != value {
            let _ = writeln!(source, "    #[serde(rename = {value:?})]");
        }
        let _ = writeln!(source, "    {identifier},");
    }
    let other = t("A value that is not documented.", "文档未列出的值。");
    let _ = writeln!(
        source,
        "    /// {other}\n    #[serde(untagged)]\n    Other(String),\n}}"
    );
}
