//! The state of a sandbox, to return to.

use std::{fmt, time::Duration};

use super::Sandbox;
use crate::{
    error::Result,
    sandbox::{faults::Faults, shaped::Scripts, state::world::World},
};

/// The orders, money, notifications, faults and clock of a sandbox at one moment: see
/// [`Sandbox::snapshot`].
#[derive(Clone)]
pub struct Snapshot {
    world: World,
    ahead: Duration,
    faults: Faults,
    scripts: Scripts,
}

impl Sandbox {
    /// Returns a copy of the orders, the money, the notifications that wait, the faults, the scripted
    /// answers and the clock's advance. Merchants, keys and the request log are not part of it.
    pub fn snapshot(&self) -> Snapshot {
        let world = self.state.world().clone();
        Snapshot {
            world,
            ahead: self.state.clock.ahead(),
            faults: self.state.faults().clone(),
            scripts: self.state.scripts().clone(),
        }
    }

    /// Returns to a snapshot of this sandbox. Notifications on their way are cancelled; a merchant that was
    /// added since starts anew.
    ///
    /// # Errors
    /// Returns an error if the snapshot does not have this sandbox's first merchant. The further merchants
    /// are not compared.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        let merchants = self.state.merchants.all();
        if !snapshot.world.stores.contains_key(&self.first.mchid) {
            return Err(crate::error::Cause::config(
                "the snapshot is of another sandbox: it has no orders of this one's merchant",
            )
            .not_sent());
        }
        self.check_may_act()?;
        let mut world = snapshot.world.clone();
        for merchant in &merchants {
            world.open(merchant);
        }
        self.replace(world, snapshot.ahead);
        *self.state.faults() = snapshot.faults.clone();
        *self.state.scripts() = snapshot.scripts.clone();
        self.state.post.tell_replaced();
        Ok(())
    }

    /// Returns to the state after the start: no orders, the opening balances, no faults, no scripted
    /// answers, no requests, the real time. Merchants and keys stay.
    pub fn reset(&self) {
        self.state.note_change();
        let (mut rng, settle_after) = {
            let world = self.state.world();
            (world.rng.clone(), world.settle_after)
        };
        let mut world = World::new(rng.fork(), settle_after);
        for merchant in self.state.merchants.all() {
            world.open(&merchant);
        }
        self.replace(world, Duration::ZERO);
        self.state.faults().clear();
        self.state.scripts().clear();
        self.state.requests().clear();
        self.state.post.tell_replaced();
    }

    fn replace(&self, mut world: World, ahead: Duration) {
        let mut current = self.state.world();
        world.outbox.supersede(&current.outbox);
        *current = world;
        self.state.clock.set_ahead(ahead);
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}
