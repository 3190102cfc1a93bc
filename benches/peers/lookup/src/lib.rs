//! As many routes as the environment asks for.

/// `/service00000/items/{id}` and so on.
pub fn patterns() -> impl Iterator<Item = String> {
    (0..count()).map(|number| format!("/service{number:05}/items/{{id}}"))
}

/// One in the middle.
pub fn path() -> String {
    format!("/service{:05}/items/42", count() / 2)
}

fn count() -> usize {
    std::env::var("ROUTES").ok().and_then(|count| count.parse().ok()).unwrap_or(10)
}
