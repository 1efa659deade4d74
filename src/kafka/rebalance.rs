//! Rebalances: the listener, the partitions that are ours with their positions, and the callback that joins them.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};

use rdkafka::bindings::{
    rd_kafka_assignment_lost, rd_kafka_incremental_assign, rd_kafka_incremental_unassign, rd_kafka_rebalance_protocol, rd_kafka_t,
    rd_kafka_topic_partition_list_t,
};

use super::client::{CallbackState, Role};
use super::{Consumer, ErrorCode, KafkaError, Right, ffi, partitions};

/// What a worker does when partitions come and go. Called inside [`Consumer::poll_batch`] and
/// [`Consumer::close`], on their thread.
///
/// A method may use the consumer (positions, group metadata, commits, seeks) but not poll it.
pub trait RebalanceListener {
    /// These partitions are ours from now on, in addition to those we have.
    fn assigned(&mut self, consumer: &Consumer, partitions: &[i32]);

    /// These partitions leave us when this call returns. Until then they are ours: this is the moment to finish
    /// the open transaction. Messages of them that are not processed yet go to their next owner.
    fn revoked(&mut self, consumer: &Consumer, partitions: &[i32]);

    /// These partitions are somebody else's already (this member was too slow or cut off): whatever is open
    /// must be aborted, and no offset of theirs committed.
    fn lost(&mut self, consumer: &Consumer, partitions: &[i32]);
}

/// Where a partition that is ours stands.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// The lowest offset that may still be returned.
    next: i64,
    /// The lowest offset returned or sought since the assignment.
    first: Option<i64>,
    /// Where to go on after reading failed. Nothing is returned until the partition is sought.
    failed: Option<i64>,
    /// The last message lay before the position, in a log that seemed shorter than that.
    is_in_doubt: bool,
    /// It began where it is to begin: at what the group has committed, or where the caller said.
    is_placed: bool,
}

impl Position {
    /// A partition of which nothing was returned, to be sought to `failed` before anything is.
    fn new(failed: Option<i64>, is_placed: bool) -> Self {
        Self { next: 0, first: None, failed, is_in_doubt: false, is_placed }
    }
}

/// What is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is returned.
    Accepted,
    /// Its partition is not ours (any more).
    NotAssigned,
    /// It lies before what was returned. librdkafka may repeat one when it pauses a partition while its messages are taken.
    Repeated {
        /// The offset that could have come.
        next: i64,
    },
    /// It came behind one that could not be read.
    BehindFailure,
}

/// The partitions that are ours, by partition number.
#[derive(Debug, Default)]
pub(super) struct Positions {
    slots: Vec<Option<Position>>,
}

impl Positions {
    pub(super) fn assign(&mut self, partitions: &[i32]) {
        for index in partitions.iter().filter_map(|id| usize::try_from(*id).ok()) {
            if self.slots.len() <= index {
                self.slots.resize(index + 1, None);
            }
            self.slots[index] = Some(Position::new(None, false));
        }
    }

    pub(super) fn revoke(&mut self, partitions: &[i32]) {
        for partition in partitions {
            if let Some(slot) = usize::try_from(*partition).ok().and_then(|index| self.slots.get_mut(index)) {
                *slot = None;
            }
        }
    }

    /// Moves the position past the message when it is accepted.
    pub(super) fn admit(&mut self, partition: i32, offset: i64) -> Admission {
        match self.get_mut(partition) {
            None => Admission::NotAssigned,
            Some(position) if position.failed.is_some() => Admission::BehindFailure,
            Some(position) if offset < position.next => Admission::Repeated { next: position.next },
            Some(position) => {
                position.next = offset + 1;
                position.first.get_or_insert(offset);
                position.is_in_doubt = false;
                Admission::Accepted
            }
        }
    }

    pub(super) fn seek(&mut self, partition: i32, offset: i64) {
        if let Some(position) = self.get_mut(partition) {
            position.next = offset;
            // Where it failed before its first message it has yet to begin.
            if position.is_placed || position.failed.take() != Some(offset) {
                position.first = Some(position.first.map_or(offset, |first| first.min(offset)));
                position.is_placed = true;
            }
            position.failed = None;
        }
    }

