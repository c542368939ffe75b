//! Adapters: any executable that speaks the protocol of `docs/cleanup/adapters.md`.

mod answer;
mod child;
mod command;
mod limits;
#[cfg(test)]
mod tests;

pub use command::AdapterCommand;
pub use limits::AdapterLimits;

use crate::cleanup::{
    ActRequest, Acted, Health, Hello, ItemRef, Listing, Observed, World, WorldError,
};
use answer::Answer;
use child::Child;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;

/// The version of the protocol that is spoken.
const PROTOCOL: u32 = 1;

/// One adapter process. It is started at once, asked one thing at a time, and ended with this value.
///
/// What breaks the protocol ends it: an answer that came late, torn or with a field that nobody
/// knows would otherwise be taken for the answer to the next question.
pub struct Adapter {
    child: Child,
    scope: String,
    limits: AdapterLimits,
    asked: u64,
}

impl Adapter {
    /// Starts the process. `scope` is what it will be asked for.
    ///
    /// # Errors
    /// What keeps the process from starting.
    pub fn start(command: &AdapterCommand, scope: &str, limits: AdapterLimits) -> io::Result<Self> {
        let child = Child::start(command, &limits)?;
        Ok(Self { child, scope: scope.to_owned(), limits, asked: 0 })
    }

    /// Asks one question and hands every line of the answer to `take` until the last one.
    fn ask(
        &mut self,
        verb: &str,
        mut question: Value,
        mut take: impl FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), WorldError> {
        self.asked += 1;
        let id = self.asked;
        question["id"] = json!(id);
        question["verb"] = json!(verb);
        let deadline = self.limits.deadline(verb);
        let error = |why: String| WorldError { verb: verb.to_owned(), why };
        self.child.write(&question).map_err(error)?;
        let until = std::time::Instant::now() + deadline;
        let mut lines = 0;
        loop {
            let line = match self.child.read(until) {
                Ok(line) => line,
                Err(why) => return Err(error(self.child.end(&why))),
            };
            lines += 1;
            if lines > self.limits.lines {
                let why = format!("it answered with more than {} lines", self.limits.lines);
                return Err(error(self.child.end(&why)));
            }
            let answer = match Answer::read(&line, id) {
                Ok(answer) => answer,
                Err(why) => return Err(error(self.child.end(&why))),
            };
            if let Some(why) = answer.error {
                // It says no by itself: it can be asked again.
                return Err(error(why));
            }
            let done = answer.done;
            if let Err(why) = take(answer) {
                return Err(error(self.child.end(&why)));
            }
            if done {
                return Ok(());
            }
        }
    }

    /// Asks what has exactly one answer.
    fn ask_one<T>(
        &mut self,
        verb: &str,
        question: Value,
        pick: impl Fn(Answer) -> Option<T>,
    ) -> Result<T, WorldError> {
        let mut found = None;
        self.ask(verb, question, |answer| {
            match (pick(answer), &found) {
                (Some(value), None) => found = Some(value),
                (None, _) => {}
                (Some(_), Some(_)) => return Err("it answered twice".into()),
            }
            Ok(())
        })?;
        found.ok_or_else(|| WorldError {
            verb: verb.to_owned(),
            why: self.child.end(&format!("it ended its answer without saying {verb:?}")),
        })
    }
}

impl World for Adapter {
    fn hello(&mut self) -> Result<Hello, WorldError> {
        let question = json!({"protocol": PROTOCOL, "scope": self.scope});
        let hello = self.ask_one("hello", question, |a| a.hello)?;
        if hello.protocol != PROTOCOL {
            let why =
                format!("it speaks version {} of the protocol, not {PROTOCOL}", hello.protocol);
            return Err(WorldError { verb: "hello".into(), why: self.child.end(&why) });
        }
        Ok(hello)
    }

    fn list(
        &mut self,
        scope: &str,
        selector: &BTreeMap<String, String>,
    ) -> Result<Listing, WorldError> {
        let mut listing = Listing::default();
        self.ask("list", json!({"scope": scope, "selector": selector}), |answer| {
            listing.sources.extend(answer.source);
            listing.resources.extend(answer.resource.map(|r| *r));
            Ok(())
        })?;
        Ok(listing)
    }

    fn observe(&mut self, item: &ItemRef) -> Result<Observed, WorldError> {
        self.ask_one("observe", json!({"item": item}), |a| a.observed)
    }

    fn act(&mut self, request: &ActRequest) -> Result<Acted, WorldError> {
        self.ask_one("act", json!({"request": request}), |a| a.acted)
    }

    fn undo(
        &mut self,
        request: &ActRequest,
        handed: &BTreeMap<String, String>,
    ) -> Result<Acted, WorldError> {
        self.ask_one("undo", json!({"request": request, "handed": handed}), |a| a.acted)
    }

    fn health(&mut self) -> Result<Health, WorldError> {
        self.ask_one("health", json!({}), |a| a.health)
    }
}
