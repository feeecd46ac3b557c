//! What users do with red packets.

use crate::sandbox::handle::{Sandbox, acts::user::only_merchant};
use crate::{
    error::Result,
    sandbox::{dispatch::refusal::Refusal, flows::v2::open_red_packet, state::world::Store},
};

impl Sandbox {
    /// Opens a red packet of APIv2 as its user: `SENT` becomes `RECEIVED`. One for a group is taken by all of
    /// the group.
    ///
    /// A red packet that nobody opens goes back to the merchant after 24 hours of the sandbox's clock.
    ///
    /// # Errors
    /// Returns an error if there is no such red packet, or if it was opened or has gone back.
    pub fn user_opens_red_packet(&self, mch_billno: &str) -> Result<()> {
        let now = self.state.clock.now();
        let mut world = self.state.world();
        let has_packet = |store: &Store| store.v2.red_packets.get(mch_billno).is_some();
        let mchid = only_merchant(&world, mch_billno, has_packet)?;
        open_red_packet(&mut world, &mchid, mch_billno, now).map_err(Refusal::into_error)
    }
}
