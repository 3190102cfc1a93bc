//! The trie alone: looks one path up as often as its argument says.

use std::hint::black_box;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let times: usize = std::env::args().nth(1).ok_or("how often?")?.parse()?;
    let mut trie = matchit::Router::new();
    for (number, pattern) in lookup::patterns().enumerate() {
        trie.insert(pattern, number)?;
    }
    let path = lookup::path();
    for _ in 0..times {
        black_box(trie.at(black_box(&path))?);
    }
    Ok(())
}
