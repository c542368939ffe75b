use std::path::PathBuf;

/// Why nothing was signed. Fits after "cannot sign: ".
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("{}: {why}", key.display())]
    Read { key: PathBuf, why: std::io::Error },
    #[error("{}: {why}", key.display())]
    Key { key: PathBuf, why: String },
    #[error(
        "{}: others may read it (mode {mode:04o}), and a key that others may read signs nothing: chmod 600 it",
        key.display()
    )]
    Open { key: PathBuf, mode: u32 },
    #[error("ssh-keygen, which signs with {}, does not start: {why}", key.display())]
    NoKeygen { key: PathBuf, why: std::io::Error },
    #[error("ssh-keygen did not sign with {}: {why}", key.display())]
    Keygen { key: PathBuf, why: String },
    #[error("the signature that {} made does not hold: {why}", key.display())]
    Made { key: PathBuf, why: crate::signature::Refusal },
}
