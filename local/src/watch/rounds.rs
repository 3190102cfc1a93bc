//! When to build again.
//!
//! A build may change its own sources, for example if `code: ./` has the built program in the same folder. Such
//! products are found by a few builds in a row. From then on, a product's change during a build belongs to the build.
//! Any other change is an edit.

use std::collections::HashSet;
use std::path::PathBuf;

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
    /// Files that have changed since the last build, and require no new build.
    accepted: Files,
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
        Rounds { in_a_row: 1, always: HashSet::new(), products: HashSet::new(), accepted: Files::new() }
    }

    /// `now` holds the current sources.
    pub(super) fn next(&mut self, built: &BuiltFrom, now: &Files) -> Next {
        let paths: HashSet<&PathBuf> = built.before.keys().chain(now.keys()).collect();
        let changed: HashSet<PathBuf> = paths
            .into_iter()
            .filter(|path| {
                let here = now.get(*path);
                built.before.get(*path) != here && (here.is_none() || self.accepted.get(*path) != here)
            })
            .cloned()
            .collect();
        if changed.is_empty() {
            self.in_a_row = 0;
            return Next::Nothing;
        }
        if self.in_a_row == 0 || changed.iter().any(|path| built.after.get(path) != now.get(path)) {
            // An edit since the build.
            self.in_a_row = 0;
            return self.build();
        }
        if changed.is_subset(&self.products) {
            self.settle(changed, now);
            return Next::Nothing;
        }
        if self.in_a_row == 1 {
            self.always.clone_from(&changed);
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
        self.accepted.extend(changed.into_iter().filter_map(|path| {
            let here = *now.get(&path)?;
            Some((path, here))
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

    /// What follows when the sources are as the build left them.
    fn next(rounds: &mut Rounds, before: Files, now: &Files) -> Next {
        rounds.next(&built(before, now), now)
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
        assert_eq!(rounds.next(&last, &files(4, 0)), Next::Nothing);
        // An edit, and another edit during the build.
        assert_eq!(rounds.next(&last, &files(4, 1)), Next::Build);
        assert_eq!(next(&mut rounds, files(4, 1), &files(5, 2)), Next::Build);
        assert_eq!(next(&mut rounds, files(5, 2), &files(6, 2)), Next::Nothing);
        assert_eq!(next(&mut rounds, files(5, 2), &files(6, 2)), Next::Nothing);
        // An edit of the product itself.
        assert_eq!(rounds.next(&built(files(5, 2), &files(6, 2)), &files(7, 2)), Next::Build);
    }

    #[test]
    fn edits_between_builds_are_never_taken_for_the_builds() {
        let mut rounds = Rounds::after_a_build();
        for number in 0..100 {
            let sources = files(0, number);
            assert_eq!(rounds.next(&built(sources.clone(), &sources), &files(0, number + 1)), Next::Build);
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
        assert_eq!(rounds.next(&built(only(number), &only(number + 1)), &edited), Next::Build);
    }
}
