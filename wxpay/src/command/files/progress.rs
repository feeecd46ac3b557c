//! How far a transfer is: a bar for a person at a terminal, and nothing elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wechatpay_chain::Options;

use crate::output::Output;

pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(what: String, output: &Output) -> Self {
        let is_shown = !output.is_json() && io::stderr().is_terminal();
        let target = match is_shown {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{spinner} {msg} {binary_bytes}"));
        bar.set_message(what);
        Self(bar)
    }

    /// Shows the progress of a call with these options.
    pub(super) fn of(&self, options: Options) -> Options {
        let bar = self.0.clone();
        options.on_progress(move |bytes, total| {
            if total.is_some() && bar.length().is_none() {
                bar.set_style(style(
                    "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes}",
                ));
            }
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(bytes);
        })
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The bar leaves no trace.
impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
