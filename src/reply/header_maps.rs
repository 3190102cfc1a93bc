//! Reuse of header maps: the map of a request becomes the map of a later reply on the same thread.
//!
//! hyper reuses the other way round: the map of a reply becomes the map of the connection's next request.

use std::cell::RefCell;
use std::mem::swap;

use http::HeaderMap;

/// The largest map that is kept, in headers: a map grows in steps of 6, 12, 24 and 48, and the platform's sixteen headers
/// with those of a browser need the last. A connection between two requests keeps such a map, of 5 KiB.
const KEPT_MAX: usize = 48;

thread_local! {
    /// Empty, and without memory while no map is kept.
    static KEPT: RefCell<HeaderMap> = RefCell::new(HeaderMap::new());
}

/// Puts the kept, empty map in place of `map`.
pub(crate) fn reuse(map: &mut HeaderMap) {
    debug_assert_eq!(map.capacity(), 0, "a map with memory of its own would be lost");
    // `try_with`: a reply may be made while the thread's locals are being destroyed.
    let _ = KEPT.try_with(|kept| swap(map, &mut kept.borrow_mut()));
}

/// Keeps `map`, emptied, for the thread's next reply.
pub(crate) fn keep(map: &mut HeaderMap) {
    // `capacity` leaves out the further values of a name that is repeated: `clear` keeps the memory for those too.
    if (1..=KEPT_MAX).contains(&map.capacity()) && map.len() <= KEPT_MAX {
        map.clear();
        let _ = KEPT.try_with(|kept| swap(map, &mut kept.borrow_mut()));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_kept_map_comes_back_empty_and_once() {
        let mut map = HeaderMap::new();
        map.insert("cookie", HeaderValue::from_static("secret"));
        map.append("cookie", HeaderValue::from_static("another"));
        keep(&mut map);
        let (mut first, mut second) = (HeaderMap::new(), HeaderMap::new());
        reuse(&mut first);
        reuse(&mut second);
        assert_eq!((first.len(), first.capacity(), first.get("cookie")), (0, 6, None));
        assert_eq!(second.capacity(), 0);
    }

    /// The platform's sixteen headers, and as many of a browser's.
    #[test]
    fn a_map_of_many_headers_is_kept() {
        let mut map = HeaderMap::new();
        for at in 0..32 {
            map.insert(
                http::HeaderName::try_from(format!("x-fc-{at}")).unwrap(),
                HeaderValue::from_static("1"),
            );
        }
        keep(&mut map);
        let mut next = HeaderMap::new();
        reuse(&mut next);
        assert_eq!((next.len(), next.capacity()), (0, KEPT_MAX));
    }

    #[test]
    fn maps_without_memory_and_large_ones_are_not_kept() {
        keep(&mut HeaderMap::new());
        keep(&mut HeaderMap::with_capacity(KEPT_MAX + 1));
        let mut map = HeaderMap::new();
        reuse(&mut map);
        assert_eq!(map.capacity(), 0);
    }

    #[test]
    fn a_map_that_repeats_one_name_is_not_kept() {
        let mut map = HeaderMap::new();
        for _ in 0..1000 {
            map.append("cookie", HeaderValue::from_static("again"));
        }
        assert_eq!(map.capacity(), 6);
        keep(&mut map);
        let mut next = HeaderMap::new();
        reuse(&mut next);
        assert_eq!(next.capacity(), 0);
    }
}
