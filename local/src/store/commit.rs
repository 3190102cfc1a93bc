//! The thread that writes: whatever waits shares one commit, and so one wait for the disk.

use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use redb::Durability;
use tokio::sync::{mpsc, oneshot};

use super::error::{Broken, StoreError};
use super::file;
use super::handle::{Place, Shared};
use super::journal::{Frame, Journal};
use super::table::Tables;
use super::write::Write;

/// The most writes of one commit. It bounds the wait of the first among them.
const BATCH_MAX: usize = 512;

/// From so many bytes of changes on, a commit takes no more writes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The longest wait for more writes before a commit. While there are many, a commit waits as long as the last one took.
const PAUSE_MAX: Duration = Duration::from_millis(1);

/// A write that waits for its commit.
pub(super) trait Job: Send {
    fn run(&mut self, write: &Write<'_>) -> Result<(), Broken>;

    /// The commit is on the disk, or nothing of it is.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

impl std::fmt::Debug for dyn Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Job")
    }
}

/// A write with a result.
pub(super) struct Work<T, F> {
    /// `None` once it has run.
    run: Option<F>,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work<T, F> {
    pub(super) fn new(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Work { run: Some(work), made: None, reply }
    }
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&Write<'_>) -> Result<T, Broken> + Send,
{
    fn run(&mut self, write: &Write<'_>) -> Result<(), Broken> {
        if let Some(work) = self.run.take() {
            self.made = Some(work(write)?);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let Work { made, reply, .. } = *self;
        // Who asked may have left.
        _ = reply.send(committed.and_then(|()| made.ok_or_else(StoreError::closed)));
    }
}

/// What the thread owns.
pub(super) struct Writer {
    database: Shared,
    /// `None` in memory, and while the database is not open.
    journal: Option<Journal>,
    /// Empty, and kept for its memory.
    changes: Frame,
    place: Place,
    tables: Tables,
}

/// What became of some of the writes that waited.
struct Committed {
    /// How many of them were carried out, or were to be.
    count: usize,
    outcome: Result<(), StoreError>,
    /// Whether the database can be used on.
    is_sound: bool,
}

impl Writer {
    /// Opens the database.
    ///
    /// # Errors
    ///
    /// The file is in use, of another format, or cannot be opened or made.
    pub(super) fn open(place: Place, tables: Tables) -> Result<Self, StoreError> {
        let (database, journal) = file::open(&place, tables)?;
        Ok(Writer {
            database: Arc::new(RwLock::new(Ok(database))),
            journal,
            changes: Frame::default(),
            place,
            tables,
        })
    }

    pub(super) fn shared(&self) -> Shared {
        Arc::clone(&self.database)
    }

    /// Starts the thread. `end` is told when the file is closed.
    pub(super) fn start(
        self,
        waiting: mpsc::Receiver<Box<dyn Job>>,
        end: oneshot::Sender<()>,
    ) -> Result<(), StoreError> {
        let work = move || {
            self.run(waiting);
            _ = end.send(());
        };
        let started = thread::Builder::new().name("store".to_owned()).spawn(work);
        started
            .map(drop)
            .map_err(|error| StoreError::new(format!("the store's thread cannot start: {error}")))
    }

    #[expect(clippy::disallowed_methods, reason = "the store's thread has nothing else to do")]
    fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        let (mut jobs, mut pause) = (Vec::new(), Duration::ZERO);
        while waiting.blocking_recv_many(&mut jobs, BATCH_MAX) > 0 {
            if !pause.is_zero() {
                thread::sleep(pause);
                let more = std::iter::from_fn(|| waiting.try_recv().ok());
                jobs.extend(more.take(BATCH_MAX.saturating_sub(jobs.len())));
            }
            let (begin, count) = (Instant::now(), jobs.len());
            if self.is_closed() {
                // There may be room on the disk again.
                self.reopen();
            }
            while !jobs.is_empty() {
                let Committed { count, outcome, is_sound } = self.commit(&mut jobs);
                if !is_sound {
                    self.reopen();
                }
                for job in jobs.drain(..count) {
                    job.finish(outcome.clone());
                }
            }
            // Those who wait together come again together. A single one has nobody to wait for.
            pause = if count > 1 { begin.elapsed().min(PAUSE_MAX) } else { Duration::ZERO };
            if self.journal.as_ref().is_some_and(Journal::is_long) {
                self.checkpoint();
            }
        }
        self.checkpoint();
        // The database before the journal: it writes what it has committed and not written.
        let is_whole = self.close();
        if let (true, Some(journal)) = (is_whole, self.journal.take()) {
            journal.remove();
        }
    }

    /// Commits the first of the jobs. What is in the journal is stored, whatever comes behind.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Committed {
        let not_written = |error: Broken| StoreError::not_written(&error);
        let broken =
            |count, error: Broken| Committed { count, outcome: Err(not_written(error)), is_sound: false };
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = match &*database {
            Ok(database) => database,
            // The next batch tries to open it again.
            Err(why) => return Committed { count: jobs.len(), outcome: Err(why.clone()), is_sound: true },
        };
        let mut transaction = match database.begin_write() {
            Ok(transaction) => transaction,
            Err(error) => return broken(jobs.len(), error.into()),
        };
        if self.journal.is_some()
            && let Err(error) = transaction.set_durability(Durability::None)
        {
            return broken(jobs.len(), error.into());
        }
        let write = Write::new(&transaction, std::mem::take(&mut self.changes));
        let mut count = 0;
        for job in jobs {
            count += 1;
            if let Err(error) = job.run(&write) {
                return broken(count, error);
            }
            if write.len() >= BATCH_BYTES {
                break;
            }
        }
        self.changes = write.into_changes();
        if self.changes.len() == 0 {
            let outcome = transaction.abort().map_err(|error| not_written(error.into()));
            return Committed { count, is_sound: outcome.is_ok(), outcome };
        }
        let Some(journal) = &mut self.journal else {
            self.changes.clear();
            let outcome = transaction.commit().map_err(|error| not_written(error.into()));
            return Committed { count, is_sound: outcome.is_ok(), outcome };
        };
        let journalled = journal.append(&mut self.changes);
        self.changes.clear();
        if let Err(error) = journalled {
            // Nothing of the transaction is anywhere.
            let is_sound = transaction.abort().is_ok();
            return Committed { count, outcome: Err(not_written(error.into())), is_sound };
        }
        // If this fails, the database is opened again and takes the changes from the journal.
        let is_sound = transaction.commit().is_ok();
        Committed { count, outcome: Ok(()), is_sound }
    }

    /// Writes what the journal holds to the file of the database.
    fn checkpoint(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Ok(own) = &*database else { return };
        let written = file::checkpoint(own, journal);
        drop(database);
        if written.is_err() {
            // The journal has it all the same, and grows until this succeeds.
            self.reopen();
        }
    }

    fn is_closed(&self) -> bool {
        self.database.read().unwrap_or_else(PoisonError::into_inner).is_err()
    }

    /// Opens the file again: after a fault the database takes no more writes. If this fails too, the next write tries.
    fn reopen(&mut self) {
        if self.place == Place::Memory {
            return;
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Dropped before the file is opened: it has one user.
        (*database, self.journal) = (Err(StoreError::closed()), None);
        *database = file::open(&self.place, self.tables).map(|(opened, journal)| {
            self.journal = journal;
            opened
        });
    }

    /// Closes the database. Whether all of it is in the file.
    fn close(&self) -> bool {
        let mut shared = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let database = std::mem::replace(&mut *shared, Err(StoreError::closed()));
        drop(shared);
        database.is_ok_and(|database| database.close().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};
    use testkit::Folder;

    use super::*;
    use crate::store::Store;

    const NUMBERS: TableDefinition<'static, u64, u64> = TableDefinition::new("numbers");

    const TABLES: Tables = &[&NUMBERS];

    fn open(folder: &Folder) -> (Store, PathBuf) {
        let file = folder.path().join("store.redb");
        (Store::open(Place::File(file.clone()), TABLES).unwrap(), file)
    }

    fn count(store: &Store) -> u64 {
        store.read(|read| Ok(read.open_table(NUMBERS)?.len()?)).unwrap()
    }

    #[tokio::test]
    async fn what_is_acknowledged_is_there_after_the_next_start() {
        let folder = Folder::new();
        let (store, _) = open(&folder);
        let writes = (0..100_u64).map(|number| {
            store.write(move |write| {
                write.insert(NUMBERS, number, number)?;
                Ok(number)
            })
        });
        let mut all = Vec::new();
        for write in writes {
            all.push(write.await.unwrap());
        }
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        store.close().await;
        assert!(store.write(|_| Ok(())).await.is_err(), "it is closed");
        assert_eq!(count(&open(&folder).0), 100);
    }

    #[tokio::test]
    async fn a_commit_that_fails_leaves_nothing_and_the_next_one_succeeds() {
        let folder = Folder::new();
        let (store, _) = open(&folder);
        let failed = store.write(|write| -> Result<(), Broken> {
            write.insert(NUMBERS, 1, 1)?;
            Err(redb::Error::Io(std::io::ErrorKind::StorageFull.into()).into())
        });
        let error = failed.await.unwrap_err().to_string();
        assert_eq!(error, "the disk of the store is full; nothing was stored");
        assert_eq!(count(&store), 0);
        store.write(|write| write.insert(NUMBERS, 2, 2)).await.unwrap();
        assert_eq!(count(&store), 1);
        store.close().await;
    }

    #[tokio::test]
    async fn a_store_that_could_not_be_opened_again_is_open_for_the_first_write_after() {
        let folder = Folder::new();
        let (store, _) = open(&folder);
        let fail = || {
            store.write(|_| Err::<(), Broken>(redb::Error::Io(std::io::ErrorKind::StorageFull.into()).into()))
        };
        let journal = folder.path().join("store.journal");
        std::fs::remove_file(&journal).unwrap();
        std::fs::create_dir(&journal).unwrap();
        fail().await.unwrap_err();
        let error = fail().await.unwrap_err().to_string();
        assert!(error.contains("cannot be opened"), "{error}");
        assert_eq!(store.read(|_| Ok(())).unwrap_err().to_string(), error);
        std::fs::remove_dir(&journal).unwrap();
        store.write(|write| write.insert(NUMBERS, 1, 1)).await.unwrap();
        assert_eq!(count(&store), 1);
        store.close().await;
    }

    /// What a crash leaves of an open store: its files as they are now.
    fn crashed(folder: &Folder) -> Folder {
        let left = Folder::new();
        for name in ["store.redb", "store.journal"] {
            std::fs::copy(folder.file(name), left.path().join(name)).unwrap();
        }
        left
    }

    #[tokio::test]
    async fn what_only_the_journal_has_is_there_after_a_crash() {
        let folder = Folder::new();
        let (store, _) = open(&folder);
        for number in 0..50 {
            store.write(move |write| write.insert(NUMBERS, number, number)).await.unwrap();
        }
        store.write(|write| write.remove(NUMBERS, 7)).await.unwrap();
        let first = crashed(&folder);
        let (again, _) = open(&first);
        assert_eq!(count(&again), 49);
        // The next run has its own lap, and a crash of it finds both.
        again.write(|write| write.insert(NUMBERS, 99, 99)).await.unwrap();
        assert_eq!(count(&open(&crashed(&first)).0), 50);
        again.close().await;
        assert!(!first.file("store.journal").exists(), "an orderly end leaves the database alone");
        assert_eq!(count(&open(&first).0), 50);
        // The journal of another database is none of this one.
        std::fs::remove_file(first.file("store.redb")).unwrap();
        std::fs::copy(folder.file("store.journal"), first.path().join("store.journal")).unwrap();
        assert_eq!(count(&open(&first).0), 0);
        store.close().await;
    }

    #[tokio::test]
    async fn a_long_journal_is_written_to_the_database_and_begins_anew() {
        const TEXTS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("texts");
        let folder = Folder::new();
        let place = Place::File(folder.path().join("store.redb"));
        let store = Store::open(place.clone(), &[&TEXTS]).unwrap();
        let length = || std::fs::metadata(folder.file("store.journal")).unwrap().len();
        for number in 0..30 {
            let text = vec![u8::try_from(number).unwrap(); 3 * 1024 * 1024];
            store.write(move |write| write.insert(TEXTS, number, &*text)).await.unwrap();
        }
        assert!(length() < 50 * 1024 * 1024, "90 MiB were written, and the journal has {}", length());
        let left = crashed(&folder);
        let again = Store::open(Place::File(left.path().join("store.redb")), &[&TEXTS]).unwrap();
        let read = again.read(|read| {
            let texts = read.open_table(TEXTS)?;
            let all = texts.iter()?.map(|entry| Ok(u64::from(entry?.1.value()[0])));
            all.collect::<Result<Vec<_>, Broken>>()
        });
        assert_eq!(read.unwrap(), (0..30).collect::<Vec<_>>());
        store.close().await;
    }
}
