//! The database of `ops-tracing`.

use std::path::Path;
use std::time::Duration;

use charm_testing::otlp_json;
use charm_tracing::__charm_traces::with_causes;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

/// A batch of spans: its id, and the OTLP request.
type Row = (i64, Vec<u8>);

/// The time for which a transaction of the charm is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the batches of spans, in the order in which the charm would send them. A batch that cannot be read is an error of its own.
pub(super) fn rows(path: &Path) -> rusqlite::Result<Vec<Result<Row, String>>> {
    let database = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut select = database.prepare("SELECT id, data, mime FROM tracing ORDER BY priority DESC, id")?;
    let rows = select.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, String>(2)?))
    })?;
    let row = |row: rusqlite::Result<(i64, Vec<u8>, String)>| {
        let (id, data, mime) = row.map_err(|error| with_causes(&error))?;
        if mime == "application/x-protobuf" {
            return Ok((id, data));
        }
        let request =
            otlp_json::to_request(&data).map_err(|error| format!("row {id}: {}", with_causes(&error)))?;
        Ok((id, request))
    };
    Ok(rows.map(row).collect())
}

/// Removes a batch that a backend has taken.
pub(crate) fn remove_row(path: &Path, id: i64) -> rusqlite::Result<()> {
    let database = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    database.execute("DELETE FROM tracing WHERE id = ?", [id]).map(|_| ())
}

/// Reads the URL to which `ops-tracing` sends; `None` if it has none.
pub(crate) fn destination(path: &Path) -> rusqlite::Result<Option<String>> {
    let database = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let url = database
        .query_row("SELECT value FROM settings WHERE key = 'url'", [], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(url.filter(|url| !url.is_empty()))
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let database = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    database.busy_timeout(PATIENCE)?;
    Ok(database)
}
