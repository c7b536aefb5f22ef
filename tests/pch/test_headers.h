// Precompiled for unit tests: doctest and the standard library. No header of ours may stand here.

#include <doctest/doctest.h>

#include "pch/standard_headers.h"
