//! `wxpay`: WeChat Pay on the command line, for people, scripts and other languages.
#![forbid(unsafe_code)]

mod cli;
mod command;
mod exit;
mod input;
mod output;
mod private;
#[cfg(test)]
mod readme;
mod settings;
mod signals;
mod text;

use std::process::ExitCode;

use clap::FromArgMatches;

use crate::cli::Cli;

fn main() -> ExitCode {
    clap_complete::CompleteEnv::with_factory(cli::command).complete();
    let matches = match cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(err) => return cli::report(err),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(err) => return cli::report(err),
    };
    let output = output::Output::new(cli.json, cli.color);
    match command::run(cli, &output).and_then(|()| output.finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}
