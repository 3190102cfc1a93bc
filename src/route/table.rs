//! The route table: finds the endpoint for a method and a path, or the reason to refuse.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderValue, Method};

use crate::route::index::Index;
use crate::route::pattern::Lookup;

/// All routes of an app. `E` is the type of an endpoint.
///
/// A pattern without a parameter matches one path, and is found by it. A router would prefer it to patterns with
/// parameters too, and takes some thousand instructions for each pattern when an instance starts.
pub(crate) struct Table<E> {
    /// Where the patterns with braces are in `routes`.
    paths: matchit::Router<usize>,
    routes: Vec<Route<E>>,
    /// All routes, by their keys.
    by_key: Index,
}

/// The methods of a route for every method, as `Allow` lists them. The platform passes no others.
const ALL_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// One pattern, with its endpoints by method.
struct Route<E> {
    /// The path that the pattern matches, if it is one path. Else the pattern as the author wrote it.
    key: Cow<'static, str>,
    is_one_path: bool,
    /// The pattern as the author wrote it, if the key is spelled otherwise.
    text: Option<Cow<'static, str>>,
    endpoints: Vec<(Method, E)>,
    any: Option<E>,
}

/// The result of a look-up.
pub(crate) enum Found<'t, E> {
    Endpoint(&'t E),
    /// The path exists, and has no endpoint for `OPTIONS`.
    Options(HeaderValue),
    WrongMethod(HeaderValue),
    Nothing,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self { paths: matchit::Router::new(), routes: Vec::new(), by_key: Index::default() }
    }
}

impl<E> Table<E> {
    pub(crate) fn with_capacity(routes: usize) -> Self {
        Self { routes: Vec::with_capacity(routes), by_key: Index::with_capacity(routes), ..Self::default() }
    }

    /// Adds an endpoint. `None` means every method.
    ///
    /// # Errors
    /// The conflicting pattern, or that the method is taken at this pattern.
    pub(crate) fn insert(
        &mut self,
        pattern: Cow<'static, str>,
        method: Option<Method>,
        endpoint: E,
    ) -> Result<(), Conflict> {
        let route = self.route(pattern)?;
        match method {
            None if route.any.is_some() => return Err(Conflict::Method),
            None => route.any = Some(endpoint),
            Some(method) if route.endpoints.iter().any(|(taken, _)| *taken == method) => {
                return Err(Conflict::Method);
            }
            Some(method) => route.endpoints.push((method, endpoint)),
        }
        Ok(())
    }

    /// The route of a pattern, which is made if it is new.
    fn route(&mut self, pattern: Cow<'static, str>) -> Result<&mut Route<E>, Conflict> {
        let (key, text, in_router) = match Lookup::of(&pattern) {
            Lookup::Path => (pattern, None, None),
            Lookup::Spelled(path) => (Cow::Owned(path), Some(pattern), None),
            Lookup::Braces(encoded) => (pattern, None, Some(encoded)),
        };
        if let Some(at) = self.by_key.find(&key, |at| self.routes[at].key == key) {
            if self.routes[at].text != text {
                let with = key.into_owned();
                return Err(Conflict::Pattern(matchit::InsertError::Conflict { with }));
            }
            return Ok(&mut self.routes[at]);
        }
        let at = self.routes.len();
        let is_one_path = in_router.is_none();
        if let Some(encoded) = in_router {
            self.paths.insert(encoded, at).map_err(Conflict::Pattern)?;
        }
        self.by_key.insert(&key, at, |at| &self.routes[at].key);
        // Most patterns have one method.
        self.routes.push(Route { key, is_one_path, text, endpoints: Vec::with_capacity(1), any: None });
        Ok(&mut self.routes[at])
    }

    /// The endpoint that a pattern has for exactly this method.
    pub(crate) fn taken(&self, pattern: &str, method: Option<&Method>) -> Option<&E> {
        let route = self.routes.iter().find(|route| route.text.as_ref().unwrap_or(&route.key) == pattern)?;
        match method {
            None => route.any.as_ref(),
            Some(method) => {
                route.endpoints.iter().find(|(own, _)| own == method).map(|(_, endpoint)| endpoint)
            }
        }
    }

    /// The methods of a path, as `Allow` lists them. Without a route all methods are listed, so that another origin can
    /// read the reply of a fallback, or a 404, too.
    pub(crate) fn allow(&self, path: &str) -> HeaderValue {
        self.at(path).map_or(HeaderValue::from_static(ALL_METHODS), Route::allow)
    }

