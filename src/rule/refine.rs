use super::facts::{Fact, FactDoc, Facts};
use super::template::unknown;
use cel::common::ast::Expr;
use cel::parser::Expression;
use cel::{Context, Program, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Longest expression, in bytes. CEL has no cost limit, so what goes in is bounded: this, the
/// nesting of comprehensions, and the length of every text and list.
const MAX_EXPRESSION: usize = 500;

/// Deepest nesting of comprehensions (`all`, `exists`, `map`, `filter`): with [`MAX_LIST`] at most
/// 4,096 steps.
const MAX_NESTING: u32 = 2;

/// Most members of a list handed to an expression.
const MAX_LIST: usize = 64;

/// Most bytes of a text handed to an expression.
const MAX_TEXT: usize = 1024;

/// A CEL expression over documented facts that gives a bool.
#[derive(Debug)]
pub struct Refine {
    program: Program,
    source: String,
    /// The facts it names, sorted.
    names: Vec<String>,
}

impl Refine {
    /// Compiles an expression, and tries it on samples so that a wrong name or type fails now and
    /// not in the middle of an audit. The error fits after "cannot".
    pub(super) fn compile(source: &str, known: &[FactDoc]) -> Result<Self, String> {
        if source.len() > MAX_EXPRESSION {
            return Err(format!(
                "use an expression of {} bytes: the limit is {MAX_EXPRESSION}",
                source.len()
            ));
        }
        let program = Program::compile(source)
            .map_err(|e| format!("read the expression: {}", one_line(&e)))?;
        let mut shape = Shape::default();
        shape.walk(program.expression(), 0);
        if shape.depth > MAX_NESTING {
            return Err(format!(
                "use comprehensions {} deep: the limit is {MAX_NESTING}",
                shape.depth
            ));
        }
        let mut names = Vec::new();
        for name in program.references().variables() {
            if shape.bound.contains(name) {
                continue;
            }
            if !known.iter().any(|f| f.name == name) {
                return Err(unknown(name, known));
            }
            names.push(name.to_owned());
        }
        names.sort();
        let refine = Self { program, source: source.into(), names };
        match refine.evaluate(&Samples(known)) {
            Ok(_) => Ok(refine),
            Err(why) => Err(format!("evaluate the expression: {why}")),
        }
    }

    /// The expression as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it holds for these facts.
    ///
    /// # Errors
    /// What CEL answers where it gives no bool.
    pub fn evaluate(&self, facts: &dyn Facts) -> Result<bool, String> {
        // The environment of functions is built once; a root context over it only holds variables.
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for name in &self.names {
            if let Some(fact) = facts.fact(name) {
                context.add_variable_from_value(name.as_str(), value(fact));
            }
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it gives {}, not a bool", other.type_of())),
            Err(error) => Err(one_line(&error)),
        }
    }
}

static ENVIRONMENT: std::sync::LazyLock<Arc<cel::Env>> =
    std::sync::LazyLock::new(|| Arc::new(cel::Env::stdlib()));

/// What an expression is made of.
#[derive(Default)]
struct Shape {
    /// Names that comprehensions bind themselves.
    bound: BTreeSet<String>,
    depth: u32,
}

impl Shape {
    fn walk(&mut self, expression: &Expression, depth: u32) {
        self.depth = self.depth.max(depth);
        match &expression.expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
            // Bounded by the length of the expression, and never needed by a rule.
            Expr::Map(_) | Expr::Struct(_) => self.depth = u32::MAX,
            Expr::Call(call) => {
                call.target.iter().for_each(|t| self.walk(t, depth));
                call.args.iter().for_each(|a| self.walk(a, depth));
            }
            Expr::List(list) => list.elements.iter().for_each(|e| self.walk(e, depth)),
            Expr::Select(select) => self.walk(&select.operand, depth),
            Expr::Comprehension(c) => {
                self.bound.extend([c.iter_var.clone(), c.accu_var.clone()]);
                self.bound.extend(c.iter_var2.clone());
                self.walk(&c.iter_range, depth);
                for part in [&c.accu_init, &c.loop_cond, &c.loop_step, &c.result] {
                    self.walk(part, depth + 1);
                }
            }
        }
    }
}

/// A sample of every documented fact.
struct Samples<'a>(&'a [FactDoc]);

impl Facts for Samples<'_> {
    fn fact(&self, name: &str) -> Option<Fact> {
        self.0.iter().find(|f| f.name == name).map(|f| f.sample.value())
    }
}

fn value(fact: Fact) -> Value {
    match fact {
        Fact::Text(text) => Value::from(clip(text)),
        Fact::Number(n) => Value::Int(n),
        Fact::Flag(flag) => Value::Bool(flag),
        Fact::List(list) => {
            Value::from(list.into_iter().take(MAX_LIST).map(clip).collect::<Vec<String>>())
        }
    }
}

fn clip(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

fn one_line(error: &impl std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::facts::EXPOSURE_FACTS;
    use super::*;

    fn cannot(source: &str) -> String {
        Refine::compile(source, EXPOSURE_FACTS).expect_err(source)
    }

    #[test]
    fn a_wrong_name_type_or_size_fails_when_it_is_loaded() {
        assert!(cannot("hots == 'a'").contains("`hots`: it is not a fact"));
        assert!(cannot("first_port + 1").contains("not a bool"));
        assert!(cannot("host.frobnicate()").contains("evaluate"));
        assert!(cannot("host ==").contains("read the expression"));
        assert!(cannot(&format!("host == '{}'", "a".repeat(600))).contains("limit is 500"));
        let nested = "roles.all(a, roles.all(b, roles.all(c, a == b && b == c)))";
        assert!(cannot(nested).contains("3 deep"));
    }

    #[test]
    fn names_that_a_comprehension_binds_are_not_facts() {
        let refine =
            Refine::compile("roles.exists(r, r == 'text')", EXPOSURE_FACTS).expect("compiles");
        assert_eq!(refine.names, ["roles"]);
        assert_eq!(refine.evaluate(&Samples(EXPOSURE_FACTS)), Ok(true));
    }
}
