//! What users do with red packets.

use crate::{
    error::Result,
    sandbox::{flows::v2::open_red_packet, handle::Sandbox, state::world::Store},
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
        let has_packet = |store: &Store| store.v2.red_packets.get(mch_billno).is_some();
        self.change("red packet", mch_billno, has_packet, |world, mchid| {
            open_red_packet(world, mchid, mch_billno, now)
        })
    }
}