    fn at(&self, path: &str) -> Option<&Route<E>> {
        let is_at = |at: usize| self.routes[at].is_one_path && self.routes[at].key == path;
        let at = self.by_key.find(path, is_at);
        at.or_else(|| self.paths.at(path).ok().map(|hit| *hit.value)).map(|at| &self.routes[at])
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &E> {
        self.routes
            .iter()
            .flat_map(|route| route.endpoints.iter().map(|(_, endpoint)| endpoint).chain(&route.any))
    }

    /// An endpoint of this path, whichever its method. The first that was declared.
    pub(crate) fn any_at(&self, path: &str) -> Option<&E> {
        let route = self.at(path)?;
        route.endpoints.first().map(|(_, endpoint)| endpoint).or(route.any.as_ref())
    }

    #[allow(clippy::inline_always, reason = "every request does it")]
    #[inline(always)]
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_, E> {
        let Some(route) = self.at(path) else { return Found::Nothing };
        match route.endpoint(method) {
            Some(endpoint) => Found::Endpoint(endpoint),
            None if *method == Method::OPTIONS => Found::Options(route.allow()),
            None => Found::WrongMethod(route.allow()),
        }
    }
}

impl<E> Route<E> {
    fn endpoint(&self, method: &Method) -> Option<&E> {
        let of = |wanted: &Method| {
            self.endpoints.iter().find(|(own, _)| own == wanted).map(|(_, endpoint)| endpoint)
        };
        of(method)
            .or_else(|| if *method == Method::HEAD { of(&Method::GET) } else { None })
            .or(self.any.as_ref())
    }

    /// The value of `Allow`, for refusals and automatic replies to `OPTIONS`. Made when it is asked for.
    #[cold]
    fn allow(&self) -> HeaderValue {
        if self.any.is_some() {
            return HeaderValue::from_static(ALL_METHODS);
        }
        let mut names: Vec<&str> = Vec::new();
        for (method, _) in &self.endpoints {
            names.push(method.as_str());
            if *method == Method::GET {
                names.push("HEAD");
            }
        }
        names.push("OPTIONS");
        let mut unique: Vec<&str> = Vec::new();
        names.retain(|name| {
            let new = !unique.contains(name);
            if new {
                unique.push(name);
            }
            new
        });
        HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(ALL_METHODS))
    }
}