    /// The partitions that have begun, with the offset of their first message, where nobody has looked whether they should begin there.
    pub(super) fn begun(&self) -> Vec<(i32, i64)> {
        let begun = |position: Position| position.first.filter(|_| !position.is_placed);
        (0..).zip(&self.slots).filter_map(|(partition, slot)| Some((partition, begun((*slot)?)?))).collect()
    }

    /// The partition began where it is to begin.
    pub(super) fn place(&mut self, partition: i32) {
        if let Some(position) = self.get_mut(partition) {
            position.is_placed = true;
        }
    }

    /// The partition is to begin at `offset`; or there for the time being, where `is_known` is false.
    pub(super) fn begin_at(&mut self, partition: i32, offset: i64, is_known: bool) {
        if let Some(position) = self.get_mut(partition) {
            *position = Position::new(Some(offset), is_known);
        }
    }

    /// What becomes of a message at `offset`, which lies before the position, when the log seems shorter than that. A new leader may not
    /// know for a moment how far its log reaches, so the first time the partition goes back to the position: where there is still
    /// nothing, `auto.offset.reset` brings the message again, and it is the first of a new log.
    pub(super) fn begin_anew(&mut self, partition: i32, offset: i64) -> Admission {
        let Some(position) = self.get_mut(partition) else { return Admission::NotAssigned };
        if std::mem::replace(&mut position.is_in_doubt, true) {
            self.seek(partition, offset);
            return self.admit(partition, offset);
        }
        self.fail(partition, offset);
        Admission::BehindFailure
    }

    /// Reading failed at `offset`, with nothing left unreturned before it.
    pub(super) fn fail(&mut self, partition: i32, offset: i64) {
        if let Some(position) = self.get_mut(partition) {
            let target = position.first.map_or(offset, |_| position.next);
            position.failed.get_or_insert(target);
        }
    }

    /// The partitions whose reading failed, with where to go on.
    pub(super) fn failed(&self) -> Vec<(i32, i64)> {
        (0..).zip(&self.slots).filter_map(|(partition, slot)| Some((partition, (*slot)?.failed?))).collect()
    }

    /// The offset after the last message returned or the one sought; `None` before either, and when the
    /// partition is not ours.
    pub(super) fn next(&self, partition: i32) -> Option<i64> {
        let position = self.get(partition)?;
        position.first.map(|_| position.next)
    }

    /// The lowest offset returned or sought since the assignment.
    pub(super) fn first(&self, partition: i32) -> Option<i64> {
        self.get(partition)?.first
    }

    pub(super) fn assigned(&self) -> Vec<i32> {
        (0..).zip(&self.slots).filter(|(_, slot)| slot.is_some()).map(|(partition, _)| partition).collect()
    }

    fn get(&self, partition: i32) -> Option<&Position> {
        self.slots.get(usize::try_from(partition).ok()?)?.as_ref()
    }

    fn get_mut(&mut self, partition: i32) -> Option<&mut Position> {
        self.slots.get_mut(usize::try_from(partition).ok()?)?.as_mut()
    }
}

/// A consumer's part of the callback state. Only its thread touches it: from its own calls, and from the
/// rebalance callback inside them.
pub(super) struct ConsumerRole {
    pub(super) topic: CString,
    pub(super) group: String,
    pub(super) positions: RefCell<Positions>,
    /// Partitions revoked or lost since the list was last taken.
    pub(super) left: RefCell<Vec<i32>>,
    /// The ends of partitions that reading came upon; only with `enable.partition.eof`.
    pub(super) ends: RefCell<BTreeMap<i32, i64>>,
    /// A rebalance that librdkafka refused to carry out.
    pub(super) failure: RefCell<Option<KafkaError>>,
    /// The call that is on the stack; taken by the callback while a listener runs.
    call: Cell<Option<NonNull<Call<'static>>>>,
    /// A call is on the stack.
    busy: Cell<bool>,
}

