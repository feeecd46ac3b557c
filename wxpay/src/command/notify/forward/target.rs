//! The URL of a receiver.

use std::{io, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use wechatpay_chain::http::{HeaderValue, Uri};

use super::{Stream, other};
use crate::{
    exit::{Failure, Result},
    settings::read,
    text::{t, tf},
};

#[derive(Clone)]
pub(in super::super) struct Target {
    url: String,
    uri: Uri,
    tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// Reads a URL. HTTPS trusts the certificates of this file, too.
    pub(in super::super) fn new(url: &str, ca: Option<&std::path::Path>) -> Result<Self> {
        let invalid = || {
            Failure::usage(tf!(
                "invalid URL {url}: expected http://HOST:PORT/PATH",
                "URL {url} 无效: 应为 http://主机:端口/路径"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let is_plain = uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        let tls = match uri.scheme_str() {
            _ if !is_plain => return Err(invalid()),
            Some("http") => None,
            Some("https") => Some(tls(ca)?),
            _ => return Err(invalid()),
        };
        Ok(Self {
            url: url.to_owned(),
            uri,
            tls,
        })
    }

    pub(in super::super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the path of the URL, or that of the message if the URL has none.
    pub(super) fn path_for(&self, message: &str) -> Uri {
        let own = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if own == "/" { message } else { own };
        path.parse().unwrap_or_default()
    }

    pub(super) fn host_header(&self) -> HeaderValue {
        let authority = self.uri.authority().map_or("", |it| it.as_str());
        HeaderValue::from_str(authority).unwrap_or(HeaderValue::from_static("localhost"))
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let host = self.uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let standard = if self.tls.is_some() { 443 } else { 80 };
        let port = self.uri.port_u16().unwrap_or(standard);
        let stream = TcpStream::connect((host, port)).await?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.to_owned()).map_err(other)?;
        let connector = TlsConnector::from(Arc::clone(tls));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

fn tls(ca: Option<&std::path::Path>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = ca {
        let invalid = |err: &dyn std::fmt::Display| {
            let path = path.display();
            Failure::configuration(tf!("invalid {path}: {err}", "{path} 无效: {err}"))
        };
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(read(path)?.as_bytes()) {
            let certificate = certificate.map_err(|err| invalid(&err))?;
            roots.add(certificate).map_err(|err| invalid(&err))?;
        }
        if roots.len() == before {
            return Err(invalid(&t("it has no certificate", "其中没有证书")));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Failure::local)?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_the_urls_or_else_the_messages() {
        let path = |url: &str| Target::new(url, None).unwrap().path_for("/notify/1");
        assert_eq!(path("http://127.0.0.1:3000"), "/notify/1");
        assert_eq!(path("http://127.0.0.1:3000/"), "/notify/1");
        assert_eq!(path("http://127.0.0.1:3000/hook?a=1"), "/hook?a=1");
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "127.0.0.1:3000",
            "ftp://a/",
            "http://user@a/",
            "http:///a",
            "/a",
        ] {
            assert!(Target::new(url, None).is_err(), "{url}");
        }
        assert!(Target::new("https://shop.test/notify", None).is_ok());
    }
}
