#include "bench/curve_keys.h"

#include <bus/error.h>
#include <zmq.h>

namespace bus::bench {

CurveKeys curve_keys() {
    constexpr std::size_t z85_with_zero = 41;
    char public_key[z85_with_zero], secret_key[z85_with_zero];
    if (::zmq_curve_keypair(public_key, secret_key) != 0)
        throw Error("this libzmq has no CURVE encryption");
    return {public_key, secret_key};
}

}  // namespace bus::bench
