//! The command line: one file a command, exit codes in [`exit`].

pub mod audit;
mod block;
pub mod cleanup;
mod cloud;
pub mod collect;
mod declared;
pub mod demo;
mod errand;
mod error;
pub mod exit;
pub mod explain;
pub mod facts;
pub mod gate;
pub mod history;
pub mod init;
pub mod input;
mod interrupt;
mod keep;
mod known;
pub mod listen;
pub mod output;
mod pipeline;
pub mod probe;
mod progress;
mod proxies;
pub mod reach;
mod reaping;
mod reflect;
pub mod rules;
mod saved;
pub mod spec;
mod starter;
mod time;
mod vantages;
mod whole;

pub use error::CliError;
pub use exit::ExitStatus;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Is what the outside world can reach exactly what we wrote down, and if not, which layer is wrong?
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags every command has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Accounts, regions, scope and limits [default: portcullis.yaml where it exists]
    #[arg(short, long, global = true, env = "PORTCULLIS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say more on stderr (repeatable)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
    /// No progress, even on a terminal
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Touch no network: neither the cloud nor any probe
    #[arg(long, global = true)]
    pub offline: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare declared, configured and observed, and report what differs
    Audit(audit::AuditArgs),
    /// Say of new hosts whether they may enter rotation: pass, or hold with the reasons
    Gate(Box<gate::GateArgs>),
    /// Read the cloud once into a snapshot
    Collect(collect::CollectArgs),
    /// List what the configuration exposes
    Reach(reach::ReachArgs),
    /// Show the path of one flow, hop by hop, and what decides it
    Explain(explain::ExplainArgs),
    /// Probe endpoints from this machine
    Probe(probe::ProbeArgs),
    /// Answer an auditor on a role's ports before its application starts
    Listen(listen::ListenArgs),
    /// Check specs and print their schema
    Spec(spec::SpecArgs),
    /// Write a starter spec from a snapshot
    Init(init::InitArgs),
    /// List, explain and test the rules
    Rules(rules::RulesArgs),
    /// Show the runs that were kept, and from when to when each finding was there
    History(history::HistoryCommand),
    /// Plan, approve, apply and take back what a cleanup removes
    Cleanup(cleanup::CleanupCommand),
    /// Replay an incident with real sockets on loopback
    Demo(demo::DemoArgs),
}

/// Runs a parsed command line.
///
/// # Errors
/// Usage and tool errors; findings and gaps are an [`ExitStatus`], not an error.
pub fn run(cli: &Cli) -> Result<ExitStatus, CliError> {
    match &cli.command {
        Command::Audit(_) => interrupt::listen("the audit did not finish"),
        Command::Gate(_) => interrupt::listen("the gate gave no answer"),
        Command::Collect(_) => {
            interrupt::listen("the collection did not finish, nothing was written");
        }
        Command::Probe(_) => interrupt::listen("nothing was probed"),
        // A signal is how its work ends, and it hears it itself.
        Command::Listen(_) => {}
        _ => interrupt::listen("the command did not finish"),
    }
    match &cli.command {
        Command::Audit(args) => audit::run(args, &cli.global),
        Command::Gate(args) => gate::run(args, &cli.global),
        Command::Cleanup(args) => cleanup::run(args, &cli.global),
        Command::Collect(args) => collect::run(args, &cli.global),
        Command::Reach(args) => reach::run(args, &cli.global),
        Command::Explain(args) => explain::run(args, &cli.global),
        Command::Probe(args) => probe::run(args, &cli.global),
        Command::Listen(args) => listen::run(args, &cli.global),
        Command::Spec(args) => spec::run(args, &cli.global),
        Command::Init(args) => init::run(args, &cli.global),
        Command::Rules(args) => rules::run(args, &cli.global),
        Command::History(args) => history::run(args, &cli.global),
        Command::Demo(args) => demo::run(args, &cli.global),
    }
}
