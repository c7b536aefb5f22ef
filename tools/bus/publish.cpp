// bus publish TOPIC [TEXT]: a copy to every subscription whose filter matches.
#include "command.h"
#include "sending.h"
#include "subcommands.h"

namespace bus::cli {

void add_publish(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<SendingOptions>();
    options->kind = Channel::Kind::topic;
    Command* command = bus.add_subcommand(
        "publish", "Publish on a topic; exit code 0 only when every message is safe");
    options->add_options(*command, "TOPIC");
    command->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] {
            Sending{*options, interruption}.run();
            return 0;
        };
    });
}

}  // namespace bus::cli
