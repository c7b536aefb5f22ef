// The socket that operators speak to, admin.sock: the local protocol with one
// command, AdminRequest. Who may open it is decided by its file mode and its
// directory; every request is answered in the turn it arrives.
#pragma once

#include <functional>
#include <string>

#include "io/poll_set.h"
#include "io/socket.h"
#include "io/told.h"
#include "wire/local.h"

namespace bus::io {

class AdminEndpoint {
  public:
    // The JSON text to answer with.
    using Answer = std::function<std::string(const wire::AdminRequest&)>;

    AdminEndpoint(Context& context, const std::string& endpoint, Told& told);
    void add_to(PollSet& poll) { slot_ = poll.add(socket_); }
    void serve(const PollSet& poll, const Answer& answer);

  private:
    void on_message(const Received& message, const Answer& answer);
    wire::Reply reply_to(const Received& message, const Answer& answer);

    Told& told_;
    Socket socket_;
    PollSet::Slot slot_ = 0;
};

}  // namespace bus::io
