// bus subscribe FILTER: what is published on matching topics, to standard output.
#include "command.h"
#include "consuming.h"
#include "subcommands.h"

namespace bus::cli {

void add_subscribe(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<ConsumingOptions>();
    Command* command =
        bus.add_subcommand("subscribe", "Write out what is published on matching topics");
    command
        ->add_option("FILTER", options->channel,
                     "A topic; * stands for one of its tokens, a last ** for the rest")
        ->required();
    const Option* const durable =
        command
            ->add_option("--durable", options->durable,
                         "A subscription of this name goes on collecting while nobody reads it")
            ->type_name("NAME");
    const Option* const group =
        command
            ->add_option("--group", options->group,
                         "One copy for all consumers of this name, on any host: they share the "
                         "work, which waits while nobody is there")
            ->type_name("NAME")
            ->excludes(durable);
    command
        ->add_flag("--last", options->last,
                   "First the last message of each topic that keeps one (\"retain\": \"last\"); "
                   "with --durable when that is created")
        ->excludes(group);
    options->add_options(*command);
    command->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] {
            consume(*options, interruption, [&](const Connection& at, const SubscribeOptions& how) {
                return at.subscribe(options->channel, how);
            });
            return 0;
        };
    });
}

}  // namespace bus::cli
