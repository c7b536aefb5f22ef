// What is wrong with a name or a filter, and where, in words for who typed it. The
// rules themselves are in names.h: there is a fault exactly where they say no.
#pragma once

#include <string>
#include <string_view>

namespace bus::wire {

// As in `nothing stands between the dots at character 7`; counted from 1, in bytes. Empty: no
// fault.
std::string channel_fault(std::string_view name);
std::string filter_fault(std::string_view filter);
// Of a group by its name and filter together, each without a fault of its own.
std::string group_fault(std::string_view name, std::string_view filter);

}  // namespace bus::wire
