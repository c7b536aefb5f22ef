// What the rules have denied, by cause: who wanted to do what on which channel.
// Bounded: the cause that was quiet for longest is forgotten first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "base/time.h"
#include "core/rules.h"
#include "limits.h"

namespace bus::core {

struct Denial {
    std::string who;  // "uid 1000", "peer tokyo"
    Act act = Act::give;
    wire::Kind kind = wire::Kind::topic;
    std::string channel;  // or the filter
    std::string rule;     // what is allowed, in words

    // "peer tokyo may not publish on a.b: its rule "publish" names x.** only"
    std::string words() const {
        return who + " may not " + std::string{verb_of(act, kind)} + " " + channel + ": " + rule;
    }
    // What whoever is denied hears: not what others are allowed.
    std::string refusal() const {
        return "no rule lets " + who + " " + std::string{verb_of(act, kind)} + " " + channel;
    }
};

class Denials {
  public:
    struct Count {
        Denial denial;
        std::uint64_t times = 0;
        Time last{};
    };
    using Key = std::tuple<std::string, Act, wire::Kind, std::string>;

    // true: of this cause nothing was known.
    bool note(const Denial& denial, Time now) {
        const auto [at, is_new] =
            counts_.try_emplace(Key{denial.who, denial.act, denial.kind, denial.channel});
        at->second.denial = denial;
        ++at->second.times;
        at->second.last = now;
        if (counts_.size() > limits::denials_max) forget_quietest();
        return is_new;
    }
    const std::map<Key, Count>& all() const { return counts_; }

  private:
    void forget_quietest() {
        counts_.erase(std::min_element(counts_.begin(), counts_.end(), [](auto& a, auto& b) {
            return a.second.last < b.second.last;
        }));
    }
    std::map<Key, Count> counts_;
};

}  // namespace bus::core
