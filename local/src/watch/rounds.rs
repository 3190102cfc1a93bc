//! When to build again.
//!
//! A build may change its own sources, for example if `code: ./` has the built program in the same folder, or if packages
//! are installed beside the sources. What the first build creates, or changes in the code folder, and what any build creates
//! there, is the build's product. Other products are found by a few builds in a row. A product's change during a build belongs to
//! the build. Any other change is an edit.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::deploy::{BuiltFrom, Files};

/// A file that changes during this many builds in a row is a product of the build.
const ALIKE_MAX: u32 = 4;

/// A build that makes other files each time must not go on for ever.
const IN_A_ROW_MAX: u32 = 8;

/// The builds of one function.
#[derive(Debug)]
pub(super) struct Rounds {
    /// The number of builds since the sources last equalled the built sources.
    in_a_row: u32,
    /// The files that changed during each of the builds in a row.
    always: HashSet<PathBuf>,
    /// Files that builds change: the products of builds.
    products: HashSet<PathBuf>,
    /// Files that have changed since the last build, and require no new build. `None` for a file that is gone.
    accepted: HashMap<PathBuf, Option<u64>>,
    /// Whether this is the first build.
    is_first: bool,
}

/// What is known of a file by its path.
pub(super) struct Known<'a> {
    /// Whether the file is part of the code.
    pub(super) is_code: &'a dyn Fn(&Path) -> bool,
    /// Whether the build reads the file, as far as that is known.
    pub(super) is_read: &'a dyn Fn(&Path) -> bool,
}

/// The consequence of a change of the sources.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    Build,
    /// These files are the build's products. No build until the next change.
    Products(Vec<PathBuf>),
    /// Each build changes other files. No build until the next change.
    Unsettled,
}

impl Rounds {
    /// The first build has just come to its end.
    pub(super) fn after_a_build() -> Self {
        Rounds {
            in_a_row: 1,
            always: HashSet::new(),
            products: HashSet::new(),
            accepted: HashMap::new(),
            is_first: true,
        }
    }

    /// `now` holds the current sources.
    pub(super) fn next(&mut self, built: &BuiltFrom, now: &Files, known: &Known<'_>) -> Next {
        let paths: HashSet<&PathBuf> = built.before.keys().chain(now.keys()).collect();
        let changed: HashSet<PathBuf> = paths
            .into_iter()
            .filter(|path| {
                let here = now.get(*path);
                built.before.get(*path) != here && self.accepted.get(*path) != Some(&here.copied())
            })
            .cloned()
            .collect();
        if changed.is_empty() {
            // What the build before this one changed, this one found done.
            let made = self.always.drain().filter(|path| (known.is_code)(path));
            self.products.extend(made);
            (self.in_a_row, self.is_first) = (0, false);
            return Next::Nothing;
        }
        // Looked up late: most looks find no change.
        let changed: HashSet<PathBuf> = changed.into_iter().filter(|path| (known.is_read)(path)).collect();
        if changed.is_empty() {
            return Next::Nothing;
        }
        let is_of_the_build = changed.iter().all(|path| built.after.get(path) == now.get(path));
        if is_of_the_build && changed.is_subset(&self.products) {
            // Also after a build that a change of the manifest asked for.
            self.settle(changed, now);
            return Next::Nothing;
        }
        if self.in_a_row == 0 || changed.iter().any(|path| built.after.get(path) != now.get(path)) {
            // An edit since the build.
            self.in_a_row = 0;
            return self.build();
        }
        let is_made = |path: &&PathBuf| {
            let (is_code, is_new) = ((known.is_code)(path), !built.before.contains_key(*path));
            if self.is_first { is_code || is_new } else { is_code && is_new }
        };
        let made: Vec<PathBuf> = changed.iter().filter(is_made).cloned().collect();
        self.products.extend(made);
        self.is_first = false;
        if changed.is_subset(&self.products) {
            self.settle(changed, now);
            return Next::Nothing;
        }
        if self.in_a_row == 1 {
            self.always = changed.difference(&self.products).cloned().collect();
        } else {
            self.always.retain(|path| changed.contains(path));
        }
        if self.in_a_row >= IN_A_ROW_MAX {
            self.settle(changed, now);
            return Next::Unsettled;
        }
        if self.in_a_row >= ALIKE_MAX && !self.always.is_empty() {
            let mut files: Vec<PathBuf> = self.always.drain().collect();
            files.sort();
            self.products.extend(files.iter().cloned());
            if changed.is_subset(&self.products) {
                self.settle(changed, now);
            } else {
                // An edit came during the build too: the next look has it built.
                self.in_a_row = 0;
            }
            return Next::Products(files);
        }
        self.build()
    }

    fn build(&mut self) -> Next {
        self.in_a_row += 1;
        self.accepted.clear();
        Next::Build
    }

