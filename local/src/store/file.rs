//! The file of the store and its journal: their place, their format, and their lock.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::error::{Broken, StoreError};
use super::handle::Place;
use super::journal::Journal;
use super::table::Tables;
use super::write::redo;

/// The format of the tables and of the journal. Another number is another format.
const FORMAT: u64 = 2;

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");

const FORMAT_KEY: &str = "format";

/// The lap of the journal whose frames the database may not have.
const LAP_KEY: &str = "lap";

/// The memory for pages of the file, in bytes. A million waiting calls need no more.
const CACHE: usize = 24 * 1024 * 1024;

/// Opens the database and makes it if there is none, makes the tables that are missing, and carries out what the journal
/// holds. In memory there is no journal.
pub(super) fn open(place: &Place, tables: Tables) -> Result<(Database, Option<Journal>), StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    match place {
        Place::Memory => {
            let name = Path::new("the store");
            let made = builder.create_with_backend(InMemoryBackend::new()).map_err(Broken::from);
            let made = made.and_then(|database| {
                let write = database.begin_write()?;
                make(&write, tables)?;
                write.commit()?;
                Ok((database, None))
            });
            made.map_err(|error| StoreError::not_opened(name, &error))
        }
        Place::File(file) => {
            let not_opened = |error| StoreError::not_opened(file, &error);
            let backend = prepare(file).map_err(Broken::from).and_then(|file| Ok(FileBackend::new(file)?));
            let database = builder.create_with_backend(backend.map_err(not_opened)?);
            let database = database.map_err(|error| not_opened(error.into()))?;
            match format(&database).map_err(not_opened)? {
                Some(format) if format != FORMAT => {
                    return Err(StoreError::other_format(file, format, FORMAT));
                }
                _ => {}
            }
            let journal = catch_up(&database, tables, &file.with_extension("journal"));
            Ok((database, Some(journal.map_err(not_opened)?)))
        }
    }
}

/// Carries out what a former run has left in the journal, and begins the next lap.
fn catch_up(database: &Database, tables: Tables, path: &Path) -> Result<Journal, Broken> {
    let mut journal = Journal::open(path)?;
    let write = database.begin_write()?;
    make(&write, tables)?;
    let lap = write.open_table(META)?.get(LAP_KEY)?.map(|lap| lap.value());
    if let Some(lap) = lap {
        journal.read(lap, |frame| redo(&write, tables, frame))?;
    }
    let next = lap.map_or_else(first_lap, |lap| lap + 1);
    finish_lap(write, &mut journal, next)?;
    Ok(journal)
}

/// Writes all that was committed to the file of the database. The journal begins anew.
pub(super) fn checkpoint(database: &Database, journal: &mut Journal) -> Result<(), Broken> {
    let next = journal.lap() + 1;
    finish_lap(database.begin_write()?, journal, next)
}

fn finish_lap(mut write: WriteTransaction, journal: &mut Journal, next: u64) -> Result<(), Broken> {
    // What a repair after a crash needs is stored too. Without it the next start would read the whole file.
    write.set_quick_repair(true);
    write.open_table(META)?.insert(LAP_KEY, next)?;
    write.commit()?;
    journal.begin(next);
    Ok(())
}

/// The first lap of a new database. The journal of another one, whose file was removed, has other laps.
fn first_lap() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX / 2).max(1)
}

/// The file, for this user alone: calls may hold secrets. Version control leaves its folder out.
fn prepare(file: &Path) -> std::io::Result<fs::File> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let made = folder.ancestors().take_while(|folder| !folder.exists()).count();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::write(ignore, "*\n")?;
    }
    let is_new = !file.exists();
    let mut options = fs::OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(file)?;
    if is_new {
        // Without this a crash of the machine could lose the name of the file.
        fs::File::open(folder)?.sync_all()?;
    }
    // The names of new folders too. Not every folder above can be opened.
    for parent in folder.ancestors().skip(1).take(made) {
        _ = fs::File::open(parent).and_then(|parent| parent.sync_all());
    }
    Ok(opened)
}

/// The format of the tables. `None` for a new file.
fn format(database: &Database) -> Result<Option<u64>, Broken> {
    let read = database.begin_read()?;
    match read.open_table(META) {
        Ok(table) => Ok(table.get(FORMAT_KEY)?.map(|format| format.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn make(write: &WriteTransaction, tables: Tables) -> Result<(), Broken> {
    let mut meta = write.open_table(META)?;
    if meta.get(FORMAT_KEY)?.is_none() {
        meta.insert(FORMAT_KEY, FORMAT)?;
    }
    tables.iter().try_for_each(|table| table.make(write))
}

#[cfg(test)]
mod tests {
    use testkit::Folder;

    use super::*;

    const NONE: Tables = &[];

    #[test]
    fn a_file_that_is_not_ours_stays_as_it_is() {
        let folder = Folder::new();
        let file = folder.write("store.redb", "a letter to a friend");
        let error = open(&Place::File(file.clone()), NONE).unwrap_err().to_string();
        assert!(error.contains("store.redb") && error.contains("left as it is"), "{error}");
        assert_eq!(fs::read_to_string(file).unwrap(), "a letter to a friend");
    }

    #[test]
    fn a_file_of_another_format_stays_as_it_is() {
        let folder = Folder::new();
        let place = Place::File(folder.path().join("data/store.redb"));
        drop(open(&place, NONE).unwrap());
        let Place::File(file) = &place else { unreachable!() };
        let database = Database::open(file).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(META).unwrap().insert(FORMAT_KEY, 7).unwrap();
        write.commit().unwrap();
        drop(database);
        fs::remove_file(file.with_extension("journal")).unwrap();
        let error = open(&place, NONE).unwrap_err().to_string();
        assert!(error.contains("format 7") && error.contains("format 2"), "{error}");
        let database = Database::open(file).unwrap();
        let read = database.begin_read().unwrap();
        let meta = read.open_table(META).unwrap();
        assert_eq!(meta.get(FORMAT_KEY).unwrap().unwrap().value(), 7);
        assert_eq!(read.list_tables().unwrap().count(), 1);
        assert!(!file.with_extension("journal").exists());
    }

    #[test]
    fn a_file_has_one_user() {
        let folder = Folder::new();
        let place = Place::File(folder.path().join("store.redb"));
        let first = open(&place, NONE).unwrap();
        let error = open(&place, NONE).unwrap_err().to_string();
        assert!(error.contains("in use by another fc-local"), "{error}");
        drop(first);
        open(&place, NONE).unwrap();
    }
}
