use super::Pattern;
use std::fmt;

impl Pattern {
    /// Whether the whole of `text` fits. Case counts, as it does in tags.
    ///
    /// Takes at most length × length steps, whatever the pattern.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        // Bytes are enough but for `?`, which must step over a whole character.
        let width = |at: usize| -> usize {
            let continues = |b: &u8| b & 0xC0 == 0x80;
            1 + text[at + 1..].iter().take_while(|b| continues(b)).count()
        };
        let (mut p, mut t) = (0, 0);
        // Where to go on when what follows the last star did not fit.
        let mut back: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    back = Some((p + 1, t));
                    p += 1;
                }
                Some(b'?') => {
                    p += 1;
                    t += width(t);
                }
                Some(b) if *b == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match back {
                    Some((after, from)) => {
                        let from = from + width(from);
                        back = Some((after, from));
                        (p, t) = (after, from);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|b| *b == b'*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, step by step.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), None) => plainly(rest, text),
            (Some(('*', rest)), Some((_, after))) => plainly(rest, text) || plainly(pattern, after),
            (Some(('?', rest)), Some((_, after))) => plainly(rest, after),
            (Some((p, rest)), Some((t, after))) => p == t && plainly(rest, after),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab?*é]{0,8}", text in "[abé]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern(pattern).matches(&text), plainly(&p, &t));
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = Pattern(format!("{}b", "a*".repeat(200)));
        assert!(!pattern.matches(&"a".repeat(5_000)));
    }
}
