// Precompiled for the core: what nearly every file of it reads anyway.

#include "core/state.h"
#include "pch/standard_headers.h"
