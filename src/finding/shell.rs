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

/// The words of a line that [`command`] wrote; `None` for a quote that does not end.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut in_word) = (Vec::new(), String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' if in_word => {
                words.push(std::mem::take(&mut word));
                in_word = false;
            }
            ' ' => {}
            '\'' => {
                in_word = true;
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.push(chars.next()?),
            c => {
                in_word = true;
                word.push(c);
            }
        }
    }
    words.extend(in_word.then_some(word));
    Some(words)
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

    #[test]
    fn what_was_written_is_read_back() {
        let all = ["aws", "it's $(reboot)", "", "a  b", "[{\"Description\":\"'x'\"}]"];
        assert_eq!(words(&command(all)), Some(all.map(str::to_owned).to_vec()));
        assert_eq!(words("aws 'ec2"), None);
    }
}
