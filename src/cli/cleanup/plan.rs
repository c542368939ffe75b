//! `portcullis cleanup plan`: what could be removed, sealed for people to agree to.

use super::adapter::AdapterArgs;
use super::day;
use super::folder::unusable;
use super::learned::{memory, memory_name, remember};
use super::names::{self, Listed, NamesArgs};
use super::native::{self, NativeArgs};
use super::noted;
use super::notified;
use super::opted::OptOutArgs;
use super::planned::{self, Outcome};
use super::receipted;
use super::refused::refused;
use super::trusted::{TrustArgs, Trusted};
use crate::cleanup::plan::{
    self, Author, DraftInput, Phase, Pins, Population, draft, evidence_again, read, seal,
};
use crate::cleanup::policy::Policy;
use crate::cleanup::receipt::Receipt;
use crate::cleanup::trust::Role;
use crate::cleanup::{
    Act, Digest, Guards, Hello, Listing, Reason, Refusal, Resource, Target, candidates, evidence,
    selector, selftest,
};
use crate::cli::{CliError, ExitStatus, Global, input, saved};
use crate::report::escape::visible;
use crate::signature::PLAN;
use crate::{dossier, sign};
use clap::Args;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Arguments of `portcullis cleanup plan`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["candidates", "adapter", "aws"]))]
#[command(group = clap::ArgGroup::new("lists").args(["adapter", "aws"]))]
pub struct PlanArgs {
    /// What a job calls dead: one JSON object a line with type and id; `-` is standard input.
    /// Alone it is shadow: what would hold is told, and nothing is planned
    #[arg(long, value_name = "FILE")]
    pub candidates: Option<PathBuf>,
    #[command(flatten)]
    pub adapter: AdapterArgs,
    /// What the adapter is asked for, as it calls it
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// Only what has this attribute (repeatable); every row is tested against it again
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub selector: Vec<(String, String)>,
    /// The program or rules that made --candidates (repeatable): when they change, the next run
    /// plans nothing and learns anew
    #[arg(long, value_name = "FILE", requires = "candidates")]
    pub judged_by: Vec<PathBuf>,
    /// Caps, ramp, soaks, limits of sources
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_CLEANUP_POLICY")]
    pub policy: PathBuf,
    /// The digest that the policy must have, kept where a proposer cannot write
    #[arg(long, value_name = "sha256:HEX", env = "PORTCULLIS_CLEANUP_POLICY_DIGEST")]
    pub policy_digest: Option<Digest>,
    /// Plan the deletion of what this receipt of a quarantine names
    #[arg(long, value_name = "RECEIPT", requires = "lists")]
    pub delete: Option<PathBuf>,
    /// Plan acts that open something, by their exposure
    #[arg(long, conflicts_with = "delete")]
    pub repair: bool,
    /// A signed note that all of a class is meant to go, with FILE.sig beside it (`cleanup
    /// decommission`; repeatable)
    #[arg(long, value_name = "FILE")]
    pub note: Vec<PathBuf>,
    /// Rows that a list of what is kept has, where `source-delta` refuses it and so many are gone for
    /// certain (repeatable): this run and later ones are held against them. Approvers see it
    #[arg(long, value_name = "LIST=ROWS", value_parser = rows)]
    pub accept_rows: Vec<(String, u64)>,
    #[command(flatten)]
    pub opt_outs: OptOutArgs,
    #[command(flatten)]
    pub names: NamesArgs,
    /// Where the folders of plans are, and what each run learns for the next
    #[arg(long, value_name = "DIR", default_value = "cleanup")]
    pub out: PathBuf,
    /// Who plans, by the name in the list of trust
    #[arg(long, value_name = "NAME", env = "PORTCULLIS_AUTHOR")]
    pub author: String,
    /// Who made the change that made CI plan; excluded from the quorum as the author is
    #[arg(long, value_name = "NAME")]
    pub requested_by: Option<String>,
    /// The author's SSH key, which signs the plan: without it nobody will apply it
    #[arg(long, value_name = "KEYFILE", env = "PORTCULLIS_SIGN_KEY")]
    pub key: Option<PathBuf>,
    /// Exit with 4 where any class of candidates is held, unproven ones among them
    #[arg(long)]
    pub strict: bool,
    #[arg(long, value_enum, default_value = "text")]
    pub format: saved::AnswerFormat,
    #[command(flatten)]
    pub native: NativeArgs,
    // Last, because its heading holds for what follows.
    #[command(flatten)]
    pub trust: TrustArgs,
}

