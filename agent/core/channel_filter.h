// Channels by a filter: of all kinds, or of one.
#pragma once

#include <optional>
#include <string>

#include "wire/names.h"

namespace bus::core {

struct ChannelFilter {
    std::optional<wire::Kind> kind;
    std::string filter;
    bool covers(wire::Kind of, std::string_view channel) const {
        return (!kind || *kind == of) && wire::matches(filter, channel);
    }
    // "sensors.**", "queue orders"
    std::string words() const {
        return kind ? std::string{wire::to_text(*kind)} + " " + filter : filter;
    }
    friend bool operator==(const ChannelFilter&, const ChannelFilter&) = default;
};

}  // namespace bus::core
