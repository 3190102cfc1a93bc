//! The route table: finds the endpoint for a method and a path, or the reason to refuse.

use std::collections::HashMap;
use std::fmt;

use http::{HeaderValue, Method};

use crate::route::Pattern;

/// All routes of an app. `E` is the type of an endpoint.
pub(crate) struct Table<E> {
    paths: matchit::Router<usize>,
    routes: Vec<Route<E>>,
    by_text: HashMap<String, usize>,
}

/// The methods of a route for every method, as `Allow` lists them. The platform passes no others.
const ALL_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// One pattern, with its endpoints by method.
struct Route<E> {
    endpoints: Vec<(Method, E)>,
    any: Option<E>,
    /// The value of `Allow`, for refusals and automatic replies to `OPTIONS`.
    allow: HeaderValue,
}

/// The result of a look-up.
pub(crate) enum Found<'t, E> {
    Endpoint(&'t E),
    /// The path exists, and has no endpoint for `OPTIONS`.
    Options(&'t HeaderValue),
    WrongMethod(&'t HeaderValue),
    Nothing,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self { paths: matchit::Router::new(), routes: Vec::new(), by_text: HashMap::new() }
    }
}

impl<E> Table<E> {
    /// Adds an endpoint. `None` means every method.
    ///
    /// # Errors
    /// The conflicting pattern, or that the method is taken at this pattern.
    pub(crate) fn insert(
        &mut self,
        pattern: Pattern,
        method: Option<Method>,
        endpoint: E,
    ) -> Result<(), Conflict> {
        let at = if let Some(at) = self.by_text.get(&pattern.text) {
            *at
        } else {
            self.paths.insert(pattern.encoded(), self.routes.len()).map_err(Conflict::Pattern)?;
            self.by_text.insert(pattern.text, self.routes.len());
            let allow = HeaderValue::from_static("");
            self.routes.push(Route { endpoints: Vec::new(), any: None, allow });
            self.routes.len() - 1
        };
        let route = &mut self.routes[at];
        match method {
            None if route.any.is_some() => return Err(Conflict::Method),
            None => route.any = Some(endpoint),
            Some(method) if route.endpoints.iter().any(|(taken, _)| *taken == method) => {
                return Err(Conflict::Method);
            }
            Some(method) => route.endpoints.push((method, endpoint)),
        }
        route.allow = route.allow();
        Ok(())
    }

    /// The methods of a path, as `Allow` lists them. Without a route all methods are listed, so that another origin can
    /// read the reply of a fallback, or a 404, too.
    pub(crate) fn allow(&self, path: &str) -> HeaderValue {
        let route = self.paths.at(path).ok().map(|hit| &self.routes[*hit.value]);
        route.map_or(HeaderValue::from_static(ALL_METHODS), |route| route.allow.clone())
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &E> {
        self.routes
            .iter()
            .flat_map(|route| route.endpoints.iter().map(|(_, endpoint)| endpoint).chain(&route.any))
    }

    #[allow(clippy::inline_always, reason = "every request does it")]
    #[inline(always)]
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_, E> {
        let Ok(hit) = self.paths.at(path) else { return Found::Nothing };
        let route = &self.routes[*hit.value];
        match route.endpoint(method) {
            Some(endpoint) => Found::Endpoint(endpoint),
            None if *method == Method::OPTIONS => Found::Options(&route.allow),
            None => Found::WrongMethod(&route.allow),
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

    fn table(routes: &[(&str, &str)]) -> Table<String> {
        let mut table = Table::default();
        for (method, pattern) in routes {
            let endpoint = format!("{method} {pattern}");
            let method = (*method != "ANY").then(|| Method::from_bytes(method.as_bytes()).unwrap());
            table.insert(Pattern::parse(pattern).unwrap(), method, endpoint).unwrap();
        }
        table
    }

    #[track_caller]
    fn check(table: &Table<String>, request: &str, expected: &str) {
        let (method, path) = request.split_once(' ').unwrap();
        let got = match table.find(&Method::from_bytes(method.as_bytes()).unwrap(), path) {
            Found::Endpoint(endpoint) => {
                let pattern = endpoint.split_once(' ').unwrap().1;
                let params = Pattern::parse(pattern).unwrap().params;
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

    #[test]
    fn conflicts_are_told() {
        let mut table = table(&[("GET", "/users/{id}")]);
        let again = table.insert(Pattern::parse("/users/{id}").unwrap(), Some(Method::GET), String::new());
        assert!(matches!(again, Err(Conflict::Method)));
        let other = table.insert(Pattern::parse("/users/{name}").unwrap(), Some(Method::GET), String::new());
        assert!(matches!(other, Err(Conflict::Pattern(_))));
        for text in ["/x/{id", "/x/{}", "/x/id}"] {
            let open =
                table.insert(Pattern::parse(text).unwrap(), None, String::new()).unwrap_err().to_string();
            assert!(open.contains("written twice"), "{text}: {open}");
        }
    }
}
