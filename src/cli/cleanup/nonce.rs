use crate::cli::CliError;
use std::fs::File;
use std::io::Read;

/// 32 hex digits from the system's source of randomness.
pub(in crate::cli) fn nonce() -> Result<String, CliError> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|e| CliError::new("read /dev/urandom").because(e))?;
    Ok(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}
