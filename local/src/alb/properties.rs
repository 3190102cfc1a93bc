//! Rules against a slow judge of the same words.

use super::Pattern;
use super::tests::{Asked, rule, rules, texts, to};
use crate::model::alb::{ActionKind, ConditionKind};

/// A generator with a seed: the same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    fn text(&mut self, letters: &[char], longest: usize) -> String {
        (0..self.next(longest + 1)).map(|_| letters[self.next(letters.len())]).collect()
    }
}

/// Wildcards by their definition: each star is tried with each length.
fn slow(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|taken| slow(rest, &text[taken..])),
        Some(('?', rest)) => text.split_first().is_some_and(|(_, behind)| slow(rest, behind)),
        Some((own, rest)) => {
            text.split_first().is_some_and(|(first, behind)| first == own && slow(rest, behind))
        }
    }
}

#[test]
fn wildcards_are_as_their_definition() {
    let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
    let mut hits = 0;
    for _ in 0..20_000 {
        let pattern = numbers.text(&['a', 'b', 'é', '*', '?'], 8);
        let text = numbers.text(&['a', 'b', 'é'], 8);
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = slow(&chars(&pattern), &chars(&text));
        hits += usize::from(expected);
        assert_eq!(Pattern::path(&pattern).unwrap().matches(&text), expected, "{pattern:?} {text:?}");
    }
    assert!((1000..19_000).contains(&hits), "{hits} of 20000 matched: the texts prove little");
}

#[test]
fn the_lowest_number_that_matches_decides() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut taken = 0;
    for _ in 0..300 {
        let mut own = Vec::new();
        for priority in 0..5_u16 {
            let path = format!("/{}", numbers.text(&['a', 'b', '*', '?'], 4));
            let methods = [texts(&["GET"]), texts(&["PUT"]), texts(&["GET", "PUT"])][numbers.next(3)].clone();
            let mut conditions = vec![ConditionKind::Path(vec![path])];
            if numbers.next(2) == 0 {
                conditions.push(ConditionKind::Method(methods));
            }
            let group = usize::from(priority) % 4;
            own.push(rule((priority * 7) % 13 + 1, conditions, vec![ActionKind::Forward(to(&[(group, 1)]))]));
        }
        let judged = rules(own.clone());
        own.sort_by_key(|rule| rule.priority);
        for _ in 0..20 {
            let method = ["GET", "PUT"][numbers.next(2)];
            let path = format!("/{}", numbers.text(&['a', 'b'], 4));
            let asked = Asked::new(&format!("{method} h{path}"), &[]);
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = own.iter().find(|rule| {
                rule.conditions.iter().all(|own| match &own.kind {
                    ConditionKind::Path(values) => values.iter().any(|own| slow(&chars(own), &chars(&path))),
                    ConditionKind::Method(values) => values.iter().any(|own| own == method),
                    _ => false,
                })
            });
            taken += usize::from(expected.is_some());
            let decision = judged.decide(&asked.view(), 0);
            assert_eq!(decision.rule.map(|hit| hit.rule), expected, "{method} {path}");
            // The explanation ends where the decision does.
            let tried = judged.explain(&asked.view());
            assert_eq!(tried.iter().find(|tried| tried.miss.is_none()).map(|tried| tried.rule), expected);
        }
    }
    assert!((600..5700).contains(&taken), "{taken} of 6000 matched: the rules prove little");
}
