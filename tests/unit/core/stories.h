// What the stories of the core begin with: hosts, and who plays in them.
#pragma once

#include <doctest/doctest.h>

#include "hosts.h"

namespace bus::core::test {

inline const ProducerId producer{{7, 7}};
inline const SessionId app{1}, reader{2};

}  // namespace bus::core::test

using namespace bus;
using namespace bus::core;
using namespace bus::core::test;
using namespace std::chrono_literals;
