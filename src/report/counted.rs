/// A number of things, with the word in its plural where they are not one: `1 call`, `2 calls`.
#[must_use]
pub fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
