//! What strace's summary says.

/// The column `calls` of a row of strace's summary; the column of errors may be empty, the name is always last.
pub(crate) fn calls(table: &str, name: &str) -> Option<f64> {
    let row = table.lines().find(|line| line.split_whitespace().next_back() == Some(name))?;
    row.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.000100           1       100           write
 50.00    0.000100           1        70         3 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.000200           1       170         3 total
";
        assert_eq!(calls(table, "write"), Some(100.0));
        assert_eq!(calls(table, "total"), Some(170.0));
        assert_eq!(calls(table, "sendto"), None);
    }
}
