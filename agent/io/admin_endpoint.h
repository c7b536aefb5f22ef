// The socket that operators speak to, admin.sock: the local protocol with one
// command, AdminRequest. Who may open it is decided by its file mode and its
// directory. A request is answered in the turn it arrives, or later, by its number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "io/poll_set.h"
#include "io/socket.h"
#include "io/told.h"
#include "wire/local.h"

namespace bus::io {

class AdminEndpoint {
  public:
    // The JSON text to answer with; none: answer_later() will be called with that number. `uid`:
    // who asks, as the kernel says.
    using Answer = std::function<std::optional<std::string>(
        const wire::AdminRequest&, std::uint64_t number, std::optional<std::uint32_t> uid)>;

    // With a group its members and the agent's user may open the socket; without one all who may
    // open bus.sock.
    AdminEndpoint(Context& context, const std::string& endpoint, std::optional<gid_t> group,
                  Told& told);
    void add_to(PollSet& poll) { slot_ = poll.add(socket_); }
    void serve(const PollSet& poll, const Answer& answer);
    void answer_later(std::uint64_t number, std::string text);

  private:
    struct Asker {
        std::string routing_id;
        bool delimited = false;
    };
    void on_message(const Received& message, const Answer& answer);
    // None: later.
    std::optional<wire::Reply> reply_to(const Received& message, const Answer& answer);
    void send(const Asker& to, const wire::Reply& reply);

    Told& told_;
    Socket socket_;
    std::map<std::uint64_t, Asker> waiting_;  // by the number of the request
    std::uint64_t last_number_ = 0;
    PollSet::Slot slot_ = 0;
};

}  // namespace bus::io
