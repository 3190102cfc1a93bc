//! Random commands. Whatever their order, the rules hold after each of them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// How many worlds are tried, and how many commands each gets.
const WORLDS: u64 = 3_000;
const COMMANDS: usize = 80;

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
    /// Calls on instances that have ended, which are over soon.
    orphans: Vec<Name>,
    waiting: BTreeSet<Waiter>,
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
            alone_max: 1 + dice.roll(9),
            freezes: dice.roll(3) == 0,
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
            orphans: Vec::new(),
            waiting: BTreeSet::new(),
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
            0..12 => Do::Acquire,
            12..14 => Do::Cancel(dice.pick(&self.waiting.iter().copied().collect::<Vec<_>>())?),
            14..22 => Do::GiveBack(dice.pick(&busy)?),
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

    fn started(&mut self) -> Do {
        let name = char::from_u32(u32::from('a') + self.next_name).unwrap();
        self.next_name += 1;
        if self.keeps_own_port { Do::StartedOnOwnPort(name) } else { Do::Started(name) }
    }

    /// Gives the command, follows its effects, and checks every rule.
    fn step(&mut self, command: Do) {
        match command {
            Do::Cancel(waiter) => _ = self.waiting.remove(&waiter),
            Do::GiveBack(name) => match self.instances.get_mut(&name) {
                Some(calls) => *calls -= 1,
                None => self.orphans.retain(|orphan| *orphan != name),
            },
            Do::Started(name) | Do::StartedOnOwnPort(name) => {
                self.starting -= 1;
                self.instances.insert(name, 0);
            }
            Do::StartFails | Do::StartEnds => self.starting -= 1,
            Do::Replace(name) | Do::Retire(name) => _ = self.retired.insert(name),
            Do::Ended(name) => {
                let calls = self.instances.remove(&name).unwrap();
                self.orphans.extend(std::iter::repeat_n(name, calls));
                self.stopping.remove(&name);
            }
            Do::Unhealthy(name) => _ = self.unhealthy.insert(name),
            Do::Healthy(name) => _ = self.unhealthy.remove(&name),
            Do::Open => self.is_open = true,
            Do::Close => self.is_closed = true,
            Do::Acquire | Do::ReleaseIdle(_) | Do::StopBusy(_) | Do::Warm | Do::Abort => {}
        }
        let (acquired, effects) = apply(&mut self.slots, command, self.now);
        for effect in &effects {
            self.follow(effect, command);
        }
        match acquired {
            Some(Acquired::Slot(name)) => self.take(name),
            Some(Acquired::Waiting(waiter)) => assert!(self.waiting.insert(waiter), "{waiter} is new"),
            Some(Acquired::Closed) => assert!(self.is_closed),
            Some(Acquired::Full(_) | Acquired::Unhealthy) | None => {}
        }
        self.check();
    }

    fn follow(&mut self, effect: &Effect<Name>, command: Do) {
        match *effect {
            Effect::Hand { waiter, instance, .. } => {
                assert!(self.waiting.remove(&waiter), "{waiter} was answered before");
                self.take(instance);
            }
            Effect::Fail(waiter) | Effect::TurnAway(waiter) => {
                assert!(self.waiting.remove(&waiter), "{waiter} was answered before");
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
    fn take(&mut self, name: Name) {
        assert!(!self.stopping.contains(&name), "{name} is being stopped");
        assert!(!self.retired.contains(&name), "{name} is retired");
        assert!(!self.unhealthy.contains(&name), "{name} is not healthy");
        assert!(!self.frozen.contains(&name), "{name} is frozen");
        *self.instances.get_mut(&name).unwrap() += 1;
    }

    fn check(&self) {
        assert!(self.instances.values().all(|calls| *calls <= self.rules.concurrency));
        let has_port_of_its_own = self.slots.ignores_port() == Some(true);
        let cap = if has_port_of_its_own { 1 } else { self.rules.instances_max };
        let in_use = self.instances.keys().filter(|name| !self.stopping.contains(name));
        let in_use = in_use.filter(|name| !self.retired.contains(name) && !self.is_retired(**name)).count();
        assert!(in_use + self.starting <= cap, "{in_use} in use, {} starting, cap {cap}", self.starting);
        // Every caller was answered or still waits.
        assert_eq!(self.slots.waiting.iter().copied().collect::<BTreeSet<_>>(), self.waiting);
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
            if let Some(name) = busy.or(self.orphans.first().copied()) {
                self.step(Do::GiveBack(name));
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
