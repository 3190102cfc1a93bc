//! The tables of `docs/proxies.md`: what a test saw has to be what they say.

use std::fs;
use std::sync::Mutex;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/proxies.md");

/// Tests run side by side, and each may renew its rows.
static PAGE: Mutex<()> = Mutex::new(());

/// Compares what was seen of a proxy, as columns with their cells, with its rows. `PROXIES=overwrite` renews them.
#[track_caller]
pub fn check(name: &str, seen: &[(&str, String)]) {
    let _one_at_a_time = PAGE.lock();
    let mut page = page();
    let is_renewed = std::env::var_os("PROXIES").is_some_and(|mode| mode == "overwrite");
    let mut wrong = Vec::new();
    for (column, cell) in seen {
        let (line, at) = place(&page, name, column);
        let mut cells = cells(&page[line]);
        if !is_said(&cells[at], cell) {
            wrong.push(format!("{column}: {cell:?} was seen, the table says {:?}", cells[at]));
            cells[at].clone_from(cell);
            page[line] = format!("| {} |", cells.join(" | "));
        }
    }
    if is_renewed {
        fs::write(PATH, page.join("\n") + "\n").unwrap();
    } else {
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\nPROXIES=overwrite renews docs/proxies.md");
    }
}

/// Whether a cell says what was seen. The last part of a cell may name two things of which it is a matter of moments which is seen.
fn is_said(said: &str, seen: &str) -> bool {
    let (front, last) = said.rfind("; ").map_or(("", said), |end| said.split_at(end + 2));
    last.split(" or ").any(|one| seen.strip_prefix(front) == Some(one))
}

/// What a cell says.
#[track_caller]
pub fn cell(name: &str, column: &str) -> String {
    let page = page();
    let (line, at) = place(&page, name, column);
    cells(&page[line])[at].clone()
}

/// The names of the rows of each table that has a column.
#[track_caller]
pub fn names(column: &str) -> Vec<String> {
    let page = page();
    let head = head(&page, column);
    let rows = page[head + 2..].iter().take_while(|line| line.starts_with('|'));
    rows.map(|line| cells(line)[0].clone()).collect()
}

fn page() -> Vec<String> {
    fs::read_to_string(PATH).unwrap().lines().map(str::to_owned).collect()
}

/// The line with the heads of the one table that has a column.
#[track_caller]
fn head(page: &[String], column: &str) -> usize {
    let is_head = |at: &usize| page.get(at + 1).is_some_and(|below| below.starts_with("|---"));
    let has_column = |at: &usize| cells(&page[*at]).iter().any(|cell| cell == column);
    let heads: Vec<usize> = (0..page.len()).filter(is_head).filter(has_column).collect();
    assert_eq!(heads.len(), 1, "one table has the column {column:?}");
    heads[0]
}

#[track_caller]
fn place(page: &[String], name: &str, column: &str) -> (usize, usize) {
    let head = head(page, column);
    let at = cells(&page[head]).iter().position(|cell| cell == column).unwrap();
    let row = (head..page.len()).take_while(|at| page[*at].starts_with('|'));
    let row = row.into_iter().find(|at| cells(&page[*at])[0] == name);
    (row.unwrap_or_else(|| panic!("no row of {name} below {column:?}")), at)
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inner.into_iter().flat_map(|line| line.split('|')).map(|cell| cell.trim().to_owned()).collect()
}
