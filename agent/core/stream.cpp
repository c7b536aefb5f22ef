#include "core/stream.h"

#include "base/mutation.h"

namespace bus::core {

// ---- HeldChannels ------------------------------------------------------------------------

void HeldChannels::replace(const std::vector<wire::ChannelKey>& keys) {
    everything_ = false;
    channels_.clear();
    for (const auto& key : keys) hold(key);
}

void HeldChannels::hold(const wire::ChannelKey& key) {
    if (key.name == "**")
        everything_ = true;
    else
        channels_.emplace(wire::channel_hash(key.kind, key.name), key);
}

void HeldChannels::resume(const wire::ChannelKey& key) {
    if (key.name == "**")
        everything_ = false;
    else
        channels_.erase(wire::channel_hash(key.kind, key.name));
}

bool HeldChannels::is_held(std::uint64_t hash, wire::Kind kind, std::string_view channel) const {
    return channels_.contains(hash) || !is_allowed(hash, kind, channel);
}

bool HeldChannels::holds(wire::Kind kind, std::string_view channel,
                         std::string_view address) const {
    if (address == channel) return holds(kind, channel);
    return channels_.contains(wire::channel_hash(kind, address)) || !is_allowed(kind, channel);
}

bool HeldChannels::holds(const wire::BatchHeader& header, const BegunMessages& begun) const {
    return holds(header) && !(begun.contains(header) && is_allowed(header.kind, header.channel));
}

bool HeldChannels::is_allowed(wire::Kind kind, std::string_view channel) const {
    return !may_have_ || is_allowed(wire::channel_hash(kind, channel), kind, channel);
}

bool HeldChannels::is_allowed(std::uint64_t hash, wire::Kind kind, std::string_view channel) const {
    if (!may_have_) return true;
    if (const auto known = allowed_.find(hash); known != allowed_.end()) return known->second;
    if (allowed_.size() >= limits::routes_max) allowed_.clear();
    return allowed_.emplace(hash, may_have_(kind, channel)).first->second;
}

std::vector<std::string> HeldChannels::names() const {
    std::vector<std::string> names;
    if (everything_) names.emplace_back("**");
    for (const auto& [hash, key] : channels_)
        names.push_back(std::string{wire::to_text(key.kind)} + " " + key.name);
    return names;
}

// ---- Stream --------------------------------------------------------------------------------

Entry* Stream::front(const HeldChannels& held, const BegunMessages& begun) {
    if (held.everything()) return nullptr;
    // What waited aside is older than anything of its channel in the main run: it goes first.
    for (auto& [hash, waiting] : aside_) {
        Run& run = waiting.run;
        Entry* const front = run.front();
        if (front == nullptr || held.holds(front->batch().header(), begun)) continue;
        showing_ = &run;
        return front;
    }
    while (Entry* const entry = main_.front()) {
        const auto& header = entry->batch().header();
        const bool is_free =
            aside_.empty() && (!held.holds(header) || mutated(Mutation::held_number_passed));
        const auto hash = is_free ? 0 : wire::order_hash(header);
        if (is_free || !goes_aside(header, hash, held, begun)) {
            showing_ = &main_;
            return entry;
        }
        const wire::ChannelKey channel{header.kind, std::string{header.channel}};
        const std::string address{header.address()};
        Aside& aside =
            aside_.try_emplace(hash, Aside{channel, address, Run{id_, hash}, {}}).first->second;
        aside.parts.note_some(header);
        if (main_.is_paused()) aside.run.pause();
        aside.run.push(main_.pop());
    }
    return nullptr;
}

// Behind others of its channel, unless the message that it is a part of has begun, and no part of
// it waits there.
bool Stream::goes_aside(const wire::BatchHeader& header, std::uint64_t hash,
                        const HeldChannels& held, const BegunMessages& begun) const {
    const bool is_held = held.holds(header, begun) && !mutated(Mutation::held_number_passed);
    const auto waiting = aside_.find(hash);
    if (is_held || waiting == aside_.end()) return is_held;
    return !begun.contains(header) || waiting->second.parts.contains(header);
}

Entry Stream::pop() {
    BUS_ASSERT(showing_ != nullptr);
    Run* const run = std::exchange(showing_, nullptr);
    Entry entry = run->pop();
    if (run != &main_)
        std::erase_if(aside_, [](const auto& waiting) { return waiting.second.run.empty(); });
    return entry;
}

void Stream::trim(std::uint64_t memory_bytes_max) {
    for_each_run([&](Run& run) { run.trim(memory_bytes_max); });
}

void Stream::read_on(std::uint64_t memory_bytes_max, const HeldChannels& held,
                     std::vector<ReadBack>& reads) {
    if (held.everything()) return;
    if (auto request = main_.read_on(memory_bytes_max)) reads.push_back(*request);
    for (auto& [hash, waiting] : aside_)
        if (!held.holds(waiting.channel.kind, waiting.channel.name, waiting.address))
            if (auto request = waiting.run.read_on(memory_bytes_max)) reads.push_back(*request);
}

void Stream::on_loaded(const Loaded& answer, Keeper& keeper) {
    Run* const run = run_of(answer);
    if (run == nullptr) return;
    run->loaded(
        answer, [&](const LoadedEntry& row) { return keeper.taken_back(row, id_); },
        [&](const LoadedEntry& row) { keeper.lost(row, id_); });
    if (run != &main_ && run->empty()) aside_.erase(*answer.request.channel);
}

// nullptr: it is empty since, and gone.
Run* Stream::run_of(const Loaded& answer) {
    if (!answer.request.channel) return &main_;
    const auto found = aside_.find(*answer.request.channel);
    return found == aside_.end() ? nullptr : &found->second.run;
}

std::uint64_t Stream::take_all(std::vector<Entry>& entries) {
    std::uint64_t on_disk = 0;
    for_each_run([&](Run& run) {
        on_disk += run.on_disk().messages;
        run.drop_disk();
        while (!run.empty()) entries.push_back(run.pop());
    });
    aside_.clear();
    showing_ = nullptr;
    return on_disk;
}

bool Stream::spilled() const { return main_.spilled() || !aside_.empty(); }

Run::Size Stream::size() const {
    Run::Size all = main_.size();
    for (const auto& [hash, waiting] : aside_) all.add(waiting.run.size());
    return all;
}

Time Stream::oldest() const {
    Time oldest = main_.oldest();
    for (const auto& [hash, waiting] : aside_) oldest = std::min(oldest, waiting.run.oldest());
    return oldest;
}

}  // namespace bus::core
