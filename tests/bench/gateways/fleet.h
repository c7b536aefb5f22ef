// All gateways of one process, on one thread: whoever has news or is due gets
// its turn. What to do comes in lines on standard input, what has happened
// goes out in lines on standard output; main.cpp has the words.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateways/gateway.h"

namespace bus::bench {

class Fleet {
  public:
    Fleet(std::size_t gateways, HubAddress hub, const Job& job);

    // One file for each, as the hub's peers.d wants them. Throws Error.
    void write_peers(const std::filesystem::path& folder) const;
    // Until standard input ends.
    void run();

  private:
    void read_commands(Time now);
    void obey(const std::string& line, Time now);
    void give_turns(Time now);
    void schedule(Gateway& gateway);
    std::chrono::milliseconds patience(Time now) const;
    void report(Time now);

    const HubAddress hub_;
    Job job_;
    Tally tally_, told_;
    double told_rate_ = 0;
    io::Context context_;
    Readiness readiness_;
    std::vector<std::unique_ptr<Gateway>> gateways_;
    std::set<std::pair<Time, Gateway*>> turns_;
    std::unordered_map<Gateway*, Time> scheduled_;
    std::string heard_;
    Time report_due_{};
    bool over_ = false;
};

}  // namespace bus::bench
