//! `wxpay completions SHELL`: the script that makes a shell ask this program.

use clap_complete::env::Shells;

use crate::{
    exit::{Failure, Result},
    output::Output,
    text::t,
};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

#[derive(Debug, clap::Args)]
#[command(after_help = t(
    "Add a line to the shell's start file:\n  \
     bash, ~/.bashrc:                   source <(wxpay completions bash)\n  \
     zsh, ~/.zshrc, after compinit:     source <(wxpay completions zsh)\n  \
     fish, ~/.config/fish/config.fish:  wxpay completions fish | source\n  \
     elvish, ~/.config/elvish/rc.elv:   eval (wxpay completions elvish | slurp)\n  \
     PowerShell, $PROFILE:              wxpay completions powershell | Out-String | Invoke-Expression",
    "在shell的启动文件中加入一行:\n  \
     bash, ~/.bashrc:                   source <(wxpay completions bash)\n  \
     zsh, ~/.zshrc, compinit之后:       source <(wxpay completions zsh)\n  \
     fish, ~/.config/fish/config.fish:  wxpay completions fish | source\n  \
     elvish, ~/.config/elvish/rc.elv:   eval (wxpay completions elvish | slurp)\n  \
     PowerShell, $PROFILE:              wxpay completions powershell | Out-String | Invoke-Expression",
))]
pub(crate) struct Args {
    #[arg(value_name = "SHELL", value_parser = SHELLS, help = t("The shell", "shell的名称"))]
    shell: String,
}

/// Where clap's own scripts fall short: in bash, they complete no word with `=` in it; in zsh, they put a space
/// after `amount.total=`, and do not recognize a path whose braces zsh has escaped.
const SCRIPTS: [(&str, &str); 2] = [
    ("bash", include_str!("bash.sh")),
    ("zsh", include_str!("zsh.zsh")),
];

pub(crate) fn run(args: &Args, output: &Output) -> Result {
    if let Some((_, script)) = SCRIPTS.iter().find(|(shell, _)| *shell == args.shell) {
        output.bytes(script.as_bytes());
        return Ok(());
    }
    let shells = Shells::builtins();
    let shell = shells
        .completer(&args.shell)
        .ok_or_else(|| Failure::usage(&args.shell))?;
    let mut script = Vec::new();
    shell
        .write_registration("COMPLETE", "wxpay", "wxpay", "wxpay", &mut script)
        .map_err(Failure::local)?;
    output.bytes(&script);
    Ok(())
}
