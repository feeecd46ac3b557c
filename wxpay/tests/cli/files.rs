//! `wxpay certs` and `wxpay upload`.

use std::{fs, path::Path};

use wechatpay_chain::{
    Method,
    model::BeijingTime,
    sandbox::{PlatformMode, Sandbox},
};

use crate::{
    crypto::openssl,
    program::{Program, Run},
};

fn with_certificates() -> Sandbox {
    Sandbox::builder()
        .platform_mode(PlatformMode::Certificate)
        .start()
        .unwrap()
}

fn certs(program: &Program, sandbox: &Sandbox, more: &[&str]) -> Run {
    let key = program.export(sandbox).join("apiclient_key.pem");
    let uri = sandbox.base_uri();
    let arguments = [
        "certs",
        "-k",
        sandbox.apiv3_key(),
        "--mchid",
        sandbox.mchid(),
        "--privatekey",
        key.to_str().unwrap(),
        "-s",
        sandbox.serial(),
        "-u",
        &uri,
    ];
    program.run(&[&arguments, more].concat())
}

#[test]
fn certificates_are_downloaded_with_the_options_of_the_php_tool() {
    let sandbox = with_certificates();
    let program = Program::new();
    let run = certs(&program, &sandbox, &["-o", "certificates"]);
    assert!(
        run.stderr
            .starts_with("warning: the key on the command line")
    );
    let stdout = run.ok();
    let certificates = sandbox.merchant().platform_certificates();
    assert_eq!(stdout.lines().count(), certificates.len());
    for certificate in certificates {
        let name = format!("certificates/wechatpay_{}.pem", certificate.serial());
        let line = stdout.lines().find(|line| line.contains(&name)).unwrap();
        let cells: Vec<_> = line.split('\t').collect();
        let until = BeijingTime::from(certificate.not_after()).to_string();
        assert_eq!((cells[0], cells[2]), (certificate.serial(), until.as_str()));
        let path = program.home().join(name);
        assert_eq!(fs::read_to_string(&path).unwrap(), certificate.to_pem());
        assert_private(&path);
    }
}

#[test]
fn certificates_go_to_a_new_folder_by_default() {
    let sandbox = with_certificates();
    let program = Program::new();
    let program = program.env("TMPDIR", ".").in_chinese();
    let run = certs(&program, &sandbox, &["--json"]);
    let first = &run.json()[0];
    let path = program.home().join(first["path"].as_str().unwrap());
    let folder = path.parent().unwrap();
    assert!(
        folder
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("wechatpay-")
    );
    assert_private(folder);
    assert!(path.exists());
    let again = certs(&program, &sandbox, &["--json"]).json();
    assert_ne!(first["path"], again[0]["path"]);
    assert_eq!(first["serial"], again[0]["serial"]);
}

#[test]
fn certificate_that_was_known_before_is_not_shown_as_downloaded() {
    let sandbox = with_certificates();
    let program = Program::new();
    let arguments =
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=known -days 30 -keyout key.pem -out known.pem";
    openssl(program.home(), arguments);
    let program = program.env("WXPAY_PLATFORM_CERTIFICATE", "known.pem");
    let run = certs(&program, &sandbox, &["--json", "-o", "."]);
    let printed = run.json();
    let printed: Vec<_> = printed.as_array().unwrap().iter().collect();
    let certificates = sandbox.merchant().platform_certificates();
    assert_eq!(printed.len(), certificates.len());
    assert_eq!(printed[0]["serial"], certificates[0].serial());
}

#[test]
fn merchant_with_a_public_key_is_told_so() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::new();
    let err = certs(&program, &sandbox, &["-o", "none"]).failed(5);
    assert!(
        err.contains("has a public key instead; nothing was saved"),
        "{err}"
    );
    assert!(!program.home().join("none").exists());
    let err = certs(&program.in_chinese(), &sandbox, &[]).failed(5);
    assert!(err.contains("该商户使用微信支付公钥"), "{err}");
    let err = Program::with(&sandbox)
        .without("WXPAY_APIV3_KEY")
        .run(&["certs"])
        .failed(3);
    assert!(err.contains("no `apiv3_key`"), "{err}");
}

#[test]
fn uploads_print_the_media_id() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    for name in ["license.jpg", "shop.mp4"] {
        fs::write(program.home().join(name), "not really a picture").unwrap();
    }
    let id = program.run(&["upload", "license.jpg"]).ok();
    assert!(id.trim_end().len() > 20 && !id.contains('{'), "{id}");
    assert!(program.run(&["upload", "license.jpg", "--json"]).json()["media_id"].is_string());
    program.run(&["upload", "shop.mp4"]).ok();
    program.run(&["upload", "shop.mp4", "--video"]).ok();
    let images = sandbox.requests_to(Method::POST, "v3/merchant/media/upload");
    let videos = sandbox.requests_to(Method::POST, "v3/merchant/media/video_upload");
    assert_eq!((images.len(), videos.len()), (2, 2));

    let url = program
        .run(&[
            "upload",
            "license.jpg",
            "--as",
            "v3/marketing/favor/media/image-upload",
        ])
        .ok();
    assert!(url.starts_with("https://"), "{url}");
    let err = program
        .run(&["upload", "license.jpg", "--as", "v3/certificates"])
        .failed(2);
    assert!(err.contains("is not a documented upload"), "{err}");
    program.run(&["upload", "absent.jpg"]).failed(1);
    let due = "v3/mch-operation-manage/enhanced-due-diligence/{due_diligence_id}/upload";
    let err = program
        .run(&["upload", "license.jpg", "--as", due])
        .failed(2);
    assert!(err.contains("due_diligence_id"), "{err}");
}

/// Only the user may read what this program writes.
#[track_caller]
pub(crate) fn assert_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}
