//! The handle: its clock, its users, and its end.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use wechatpay_chain::sandbox::Sandbox;

use super::openssl_client::{NATIVE, OpensslClient, now, prepayment};

#[test]
fn drop_closes_idle_connections() {
    let sandbox = Sandbox::start().unwrap();
    let other = Sandbox::start().unwrap();
    assert_ne!(sandbox.base_uri(), other.base_uri());
    assert_ne!(sandbox.serial(), other.serial());
    let uri = sandbox.base_uri();
    let address = uri.trim_start_matches("http://").trim_end_matches('/');
    let mut idle = TcpStream::connect(address).unwrap();
    idle.write_all(b"POST /v3/x HTTP/1.1\r\n").unwrap();
    drop(sandbox);
    // The connection is closed or reset. Connecting again would prove nothing: another process may have
    // the port by now.
    idle.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    if let Err(err) = idle.read_to_end(&mut Vec::new()) {
        let is_open = matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!is_open, "the connection is still open: {err}");
    }
}

#[test]
fn advance_moves_orders_but_not_signatures() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    client.send(&client.post(NATIVE, &prepayment(&client, "wire-0006")));
    client.sandbox.advance(Duration::from_secs(2 * 3600));
    let err = client.sandbox.user_pays("wire-0006").unwrap_err();
    assert!(err.to_string().contains("2 hours"), "{err}");
    let again = client.send(&client.post(NATIVE, &prepayment(&client, "wire-0006")));
    assert_eq!(again.status, 200);
    let signed: i64 = again
        .header("wechatpay-timestamp")
        .unwrap()
        .parse()
        .unwrap();
    assert!(now().abs_diff(signed) < 60);
    client.sandbox.user_pays("wire-0006").unwrap();
    assert_eq!(client.sandbox.order_state("wire-0006").unwrap(), "SUCCESS");
    assert!(client.sandbox.user_pays("no-such").is_err());
    assert!(client.sandbox.user_confirms("no-such").is_err());
}
