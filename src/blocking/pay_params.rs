use super::driver::poll_or_block;
use crate::{client::PayParamsBuilder, error::Result, protocol::sign::pay_params::PayParams};

impl PayParamsBuilder {
    /// Signs the parameters, with a new nonce and the current time.
    ///
    /// With a local key this does no I/O; with a remote [`Signer`](crate::Signer) it blocks like a
    /// blocking verb. The parameters are valid as long as the prepay ID: two hours.
    ///
    /// # Errors
    /// Returns an error if the client has no key, or if the front end would not accept a value.
    pub fn build(self) -> Result<PayParams> {
        let is_local = self.signs_locally();
        poll_or_block(is_local, self.build_async())
    }
}
