// The object "subscriptions" of a configuration: durable subscriptions that
// stand whether or not a program has asked for them, by name.
#pragma once

#include <vector>

#include "config_section.h"
#include "core/settings.h"

namespace bus {

std::vector<core::SubscriptionSettings> read_subscriptions(ConfigSection& section);

}  // namespace bus