impl PlanArgs {
    fn phase(&self) -> Phase {
        match (&self.delete, self.repair) {
            (Some(_), _) => Phase::Delete,
            (None, true) => Phase::Repair,
            (None, false) => Phase::Quarantine,
        }
    }
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn rows(text: &str) -> Result<(String, u64), String> {
    let (list, rows) = text.rsplit_once('=').ok_or("write it as LIST=ROWS")?;
    let rows = rows.parse().map_err(|_| format!("{rows:?} is no number of rows"))?;
    Ok((list.to_owned(), rows))
}

/// What was read of the world.
struct World {
    population: Population,
    listing: Listing,
    acts: Vec<Act>,
    target: Target,
    classifier: Option<Digest>,
    adapter: Option<Digest>,
    words: Vec<String>,
    clock: Option<Timestamp>,
    /// The adapter, which is asked for each planned thing once more. The one that is built in reads the
    /// evidence of AWS again by itself.
    adapted: Option<Box<dyn crate::cleanup::World>>,
}

/// Drafts a plan and seals it.
///
/// # Errors
/// Usage errors, what cannot be read, and an adapter that does not answer. What speaks against
/// planning is told, with its exit status.
pub fn run(args: &PlanArgs, global: &Global) -> Result<ExitStatus, CliError> {
    const CANNOT: &str = "plan a cleanup";
    let guards = Guards::all();
    let chosen: BTreeMap<String, String> = args.selector.iter().cloned().collect();
    if chosen.len() != args.selector.len() {
        let why = Refusal::new(Reason::EmptySelector, "one key is selected twice");
        return Err(refused(CANNOT, &why));
    }
    // Before anybody is asked: a selector that says nothing must reach no server.
    let scope = match (&args.scope, &args.adapter.adapter) {
        (Some(scope), _) => scope.as_str(),
        (None, None) => "candidates",
        (None, Some(_)) => {
            let why = Refusal::new(Reason::EmptySelector, "the adapter is asked for no scope");
            return Err(refused(CANNOT, &why).hint("name one: --scope SCOPE"));
        }
    };
    selector::check(scope, &chosen, guards).map_err(|e| refused(CANNOT, &e))?;
    let policy = policy(args)?;
    let trusted = args.trust.read()?;
    let author = author(args, &trusted)?;
    let notes = noted::read(&args.note, &author, &trusted, Timestamp::now())?;
    let called = args.candidates.as_deref().map(called_dead).transpose()?;
    let receipt = receipt(args, &trusted)?;
    if let (Some(path), Some(receipt)) = (&args.delete, &receipt) {
        inherits(args, path, receipt)?;
    }
    let keep = args.opt_outs.read()?;
    let names = args.names.lists()?;
    let mut world = look(args, global, (scope, &chosen, &names), called, receipt.as_ref())?;
    if let Some(keep) = &keep {
        world.listing.resources.iter_mut().for_each(|r| keep.protect(r));
    }
    let now = Timestamp::now();
    for (note, path) in notes.iter().zip(&args.note) {
        note.of(&world.target).map_err(|e| refused(noted::cannot(path), &e))?;
    }

    let pins = Pins {
        tool: env!("CARGO_PKG_VERSION").into(),
        policy: policy.digest.clone(),
        trust: trusted.trust.digest().clone(),
        adapter: world.adapter.clone(),
        adapter_command: world.words.clone(),
        opt_outs: keep.is_some(),
        names: names.pin(),
        spec: args.native.spec_digest()?,
        scope: input::config(global)?
            .scope_addresses()
            .to_networks()
            .iter()
            .map(ToString::to_string)
            .collect(),
        places: policy.places.clone(),
    };
    let place = args.out.join(memory_name(&world.target));
    let mut memory = memory(&place, &world.target)?;
    for (list, rows) in &args.accept_rows {
        if !world.listing.sources.iter().any(|s| s.name == *list) {
            let why = format!("no list of this run is called {}", visible(list));
            return Err(CliError::new("accept rows").because(why));
        }
        if let Some(memory) = &mut memory {
            memory.accepted.insert(list.clone(), *rows);
        }
    }
    let phase = args.phase();
    // Where nothing can be planned, nothing has to be counted.
    let today = match world.population {
        Population::Whole => day::today(&args.out, &world.target, phase, &trusted, now)?,
        Population::CandidatesOnly => 0,
    };
    let (mut plan, mut report) = draft(&DraftInput {
        population: world.population,
        listing: &world.listing,
        selector: &chosen,
        acts: &world.acts,
        policy: &policy,
        memory: memory.as_ref(),
        classifier: world.classifier.as_ref(),
        today,
        notes: &notes,
        receipt: receipt.as_ref(),
        phase,
        target: &world.target,
        author: &author,
        pins: &pins,
        now,
        guards,
    });
    report.vetoes.extend(clock(&policy, world.clock, now));
    report.vetoes.extend(selftest::run(guards, now));
    if let Some(adapter) = world.adapted.as_mut().filter(|_| report.vetoes.is_empty()) {
        evidence_again(&mut plan, &mut report, |item| adapter.observe(item));
    }

    let seen = evidence::write(&world.listing);
    plan.evidence = Some(Digest::of(&seen));
    let mut outcome = Outcome { plan, report, sealed: None, signed: false, told: Vec::new() };
    if outcome.report.vetoes.is_empty() && world.population == Population::Whole {
        let (bytes, digest) = seal(&outcome.plan);
        // What is sealed is what every other command reads.
        read(&bytes).map_err(|e| refused(CANNOT, &e))?;
        let signature = args
            .key
            .as_deref()
            .map(|key| sign::sign_file(key, PLAN, &bytes))
            .transpose()
            .map_err(|e| CliError::new("sign the plan").because(e))?;
        let mut files: Vec<(&str, &[u8])> = vec![("plan.json", &bytes), (evidence::NAME, &seen)];
        if seen.len() as u64 > dossier::MAX_BYTES {
            let why = format!("{} would be longer than 64 MiB", evidence::NAME);
            return Err(CliError::new(CANNOT).because(why).hint("plan a smaller scope"));
        }
        if let Some(signature) = &signature {
            files.push(("plan.json.sig", signature.as_bytes()));
        }
        let folder = dossier::seal(&args.out, &digest, &files).map_err(|e| unusable(&e))?;
        if let Some(memory) = &outcome.report.learned {
            remember(&place, memory)?;
        }
        outcome.signed = signature.is_some();
        if let Some(hook) = &policy.notify {
            outcome.told = notified::tell(hook, &outcome.plan, &digest, &folder)?;
        }
        outcome.sealed = Some((digest, folder));
    }
    match args.format {
        saved::AnswerFormat::Text => saved::print(&planned::text(&outcome))?,
        saved::AnswerFormat::Json => saved::print(&format!("{}\n", planned::json(&outcome)))?,
    }
    Ok(outcome.status(args.strict))
}

fn policy(args: &PlanArgs) -> Result<Policy, CliError> {
    let cannot = format!("use the policy {}", args.policy.display());
    let bytes = dossier::read_file(&args.policy).map_err(|e| {
        let why = Refusal::new(Reason::PolicyMissing, e.to_string());
        refused(cannot.clone(), &why).hint("without caps nothing is planned: docs/cleanup has one")
    })?;
    let name = visible(&args.policy.display().to_string()).into_owned();
    let policy = Policy::read(&name, &bytes).map_err(|e| refused(cannot.clone(), &e))?;
    if let Some(pinned) = args.policy_digest.as_ref().filter(|p| **p != policy.digest) {
        let says = format!("it has the digest {}, and {pinned} is pinned", policy.digest);
        return Err(refused(cannot, &Refusal::new(Reason::PolicyChanged, says)));
    }
    Ok(policy)
}

fn author(args: &PlanArgs, trusted: &Trusted) -> Result<Author, CliError> {
    let name = visible(&args.author);
    let cannot = || CliError::new(format!("plan as {name}"));
    let Some(party) = trusted.trust.party(&args.author) else {
        return Err(cannot().because("the list of trust knows nobody of this name"));
    };
    if !party.roles.contains(&Role::Author) {
        return Err(cannot().because("the list of trust gives them no role author"));
    }
    if let Some(requester) = &args.requested_by
        && trusted.trust.known_as(requester).is_none()
    {
        let why = format!("the list of trust knows nobody as {}, who asked", visible(requester));
        return Err(cannot().because(why).hint("add the name under `also:` of whom it is"));
    }
    Ok(Author { name: args.author.clone(), requested_by: args.requested_by.clone() })
}

fn called_dead(path: &Path) -> Result<Vec<Resource>, CliError> {
    let cannot = format!("read the candidates {}", path.display());
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(dossier::MAX_BYTES + 1).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|e| CliError::new(cannot.clone()).because(e))?
    } else {
        dossier::read_file(path).map_err(|e| CliError::new(cannot.clone()).because(e))?
    };
    if bytes.len() as u64 > dossier::MAX_BYTES {
        return Err(CliError::new(cannot).because("it is longer than 64 MiB"));
    }
    candidates::read(&bytes).map_err(|e| match e.reason {
        Reason::EmptySelector => refused(cannot, &e),
        _ => CliError::new(cannot).because(visible(&e.says)),
    })
}