/// The reason why an endpoint cannot be added.
#[derive(Debug)]
pub(crate) enum Conflict {
    Pattern(matchit::InsertError),
    Method,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(matchit::InsertError::Conflict { with }) => {
                write!(f, "it matches the same paths as {with:?}")
            }
            Self::Pattern(matchit::InsertError::InvalidParam) => {
                f.write_str("a parameter is written \"{name}\" or \"{*name}\"; a brace that is no parameter's is written twice")
            }
            Self::Pattern(error) => write!(f, "{error}"),
            Self::Method => f.write_str("it was declared before"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Pattern;

    fn table(routes: &[(&str, &str)]) -> Table<String> {
        let mut table = Table::default();
        for (method, pattern) in routes {
            let endpoint = format!("{method} {pattern}");
            let method = (*method != "ANY").then(|| Method::from_bytes(method.as_bytes()).unwrap());
            table.insert(pattern.to_string().into(), method, endpoint).unwrap();
        }
        table
    }

    #[track_caller]
    fn check(table: &Table<String>, request: &str, expected: &str) {
        let (method, path) = request.split_once(' ').unwrap();
        let got = match table.find(&Method::from_bytes(method.as_bytes()).unwrap(), path) {
            Found::Endpoint(endpoint) => {
                let pattern = endpoint.split_once(' ').unwrap().1;
                let params = Pattern::parse(pattern.to_owned().into()).unwrap().params;
                let values: Vec<_> = params.iter().map(|param| param.value(path).unwrap()).collect();
                format!("{endpoint} [{}]", values.join(","))
            }
            Found::Options(allow) => format!("options {}", allow.to_str().unwrap()),
            Found::WrongMethod(allow) => format!("405 {}", allow.to_str().unwrap()),
            Found::Nothing => "404".to_owned(),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn requests_find_their_endpoint() {
        let table = table(&[
            ("GET", "/"),
            ("GET", "/users/{id}"),
            ("DELETE", "/users/{id}"),
            ("GET", "/users/me"),
            ("GET", "/users/{id}/posts/{post}"),
            ("POST", "/only-post"),
            ("ANY", "/files/{*rest}"),
            ("OPTIONS", "/own"),
            ("HEAD", "/head"),
            ("GET", "/head"),
        ]);
        check(&table, "GET /", "GET / []");
        check(&table, "GET /users/7", "GET /users/{id} [7]");
        check(&table, "GET /users/me", "GET /users/me []");
        check(&table, "HEAD /users/7", "GET /users/{id} [7]");
        check(&table, "DELETE /users/a%2Fb", "DELETE /users/{id} [a%2Fb]");
        check(&table, "PUT /users/7", "405 GET, HEAD, DELETE, OPTIONS");
        check(&table, "OPTIONS /users/7", "options GET, HEAD, DELETE, OPTIONS");
        check(&table, "GET /users/7/posts/9", "GET /users/{id}/posts/{post} [7,9]");
        check(&table, "GET /only-post", "405 POST, OPTIONS");
        check(&table, "PURGE /files/a/b", "ANY /files/{*rest} [a/b]");
        check(&table, "OPTIONS /own", "OPTIONS /own []");
        check(&table, "HEAD /head", "HEAD /head []");
        check(&table, "GET /users/7/", "404");
        check(&table, "GET /nothing", "404");
    }

    /// The same as a router with all patterns finds, which prefers plain text to parameters.
    #[test]
    fn a_pattern_that_is_one_path_is_found_as_by_the_router() {
        const SEGMENTS: [&str; 9] = ["a", "b", "{x}", "a{x}", "{x}.b", "{{x}}", "%61", "é", ""];
        let joined = |first: &str, second: &str, third: &str| format!("/{first}/{second}{third}");
        let mut patterns: Vec<String> = Vec::new();
        for (at, first) in SEGMENTS.iter().enumerate() {
            for second in SEGMENTS.iter().skip(at % 2) {
                let second = second.replace('x', "y");
                patterns.extend(["", "/", "/c", "/{*rest}"].map(|third| joined(first, &second, third)));
            }
        }
        let (mut table, mut router, mut refused) = (Table::default(), matchit::Router::new(), 0);
        for (at, text) in patterns.iter().enumerate() {
            let encoded = match Lookup::of(text) {
                Lookup::Path => text.clone(),
                Lookup::Spelled(encoded) | Lookup::Braces(encoded) => encoded,
            };
            let (own, theirs) = (table.insert(text.clone().into(), None, at), router.insert(encoded, at));
            assert_eq!(own.is_ok(), theirs.is_ok(), "{text}");
            refused += u32::from(own.is_err());
        }
        assert!(refused > 10 && table.routes.len() > 50, "{refused}, {}", table.routes.len());
        let parts = ["a", "b", "7", "aa", "7.b", "a.b", "{x}", "caf", "%C3%A9", ""];
        let mut found = 0;
        for (first, second) in parts.iter().flat_map(|first| parts.map(|second| (first, second))) {
            for third in ["", "/", "/c", "/{*rest}", "/c/d"] {
                let path = joined(first, second, third);
                let own = match table.find(&Method::GET, &path) {
                    Found::Endpoint(at) => Some(*at),
                    _ => None,
                };
                assert_eq!(own, router.at(&path).ok().map(|hit| *hit.value), "{path}");
                found += u32::from(own.is_some());
            }
        }
        assert!(found > 100, "{found}");
    }

    #[test]
    fn two_spellings_of_one_path_are_a_conflict() {
        for patterns in [["/a.b", "/a%2Eb"], ["/a%2Eb", "/a.b"], ["/é", "/%C3%A9"]] {
            let mut table = Table::default();
            let [first, second] = patterns;
            table.insert(first.into(), Some(Method::GET), ()).unwrap();
            let conflict = table.insert(second.into(), Some(Method::POST), ()).unwrap_err().to_string();
            assert!(conflict.starts_with("it matches the same paths as \"/"), "{conflict}");
        }
    }

    #[test]
    fn conflicts_are_told() {
        let mut table = table(&[("GET", "/users/{id}")]);
        let again = table.insert("/users/{id}".into(), Some(Method::GET), String::new());
        assert!(matches!(again, Err(Conflict::Method)));
        let taken = |pattern, method| table.taken(pattern, method).map(String::as_str);
        assert_eq!(taken("/users/{id}", Some(&Method::GET)), Some("GET /users/{id}"));
        assert_eq!((taken("/users/{id}", Some(&Method::PUT)), taken("/users/{id}", None)), (None, None));
        let other = table.insert("/users/{name}".into(), Some(Method::GET), String::new());
        assert!(matches!(other, Err(Conflict::Pattern(_))));
        for text in ["/x/{id", "/x/{}", "/x/id}"] {
            let open = table.insert(text.into(), None, String::new()).unwrap_err().to_string();
            assert!(open.contains("written twice"), "{text}: {open}");
        }
    }
}
