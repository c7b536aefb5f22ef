// systemd's sd_notify: READY, STOPPING, WATCHDOG over the datagram socket that
// $NOTIFY_SOCKET names. Without it every call is nothing.
#pragma once

#include <chrono>
#include <string_view>

#include "base/unique_fd.h"

namespace bus::io {

class Notify {
  public:
    Notify();
    // "READY=1"; a lost notification is systemd's to notice.
    void say(std::string_view state) const noexcept;
    // How often "WATCHDOG=1" is due: half of what the unit allows; zero: not wanted.
    std::chrono::microseconds watchdog_interval() const noexcept { return watchdog_; }

  private:
    UniqueFd socket_;
    std::chrono::microseconds watchdog_{0};
};

}  // namespace bus::io