fn receipt(args: &PlanArgs, trusted: &Trusted) -> Result<Option<Receipt>, CliError> {
    let Some(path) = &args.delete else { return Ok(None) };
    let cannot = format!("plan the deletion of what {} names", path.display());
    receipted::quarantine(path, trusted, &cannot).map(Some)
}

/// A deletion is held to what its quarantine was: whoever objected there, or would object by the same
/// list, is heard again.
fn inherits(args: &PlanArgs, path: &Path, receipt: &Receipt) -> Result<(), CliError> {
    let cannot = "plan the deletion of a quarantine with less than it was made with";
    let beside = path.parent().unwrap_or(Path::new(".")).join("plan.json");
    let bytes = dossier::read_file(&beside).map_err(|e| unusable(&e))?;
    let parent = plan::read_as(&bytes, &receipt.plan).map_err(|e| refused(cannot, &e))?;
    let no = |says: &str, hint: &str| {
        Err(refused(cannot, &Refusal::new(Reason::Loosening, says)).hint(hint))
    };
    if parent.pins.opt_outs && args.opt_outs.opt_outs.is_none() {
        return no("it was made with opt-outs", "--opt-outs PATH, the place that it was made with");
    }
    if parent.pins.names.is_some() && args.names.names.is_empty() {
        return no(
            "it was made with names",
            "--names FILE: today's list of what leads to anything",
        );
    }
    Ok(())
}

