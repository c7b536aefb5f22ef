// How threads share the one socket, so that a lone message needs no hand-off
// but libzmq's own. Whoever uses the socket has it to itself; it goes from
// thread to thread under the lock. The socket's thread has it whenever it is
// awake. While that sleeps,
//
//   - who publishes or acknowledges sends what is ready by itself, except in a
//     flood: there the thread sends while the next batch is being filled;
//   - who waits for a delivery stands in for the thread and receives. The
//     thread's wait goes on, without the socket's input.
//
// Nothing waits unseen: the socket is given up by someone who then looks
// whether there is input, or anything to send, and wakes who should see to it.
// Only the thread attaches and detaches; a stand-in is dismissed before.
#include "client/core.h"

namespace bus::client {

// Uses the socket, the lock open, from here to the end of its block.
class Core::Use {
  public:
    Use(Core& core, Guard& lock) : core_(core), lock_(lock) {
        core_.in_use_ = true;
        lock_.unlock();
    }
    ~Use() {
        const bool input_waits = !core_.socket_->is_quiet();
        lock_.lock();
        core_.in_use_ = false;
        core_.free_.notify_all();
        if (core_.sleeps_) core_.wake_for_what_is_left(input_waits);
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

  private:
    Core& core_;
    Guard& lock_;
};

bool Core::has_something_to_send() const noexcept {
    return producer_.is_ready() || consumers_.has_something_to_say();
}

// Under the lock. It is told once.
void Core::wake_thread() noexcept {
    if (std::exchange(sleeps_, false)) attendance_.wake_thread();
}

void Core::wake_for_what_is_left(bool input_waits) noexcept {
    if (input_waits && stand_in_sleeps_)
        attendance_.wake_stand_in();
    else if (input_waits)
        wake_thread();
    if (must_detach_ || socket_->is_lost() || has_something_to_send() || producer_.has_decided() ||
        next_deadline() < wakes_at_)
        wake_thread();
}

// Under the lock. Something is new to send; true: the lock was open meanwhile.
bool Core::let_leave(Guard& lock) {
    if (!sleeps_) return false;  // it looks before it sleeps
    if (producer_.has_decided()) {
        wake_thread();
        return false;
    }
    if (!has_something_to_send()) {
        if (producer_.next_deadline() < wakes_at_) wake_thread();
        return false;
    }
    if (in_use_) return false;  // whoever has it looks before it is given up
    const bool is_flood = producer_.bytes_in_flight() > session::limits::trickle_bytes;
    if (is_flood && !consumers_.has_something_to_say()) {
        wake_thread();
        return false;
    }
    const Use use{*this, lock};
    send_what_is_ready();
    return true;
}

// False: somebody else stands in, or there is no agent; who wants a delivery waits to be told.
bool Core::stand_in(Awaited& awaited, Clock::time_point until) {
    Guard lock{mutex_};
    if (has_stand_in_ || dismissing_ || stopping_ || !producer_.is_connected()) return false;
    has_stand_in_ = true;
    attendance_.take_over();
    while (!dismissing_) {
        stand_in_sleeps_ = true;
        lock.unlock();
        const bool go_on = !awaited.has_news() && attendance_.wait_for_input(until);
        lock.lock();
        stand_in_sleeps_ = false;
        if (!go_on) break;
        receive_as_stand_in(lock);
    }
    has_stand_in_ = false;
    attendance_.hand_back();
    if (attendance_.take_waking()) wake_thread();  // there may be input, which nobody saw to
    if (dismissing_) free_.notify_all();
    return true;
}

void Core::receive_as_stand_in(Guard& lock) {
    bool woken = attendance_.take_waking();
    free_.wait(lock, [&] {
        woken = attendance_.take_waking() || woken;
        return !in_use_ || dismissing_ || woken;
    });
    if (in_use_ || dismissing_) return;
    const Use use{*this, lock};
    receive();
    tell_what_was_decided();
}

// There is something in an inbox, or the end of it: perhaps the stand-in's.
void Core::rouse_stand_in() noexcept {
    Guard lock{mutex_};
    if (!has_stand_in_) return;
    attendance_.wake_stand_in();
    free_.notify_all();
}

// Returns when there is none, and no new one comes before end of dismissal.
void Core::dismiss_stand_in() {
    Guard lock{mutex_};
    dismissing_ = true;
    if (has_stand_in_) attendance_.wake_stand_in();
    free_.notify_all();
    free_.wait(lock, [this] { return !has_stand_in_; });
}

}  // namespace bus::client
