use super::{is_authority, stamp};
use jiff::Timestamp;
use ssh_key::PublicKey;
use ssh_key::public::KeyData;
use std::fmt;

/// Whose signatures count, by OpenSSH's `allowed_signers` format, read strictly:
///
/// ```text
/// # principals        options                                                       key
/// release@example.org namespaces="portcullis-attestation.v1",valid-before=20261231Z ssh-ed25519 AAAA… comment
/// ```
///
/// Principals are names, not patterns, and times end in `Z`. A line of `cert-authority` is good for
/// certificates of its key that name one of its principals, and not for its key itself. A line without `namespaces=` is read, and counts for nothing: such a key is good for everything
/// that SSH keys sign, commits included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedSigners {
    pub lines: Vec<AllowedSigner>,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedSigner {
    /// Its number in the file, from 1.
    pub line: usize,
    /// Names, as written.
    pub principals: Vec<String>,
    /// Namespaces it names; `None` where the option is missing.
    pub namespaces: Option<Vec<String>>,
    pub valid_after: Option<Timestamp>,
    pub valid_before: Option<Timestamp>,
    /// Whether it is of an authority: its key makes certificates, and signs nothing itself.
    pub authority: bool,
    pub key: KeyData,
}

/// What is wrong with a line. Fits after "cannot read the allowed signers: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedError {
    pub line: usize,
    pub why: String,
}

impl fmt::Display for AllowedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for AllowedError {}

impl AllowedSigners {
    /// Reads the file's text.
    ///
    /// # Errors
    /// The first line that is not understood to its end: a list of trust is not read in part.
    pub fn parse(text: &str) -> Result<Self, AllowedError> {
        let mut lines = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let line_text = line.trim();
            if line_text.is_empty() || line_text.starts_with('#') {
                continue;
            }
            let read = read(n + 1, line_text).map_err(|why| AllowedError { line: n + 1, why })?;
            lines.push(read);
        }
        Ok(Self { lines })
    }
}

fn read(number: usize, text: &str) -> Result<AllowedSigner, String> {
    let (principals, rest) = word(text)?;
    let principals = names(principals, "principal")?;
    let (second, after) = word(rest)?;
    // Key types hold neither `=` nor a name of an option.
    let (options, key) = if is_key_type(second) { ("", rest) } else { (second, after) };
    let mut signer = AllowedSigner {
        line: number,
        principals,
        namespaces: None,
        valid_after: None,
        valid_before: None,
        authority: false,
        key: public_key(key)?,
    };
    for option in split(options)? {
        let (name, value) = option.split_once('=').map_or((option, None), |(n, v)| (n, Some(v)));
        let value = value.map(unquote);
        match (name.to_ascii_lowercase().as_str(), value) {
            ("namespaces", Some(list)) if signer.namespaces.is_none() => {
                signer.namespaces = Some(names(list, "namespace")?);
            }
            ("valid-after", Some(at)) if signer.valid_after.is_none() => {
                signer.valid_after = Some(stamp::read(at)?);
            }
            ("valid-before", Some(at)) if signer.valid_before.is_none() => {
                signer.valid_before = Some(stamp::read(at)?);
            }
            ("cert-authority", None) if !signer.authority => signer.authority = true,
            ("cert-authority", Some(_)) => {
                return Err(format!("the option {name} takes no value"));
            }
            ("namespaces" | "valid-after" | "valid-before", Some(_)) | ("cert-authority", None) => {
                return Err(format!("the option {name} stands twice"));
            }
            ("namespaces" | "valid-after" | "valid-before", None) => {
                return Err(format!("the option {name} has no value"));
            }
            _ => return Err(format!("there is no option {name:?}")),
        }
    }
    if signer.authority && !is_authority(&signer.key) {
        return Err("an authority's key is ed25519 or ecdsa P-256".into());
    }
    Ok(signer)
}

fn is_key_type(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|head| word.starts_with(head))
}

/// Reads a public key as its `.pub` file has it: type, base64, perhaps a comment.
///
/// # Errors
/// Why it is no key; certificates are none.
pub fn public_key(text: &str) -> Result<KeyData, String> {
    let (kind, rest) = word(text)?;
    if !is_key_type(kind) {
        return Err(format!("there is no key type {kind:?}"));
    }
    let (base64, _comment) = word(rest)?;
    if kind.contains("-cert-") {
        return Err("a certificate is no key: list the key itself".into());
    }
    PublicKey::from_openssh(&format!("{kind} {base64}"))
        .map(|key| key.key_data().clone())
        .map_err(|e| format!("its {kind} key cannot be read: {e}"))
}

/// The first word, spaces inside double quotes included, and what follows it.
fn word(text: &str) -> Result<(&str, &str), String> {
    let text = text.trim_start();
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return Ok((&text[..at], text[at..].trim_start())),
            _ => {}
        }
    }
    match (quoted, text.is_empty()) {
        (true, _) => Err("a quotation mark is not closed".into()),
        (_, true) => Err("it ends early: principals, options, key type and key are needed".into()),
        _ => Ok((text, "")),
    }
}

/// Options at their commas, those inside quotes left alone.
fn split(options: &str) -> Result<Vec<&str>, String> {
    let mut out = Vec::new();
    let (mut quoted, mut from) = (false, 0);
    for (at, c) in options.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                out.push(&options[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(&options[from..]);
    if options.is_empty() {
        return Ok(Vec::new());
    }
    if out.iter().any(|o| o.is_empty()) {
        return Err("an option is empty".into());
    }
    Ok(out)
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

/// Names between commas. Patterns are refused: who is trusted is written out.
fn names(list: &str, what: &str) -> Result<Vec<String>, String> {
    let names: Vec<&str> = unquote(list).split(',').map(str::trim).collect();
    for name in &names {
        if name.is_empty() {
            return Err(format!("a {what} is empty"));
        }
        if name.contains(['*', '?', '!', '"']) {
            return Err(format!("the {what} {name:?} is a pattern: write each {what} out"));
        }
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}
