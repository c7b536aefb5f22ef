// bus send QUEUE [TEXT]: to exactly one of the queue's consumers, wherever they are.
#include "command.h"
#include "sending.h"
#include "subcommands.h"

namespace bus::cli {

void add_send(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<SendingOptions>();
    options->kind = Channel::Kind::queue;
    Command* command =
        bus.add_subcommand("send", "Send to a queue; exit code 0 only when every message is safe");
    options->add_options(*command, "QUEUE");
    command->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] {
            Sending{*options, interruption}.run();
            return 0;
        };
    });
}

}  // namespace bus::cli
