// Marks what the shared library shows to the outside; everything else is hidden.
#pragma once

#define BUS_EXPORT __attribute__((visibility("default")))
