//! The configuration file and the key files: who else can read them.

use super::report::Report;
use crate::{
    settings::{Settings, file, modes},
    text::{t, tf},
};

pub(super) fn check(settings: &Settings, report: &mut Report) {
    let config = file::path().filter(|path| path.is_file());
    match &config {
        Some(path) => {
            let path = path.display();
            report.ok(
                "config_file",
                tf!("configuration file {path}", "配置文件 {path}"),
            );
        }
        None => report.ok(
            "config_file",
            t(
                "no configuration file: flags and the environment count",
                "没有配置文件: 使用命令行参数和环境变量",
            ),
        ),
    }
    // WeChat Pay's public key is no secret, and neither are certificates.
    for path in [&config, &settings.private_key].into_iter().flatten() {
        if let Some(mode) = modes::open_mode(path) {
            let path = path.display();
            report.warning(
                "file_mode",
                tf!(
                    "other users can read {path} (mode {mode:03o})",
                    "其他用户可以读取 {path} (权限 {mode:03o})"
                ),
                format!("chmod 600 {path}"),
            );
        }
    }
}
