//! `wxpay man [DIR]`: manual pages, made from the same texts as `--help`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Command;
use clap_mangen::Man;

use crate::{
    cli,
    exit::{Failure, Result},
    output::Output,
    text::{reason, t, tf},
};

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Examples:\n  wxpay man | man -l -\n  wxpay man ~/.local/share/man/man1",
    "示例:\n  wxpay man | man -l -\n  wxpay man ~/.local/share/man/man1",
))]
pub(crate) struct Args {
    #[arg(value_name = "DIR", help = t("Write a page for each command into this folder, instead of printing the main one",
        "将每个命令的手册页写入该目录, 而不是输出主页面"))]
    folder: Option<PathBuf>,
}

/// The headings that clap_mangen writes, in English and in Chinese.
const HEADINGS: [(&str, &str, &str); 5] = [
    ("NAME", "NAME", "名称"),
    ("SYNOPSIS", "SYNOPSIS", "概要"),
    ("DESCRIPTION", "DESCRIPTION", "描述"),
    ("EXTRA", "NOTES", "说明"),
    ("VERSION", "VERSION", "版本"),
];

pub(crate) fn run(args: &Args, output: &Output) -> Result {
    let mut command = cli::command();
    command.build();
    let Some(folder) = &args.folder else {
        let page = page(&Man::new(command)).map_err(Failure::local)?;
        output.bytes(page.as_bytes());
        return Ok(());
    };
    let written = fs::create_dir_all(folder).and_then(|()| write(command, folder));
    let folder = folder.display();
    written.map_err(|err| {
        let why = reason(&err);
        Failure::local(tf!(
            "cannot write to {folder}: {why}",
            "无法写入 {folder}: {why}"
        ))
    })?;
    output.note(tf!(
        "Manual pages written to {folder}",
        "手册页已写入 {folder}"
    ));
    Ok(())
}

/// Writes the pages of a command and of those below it.
fn write(command: Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands() {
        write(below.clone(), folder)?;
    }
    let man = Man::new(command);
    fs::write(folder.join(man.get_filename()), page(&man)?)
}

fn page(man: &Man) -> io::Result<String> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    let mut page = String::from_utf8(page).map_err(io::Error::other)?;
    for (heading, english, chinese) in HEADINGS {
        let heading = format!("\n.SH {heading}\n");
        page = page.replace(&heading, &format!("\n.SH {}\n", t(english, chinese)));
    }
    Ok(page)
}
