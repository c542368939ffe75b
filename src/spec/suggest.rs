/// The candidate nearest to what was written, where it is near enough to be what was meant.
///
/// Near enough: one slip (a letter missing, added, changed or swapped with its neighbour) for
/// every three letters, at least one.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = written.chars().count();
    // Nothing people mistype is longer, and the distance takes length × length steps.
    if length > 64 {
        return None;
    }
    let most = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|c| c.chars().count().abs_diff(length) <= most)
        .map(|c| (distance(&written.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= most && *d < length)
        .min()
        .map(|(_, c)| c)
}

/// The number of slips between two words (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_slips() {
        for (a, b, n) in [("", "abc", 3), ("internet", "intrenet", 1), ("port", "prot", 1)] {
            assert_eq!(distance(a, b), n, "{a} {b}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["internet", "office", "port"];
        assert_eq!(nearest("intrnet", known), Some("internet"));
        assert_eq!(nearest("Internet", known), Some("internet"));
        assert_eq!(nearest("prt", known), Some("port"));
        assert_eq!(nearest("somewhere", known), None);
        assert_eq!(nearest("x", ["y", "office"]), None);
        assert_eq!(nearest(&"a".repeat(100), known), None);
    }
}
