// bus serve SERVICE --exec CMD: answers requests, one of all responders for each.
#include "attachment.h"
#include "command.h"
#include "executing.h"
#include "interruption.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

struct ServeCommand {
    Attachment attachment;
    std::string service;
    std::uint64_t count = 0;
    ExecOptions exec;
};

void serve(const ServeCommand& options, const Interruption& interruption) {
    const Connection bus{options.attachment.connect_options()};
    SubscribeOptions how{.prefetch_messages = options.exec.concurrency,
                         .timeout = std::chrono::milliseconds{0}};
    Consumer consumer = bus.serve(options.service, how);
    options.attachment.await_agent(bus, interruption);
    execute({.options = options.exec,
             .channel = options.service,
             .runtime = options.attachment.runtime,
             .count = options.count,
             .answers = true},
            interruption, consumer);
}

}  // namespace

void add_serve(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<ServeCommand>();
    Command* command =
        bus.add_subcommand("serve", "Answer requests: a shell command is run for each");
    command->add_option("SERVICE", options->service, "Tokens of A-Z a-z 0-9 _ - joined by dots")
        ->required();
    options->exec.add_serve_options(*command);
    command->add_option("--count", options->count, "End after so many requests")
        ->check(whole_number_above_zero())
        ->type_name("N");
    options->attachment.add_options(*command);
    command->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] {
            serve(*options, interruption);
            return 0;
        };
    });
}

}  // namespace bus::cli
