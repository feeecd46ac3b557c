//! The options map of a call, from `-o` and `-f`.

use std::{fs, io::Read};

use serde_json::{Map, Value};
use wechatpay_chain::{Checks, Options, catalog::Operation};

use super::{Args, fields};
use crate::{
    exit::{Failure, Result},
    text::{t, tf},
};

/// A request body is written by hand or by a program, not a file to upload.
const MAX: u64 = 16 << 20;

pub(super) fn build(args: &Args, template: &str, operation: Option<&Operation>) -> Result<Options> {
    let mut map = match &args.options {
        Some(text) => parse(text)?,
        None => Map::new(),
    };
    for field in &args.fields {
        fields::add(&mut map, field, template, operation)?;
    }
    let mut options = Options::from(Value::Object(map));
    if !args.no_check {
        options = options.check_documents(Checks::Deny);
    }
    if args.encrypt {
        options = options.encrypt_documented();
    }
    if let Some(path) = &args.output {
        options = options.sink(path);
    }
    Ok(options)
}

fn parse(text: &str) -> Result<Map<String, Value>> {
    let (from, read) = match text.strip_prefix('@') {
        Some(path) => (path, fs::File::open(path).and_then(limited)),
        None if text == "-" => (t("standard input", "标准输入"), limited(std::io::stdin())),
        None => ("-o", Ok(text.to_owned())),
    };
    let read = read.map_err(|err| {
        Failure::usage(tf!("cannot read {from}: {err}", "无法读取 {from}: {err}"))
    })?;
    match serde_json::from_str(&read) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Failure::usage(tf!(
            "{from} is not a JSON object, such as {{\"json\": {{…}}}}",
            "{from} 不是JSON对象, 如 {{\"json\": {{…}}}}"
        ))),
        Err(err) => Err(Failure::usage(tf!(
            "{from} is not JSON: {err}",
            "{from} 不是JSON: {err}"
        ))),
    }
}

/// Reads text, up to 16 MiB.
pub(crate) fn limited(reader: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    reader.take(MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX {
        return Err(std::io::Error::other(t("larger than 16 MiB", "超过16 MiB")));
    }
    Ok(text)
}
