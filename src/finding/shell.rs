/// Joins words into one command line that a POSIX shell reads back as exactly these words.
pub(super) fn command<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    words.into_iter().map(|w| quote(w.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Quotes a word where it holds anything a shell could read.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_the_words() {
        assert_eq!(command(["aws", "ec2", "--group-id", "sg-1"]), "aws ec2 --group-id sg-1");
        assert_eq!(command(["echo", "it's $(reboot)"]), r"echo 'it'\''s $(reboot)'");
        assert_eq!(command([""]), "''");
        assert_eq!(command(["a\nb"]), "'a\nb'");
    }
}
