//! Opens the tea shop on `http://127.0.0.1:8000`.
//!
//! Without configuration it sells against the sandbox. With these variables it takes real money:
//! `SHOP_MCHID`, `SHOP_APPID`, `SHOP_SERIAL`, `SHOP_PRIVATE_KEY` (the path of `apiclient_key.pem`),
//! `SHOP_PUB_KEY_ID`, `SHOP_PUB_KEY` (the path of `pub_key.pem`), `SHOP_APIV3_KEY`, and `SHOP_URL`, the
//! public HTTPS address of this program. `SHOP_DATABASE` is the database's file, and defaults to memory.
//! `SHOP_LISTEN` is the address to listen on, and defaults to `127.0.0.1:8000`.

use std::{env, error::Error, sync::Arc};

use shop::{Customer, Shop, Store, WeChat, app};
use tokio::net::TcpListener;
use wechatpay_chain::{Client, PrivateKey, PublicKey, sandbox::Sandbox};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(
        env::var("SHOP_LISTEN")
            .as_deref()
            .unwrap_or("127.0.0.1:8000"),
    )
    .await?;
    let address = listener.local_addr()?;
    let store = match env::var_os("SHOP_DATABASE") {
        Some(file) => Store::open(file)?,
        None => Store::in_memory()?,
    };
    let (wechat, customer) = match env::var("SHOP_MCHID") {
        Ok(mchid) => (real(mchid)?, Customer::People),
        Err(_) => {
            let sandbox = Sandbox::start_async().await?;
            let wechat = WeChat::new(
                sandbox.client_builder().build()?,
                sandbox.appid(),
                sandbox.mchid(),
                format!("http://{address}/wechatpay/notify"),
            );
            (wechat, Customer::Sandbox(Arc::new(sandbox)))
        }
    };
    println!("The shop is open: http://{address}");
    axum::serve(listener, app(Shop::new(store, wechat, customer)))
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}

fn real(mchid: String) -> Result<WeChat, Box<dyn Error>> {
    let client = Client::builder()
        .mchid(&mchid)
        .serial(env::var("SHOP_SERIAL")?)
        .private_key(PrivateKey::from_pem_file(env::var("SHOP_PRIVATE_KEY")?)?)
        .platform_key(
            env::var("SHOP_PUB_KEY_ID")?,
            PublicKey::from_pem_file(env::var("SHOP_PUB_KEY")?)?,
        )
        .apiv3_key(env::var("SHOP_APIV3_KEY")?)
        .build()?;
    let notify_url = format!("{}/wechatpay/notify", env::var("SHOP_URL")?);
    Ok(WeChat::new(
        client,
        env::var("SHOP_APPID")?,
        mchid,
        notify_url,
    ))
}
