//! Every command's help is a snapshot: a change of the command line is seen in review.
//!
//! `INSTA_UPDATE=always cargo test --no-default-features --test core help` rewrites them.

use crate::common::World;
use clap::CommandFactory;
use portcullis::cli::Cli;

/// Every command below `command`, as the words that call it.
fn commands(command: &clap::Command, words: &[String], out: &mut Vec<Vec<String>>) {
    out.push(words.to_vec());
    for below in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let mut words = words.to_vec();
        words.push(below.get_name().to_owned());
        commands(below, &words, out);
    }
}

#[test]
fn every_help_is_a_snapshot() {
    let mut all = Vec::new();
    commands(&Cli::command(), &[], &mut all);
    assert!(all.len() > 9, "{all:?}");
    let world = World::new().with("NO_COLOR", "1");
    for words in all {
        let mut arguments = words.clone();
        arguments.push("--help".into());
        let name = if words.is_empty() { "portcullis".into() } else { words.join("-") };
        insta::assert_snapshot!(format!("help-{name}"), world.run(&arguments).to_string());
    }
}

#[test]
fn usage_errors_exit_with_2_on_stderr() {
    let world = World::new();
    for arguments in [&["--no-such-flag"][..], &["audt"], &["audit", "--format", "xml"]] {
        let ran = world.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ran}");
        assert!(!ran.stderr.is_empty());
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
