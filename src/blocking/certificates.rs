use super::driver::block_on;
use crate::{
    client::{CertificateRefresh, Client},
    error::Result,
};

impl Client {
    /// Downloads the platform certificates now and trusts those that are new, whatever the
    /// [`CertificateMode`](crate::CertificateMode). Where a download is under way it waits for its
    /// end first.
    ///
    /// What is trusted already stays trusted, whatever the download brings or however it fails.
    ///
    /// # Errors
    /// Where they cannot be fetched, decrypted or verified, or the client has no APIv3 key.
    pub fn refresh_certificates(&self) -> Result<CertificateRefresh> {
        block_on(self.refreshing())
    }
}
