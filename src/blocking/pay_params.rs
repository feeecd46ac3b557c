use super::driver::{block_on, poll_once};
use crate::{client::PayParamsBuilder, error::Result, protocol::pay_params::PayParams};

impl PayParamsBuilder {
    /// Draws a nonce, takes the time, and signs. With a local key it does no I/O; with a remote
    /// [`Signer`](crate::Signer) it waits as a blocking verb does. The parameters are good for as
    /// long as the prepay ID is: two hours.
    ///
    /// # Errors
    /// Where the client lacks the key, or a value is none that the front end takes.
    pub fn build(self) -> Result<PayParams> {
        if self.signs_locally() {
            poll_once(self.building())
        } else {
            block_on(self.building())
        }
    }
}
