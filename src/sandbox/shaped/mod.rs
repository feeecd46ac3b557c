//! The operations without a flow: checked against their table, and answered in their documented shape.

mod alternatives;
mod answer;
mod memory;
mod script;

pub(crate) use self::{
    answer::{answer, answer_v2},
    memory::Memory,
    script::Scripts,
};
