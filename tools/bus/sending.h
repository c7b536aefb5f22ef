// What `publish` and `send` do: hand messages to the agent as fast as it takes
// them, and count what their receipts say.
#pragma once

#include <bus/bus.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "attachment.h"
#include "message_options.h"
#include "progress.h"

namespace bus::cli {

class Interruption;
class PayloadFile;

struct SendingOptions {
    enum class Wait { none, safe, arrived, consumed };

    Attachment attachment;
    Channel::Kind kind = Channel::Kind::topic;
    std::string channel;
    std::optional<std::string> text;
    std::string file;  // that holds the message; empty: text, or standard input
    bool lines = false;
    Wait wait = Wait::safe;
    bool require_destination = false;
    std::string id;  // of a job that may be tried again; empty: none
    MessageOptions message;

    void add_options(Command& command, const char* channel_name);
};

class Sending {
  public:
    Sending(const SendingOptions& options, const Interruption& interruption);

    // Sends everything. Throws Failure if not every message got as far as it should, Interrupted.
    void run();

  private:
    struct Pending {
        Receipt receipt;
        std::size_t bytes = 0;
    };

    PublishOptions how() const;
    void send(std::string_view message);
    void send_lines();
    void send_whole();
    void send_stream(PayloadFile& payload);
    void await_first(const Receipt& receipt);
    void await_oldest();
    void collect_decided();
    void count(const Receipt& receipt, Outcome outcome);
    void leave_without_receipts();
    void report() const;
    void mention_slip() const;
    void check_interruption();
    std::string progress_line() const;

    const SendingOptions& options_;
    const Interruption& interruption_;
    const std::vector<Header> headers_;
    std::uint64_t sent_ = 0, reached_ = 0, failed_ = 0, reached_nobody_ = 0, unwanted_ = 0,
                  published_before_ = 0, undelivered_ = 0;
    std::string first_reason_;
    std::deque<Pending> pending_;
    std::size_t pending_bytes_ = 0;
    Progress progress_;
    Connection bus_;
    Channel channel_;
};

}  // namespace bus::cli
