//! The operations without a flow: checked against their table, and answered in their documented shape.

mod answer;
mod fill;
mod memory;
mod sample;
mod script;
mod values;

pub use self::script::Scripted;
pub(crate) use self::{
    answer::{answer, answer_v2},
    memory::Memory,
    script::Scripts,
};
#[allow(unused_imports)] // Until notifications are filled in.
pub(crate) use self::{
    fill::{Form, Known, fill},
    values::{Values, hash},
};
