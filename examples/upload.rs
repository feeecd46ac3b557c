//! Uploads an image and a video to the embedded WeChat Pay. Run it with
//!
//! ```text
//! cargo run --example upload --features sandbox [-- FILE]
//! ```
//!
//! A file is streamed from the disk. What is signed is its `meta`: the name and the SHA-256. Without a
//! FILE, the example makes up a small image. In a crate of your own it needs
//!
//! ```toml
//! [dependencies]
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use wechatpay_chain::{Media, Options, Result, Value, sandbox::Sandbox};

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;

    let image = match std::env::args_os().nth(1) {
        Some(path) => Media::from_file(path)?,
        None => Media::from_bytes("licence.png", vec![0x89; 1_500_000]),
    };
    println!("{} bytes, sha256 {}", image.len(), image.sha256());
    let response =
        client
            .chain("v3/merchant/media/upload")
            .post(
                Options::new()
                    .media(image)
                    .on_progress(|bytes, total| match total {
                        Some(total) if bytes == total => println!("sent {bytes} of {total}"),
                        _ => {}
                    }),
            )?;
    println!("image: {}", response.json::<Value>()?["media_id"]);

    let video = Media::from_bytes("shop.mp4", vec![0; 3_000_000]);
    let response = client["v3/merchant/media/video_upload"]
        .post_async(Options::new().media(video))
        .await?;
    println!("video: {}", response.json::<Value>()?["media_id"]);
    Ok(())
}
