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

std::vector<std::string> HeldChannels::names() const {
    std::vector<std::string> names;
    if (everything_) names.emplace_back("**");
    for (const auto& [hash, key] : channels_)
        names.push_back(std::string{wire::to_text(key.kind)} + " " + key.name);
    return names;
}

// ---- Stream --------------------------------------------------------------------------------

Entry* Stream::front(const HeldChannels& held) {
    if (held.everything()) return nullptr;
    // What waited aside is older than anything of its channel in the main run: it goes first.
    for (auto& [channel, run] : aside_) {
        if (held.holds(channel) || run.front() == nullptr) continue;
        showing_ = &run;
        return run.front();
    }
    while (Entry* const entry = main_.front()) {
        const auto& header = entry->batch().header();
        const auto channel = wire::channel_hash(header.kind, header.channel);
        const auto waiting = aside_.find(channel);
        const bool is_held = held.holds(channel) && !mutated(Mutation::held_number_passed);
        if (waiting == aside_.end() && !is_held) {
            showing_ = &main_;
            return entry;
        }
        Run& run = aside_.try_emplace(channel, Run{id_, channel}).first->second;
        run.push(main_.pop());
    }
    return nullptr;
}

Entry Stream::pop() {
    BUS_ASSERT(showing_ != nullptr);
    Run* const run = std::exchange(showing_, nullptr);
    Entry entry = run->pop();
    if (run != &main_)
        std::erase_if(aside_, [](const auto& channel) { return channel.second.empty(); });
    return entry;
}

template <class Visit>
void Stream::for_each_run(Visit visit) {
    visit(main_);
    for (auto& [channel, run] : aside_) visit(run);
}

void Stream::trim(std::uint64_t memory_bytes_max) {
    for_each_run([&](Run& run) { run.trim(memory_bytes_max); });
}

void Stream::read_on(std::uint64_t memory_bytes_max, const HeldChannels& held,
                     std::vector<ReadBack>& reads) {
    if (held.everything()) return;
    if (auto request = main_.read_on(memory_bytes_max)) reads.push_back(*request);
    for (auto& [channel, run] : aside_)
        if (!held.holds(channel))
            if (auto request = run.read_on(memory_bytes_max)) reads.push_back(*request);
}

void Stream::on_loaded(const Loaded& answer, Keeper& keeper) {
    Run* run = &main_;
    if (answer.request.channel) {
        const auto found = aside_.find(*answer.request.channel);
        if (found == aside_.end()) return;
        run = &found->second;
    }
    run->loaded(
        answer, [&](const LoadedEntry& row) { return keeper.taken_back(row, id_); },
        [&](const LoadedEntry& row) { keeper.lost(row, id_); });
    if (run != &main_ && run->empty()) aside_.erase(*answer.request.channel);
}

bool Stream::spilled() const { return main_.spilled() || !aside_.empty(); }

Run::Size Stream::size() const {
    Run::Size all = main_.size();
    for (const auto& [channel, run] : aside_) all.add(run.size());
    return all;
}

Time Stream::oldest() const {
    Time oldest = main_.oldest();
    for (const auto& [channel, run] : aside_) oldest = std::min(oldest, run.oldest());
    return oldest;
}

}  // namespace bus::core
