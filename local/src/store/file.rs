//! The file of the store: its place, its format, and its lock.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableTable, TableDefinition};

use super::error::{Broken, StoreError};
use super::handle::{Place, Tables};

/// The format of the tables. Another number is another format.
const FORMAT: u64 = 1;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

const FORMAT_KEY: &str = "format";

/// The memory for pages of the file, in bytes. A million waiting calls need no more.
const CACHE: usize = 24 * 1024 * 1024;

/// Opens the database, makes it if there is none, and makes the tables that are missing.
pub(super) fn open(place: &Place, tables: Tables) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    let (database, name) = match place {
        Place::Memory => {
            let made = builder.create_with_backend(InMemoryBackend::new());
            (
                made.map_err(|error| StoreError::not_opened(Path::new("the store"), &error.into()))?,
                Path::new(""),
            )
        }
        Place::File(file) => {
            let opened = prepare(file).map_err(Broken::from).and_then(|file| Ok(builder.create_file(file)?));
            (opened.map_err(|error| StoreError::not_opened(file, &error))?, file.as_path())
        }
    };
    let format = format(&database).map_err(|error| StoreError::not_opened(name, &error))?;
    match format {
        Some(format) if format != FORMAT => return Err(StoreError::other_format(name, format, FORMAT)),
        _ => {}
    }
    make_tables(&database, tables).map_err(|error| StoreError::not_opened(name, &error))?;
    Ok(database)
}

/// The file, for this user alone: calls may hold secrets. Version control leaves its folder out.
fn prepare(file: &Path) -> std::io::Result<fs::File> {
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            fs::write(ignore, "*\n")?;
        }
    }
    fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(file)
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

fn make_tables(database: &Database, tables: Tables) -> Result<(), Broken> {
    let write = database.begin_write()?;
    {
        let mut meta = write.open_table(META)?;
        if meta.get(FORMAT_KEY)?.is_none() {
            meta.insert(FORMAT_KEY, FORMAT)?;
        }
    }
    tables(&write)?;
    write.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use testkit::Folder;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "other rooms' tables may fail")]
    fn none(_: &redb::WriteTransaction) -> Result<(), Broken> {
        Ok(())
    }

    #[test]
    fn a_file_that_is_not_ours_stays_as_it_is() {
        let folder = Folder::new();
        let file = folder.write("store.redb", "a letter to a friend");
        let error = open(&Place::File(file.clone()), none).unwrap_err().to_string();
        assert!(error.contains("store.redb") && error.contains("left as it is"), "{error}");
        assert_eq!(fs::read_to_string(file).unwrap(), "a letter to a friend");
    }

    #[test]
    fn a_file_of_another_format_stays_as_it_is() {
        let folder = Folder::new();
        let place = Place::File(folder.path().join("data/store.redb"));
        drop(open(&place, none).unwrap());
        let Place::File(file) = &place else { unreachable!() };
        let database = Database::open(file).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(META).unwrap().insert(FORMAT_KEY, 7).unwrap();
        write.commit().unwrap();
        drop(database);
        let before = fs::read(file).unwrap();
        let error = open(&place, none).unwrap_err().to_string();
        assert!(error.contains("format 7") && error.contains("format 1"), "{error}");
        assert!(before == fs::read(file).unwrap(), "the file changed");
    }

    #[test]
    fn a_file_has_one_user() {
        let folder = Folder::new();
        let place = Place::File(folder.path().join("store.redb"));
        let first = open(&place, none).unwrap();
        let error = open(&place, none).unwrap_err().to_string();
        assert!(error.contains("in use by another fc-local"), "{error}");
        drop(first);
        open(&place, none).unwrap();
    }
}
