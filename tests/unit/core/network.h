// Any number of agents' exchanges with links between them, without sockets,
// disks or clocks: hosts.h for more than two.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hosts.h"

namespace bus::core::test {

class Network {
  public:
    // Agents "0", "1", ... with ids 1, 2, ...; those in `relays` relay.
    Network(std::size_t count, const std::vector<std::pair<int, int>>& links,
            const std::set<int>& relays)
        : links_(links), relays_(relays) {
        for (std::size_t index = 0; index < count; ++index) hosts_.push_back(make(int(index)));
        for (const auto& [a, b] : links_) connect(a, b);
        settle();
    }

    Host& operator[](int index) { return *hosts_[std::size_t(index)]; }

    void connect(int a, int b) {
        const LinkId link{++last_link_};
        ends_[link] = {a, b};
        (*this)[a].exchange->on_link_up(link, key_of(b), true, now_);
        (*this)[b].exchange->on_link_up(link, key_of(a), false, now_);
    }
    // What is on its way is lost; both ends notice.
    void disconnect(int a, int b) {
        for (auto at = ends_.begin(); at != ends_.end();) {
            if (std::minmax(at->second.first, at->second.second) != std::minmax(a, b)) {
                ++at;
                continue;
            }
            for (const int end : {a, b}) {
                std::erase_if((*this)[end].to_links,
                              [&](const ToLink& sent) { return sent.link == at->first; });
                (*this)[end].exchange->on_link_down(at->first, now_);
            }
            at = ends_.erase(at);
        }
        settle();
    }
    // It has lost all it had in memory, and its journal. Its links are gone.
    void restart(int index) {
        for (const auto& [a, b] : links_)
            if (a == index || b == index) disconnect(a, b);
        hosts_[std::size_t(index)] = make(index, (*this)[index].incarnation + 1'000);
    }
    void pass(Duration time) {
        const Time until = now_ + time;
        while (now_ < until) {
            now_ = std::min(until, now_ + std::chrono::seconds{1});
            for (auto& host : hosts_) host->now = now_;
            settle();
        }
    }
    // Until nothing moves any more.
    void settle() {
        for (auto& host : hosts_) host->turn();
        for (bool moved = true; moved;) {
            moved = false;
            for (int from = 0; from < int(hosts_.size()); ++from) moved = carry(from) || moved;
        }
    }
    // One frame from that host, if it has one to send.
    bool carry(int from) {
        auto& queue = (*this)[from].to_links;
        if (queue.empty()) return false;
        const ToLink sent = std::move(queue.front());
        queue.pop_front();
        const auto end = ends_.find(sent.link);
        if (end == ends_.end()) return true;
        Host& to = (*this)[end->second.first == from ? end->second.second : end->second.first];
        if (const auto* batch = std::get_if<SendBatch>(&sent.what)) {
            ++batches_[{from, int(to.settings.agent.words[0]) - 1}];
            to.exchange->on_link_batch(sent.link, batch->envelope, batch->batch, to.now);
        } else {
            to.exchange->on_link_frame(sent.link, std::get<wire::LinkFrame>(sent.what), to.now);
        }
        to.turn();
        return true;
    }
    // Batches that crossed that link, that way.
    std::size_t batches(int from, int to) const {
        const auto found = batches_.find({from, to});
        return found == batches_.end() ? 0 : found->second;
    }

  private:
    static std::string key_of(int index) { return "key-" + std::to_string(index); }
    std::unique_ptr<Host> make(int index, std::uint64_t incarnation = 1'000) {
        std::vector<PeerSettings> peers;
        for (const auto& [a, b] : links_)
            if (a == index || b == index) peers.push_back(peer(std::to_string(a == index ? b : a)));
        auto host = std::make_unique<Host>(std::to_string(index), std::uint64_t(index) + 1, peers,
                                           Recovered{}, incarnation);
        host->now = now_;
        host->settings.relay = relays_.contains(index);
        host->exchange->reload(host->settings, host->now);
        return host;
    }

    const std::vector<std::pair<int, int>> links_;
    const std::set<int> relays_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::map<LinkId, std::pair<int, int>> ends_;
    std::map<std::pair<int, int>, std::size_t> batches_;
    std::uint64_t last_link_ = 0;
    Time now_{std::chrono::seconds{100}};
};

}  // namespace bus::core::test
