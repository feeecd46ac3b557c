//! A subscriber that records every span and event of every crate at every level.

use std::{
    fmt::{Debug, Write as _},
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

#[derive(Clone, Default)]
pub struct Lines(Arc<Recorded>);

#[derive(Default)]
struct Recorded {
    lines: Mutex<Vec<(String, String)>>,
    spans: AtomicU64,
}

/// Installs the subscriber for the whole process.
pub fn install() -> Lines {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).expect("the only subscriber");
    lines
}

impl Lines {
    /// Returns the lines so far, each with its origin.
    pub fn take(&self) -> Vec<(String, String)> {
        mem::take(&mut self.0.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, origin: &str, fields: impl FnOnce(&mut Text)) {
        let mut text = Text::default();
        fields(&mut text);
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((format!("log of {origin}"), text.0));
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let metadata = span.metadata();
        self.push(metadata.target(), |text| {
            text.0.push_str(metadata.name());
            span.record(text);
        });
        Id::from_u64(self.0.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.push("a span", |text| values.record(text));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        self.push(metadata.target(), |text| {
            text.0.push_str(metadata.level().as_str());
            event.record(text);
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
