//! What a command of this room reads: an argument, a file or standard input.

use std::{
    fs,
    io::{self, IsTerminal},
    path::Path,
};

use crate::{
    command::call::options::limited,
    exit::{Failure, Result},
    output::{Output, Style},
    text::{t, tf},
};

pub(super) const STANDARD_INPUT: &str = "-";

/// Returns the text of an argument, or standard input for `-`: without its last line break, which `echo` adds.
pub(super) fn text(argument: &str, output: &Output) -> Result<String> {
    if argument != STANDARD_INPUT {
        return Ok(argument.to_owned());
    }
    let mut text = standard_input(output)?;
    if text.ends_with('\n') {
        text.pop();
    }
    if text.ends_with('\r') {
        text.pop();
    }
    Ok(text)
}

/// Returns the content of a file, or of standard input for `-`, as it is.
pub(super) fn file(path: &Path, output: &Output) -> Result<String> {
    if path == Path::new(STANDARD_INPUT) {
        return standard_input(output);
    }
    fs::File::open(path).and_then(limited).map_err(|err| {
        let path = path.display();
        Failure::local(tf!("cannot read {path}: {err}", "无法读取 {path}: {err}"))
    })
}

fn standard_input(output: &Output) -> Result<String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output.note(Style::Faint.paint(t(
            "Type the text; Ctrl-D ends it.",
            "请输入文本, 以 Ctrl-D 结束。",
        )));
    }
    limited(stdin).map_err(|err| {
        Failure::local(tf!(
            "cannot read standard input: {err}",
            "无法读取标准输入: {err}"
        ))
    })
}
