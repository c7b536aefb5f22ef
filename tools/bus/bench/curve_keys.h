// A key pair for one end of the raw pipe, in Z85.
#pragma once

#include <string>

namespace bus::bench {

struct CurveKeys {
    std::string public_key, secret_key;
};

// New at each call. Throws Error if libzmq was built without CURVE.
CurveKeys curve_keys();

}  // namespace bus::bench
