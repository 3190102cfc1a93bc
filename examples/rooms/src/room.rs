//! A room of this instance: its last lines, and those who listen.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fc_runtime::{Broadcast, Message, Result, Subscription};
use tokio::sync::{broadcast, watch};

use crate::{Counts, Heard, Id, Line};

/// How many events a slow listener may be behind before its stream ends, and it has to come again with its last id.
const BEHIND_MAX: usize = 64;

pub(crate) struct Room {
    pub(crate) key: String,
    kept: usize,
    state: Mutex<State>,
    events: Broadcast,
    messages: broadcast::Sender<Message>,
    is_joined: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    /// The last line that was heard.
    at: Id,
    recent: VecDeque<Line>,
    is_away: bool,
    seats: usize,
}

/// What became of a line that Redis announced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Taken,
    /// It was heard before.
    Known,
    /// Others lie between: the history has to be read.
    Missing,
}

impl Room {
    pub(crate) fn new(key: String, kept: usize) -> Self {
        Self {
            key,
            kept,
            state: Mutex::default(),
            events: Broadcast::new(BEHIND_MAX),
            messages: broadcast::channel(BEHIND_MAX).0,
            is_joined: watch::Sender::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_joined(&self) -> bool {
        *self.is_joined.borrow()
    }

    /// Waits until the room's history was read.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn joined(&self) {
        // The sender lives as long as the room.
        let _ = self.is_joined.subscribe().wait_for(|is_joined| *is_joined).await;
    }

    pub(crate) fn at(&self) -> Id {
        self.lock().at
    }

    pub(crate) fn add_seat(&self) {
        self.lock().seats += 1;
    }

    /// Whether it was the last seat.
    pub(crate) fn remove_seat(&self) -> bool {
        let mut state = self.lock();
        state.seats -= 1;
        state.seats == 0
    }

    /// A line as Redis announces it.
    pub(crate) fn offer(&self, line: &Line, counts: &Counts) -> Offer {
        let mut state = self.lock();
        if state.at.is_before(line.id) {
            self.take(&mut state, line.clone(), counts);
            return Offer::Taken;
        }
        let is_old = line.id.history == state.at.history && line.id.number <= state.at.number;
        if is_old { Offer::Known } else { Offer::Missing }
    }

    /// The history from the last line on, or all that there is if Redis does not have this line any more.
    pub(crate) fn absorb(&self, history: Vec<Line>, counts: &Counts) {
        let mut state = self.lock();
        if !self.is_joined() {
            state.at = history.last().map_or(Id::NONE, |line| line.id);
            state.recent = history.into();
            drop(state);
            self.is_joined.send_replace(true);
            return;
        }
        let (at, first) = (state.at, history.first());
        let known = state.recent.iter().rfind(|line| line.id == at);
        let missed = match first {
            // Nothing had been said, as far as this instance knows.
            _ if at == Id::NONE => Some(first.map_or(0, |line| line.id.number - 1)),
            Some(_) if known == first => Some(0),
            Some(first) => at.gap_to(first.id),
            None => None,
        };
        if missed != Some(0) {
            counts.gap(missed);
            self.tell(&Heard::Gap { missed });
        }
        let tokens: Vec<String> = state.recent.iter().map(|line| line.token.clone()).collect();
        state.at = history.last().map_or(Id::NONE, |line| line.id);
        for line in history.into_iter().filter(|line| !tokens.contains(&line.token)) {
            let at = state.at;
            self.take(&mut state, line, counts);
            state.at = at;
        }
        if std::mem::take(&mut state.is_away) {
            self.tell(&Heard::Back);
        }
    }

    /// Redis cannot be reached.
    pub(crate) fn away(&self) {
        let mut state = self.lock();
        if self.is_joined() && !std::mem::replace(&mut state.is_away, true) {
            self.tell(&Heard::Away);
        }
    }

    fn take(&self, state: &mut State, line: Line, counts: &Counts) {
        counts.heard.add(1);
        state.at = line.id;
        let heard = Heard::Line(line);
        self.tell(&heard);
        if let Heard::Line(line) = heard {
            if state.recent.len() >= self.kept {
                state.recent.pop_front();
            }
            state.recent.push_back(line);
        }
    }

    /// With the state locked: who subscribes under the lock hears each line once.
    fn tell(&self, heard: &Heard) {
        // Neither can fail: the events have no names and ids but ours, and the frames are plain JSON.
        if let (Ok(event), Ok(message)) = (heard.to_event(), heard.to_message()) {
            let _ = self.events.send(event);
            let _ = self.messages.send(message);
        }
    }

    pub(crate) fn events(&self, after: Option<Id>) -> (Vec<Heard>, Subscription) {
        let state = self.lock();
        (state.replay(after), self.events.subscribe().end_when_behind())
    }

    pub(crate) fn messages(&self, after: Option<Id>) -> Result<(Vec<Message>, broadcast::Receiver<Message>)> {
        let state = self.lock();
        let replay: Result<_> = state.replay(after).iter().map(Heard::to_message).collect();
        Ok((replay?, self.messages.subscribe()))
    }
}

impl State {
    /// What somebody has missed who has this line.
    fn replay(&self, after: Option<Id>) -> Vec<Heard> {
        let mut replay = Vec::new();
        if let Some(mut before) = after {
            let seen = self.recent.iter().rposition(|line| line.id == before);
            let is_any = before == Id::NONE;
            for (at, line) in self.recent.iter().skip(seen.map_or(0, |at| at + 1)).enumerate() {
                // From the beginning, as far as it is kept.
                if !(before.is_before(line.id) || is_any && at == 0) {
                    replay.push(Heard::Gap { missed: before.gap_to(line.id) });
                }
                before = line.id;
                replay.push(Heard::Line(line.clone()));
            }
            if before != self.at {
                replay.push(Heard::Gap { missed: None });
            }
        }
        if self.is_away {
            replay.push(Heard::Away);
        }
        replay
    }
}

#[cfg(test)]
mod tests;
