// What a request on admin.sock brings with it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/channel_filter.h"
#include "observe/status_json.h"
#include "wire/admin_arguments.h"

namespace bus {

// Of a request that takes only these arguments; whatever else stands there is a mistake, and what
// was meant by it might matter. Throws Error.
wire::AdminArguments arguments_of(const wire::AdminRequest& request,
                                  std::initializer_list<std::string_view> known);

// A text that has to be there. Throws Error.
std::string required(wire::AdminArguments& arguments, const std::string& key);

std::uint64_t required_number(const wire::AdminArguments& arguments, const std::string& key);

// What need not be there.
std::string text_of(const wire::AdminArguments& arguments, const std::string& key);
std::uint64_t number_of(const wire::AdminArguments& arguments, const std::string& key,
                        std::uint64_t otherwise);

// The channels that the arguments `key`, a filter, and "kind", one of those, are about; nullopt:
// neither is there. Throws Error.
std::optional<core::ChannelFilter> channels_of(const wire::AdminArguments& arguments,
                                               const std::string& key,
                                               std::initializer_list<wire::Kind> kinds);

// The only argument, and it has to be there. Throws Error.
std::string text_argument(const wire::AdminRequest& request, const std::string& key);

observe::AdminAnswer answer_to(const wire::AdminRequest& request);

}  // namespace bus
