//! The options map of a call, from `-o` and `-f`.

use std::path::Path;

use serde_json::{Map, Value};
use wechatpay_chain::{Checks, Options, catalog::Operation};

use super::{Args, exact, fields};
use crate::{
    exit::{Failure, Result},
    input::{self, STANDARD_INPUT},
    text::{t, tf},
};

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
        Some(path) => (path, input::text(Path::new(path))),
        None if text == STANDARD_INPUT => (
            t("standard input", "标准输入"),
            input::text(Path::new(text)),
        ),
        None => ("-o", Ok(text.to_owned())),
    };
    let read = read.map_err(Failure::usage)?;
    match exact::parse(&read) {
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