/// A scope, what is chosen of it, and the lists of names.
type Asked<'a> = (&'a str, &'a BTreeMap<String, String>, &'a Listed<'a>);

/// Asks the adapter, and joins what a job calls dead.
fn look(
    args: &PlanArgs,
    global: &Global,
    (scope, selector, listed): Asked<'_>,
    called: Option<Vec<Resource>>,
    receipt: Option<&Receipt>,
) -> Result<World, CliError> {
    let judges = args.judged_by.iter().map(|path| {
        let bytes = dossier::read_file(path);
        bytes.map(|b| Digest::of(&b)).map_err(|e| CliError::new("read --judged-by").because(e))
    });
    let judges: Vec<Digest> = judges.collect::<Result<_, _>>()?;
    if args.native.aws {
        let asked = (scope, selector, listed);
        return account(args, global, asked, called, (receipt, &judges));
    }
    if args.adapter.adapter.is_none() {
        let resources = called.unwrap_or_default();
        return Ok(World {
            population: Population::CandidatesOnly,
            listing: Listing { sources: Vec::new(), resources },
            acts: Vec::new(),
            target: nowhere(scope),
            classifier: None,
            adapter: None,
            words: Vec::new(),
            clock: None,
            adapted: None,
        });
    }
    let words = args.adapter.words(&[])?;
    let adapter = args.adapter.digest(&words)?;
    let asked = |e| CliError::new("ask the adapter").because(visible(&format!("{e}")));
    let mut world = args.adapter.start(&words, &nowhere(scope))?;
    let Hello { target, clock, acts, .. } = world.hello().map_err(asked)?;
    if target.scope != scope {
        let says = format!("asked for {scope:?}, the adapter speaks for {:?}", target.scope);
        return Err(refused("plan a cleanup", &Refusal::new(Reason::TargetMismatch, says)));
    }
    let mut listing = world.list(scope, selector).map_err(|e| {
        let why = Refusal::new(Reason::SourceUnreadable, e.to_string());
        refused("plan a cleanup", &why)
    })?;
    if let Some(names) = listed.with(None)? {
        names::mark(&mut listing, &listed.led(&names)?);
    }
    let by_job = called.is_some();
    if let Some(called) = called {
        candidates::join(&mut listing, called, Timestamp::now());
    }
    // A job's list whose maker nobody names could have been made by anything.
    let known = !by_job || !judges.is_empty();
    let classifier = known.then(|| {
        let mut text = format!("{}\n{}\n", env!("CARGO_PKG_VERSION"), words.join("\0"));
        for digest in adapter.iter().chain(&judges) {
            text.push_str(&format!("{digest}\n"));
        }
        Digest::of(text.as_bytes())
    });
    Ok(World {
        population: Population::Whole,
        listing,
        acts,
        target,
        classifier,
        adapter,
        words,
        clock,
        adapted: Some(world),
    })
}

