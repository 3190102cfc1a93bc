//! Random commands. Whatever their order, the rules hold after each of them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::instance::slots::sessions::Place;

/// How many worlds are tried, and how many commands each gets.
const WORLDS: u64 = 3_000;
const COMMANDS: usize = 80;

/// The sessions of the calls.
const IDS: [&str; 4] = ["one", "two", "three", "four"];

/// The session of a call, if it has one.
type Id = Option<&'static str>;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn roll(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap() % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.roll(from.len())]) }
    }
}

/// The world around the slots, as the effects make it.
#[expect(clippy::struct_excessive_bools, reason = "what happened, one thing each")]
struct World {
    slots: Slots<Name>,
    rules: Rules,
    keeps_own_port: bool,
    now: Instant,
    next_name: u32,
    /// The calls on each instance that runs or is being stopped.
    instances: BTreeMap<Name, usize>,
    stopping: BTreeSet<Name>,
    retired: BTreeSet<Name>,
    unhealthy: BTreeSet<Name>,
    frozen: BTreeSet<Name>,
    /// The sessions of these calls.
    calls: BTreeMap<Name, Vec<Id>>,
    /// Calls on instances that have ended, which are over soon.
    orphans: Vec<(Name, Id)>,
    waiting: BTreeMap<Waiter, Id>,
    starting: usize,
    has_ended_starts: bool,
    is_open: bool,
    is_closed: bool,
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let rules = Rules {
            concurrency: 1 + dice.roll(3),
            instances_max: 1 + dice.roll(3),
            instances_min: dice.roll(3),
            alone_max: 1 + dice.roll(9),
            freezes: dice.roll(3) == 0,
            waits_at_cap: dice.roll(3) == 0,
            sessions: (dice.roll(2) == 0).then(|| SessionRules {
                per_instance: 1 + dice.roll(2),
                is_isolated: false,
                terms: SessionTerms {
                    lifetime: Duration::from_secs(60),
                    idle: Some(Duration::from_secs(10)),
                    is_id_used_once: dice.roll(3) == 0,
                },
            }),
        };
        let keeps_own_port = dice.roll(3) == 0;
        let ignores_port = if dice.roll(2) == 0 { None } else { Some(keeps_own_port) };
        let is_open = dice.roll(4) > 0;
        World {
            slots: Slots::new(rules, ignores_port, is_open),
            rules,
            keeps_own_port,
            now: Instant::now(),
            next_name: 0,
            instances: BTreeMap::new(),
            stopping: BTreeSet::new(),
            retired: BTreeSet::new(),
            unhealthy: BTreeSet::new(),
            frozen: BTreeSet::new(),
            calls: BTreeMap::new(),
            orphans: Vec::new(),
            waiting: BTreeMap::new(),
            starting: 0,
            has_ended_starts: false,
            is_open,
            is_closed: false,
        }
    }

    /// Something that can happen now.
    fn next(&mut self, dice: &mut Dice) -> Option<Do> {
        let running: Vec<Name> = self.instances.keys().copied().collect();
        let busy: Vec<Name> =
            self.instances.iter().filter(|(_, calls)| **calls > 0).map(|(name, _)| *name).collect();
        Some(match dice.roll(40) {
            0..8 => Do::Acquire,
            8..12 => Do::AcquireFor(dice.pick(&IDS)?),
            12..14 => Do::Cancel(dice.pick(&self.waiting.keys().copied().collect::<Vec<_>>())?),
            14..21 => self.give_back(dice.pick(&busy)?),
            21 => Do::CloseSession(dice.pick(&IDS)?),
            22..26 if self.starting > 0 => self.started(),
            26..28 if self.starting > 0 => Do::StartFails,
            28 => Do::Replace(dice.pick(&busy)?),
            29 => Do::Retire(dice.pick(&busy)?),
            30..32 => Do::Ended(dice.pick(&running)?),
            32 => Do::Unhealthy(dice.pick(&running)?),
            33 => Do::Healthy(dice.pick(&running)?),
            34..36 => Do::ReleaseIdle(dice.pick(&running)?),
            36 => Do::Warm,
            37 => Do::Open,
            38 if dice.roll(4) == 0 => Do::Close,
            38 => Do::StopBusy(dice.pick(&busy)?),
            39 if self.is_closed && dice.roll(2) == 0 => Do::Abort,
            _ => return None,
        })
    }

    /// The end of a call on the instance, or of one whose instance has ended.
    fn give_back(&self, name: Name) -> Do {
        let of_orphan = || self.orphans.iter().find(|(orphan, _)| *orphan == name).map(|(_, id)| *id);
        let id = self.calls.get(&name).and_then(|calls| calls.last().copied()).or_else(of_orphan);
        id.flatten().map_or(Do::GiveBack(name), |id| Do::GiveBackFor(name, id))
    }

    fn started(&mut self) -> Do {
        let name = char::from_u32(u32::from('a') + self.next_name).unwrap();
        self.next_name += 1;
        if self.keeps_own_port { Do::StartedOnOwnPort(name) } else { Do::Started(name) }
    }

    /// Gives the command, follows its effects, and checks every rule.
    fn step(&mut self, command: Do) {
        match command {
            Do::Cancel(waiter) => _ = self.waiting.remove(&waiter),
            Do::GiveBack(name) | Do::GiveBackFor(name, _) => {
                if let Some(calls) = self.instances.get_mut(&name) {
                    *calls -= 1;
                    self.calls.get_mut(&name).unwrap().pop();
                } else {
                    let at = self.orphans.iter().position(|(orphan, _)| *orphan == name);
                    self.orphans.remove(at.unwrap());
                }
            }
            Do::Started(name) | Do::StartedOnOwnPort(name) => {
                self.starting -= 1;
                self.instances.insert(name, 0);
            }
            Do::StartFails | Do::StartEnds => self.starting -= 1,
            Do::Replace(name) | Do::Retire(name) => _ = self.retired.insert(name),
            Do::Ended(name) => {
                let calls = self.instances.remove(&name).unwrap();
                let ids = self.calls.remove(&name).unwrap_or_default();
                assert_eq!(ids.len(), calls);
                self.orphans.extend(ids.into_iter().map(|id| (name, id)));
                self.stopping.remove(&name);
            }
            Do::Unhealthy(name) => _ = self.unhealthy.insert(name),
            Do::Healthy(name) => _ = self.unhealthy.remove(&name),
            Do::Open => self.is_open = true,
            Do::Close => self.is_closed = true,
            Do::Acquire
            | Do::AcquireFor(_)
            | Do::AcquireNew
            | Do::GiveBackNew(_)
            | Do::Named(..)
            | Do::CloseSession(_)
            | Do::DeleteSession(_)
            | Do::ReleaseIdle(_)
            | Do::StopBusy(_)
            | Do::Warm
            | Do::Abort => {}
        }
        let (acquired, effects) = apply(&mut self.slots, command, self.now);
        for effect in &effects {
            self.follow(effect, command);
        }
        match acquired {
            Some(Acquired::Slot(name)) => self.take(name, id_of(command)),
            Some(Acquired::Waiting(waiter)) => {
                assert!(self.waiting.insert(waiter, id_of(command)).is_none(), "{waiter} is new");
            }
            Some(Acquired::Closed) => assert!(self.is_closed),
            Some(Acquired::SessionOver) => {
                assert!(self.rules.sessions.is_some_and(|rules| rules.terms.is_id_used_once));
            }
            Some(Acquired::Full(_) | Acquired::Unhealthy) | None => {}
        }
        self.check();
    }

    fn follow(&mut self, effect: &Effect<Name>, command: Do) {
        match *effect {
            Effect::Hand { waiter, instance, .. } => {
                let id = self.waiting.remove(&waiter);
                self.take(instance, id.unwrap_or_else(|| panic!("{waiter} was answered before")));
            }
            Effect::Fail(waiter) | Effect::TurnAway(waiter) => {
                assert!(self.waiting.remove(&waiter).is_some(), "{waiter} was answered before");
            }
            Effect::Start(count) => {
                assert!(!self.has_ended_starts);
                assert!(self.is_open);
                if self.slots.ignores_port() == Some(true) {
                    assert!(self.instances.is_empty(), "the port is not free");
                }
                self.starting += count;
            }
            Effect::EndStarts => self.has_ended_starts = true,
            Effect::Thaw(name) => _ = self.frozen.remove(&name),
            Effect::Freeze(name) => {
                assert_eq!(self.instances.get(&name), Some(&0), "{name} is frozen in a call");
                self.frozen.insert(name);
            }
            Effect::Stop(name) => {
                let has_calls = self.instances[&name] > 0;
                assert_eq!(has_calls, matches!(command, Do::StopBusy(_)), "{name} is stopped in a call");
                assert!(self.stopping.insert(name), "{name} is stopped twice");
            }
            Effect::Kill(name) => assert!(self.instances.contains_key(&name)),
        }
    }

    /// A call begins on the instance.
    fn take(&mut self, name: Name, id: Id) {
        assert!(!self.stopping.contains(&name), "{name} is being stopped");
        assert!(!self.retired.contains(&name), "{name} is retired");
        assert!(!self.unhealthy.contains(&name), "{name} is not healthy");
        assert!(!self.frozen.contains(&name), "{name} is frozen");
        *self.instances.get_mut(&name).unwrap() += 1;
        self.calls.entry(name).or_default().push(id);
        let (Some(id), Some(sessions)) = (id, &self.slots.sessions) else { return };
        assert_eq!(sessions.place(id), Place::On(name), "{id} is elsewhere");
    }

    fn check(&self) {
        assert!(self.instances.values().all(|calls| *calls <= self.rules.concurrency));
        let has_port_of_its_own = self.slots.ignores_port() == Some(true);
        let cap = if has_port_of_its_own { 1 } else { self.rules.instances_max };
        let in_use = self.instances.keys().filter(|name| !self.stopping.contains(name));
        let in_use = in_use.filter(|name| !self.retired.contains(name) && !self.is_retired(**name)).count();
        assert!(in_use + self.starting <= cap, "{in_use} in use, {} starting, cap {cap}", self.starting);
        // Every caller was answered or still waits.
        assert_eq!(
            self.slots.waiting.iter().map(|waiting| waiting.waiter).collect::<BTreeSet<_>>(),
            self.waiting.keys().copied().collect()
        );
        if let (Some(sessions), Some(rules)) = (&self.slots.sessions, self.rules.sessions) {
            assert!(self.instances.keys().all(|name| sessions.count(name) <= rules.per_instance));
        }
        assert_eq!(self.slots.starting, self.starting);
        let is_gone = self.instances.is_empty() && self.starting == 0;
        assert_eq!(self.slots.is_gone(), is_gone);
    }

    /// Retired by a refusal, which the world does not see.
    fn is_retired(&self, name: Name) -> bool {
        self.slots.members.iter().any(|member| member.instance == name && member.is_retired)
    }

    /// Lets everything come to its end, as it does when no new call comes.
    fn finish(&mut self) {
        if !self.is_closed {
            self.step(Do::Open);
        }
        for name in self.instances.keys().copied().collect::<Vec<_>>() {
            self.step(Do::Healthy(name));
        }
        loop {
            let busy = self.instances.iter().find(|(_, calls)| **calls > 0).map(|(name, _)| *name);
            if let Some(name) = busy.or(self.orphans.first().map(|(name, _)| *name)) {
                let command = self.give_back(name);
                self.step(command);
            } else if self.starting > 0 && self.has_ended_starts {
                self.step(Do::StartEnds);
            } else if self.starting > 0 {
                let started = self.started();
                self.step(started);
            } else if let Some(name) = self.stopping.first().copied() {
                self.step(Do::Ended(name));
            } else if self.is_closed {
                break;
            } else {
                self.step(Do::Close);
            }
        }
    }
}

fn id_of(command: Do) -> Id {
    if let Do::AcquireFor(id) = command { Some(id) } else { None }
}

#[test]
fn the_rules_hold_whatever_happens() {
    for seed in 1..=WORLDS {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut world = World::new(&mut dice);
        for _ in 0..COMMANDS {
            if let Some(command) = world.next(&mut dice) {
                world.step(command);
            }
        }
        world.finish();
        assert!(world.waiting.is_empty(), "world {seed}: nobody answers {:?}", world.waiting);
        assert!(world.instances.is_empty(), "world {seed}: {:?} are left", world.instances);
    }
}
