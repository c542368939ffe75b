use super::json::{ADDRESSES, NAMES, split};
use super::row::{Flaw, Row};

/// Rows of a table whose first line names its columns.
pub(super) fn rows(text: &str) -> (Vec<Row>, Vec<Flaw>) {
    let mut reader =
        ::csv::ReaderBuilder::new().trim(::csv::Trim::All).from_reader(text.as_bytes());
    let mut flaws = Vec::new();
    let columns: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|c| c.trim().to_owned()).collect(),
        Err(e) => return (Vec::new(), vec![broken(&e)]),
    };
    let find = |names: &[&str]| {
        names.iter().find_map(|n| columns.iter().position(|c| c.eq_ignore_ascii_case(n)))
    };
    let (name, address) = (find(&NAMES), find(&ADDRESSES));
    if name.is_none() || address.is_none() {
        let hint = "the first line of a table names its columns: name,addresses,role, …; \
                    JSON begins with { or [";
        return (Vec::new(), vec![Flaw::at(1, 1, "no columns `name` and `addresses` here", hint)]);
    }
    if let Some((n, column)) = columns.iter().enumerate().find(|(n, c)| columns[..*n].contains(c)) {
        let why =
            format!("column {} is the second `{}`", n + 1, super::super::error::shorten(column));
        flaws.push(Flaw::at(1, 1, why, "give every column a name of its own"));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(e) => {
                flaws.push(broken(&e));
                continue;
            }
        };
        let line = record.position().map_or(0, ::csv::Position::line);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let at = |n: Option<usize>| n.and_then(|n| record.get(n)).unwrap_or_default();
        let mut row = Row { line, column: 1, name: at(name).into(), ..Row::default() };
        row.addresses = split(at(address));
        for (n, (key, value)) in columns.iter().zip(record.iter()).enumerate() {
            let tag = Some(n) != name && Some(n) != address && !key.is_empty();
            if tag && !value.is_empty() {
                row.tags.insert(key.clone(), value.into());
            }
        }
        rows.push(row);
    }
    (rows, flaws)
}

fn broken(why: &::csv::Error) -> Flaw {
    let line = why.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
    let what = match why.kind() {
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("this row has {len} fields, and the first line names {expected_len} columns")
        }
        _ => format!("it cannot be read as a table: {why}"),
    };
    Flaw::at(line, 1, what, "quote fields that hold a comma or a line break")
}
