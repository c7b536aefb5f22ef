// What an admin request asks for, beside its name.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "wire/local.h"

namespace bus::wire {

// By their keys: all members of the request but type, id and request.
struct AdminArguments {
    std::map<std::string, bool> flags;
    std::map<std::string, std::uint64_t> numbers;
    std::map<std::string, std::string> texts;
    bool flag(const std::string& key) const { return flags.contains(key) && flags.at(key); }
};

// Refused: an argument of another type than these three.
Expected<AdminArguments, Malformed> admin_arguments(const AdminRequest& request);

}  // namespace bus::wire
