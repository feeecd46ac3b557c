use super::driver::block_on;
use crate::{
    client::{CertificateRefresh, Client},
    error::Result,
};

impl Client {
    /// Downloads the platform certificates now and trusts the new ones, in every
    /// [`CertificateMode`](crate::CertificateMode). Waits for a download that is already running.
    ///
    /// Certificates that are already trusted stay trusted, even if the download fails.
    ///
    /// # Errors
    /// Returns an error if the certificates cannot be downloaded, decrypted or verified, or if the client
    /// has no APIv3 key.
    pub fn refresh_certificates(&self) -> Result<CertificateRefresh> {
        block_on(self.refresh_certificates_async())
    }
}
