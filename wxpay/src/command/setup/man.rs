//! `wxpay man [DIR]`: manual pages, made from the same texts as `--help`.

use std::{fs, path::PathBuf};

use clap_mangen::Man;

use crate::{
    cli,
    exit::{Failure, Result},
    output::Output,
    text::{t, tf},
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

pub(crate) fn run(args: &Args, output: &Output) -> Result {
    let mut command = cli::command();
    command.build();
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        Man::new(command)
            .render(&mut page)
            .map_err(Failure::local)?;
        output.bytes(&page);
        return Ok(());
    };
    let written =
        fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    let folder = folder.display();
    written.map_err(|err| {
        Failure::local(tf!(
            "cannot write to {folder}: {err}",
            "无法写入 {folder}: {err}"
        ))
    })?;
    output.note(tf!(
        "Manual pages written to {folder}",
        "手册页已写入 {folder}"
    ));
    Ok(())
}
