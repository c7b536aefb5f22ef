// Precompiled for `bus`: what it reads of the standard library and of others. Not CLI11, whose mere
// inclusion emits code.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iostream>

#include "pch/standard_headers.h"
