// Large messages: their parts go to one taker, and settle together.

#include "core/group.h"

#include <algorithm>
#include <set>

#include "base/mutation.h"

namespace bus::core {

LargeMessage* Group::note_part(const Entry& entry) {
    const auto& header = entry.batch().header();
    if (!header.part) return nullptr;
    LargeMessage* large = large_.find(header);
    if (large == nullptr) large = &large_.begin(header, entry.custody->source);
    LargeMessages::add(*large, header, entry.id(), keeper_.now());
    return large;
}

// A message that has begun to leave does not expire any more.
bool Group::is_expired(const Entry& entry) {
    return entry.custody->expires <= keeper_.now() &&
           large_.find(entry.batch().header()) == nullptr;
}

// A later part, or an abort, of a message whose beginning is not out; an abort of one that has all
// its parts. But where an abort was the last of them, another copy of the beginning that came since
// needs its own.
bool Group::is_moot(const wire::BatchHeader& batch) {
    if (!batch.part || (batch.part->index == 0 && !is_abort(batch))) return false;
    const LargeMessage* const large = large_.find(batch);
    return large == nullptr || (is_abort(batch) && large->complete && !large->cut_short);
}

// The parts of a message settle together. So a later part without its beginning is a copy that a
// crash brought back (it came flagged), of a message that began before the subscription did, or
// what damage has left.
void Group::settle_alone(const Entry& entry) {
    if (is_abort(entry.batch().header()) || entry.has(entry_flag::resent))
        return keeper_.settle(entry, Settlement::settled);
    if (entry.custody->expires <= keeper_.now())
        return keeper_.settle(entry, keeper_.expire(entry));
    if (!is_queue()) return keeper_.settle(entry, Settlement::filtered);
    keeper_.bury(entry, 0, entry.messages(), "the beginning of this large message is lost");
    keeper_.settle(entry, Settlement::dead_lettered);
}

void Group::decide_part(std::map<BatchId, Out>::iterator at) {
    LargeMessage& message = *at->second.large;
    --message.undecided;
    if (message.is_decided()) return settle_whole(message);
    if (!mutated(Mutation::parts_settle_singly)) return;
    std::erase(message.parts, at->first);
    settle(at);
}

void Group::settle_whole(LargeMessage& message) {
    for (const BatchId part : message.parts) settle(out_.find(part));
    large_.erase(message);
}

void Group::leave_large(ConsumerId gone) {
    if (consumers_.empty())  // another agent may have what rests
        for (LargeMessage* message :
             large_.find_all([](const LargeMessage& one) { return one.rests; }))
            end_rest(*message);
    const auto left =
        large_.find_all([&](const LargeMessage& message) { return message.consumer == gone; });
    for (LargeMessage* message : left) {
        message->consumer.reset();
        if (message->buried)
            bury_whole(*message, "rejected by its consumer");
        else
            give_back_whole(*message);
    }
}

// The consumer had its time: none of its parts is with it any more.
void Group::take_back_large(LargeMessage& message, Consumer& consumer, const Return& why) {
    const ProducerId producer = message.rest.producer;
    const auto first_sequence = message.rest.part.first_sequence;
    const std::vector<BatchId> parts = message.parts;
    const std::set<std::uint64_t> tags = consumer.tags();
    for (const std::uint64_t tag : tags)
        if (std::binary_search(parts.begin(), parts.end(), leases_.find(tag)->batch))
            take_back(consumer, tag, why);
    LargeMessage* const left = large_.find(producer, first_sequence);
    if (left == nullptr) return;  // a dead letter now
    left->consumer.reset();
    give_back_whole(*left);
}

// What its consumer has decided of it counts for nothing without the rest.
void Group::give_back_whole(LargeMessage& message) {
    release_ahead(message);
    for (const BatchId part : message.parts) {
        Out& out = out_.at(part);
        if (out.remaining > 0) continue;
        out.remaining = out.entry.messages();
        ++message.undecided;
        put_back(out, 0, {.count = out.remaining, .attempt = 2}, Duration{});
    }
}

void Group::bury_whole(LargeMessage& message, const std::string& reason) {
    for (const BatchId part : message.parts) {
        Out& out = out_.at(part);
        if (out.remaining == 0) continue;
        forget_work(part);
        keeper_.bury(out.entry, 0, out.remaining, reason);
        out.apart.buried += std::exchange(out.remaining, 0);
    }
    settle_whole(message);
}

void Group::forget_work(BatchId batch) {
    if (LargeMessage* const large = out_.at(batch).large) large->ahead.erase(batch);
    std::erase_if(ready_, [&](const auto& work) { return work.first.first == batch; });
    std::erase_if(resting_, [&](const auto& work) { return work.second.first.first == batch; });
    forget_turns(batch);
}

std::vector<LargeMessage*> Group::waiting_for_parts(Time before) {
    if (is_paused()) return {};  // they may be here
    return large_.find_all([&](const LargeMessage& message) {
        return message.consumer && !message.complete && message.moved <= before;
    });
}

std::vector<LargeMessage*> Group::with_peer(PeerTaker taker) {
    return large_.find_all(
        [&](const LargeMessage& message) { return message.peer == taker && !message.complete; });
}

void Group::reclaim(LargeMessage& message) {
    message.peer = nullptr;
    message.undecided = 0;
    for (const BatchId part : message.parts) {
        Out& out = out_.at(part);
        out.remaining = 0;
        out.how = Settlement::settled;
    }
    give_back_whole(message);
}

}  // namespace bus::core
