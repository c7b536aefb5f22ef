// What a subscription has lost, as JSON.
#pragma once

#include "core/gaps.h"
#include "observe/reply_json.h"

namespace bus::observe {

inline Json gaps_json(const core::Gaps& gaps) {
    Json json{{"total", gaps.total()}};
    for (std::size_t number = 0; number < wire::Gap::reasons; ++number) {
        const auto reason = static_cast<wire::Gap::Reason>(number);
        json[std::string{wire::to_text(reason)}] = gaps.of(reason);
    }
    const core::Gaps::Last& last = gaps.last();
    json["last"] = nullptr;
    if (gaps == core::Gaps{}) return json;
    json["last"] = {{"reason", wire::to_text(last.reason)},
                    {"channel", last.channel},
                    {"messages", last.messages},
                    {"from_micros", last.from_micros},
                    {"to_micros", last.to_micros}};
    return json;
}

}  // namespace bus::observe
