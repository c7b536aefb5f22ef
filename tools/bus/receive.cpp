// bus receive QUEUE: competes with every other consumer of the queue.
#include "command.h"
#include "consuming.h"
#include "subcommands.h"

namespace bus::cli {

void add_receive(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<ConsumingOptions>();
    Command* command =
        bus.add_subcommand("receive", "Take messages from a queue and write them out");
    command->add_option("QUEUE", options->channel, "Tokens of A-Z a-z 0-9 _ - joined by dots")
        ->required();
    options->add_options(*command);
    command->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] {
            consume(*options, interruption, [&](const Connection& at, const SubscribeOptions& how) {
                return at.receive(options->channel, how);
            });
            return 0;
        };
    });
}

}  // namespace bus::cli
