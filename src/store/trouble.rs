use crate::history::StoreTrouble;
use rusqlite::ErrorCode;
use std::io;
use std::time::Duration;

/// `SQLITE_IOERR_SHMSIZE`.
const SHMSIZE: i32 = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

/// What SQLite's answer means for whoever runs an audit.
pub(super) fn trouble(error: &rusqlite::Error, waited: Duration) -> StoreTrouble {
    let words = error.to_string();
    let rusqlite::Error::SqliteFailure(code, _) = error else {
        // A value of another type, a row that should be there: not what we wrote.
        return StoreTrouble::Corrupt(words);
    };
    match code.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => StoreTrouble::Locked {
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        },
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
            StoreTrouble::ReadOnly(words)
        }
        ErrorCode::DiskFull => StoreTrouble::Full(words),
        // The index of the log could not grow: it is the first to ask for room.
        ErrorCode::SystemIoFailure if code.extended_code == SHMSIZE => StoreTrouble::Full(words),
        ErrorCode::SystemIoFailure => {
            StoreTrouble::Other(format!("{words} (SQLite's code {})", code.extended_code))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => {
            StoreTrouble::Corrupt(words)
        }
        ErrorCode::NotADatabase => StoreTrouble::NotAHistory(words),
        _ => StoreTrouble::Other(words),
    }
}

/// The same for what the system answers to plain calls.
pub(super) fn io_trouble(error: &io::Error) -> StoreTrouble {
    let words = error.to_string();
    match error.kind() {
        io::ErrorKind::NotFound => StoreTrouble::Missing,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreTrouble::ReadOnly(words)
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreTrouble::Full(words),
        _ => StoreTrouble::Other(words),
    }
}
