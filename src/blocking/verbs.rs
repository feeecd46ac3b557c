//! The blocking verbs: the same futures, waited for on the caller's thread.

use http::Method;

use super::driver::{block_on, poll_once};
use crate::{
    client::{Chain, PreparedRequest, Response},
    error::Result,
    protocol::options::Options,
};

macro_rules! verb {
    ($($name:ident $future:ident $method:literal;)*) => {
        /// Blocking verbs. They work in a plain thread, inside a tokio runtime of either kind and
        /// inside `spawn_blocking`; inside async code they hold up the thread they run on, so
        /// prefer the `…_async` twins there.
        ///
        /// # Errors
        /// Whatever went wrong; [`Error::outcome`](crate::Error::outcome) says whether the
        /// request was sent.
        impl Chain {
            $(
                #[doc = concat!("Sends a signed ", $method, " and returns the verified answer.")]
                ///
                /// # Errors
                /// Whatever went wrong; [`Error::outcome`](crate::Error::outcome) says whether
                /// the request was sent and what became of it.
                pub fn $name(&self, options: impl Into<Options>) -> Result<Response> {
                    block_on(self.$future(options))
                }
            )*
        }
    };
}

verb! {
    get get_async "GET";
    put put_async "PUT";
    post post_async "POST";
    patch patch_async "PATCH";
    delete delete_async "DELETE";
}

impl Chain {
    /// Signs a request and does not send it. With local keys it does no I/O; with a remote
    /// [`Signer`](crate::Signer) it waits as a blocking verb does.
    ///
    /// # Errors
    /// Like a verb's, up to the signature.
    pub fn prepare(&self, method: Method, options: impl Into<Options>) -> Result<PreparedRequest> {
        let future = self.prepare_async(method, options);
        if self.core().signs_locally() {
            poll_once(future)
        } else {
            block_on(future)
        }
    }
}
