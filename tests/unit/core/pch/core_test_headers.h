// Precompiled for the tests of the core.

#include <doctest/doctest.h>

#include "core/exchange.h"
#include "pch/standard_headers.h"
