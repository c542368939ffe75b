use super::*;
use crate::signature::ATTESTATION;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("portcullis-sign-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

fn key(folder: &std::path::Path) -> PathBuf {
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[3; 32]);
    let key = ssh_key::PrivateKey::new(ssh_key::private::KeypairData::Ed25519(pair), "test")
        .expect("a key");
    let path = folder.join("id");
    std::fs::write(&path, key.to_openssh(ssh_key::LineEnding::LF).expect("PEM").as_bytes())
        .expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    path
}

#[test]
fn a_key_that_others_may_read_signs_nothing() {
    let folder = folder("open");
    let path = key(&folder);
    assert!(sign_file(&path, ATTESTATION, b"x").is_ok());
    for mode in [0o640, 0o604, 0o660, 0o644] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
        let error = sign_file(&path, ATTESTATION, b"x").expect_err("it is open");
        assert!(matches!(error, SignError::Open { .. }), "{error}");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn what_is_no_key_says_so() {
    let folder = folder("none");
    let path = key(&folder);
    let whole = std::fs::read(&path).expect("the key");
    let cut = folder.join("cut");
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("a file");
    std::fs::set_permissions(&cut, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    std::fs::write(folder.join("words"), "no key").expect("a file");
    for (name, why) in [
        ("cut", "no whole SSH key"),
        ("words", "no SSH key"),
        ("missing", "No such file"),
        ("", "no file"),
    ] {
        let error = sign_file(&folder.join(name), ATTESTATION, b"x").expect_err(name).to_string();
        assert!(error.contains(why), "{name}: {error}");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn what_cannot_sign_is_told_before_it_has_to() {
    let folder = folder("ready");
    let path = key(&folder);
    assert!(ready(&path).is_ok());
    let public = ssh_key::PrivateKey::read_openssh_file(&path).expect("a key").public_key().clone();
    let wants = |needs: key::Needs, held: bool, asked: bool| {
        file::wanting(&folder.join("alone.pub"), &needs, |_| held, || asked)
            .map_err(|e| e.to_string())
    };
    let locked = || key::Needs::Passphrase(Box::new(public.clone()));
    let half = || key::Needs::OtherHalf(Box::new(public.clone()));
    assert!(wants(locked(), false, false).is_err_and(|e| e.contains("no terminal to ask at")));
    assert!(wants(half(), false, true).is_err_and(|e| e.contains("the other half")));
    for (needs, held, asked) in
        [(locked(), true, false), (locked(), false, true), (half(), true, false)]
    {
        assert!(wants(needs, held, asked).is_ok());
    }
    std::fs::write(folder.join("alone"), "the other half").expect("a file");
    assert!(wants(half(), false, false).is_ok(), "it lies beside it");

    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDWV0 x";
    for (name, text) in [("rsa.pub", rsa), ("old", "-----BEGIN RSA PRIVATE KEY-----\n")] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        let error = ready(&path).expect_err(name).to_string();
        assert!(error.contains("nobody counts signatures of RSA"), "{name}: {error}");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}
