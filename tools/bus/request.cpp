// bus request SERVICE [TEXT]: asks a responder, wherever one is, and writes its
// answer out; with --many it asks all of them.
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <optional>
#include <thread>

#include "attachment.h"
#include "base/unique_fd.h"
#include "command.h"
#include "figures.h"
#include "interruption.h"
#include "message_options.h"
#include "message_writer.h"
#include "payload_file.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

constexpr double timeout_seconds_max = 24 * 3600;

struct RequestCommand {
    Attachment attachment;
    std::string service;
    std::optional<std::string> text;
    double timeout_seconds = 5;
    std::uint64_t many = 0;  // answers; 0: that of one responder
    MessageOptions message;
    MessageWriter::Format format = MessageWriter::Format::lines;
};

// libbus waits on a thread of its own, so that Ctrl-C is heard.
class Asking {
  public:
    Asking(Connection& bus, const RequestCommand& command, std::string text)
        : bus_(bus),
          command_(command),
          text_(std::move(text)),
          headers_(command.message.more_headers()),
          done_(::eventfd(0, EFD_CLOEXEC)) {
        if (!done_) throw Error{std::string{"cannot make an eventfd: "} + std::strerror(errno)};
        thread_ = std::thread{[this] { ask(); }};
    }
    ~Asking() { thread_.join(); }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

    int done_fd() const noexcept { return done_.get(); }
    // Requires: done_fd() is readable. Throws what asking threw.
    const std::vector<Reply>& replies() const {
        if (thrown_) std::rethrow_exception(thrown_);
        return replies_;
    }

  private:
    void ask() noexcept {
        try {
            const RequestOptions how{.timeout = std::chrono::milliseconds{static_cast<std::int64_t>(
                                         command_.timeout_seconds * 1000)},
                                     .priority = command_.message.priority,
                                     .key = command_.message.key,
                                     .content_type = command_.message.content_type,
                                     .headers = headers_};
            if (command_.many == 0)
                replies_.push_back(bus_.request(command_.service, text_, how));
            else
                replies_ = bus_.request_many(command_.service, text_, command_.many, how);
        } catch (...) {
            thrown_ = std::current_exception();
        }
        ::eventfd_write(done_.get(), 1);
    }

    Connection& bus_;
    const RequestCommand& command_;
    const std::string text_;
    const std::vector<Header> headers_;
    const UniqueFd done_;
    std::vector<Reply> replies_;
    std::exception_ptr thrown_;
    std::thread thread_;
};

ExitCode code_of(RequestError::Why why) {
    switch (why) {
        case RequestError::Why::no_responders:
            return ExitCode::no_destination;
        case RequestError::Why::timed_out:
            return ExitCode::too_few;
        default:
            return ExitCode::failed;
    }
}

void write_answers(const RequestCommand& command, const std::vector<Reply>& replies) {
    MessageWriter writer{command.format};
    std::uint64_t answers = 0;
    for (const Reply& reply : replies) {
        if (const auto error = reply.error()) {
            std::cerr << fmt::format("bus: a responder of {} says: {}\n", command.service, *error);
            continue;
        }
        writer.add(reply);
        ++answers;
    }
    writer.flush();
    if (answers == 0)
        throw Failure(ExitCode::too_few, fmt::format("{}: no answer within {} s", command.service,
                                                     significant(command.timeout_seconds)));
}

std::string read_text(const RequestCommand& command, const Interruption& interruption) {
    if (command.text) return *command.text;
    auto input = PayloadFile::standard_input(interruption);
    if (!input) throw Interrupted{};
    return input->rest();
}

void request(const RequestCommand& command, const Interruption& interruption) {
    std::string text = read_text(command, interruption);
    Connection bus{command.attachment.connect_options()};
    command.attachment.await_agent(bus, interruption);
    const Asking asking{bus, command, std::move(text)};
    pollfd fds[2] = {{asking.done_fd(), POLLIN, 0}, {interruption.fd(), POLLIN, 0}};
    while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[0].revents == 0) {
        bus.close();
        std::cerr << "bus: interrupted: the request may have been carried out\n";
        throw Interrupted{};
    }
    try {
        write_answers(command, asking.replies());
    } catch (const RequestError& error) {
        throw Failure(code_of(error.why()), fmt::format("{}: {}", command.service, error.what()));
    }
}

}  // namespace

void add_request(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<RequestCommand>();
    Command* command = bus.add_subcommand(
        "request", "Ask one of the responders of a service, and write out its answer");
    command->add_option("SERVICE", options->service, "Tokens of A-Z a-z 0-9 _ - joined by dots")
        ->required();
    command->add_option("TEXT", options->text, "The request; without it: standard input");
    command->add_option("--timeout", options->timeout_seconds, "Wait so long for the answer")
        ->check(number_within(0.001, timeout_seconds_max))
        ->type_name("SECONDS")
        ->capture_default_str();
    command
        ->add_option(
            "--many", options->many,
            "Ask every responder, and end after N answers, or with those that came in time")
        ->check(whole_number_above_zero())
        ->type_name("N");
    MessageWriter::add_option(*command, options->format);
    options->message.add_request_options(*command);
    options->attachment.add_options(*command);
    command->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] {
            request(*options, interruption);
            return 0;
        };
    });
}

}  // namespace bus::cli
