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
    fill::{Form, Known, fill},
    memory::Memory,
    script::Scripts,
    values::Values,
};
