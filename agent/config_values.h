// The single values of a configuration that more than one of its sections has:
// names, filters, addresses and keys, each with the words that refuse a bad one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config_section.h"
#include "core/settings.h"

namespace bus {

// "tcp://host:port". Port 0, the system's choice, only where `lowest_port` lets it.
bool is_tcp_address(std::string_view text, unsigned lowest_port = 1);

// A name of an agent; complained of where it is missing or none.
std::string read_name(ConfigSection& section, std::string_view purpose);

// Why this is no public key, with what to do; empty: it is one.
std::string why_no_key(std::string_view key);

// Why this is no filter, with what one is; empty: it is one.
std::string why_no_filter(std::string_view filter);

// "limits": what may wait.
core::Bound read_bound(ConfigSection& section, std::string_view key);

// Inside "limits": what of this host's publishers, on channels or of one user; and how long.
core::PublisherBound read_publisher_bound(ConfigSection& limits);
Duration read_age(ConfigSection& limits);

// The lists of filters that say what somebody may do. Those that are not there allow nothing.
core::Permissions read_permissions(ConfigSection& section);
// Does the section have one of them?
bool has_permissions(const ConfigSection& section);
// "publish, subscribe, ...", for messages.
std::string permission_keys();

// "publish [a.**], send [b, c]", for people; "nothing" where all lists are empty.
std::string permissions_text(const core::Permissions& may);

}  // namespace bus
