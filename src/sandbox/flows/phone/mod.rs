//! The customer's phone: it gets the parameters of a front end, checks them and pays.

use super::ControlRoute;

pub(crate) const CONTROL: &[ControlRoute] = &[];