impl Role for ConsumerRole {
    fn lacking(&self, code: ErrorCode) -> Option<Right> {
        match code {
            ErrorCode::TOPIC_DENIED => Some(Right::on_topic("Read", &self.topic.to_string_lossy())),
            ErrorCode::GROUP_DENIED => Some(Right::in_group(&self.group)),
            _ => None,
        }
    }
}

/// One native call during which the rebalance callback may run.
struct Call<'a> {
    consumer: &'a Consumer,
    listener: &'a mut dyn RebalanceListener,
    panic: Option<Box<dyn Any + Send>>,
}

impl ConsumerRole {
    pub(super) fn new(topic: CString, group: &str) -> Self {
        Self {
            topic,
            group: group.to_owned(),
            positions: RefCell::default(),
            left: RefCell::default(),
            ends: RefCell::default(),
            failure: RefCell::default(),
            call: Cell::new(None),
            busy: Cell::new(false),
        }
    }

    /// The topic's name.
    pub(super) fn topic(&self) -> &str {
        self.topic.to_str().unwrap_or_default()
    }

    /// Runs `native`, a librdkafka call that serves the consumer's queue, with rebalances going to `listener`.
    /// A panic of the listener is kept until the result is [taken](Served::take).
    pub(super) fn serve<R>(
        &self,
        consumer: &Consumer,
        listener: &mut dyn RebalanceListener,
        native: impl FnOnce() -> R,
    ) -> Result<Served<R>, KafkaError> {
        if self.busy.replace(true) {
            return Err(KafkaError::refused("poll", "a rebalance listener must not poll its consumer"));
        }
        let _idle = Idle(self);
        let mut call = Call { consumer, listener, panic: None };
        let pointer = ptr::addr_of_mut!(call);
        self.call.set(NonNull::new(pointer.cast::<Call<'static>>()));
        let result = native();
        self.call.set(None);
        // SAFETY: `pointer` is to the local above; the callback, its only other user, cannot run any more.
        let panic = unsafe { (*pointer).panic.take() };
        Ok(Served { result, panic })
    }

    /// Runs one method of the listener, if a call with one is on the stack.
    fn notify(&self, method: impl FnOnce(&mut dyn RebalanceListener, &Consumer)) {
        let Some(pointer) = self.call.take() else { return };
        // SAFETY: set by `serve`, whose frame is below us on this stack; taken out of the cell, so this is the
        // only reference made of it until it is put back.
        let call = unsafe { &mut *pointer.as_ptr() };
        if call.panic.is_none() {
            let Call { consumer, listener, panic } = call;
            *panic = catch_unwind(AssertUnwindSafe(|| method(&mut **listener, consumer))).err();
        }
        self.call.set(Some(pointer));
    }

    fn notify_unless_empty(&self, partitions: &[i32], method: impl FnOnce(&mut dyn RebalanceListener, &Consumer)) {
        if !partitions.is_empty() {
            self.notify(method);
        }
    }

    fn leave(&self, partitions: &[i32]) {
        self.positions.borrow_mut().revoke(partitions);
        self.left.borrow_mut().extend_from_slice(partitions);
    }

    /// Carries out a rebalance event, with the listener told at the right moment.
    ///
    /// # Safety
    /// `rk` is this consumer's live handle and `list` the live list of the event.
    pub(super) unsafe fn rebalance(&self, rk: *mut rd_kafka_t, event: ErrorCode, list: *mut rd_kafka_topic_partition_list_t) {
        // SAFETY: a live list (caller's contract).
        let entries = unsafe { partitions::entries(list) };
        let ids: Vec<i32> = entries.iter().map(|entry| entry.partition).collect();
        // SAFETY: a live handle; the protocol's name is a static string.
        let incremental = unsafe { CStr::from_ptr(rd_kafka_rebalance_protocol(rk)) } == c"COOPERATIVE";

        let outcome = match event {
            ErrorCode::ASSIGN_PARTITIONS => {
                self.positions.borrow_mut().assign(&ids);
                // SAFETY: a live handle and list.
                let outcome = unsafe { assign(rk, list, incremental) };
                self.notify_unless_empty(&ids, |listener, consumer| listener.assigned(consumer, &ids));
                outcome
            }
            ErrorCode::REVOKE_PARTITIONS => {
                // SAFETY: a live handle.
                let lost = unsafe { rd_kafka_assignment_lost(rk) } != 0;
                self.notify_unless_empty(&ids, |listener, consumer| match lost {
                    true => listener.lost(consumer, &ids),
                    false => listener.revoked(consumer, &ids),
                });
                self.leave(&ids);
                // SAFETY: a live handle and list.
                unsafe { unassign(rk, list, incremental) }
            }
            error => {
                let all = self.positions.borrow().assigned();
                self.notify_unless_empty(&all, |listener, consumer| listener.lost(consumer, &all));
                self.leave(&all);
                // SAFETY: a live handle; null means "nothing is assigned".
                let unassigned = unsafe { unassign(rk, ptr::null(), false) };
                unassigned.and(Err(KafkaError::from_code("rebalance", error)))
            }
        };
        if let Err(error) = outcome {
            self.failure.borrow_mut().get_or_insert(error);
        }
    }
}

/// What a native call returned, and the panic of a listener in it.
#[must_use]
pub(super) struct Served<R> {
    result: R,
    panic: Option<Box<dyn Any + Send>>,
}

impl<R> Served<R> {
    /// The result, or the panic resumed: once what the call did is in order.
    pub(super) fn take(self) -> R {
        match self.panic {
            Some(panic) => resume_unwind(panic),
            None => self.result,
        }
    }
}

/// Ends a call, also when it unwinds.
struct Idle<'a>(&'a ConsumerRole);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.call.set(None);
        self.0.busy.set(false);
    }
}

