// What a thread may wait for while it stands in for the socket's thread.
#pragma once

namespace bus::client {

class Awaited {
  public:
    virtual ~Awaited() = default;
    // It has come, or will not come any more. Any thread.
    virtual bool has_news() const = 0;
};

}  // namespace bus::client