    fn settle(&mut self, changed: HashSet<PathBuf>, now: &Files) {
        self.in_a_row = 0;
        self.accepted.extend(changed.into_iter().map(|path| {
            let here = now.get(&path).copied();
            (path, here)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(product: u64, source: u64) -> Files {
        Files::from([(PathBuf::from("product"), product), (PathBuf::from("source"), source)])
    }

    fn built(before: Files, after: &Files) -> BuiltFrom {
        BuiltFrom { before, after: after.clone() }
    }

    /// Nothing is code, and everything is read.
    const PLAIN: Known<'_> = Known { is_code: &|_| false, is_read: &|_| true };
    const CODE: Known<'_> = Known { is_code: &|_| true, is_read: &|_| true };

    /// What follows when the sources are as the build left them.
    fn next(rounds: &mut Rounds, before: Files, now: &Files) -> Next {
        rounds.next(&built(before, now), now, &PLAIN)
    }

    /// As [`next`], with the sources in the code folder.
    fn next_in_code(rounds: &mut Rounds, before: Files, now: &Files) -> Next {
        rounds.next(&built(before, now), now, &CODE)
    }

    #[test]
    fn what_the_first_build_changes_in_the_code_is_its_product() {
        let mut rounds = Rounds::after_a_build();
        assert_eq!(next_in_code(&mut rounds, files(0, 0), &files(1, 0)), Next::Nothing);
        let last = built(files(0, 0), &files(1, 0));
        assert_eq!(rounds.next(&last, &files(1, 0), &CODE), Next::Nothing);
        // An edit, and one build for it.
        assert_eq!(rounds.next(&last, &files(1, 1), &CODE), Next::Build);
        assert_eq!(next_in_code(&mut rounds, files(1, 1), &files(2, 1)), Next::Nothing);
        // An edit during a build has a build of its own.
        assert_eq!(rounds.next(&built(files(1, 1), &files(2, 1)), &files(2, 2), &CODE), Next::Build);
        assert_eq!(next_in_code(&mut rounds, files(2, 2), &files(3, 3)), Next::Build);
        assert_eq!(next_in_code(&mut rounds, files(3, 3), &files(4, 3)), Next::Nothing);
    }

    #[test]
    fn what_a_build_makes_of_an_edit_is_its_product_from_then_on() {
        let mut rounds = Rounds::after_a_build();
        // Nothing was to be done.
        assert_eq!(next_in_code(&mut rounds, files(0, 0), &files(0, 0)), Next::Nothing);
        let last = built(files(0, 0), &files(0, 0));
        assert_eq!(rounds.next(&last, &files(0, 1), &CODE), Next::Build);
        assert_eq!(next_in_code(&mut rounds, files(0, 1), &files(1, 1)), Next::Build, "it may be an edit");
        assert_eq!(next_in_code(&mut rounds, files(1, 1), &files(1, 1)), Next::Nothing);
        let last = built(files(1, 1), &files(1, 1));
        assert_eq!(rounds.next(&last, &files(1, 2), &CODE), Next::Build);
        assert_eq!(next_in_code(&mut rounds, files(1, 2), &files(2, 2)), Next::Nothing);
    }

    #[test]
    fn what_a_build_removes_is_no_edit() {
        let mut rounds = Rounds::after_a_build();
        let mut now = files(0, 0);
        now.remove(Path::new("product"));
        let last = built(files(0, 0), &now);
        assert_eq!(rounds.next(&last, &now, &CODE), Next::Nothing);
        assert_eq!(rounds.next(&last, &now, &CODE), Next::Nothing);
        // Its removal by somebody else is one.
        now.remove(Path::new("source"));
        assert_eq!(rounds.next(&last, &now, &CODE), Next::Build);
    }

    #[test]
    fn what_no_build_reads_is_no_edit() {
        let mut rounds = Rounds::after_a_build();
        let not_the_source = Known { is_code: &|_| false, is_read: &|path| path != Path::new("source") };
        let last = built(files(0, 0), &files(0, 0));
        assert_eq!(rounds.next(&last, &files(0, 1), &not_the_source), Next::Nothing);
        assert_eq!(rounds.next(&last, &files(1, 1), &not_the_source), Next::Build);
    }

    #[test]
    fn what_every_build_changes_is_its_product() {
        let mut rounds = Rounds::after_a_build();
        for number in 0..3 {
            assert_eq!(next(&mut rounds, files(number, 0), &files(number + 1, 0)), Next::Build);
        }
        let products = Next::Products(vec![PathBuf::from("product")]);
        assert_eq!(next(&mut rounds, files(3, 0), &files(4, 0)), products);
        let last = built(files(3, 0), &files(4, 0));
        assert_eq!(rounds.next(&last, &files(4, 0), &PLAIN), Next::Nothing);
        // An edit, and another edit during the build.
        assert_eq!(rounds.next(&last, &files(4, 1), &PLAIN), Next::Build);
        assert_eq!(next(&mut rounds, files(4, 1), &files(5, 2)), Next::Build);
        assert_eq!(next(&mut rounds, files(5, 2), &files(6, 2)), Next::Nothing);
        assert_eq!(next(&mut rounds, files(5, 2), &files(6, 2)), Next::Nothing);
        // An edit of the product itself.
        assert_eq!(rounds.next(&built(files(5, 2), &files(6, 2)), &files(7, 2), &PLAIN), Next::Build);
    }

    #[test]
    fn edits_between_builds_are_never_taken_for_the_builds() {
        let mut rounds = Rounds::after_a_build();
        for number in 0..100 {
            let sources = files(0, number);
            assert_eq!(
                rounds.next(&built(sources.clone(), &sources), &files(0, number + 1), &PLAIN),
                Next::Build
            );
        }
    }

    #[test]
    fn a_build_that_makes_other_files_each_time_comes_to_an_end() {
        let mut rounds = Rounds::after_a_build();
        let only = |number: u64| Files::from([(PathBuf::from(number.to_string()), number)]);
        let mut number = 0;
        while next(&mut rounds, only(number), &only(number + 1)) == Next::Build {
            number += 1;
            assert!(number < 100);
        }
        let mut edited = only(number + 1);
        edited.insert(PathBuf::from("source"), 1);
        assert_eq!(rounds.next(&built(only(number), &only(number + 1)), &edited, &PLAIN), Next::Build);
    }
}
