use super::visible::line;

/// Escapes the message of a workflow command. Line breaks of our own are kept (as `%0A`).
#[must_use]
pub fn data(text: &str) -> String {
    text.split('\n').map(|l| line(l).replace('%', "%25")).collect::<Vec<_>>().join("%0A")
}

/// Escapes a property of a workflow command (`file=`, `title=`).
#[must_use]
pub fn property(text: &str) -> String {
    line(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_command_or_the_property() {
        assert_eq!(property("a,line=1::b%0A\n"), "a%2Cline=1%3A%3Ab%250A\\n");
        assert_eq!(data("one\n::error::two\r%"), "one%0A::error::two\\r%25");
    }
}
