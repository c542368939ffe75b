use crate::snapshot::Snapshot;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A snapshot file being written: whole or not there.
///
/// [`SnapshotFile::create`] tries before the long work begins whether a file can be made beside the
/// final one, so that a path that cannot be written is told at once; [`SnapshotFile::finish`] makes
/// it and moves it into place. Between the two nothing is there that a killed process could leave
/// behind, and an older snapshot is untouched. A link is followed, and what is no regular file (a
/// pipe, a device) is written in place, never replaced.
#[derive(Debug)]
#[must_use = "dropped without `finish`, it writes nothing"]
pub struct SnapshotFile {
    path: PathBuf,
    /// Beside it until it is whole; `None` where `path` is written in place.
    temporary: Option<PathBuf>,
    /// Open from the start where it is written in place.
    in_place: Option<File>,
}

impl SnapshotFile {
    /// Opens the place where the snapshot will stand.
    ///
    /// # Errors
    /// When the folder is missing or may not be written, or `path` is a folder.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // Renaming over a link would replace the link, and over a device the device.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.into());
        if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
            let file = OpenOptions::new().write(true).open(path)?;
            return Ok(Self { path: path.into(), temporary: None, in_place: Some(file) });
        }
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(temporary);
        // Only to know that it can be done.
        private(&temporary)?;
        fs::remove_file(&temporary)?;
        Ok(Self { path: path.into(), temporary: Some(temporary), in_place: None })
    }

    /// Writes the snapshot and moves it into place.
    ///
    /// # Errors
    /// When writing, flushing to disk or renaming fails; then the place is as it was before.
    pub fn finish(mut self, snapshot: &Snapshot) -> io::Result<()> {
        let file = match (self.in_place.take(), &self.temporary) {
            (Some(file), _) => file,
            (None, Some(temporary)) => private(temporary)?,
            (None, None) => return Ok(()),
        };
        let mut buffered = BufWriter::new(file);
        write_snapshot(snapshot, &mut buffered)?;
        let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
        let Some(temporary) = &self.temporary else { return Ok(()) };
        file.sync_all()?;
        fs::rename(temporary, &self.path)
    }
}

impl Drop for SnapshotFile {
    fn drop(&mut self) {
        // After `finish` there is nothing left to remove.
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Makes a file that only its owner may read: a map of what an account exposes is nobody else's.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a snapshot as JSON with one row on each line, so that two snapshots can be compared by
/// line, and ends it with a newline.
///
/// # Errors
/// What `out` gives.
pub fn write_snapshot(snapshot: &Snapshot, mut out: impl Write) -> io::Result<()> {
    snapshot
        .serialize(&mut Serializer::with_formatter(&mut out, RowPerLine::default()))
        .map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Depth at which rows stand: the file, `regions`, a view, a list, a row.
const ROW: usize = 4;

/// Breaks lines down to the rows, and nowhere inside them.
#[derive(Debug, Default)]
struct RowPerLine {
    depth: usize,
    /// Whether the list or object that ends has anything in it.
    filled: bool,
}

impl RowPerLine {
    fn line<W: Write + ?Sized>(&self, out: &mut W) -> io::Result<()> {
        if self.depth > ROW {
            return Ok(());
        }
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b" "))
    }

    fn open<W: Write + ?Sized>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        out.write_all(sign)
    }

    fn close<W: Write + ?Sized>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        let inside = self.depth;
        self.depth -= 1;
        if self.filled && inside <= ROW {
            self.line(out)?;
        }
        self.filled = true;
        out.write_all(sign)
    }

    fn next<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.line(out)
    }
}

impl Formatter for RowPerLine {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }
    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }
    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }
    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }
    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }
    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }
    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Call, CallKind, Outcome, RegionView, Tag, Vpc};
    use jiff::Timestamp;

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::empty(Timestamp::UNIX_EPOCH);
        snapshot.calls.push(Call {
            account: "1".into(),
            region: "r".into(),
            kind: CallKind::Vpcs,
            outcome: Outcome::Complete,
            items: 2,
        });
        let vpc = |id: &str| Vpc {
            vpc_id: id.into(),
            tags: vec![Tag { key: "Name".into(), value: "a\nb".into() }],
            ..Vpc::default()
        };
        snapshot
            .regions
            .push(RegionView { vpcs: vec![vpc("vpc-1"), vpc("vpc-2")], ..RegionView::default() });
        snapshot
    }

    #[test]
    fn each_row_has_its_line_and_reads_back() {
        let mut out = Vec::new();
        write_snapshot(&snapshot(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot());
        assert_eq!(text.lines().filter(|l| l.contains("\"VpcId\":")).count(), 2);
        assert!(text.lines().any(|l| l.trim_start().starts_with("{\"VpcId\":\"vpc-1\"")), "{text}");
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn an_unfinished_file_leaves_the_old_one_and_no_trace() {
        let folder = std::env::temp_dir().join(format!("portcullis-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("snapshot.json");
        fs::write(&path, "old").unwrap();
        let unfinished = SnapshotFile::create(&path).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing for a kill to leave behind");
        drop(unfinished);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        SnapshotFile::create(&path).unwrap().finish(&snapshot()).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("vpc-1"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before_the_work() {
        assert!(SnapshotFile::create(Path::new("/nowhere/at/all/snapshot.json")).is_err());
        assert!(SnapshotFile::create(&std::env::temp_dir()).is_err());
    }
}
