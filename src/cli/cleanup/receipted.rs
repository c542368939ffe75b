//! Receipts on the disk.

use super::agreed::{Agreed, chain};
use super::folder::unusable;
use super::refused::refused;
use super::trusted::Trusted;
use crate::apply::replace_file;
use crate::cleanup::journal::Chain;
use crate::cleanup::plan;
use crate::cleanup::receipt::Receipt;
use crate::cleanup::trust::Role;
use crate::cleanup::{Reason, Refusal};
use crate::cli::CliError;
use crate::dossier;
use crate::report::escape::visible;
use crate::sign;
use crate::signature::{self, RECEIPT};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// The name of a plan's receipt.
pub(in crate::cli) const NAME: &str = "receipt.json";

/// A key that was seen to sign as an applier, before anything is done: what nobody can prove
/// afterwards could not be taken back.
pub(in crate::cli) struct Signer(PathBuf);

impl Signer {
    pub(in crate::cli) fn new(key: &Path, agreed: &Agreed) -> Result<Self, CliError> {
        let cannot = || CliError::new("sign a receipt");
        let bytes = agreed.approved.digest().to_string().into_bytes();
        let pem = sign::sign_file(key, RECEIPT, &bytes).map_err(|e| cannot().because(e))?;
        let maker = signature::maker(&bytes, &pem, RECEIPT).map_err(|e| cannot().because(e))?;
        let holder = agreed.trusted.trust.holder(&maker);
        if holder.as_ref().is_some_and(|it| it.party.roles.contains(&Role::Applier)) {
            return Ok(Self(key.to_owned()));
        }
        let whose = holder.map_or("nobody's".to_owned(), |it| {
            format!("that of {}, who is no applier,", visible(&it.party.name))
        });
        Err(cannot()
            .because(format!("the key {} is {whose} in the list of trust", maker.fingerprint))
            .hint("without a receipt nothing could be taken back: give the key of an applier"))
    }
}

/// Writes what was done so far beside the plan, signed.
pub(in crate::cli) fn write(agreed: &Agreed, signer: &Signer) -> Result<PathBuf, CliError> {
    let (plan, digest) = (agreed.approved.plan(), agreed.approved.digest());
    match chain(&agreed.folder, plan, digest)? {
        Some(chain) => write_of(agreed, signer, &chain),
        None => Ok(agreed.folder.join(NAME)),
    }
}

/// The same of a journal that was read.
pub(in crate::cli) fn write_of(
    agreed: &Agreed,
    signer: &Signer,
    chain: &Chain,
) -> Result<PathBuf, CliError> {
    let path = agreed.folder.join(NAME);
    let cannot = || CliError::new(format!("write {}", visible(&path.display().to_string())));
    let (plan, digest) = (agreed.approved.plan(), agreed.approved.digest());
    let receipt = Receipt::of(plan, digest, chain);
    let mut bytes = serde_json::to_vec_pretty(&receipt).map_err(|e| cannot().because(e))?;
    bytes.push(b'\n');
    let pem = sign::sign_file(&signer.0, RECEIPT, &bytes).map_err(|e| cannot().because(e))?;
    // The receipt first: an old signature over a new receipt proves nothing, and is seen to.
    replace_file(&path, &bytes)
        .and_then(|()| replace_file(&sig(&path), pem.as_bytes()))
        .map_err(|e| cannot().because(e))?;
    Ok(path)
}

/// Reads a receipt and whose it is.
pub(in crate::cli) fn read(
    path: &Path,
    trusted: &Trusted,
) -> Result<Result<(Receipt, String), Refusal>, CliError> {
    let bytes = dossier::read_file(path).map_err(|e| unusable(&e))?;
    let pem = dossier::read_file(&sig(path)).ok().and_then(|b| String::from_utf8(b).ok());
    let (trust, revoked) = (&trusted.trust, &trusted.revoked);
    Ok(Receipt::read(&bytes, pem.as_deref(), trust, revoked, Timestamp::now()))
}

/// Reads the receipt of a quarantine that a deletion rests on, with what was taken back since: by the
/// journal beside it.
pub(in crate::cli) fn quarantine(
    path: &Path,
    trusted: &Trusted,
    cannot: &str,
) -> Result<Receipt, CliError> {
    let no = |why: &Refusal| refused(cannot, why);
    let (receipt, _) = read(path, trusted)?.map_err(|e| no(&e))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let bytes = dossier::read_file(&folder.join("plan.json")).map_err(|e| unusable(&e))?;
    let plan = plan::read_as(&bytes, &receipt.plan).map_err(|e| no(&e))?;
    let chain = chain(folder, &plan, &receipt.plan)?.ok_or_else(|| {
        let says = "its journal is not beside it: whether it was taken back nobody can say";
        no(&Refusal::new(Reason::NoQuarantineReceipt, says))
    })?;
    receipt.since(&chain).map_err(|e| no(&e))
}

fn sig(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}