/// librdkafka's rebalance callback: it expects the (un)assignment to be carried out before this returns.
pub(super) unsafe extern "C" fn on_rebalance(
    rk: *mut rd_kafka_t,
    event: c_int,
    list: *mut rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: `opaque` is the state pinned for the life of this client; only shared references to it exist, and
    // this callback runs on the thread that owns the consumer, inside its call. Handle and list are live.
    unsafe { (*opaque.cast::<CallbackState<ConsumerRole>>()).role.rebalance(rk, ErrorCode(event), list) }
}

/// Adds the list to the assignment, or replaces the assignment with it.
///
/// # Safety
/// `rk` is a live consumer, `list` a live list.
unsafe fn assign(rk: *mut rd_kafka_t, list: *const rd_kafka_topic_partition_list_t, incremental: bool) -> Result<(), KafkaError> {
    const OPERATION: &str = "take assigned partitions";
    // SAFETY: caller's contract; the error object is owned by us.
    unsafe {
        match incremental {
            true => KafkaError::take(OPERATION, rd_kafka_incremental_assign(rk, list)),
            false => KafkaError::check(OPERATION, ffi::rd_kafka_assign(rk, list)),
        }
    }
}

/// Takes the list out of the assignment, or empties the assignment.
///
/// # Safety
/// `rk` is a live consumer; `list` is a live list, or anything unless `incremental`.
unsafe fn unassign(rk: *mut rd_kafka_t, list: *const rd_kafka_topic_partition_list_t, incremental: bool) -> Result<(), KafkaError> {
    const OPERATION: &str = "give up revoked partitions";
    // SAFETY: caller's contract; the error object is owned by us.
    unsafe {
        match incremental {
            true => KafkaError::take(OPERATION, rd_kafka_incremental_unassign(rk, list)),
            false => KafkaError::check(OPERATION, ffi::rd_kafka_assign(rk, ptr::null())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_only_move_forward() {
        let mut positions = Positions::default();
        assert_eq!(positions.admit(2, 5), Admission::NotAssigned);
        positions.assign(&[2]);
        assert_eq!((positions.next(2), positions.assigned()), (None, vec![2]));
        assert_eq!(positions.admit(2, 5), Admission::Accepted);
        assert_eq!(positions.admit(2, 9), Admission::Accepted, "control records leave gaps");
        assert_eq!(positions.admit(2, 9), Admission::Repeated { next: 10 });
        assert_eq!(positions.admit(2, 6), Admission::Repeated { next: 10 });
        assert_eq!((positions.first(2), positions.next(2)), (Some(5), Some(10)));
    }

    #[test]
    fn a_seek_back_is_remembered_as_the_start_and_a_seek_forward_is_not() {
        let mut positions = Positions::default();
        positions.assign(&[0, 1]);
        positions.admit(0, 5);
        positions.seek(0, 3);
        assert_eq!((positions.first(0), positions.next(0), positions.admit(0, 3)), (Some(3), Some(3), Admission::Accepted));
        positions.seek(0, 100);
        assert_eq!(
            (positions.first(0), positions.next(0), positions.admit(0, 50)),
            (Some(3), Some(100), Admission::Repeated { next: 100 })
        );
        positions.seek(1, 7);
        assert_eq!((positions.first(1), positions.next(1)), (Some(7), Some(7)));
    }

    #[test]
    fn nothing_behind_a_failure_is_accepted_until_it_is_sought() {
        let mut positions = Positions::default();
        positions.assign(&[0, 1]);
        positions.admit(0, 5);
        positions.fail(0, 9);
        positions.fail(1, 3);
        positions.fail(1, 4);
        assert_eq!(positions.failed(), [(0, 6), (1, 3)], "from 6 to 9 are control records, or what the failure hides");
        assert_eq!((positions.admit(0, 10), positions.next(0)), (Admission::BehindFailure, Some(6)));
        positions.seek(0, 6);
        assert_eq!((positions.admit(0, 9), positions.failed()), (Admission::Accepted, vec![(1, 3)]));
    }

    #[test]
    fn where_a_partition_begins_is_looked_at_once() {
        let mut positions = Positions::default();
        positions.assign(&[0, 1, 2]);
        positions.seek(2, 4);
        assert_eq!(positions.begun(), [], "one was sought, the others have not begun");
        positions.admit(0, 7);
        positions.admit(1, 0);
        assert_eq!(positions.begun(), [(0, 7), (1, 0)]);
        positions.place(0);
        positions.begin_at(1, 0, false);
        assert_eq!((positions.begun(), positions.failed(), positions.first(1)), (vec![], vec![(1, 0)], None));
        positions.seek(1, 0);
        assert_eq!((positions.begun(), positions.admit(1, 0), positions.begun()), (vec![], Admission::Accepted, vec![(1, 0)]));
        positions.begin_at(1, 5, true);
        assert_eq!((positions.admit(1, 1), positions.failed()), (Admission::BehindFailure, vec![(1, 5)]));
        positions.seek(1, 5);
        assert_eq!((positions.admit(1, 5), positions.begun(), positions.first(1)), (Admission::Accepted, vec![], Some(5)));
    }

    #[test]
    fn a_shorter_log_is_believed_the_second_time() {
        let mut positions = Positions::default();
        positions.assign(&[0]);
        positions.admit(0, 5);
        assert_eq!((positions.begin_anew(0, 2), positions.failed()), (Admission::BehindFailure, vec![(0, 6)]));
        positions.seek(0, 6);
        assert_eq!(positions.admit(0, 6), Admission::Accepted, "it was a new leader that did not know");
        assert_eq!((positions.begin_anew(0, 2), positions.failed()), (Admission::BehindFailure, vec![(0, 7)]));
        positions.seek(0, 7);
        assert_eq!((positions.begin_anew(0, 2), positions.next(0)), (Admission::Accepted, Some(3)));
        assert_eq!((positions.admit(0, 3), positions.first(0)), (Admission::Accepted, Some(2)));
    }

    #[test]
    fn a_partition_that_comes_back_starts_anew() {
        let mut positions = Positions::default();
        positions.assign(&[0]);
        positions.admit(0, 5);
        positions.revoke(&[0, 9]);
        assert_eq!((positions.admit(0, 6), positions.first(0), positions.assigned()), (Admission::NotAssigned, None, vec![]));
        positions.assign(&[0]);
        assert_eq!(positions.admit(0, 2), Admission::Accepted);
    }
}
