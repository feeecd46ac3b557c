//! What a command of this room reads: an argument, a file or standard input.

use std::{
    io::{self, IsTerminal},
    path::Path,
};

use crate::{
    exit::{Failure, Result},
    input::{self, STANDARD_INPUT},
    output::{Output, Style},
    text::t,
};

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
    input::text(path).map_err(Failure::local)
}

fn standard_input(output: &Output) -> Result<String> {
    if io::stdin().is_terminal() {
        output.note(Style::Faint.paint(t(
            "Type the text; Ctrl-D ends it.",
            "请输入文本, 以 Ctrl-D 结束。",
        )));
    }
    input::text(Path::new(STANDARD_INPUT)).map_err(Failure::local)
}
