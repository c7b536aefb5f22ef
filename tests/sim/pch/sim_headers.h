// Precompiled for the simulator: what nearly every file of it reads anyway.

#include <fmt/format.h>

#include "core/exchange.h"
#include "pch/standard_headers.h"