/// What is known of a target before anybody was asked.
fn nowhere(scope: &str) -> Target {
    Target {
        provider: "none".into(),
        partition: String::new(),
        account: String::new(),
        regions: BTreeSet::new(),
        scope: scope.to_owned(),
    }
}

/// Reads an AWS account in place of asking an adapter.
fn account(
    args: &PlanArgs,
    global: &Global,
    asked: Asked<'_>,
    called: Option<Vec<Resource>>,
    (receipt, judges): (Option<&Receipt>, &[Digest]),
) -> Result<World, CliError> {
    let quarantined = receipt.map(native::quarantined).unwrap_or_default();
    let what = (args.phase(), &quarantined);
    let native = args.native.list(global, asked, what, Timestamp::now())?;
    let mut listing = native.listing;
    let known = called.is_none() || !judges.is_empty();
    if let Some(called) = called {
        candidates::join(&mut listing, called, Timestamp::now());
    }
    let classifier = known.then(|| {
        let all = judges.iter().fold(native.classifier.to_string(), |t, d| format!("{t}\n{d}"));
        Digest::of(all.as_bytes())
    });
    Ok(World {
        population: Population::Whole,
        listing,
        acts: native.hello.acts,
        target: native.hello.target,
        classifier,
        adapter: None,
        words: vec!["aws".into()],
        clock: native.hello.clock,
        adapted: None,
    })
}

/// A07, as early as it can be seen.
fn clock(policy: &Policy, clock: Option<Timestamp>, now: Timestamp) -> Option<Refusal> {
    let off = clock?.duration_since(now).as_secs().unsigned_abs();
    (off > policy.sources.max_ahead_s).then(|| {
        let says = format!("the provider's clock and this one are {off} s apart");
        Refusal::new(Reason::ClockSkew, says)
    })
}
