#include "gaps.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace.h"

namespace bus::sim {

void Gaps::pass(PlaceId place, std::uint64_t consumer, const wire::BatchHeader& header,
                const Span& came, bool calm) {
    if (header.kind != wire::Kind::topic) return;
    const std::uint64_t from = header.channel_sequence + came.first;
    const auto [at, fresh] = watched_.try_emplace(key_of(consumer, header));
    Watched& watched = at->second;
    if (!fresh && from > watched.next) {
        watched.missing += from - watched.next;
        // Best effort overtakes what must wait for room: that is late, and no longer a gap then.
        const bool in_order = calm && header.guaranteed();
        for (auto missing = watched.next; in_order && missing < from; ++missing)
            require_lost(place, header, missing);
    }
    watched.next = std::max(watched.next, from + std::max(came.count, came.announced));
    watched.came = std::max(watched.came, from + came.count);
}

void Gaps::end_early(std::uint64_t consumer, const wire::BatchHeader& part) {
    const auto found = watched_.find(key_of(consumer, part));
    if (found == watched_.end()) return;
    Watched& watched = found->second;
    watched.next = std::max(watched.came, std::min(watched.next, part.channel_sequence));
}

// Nobody promised that it would come here, or it has come, to an earlier instance of the app.
void Gaps::require_lost(PlaceId place, const wire::BatchHeader& header, std::uint64_t at) const {
    const auto id = book_.in_channel(header, at);
    if (!id) return;  // libbus gave it up before any agent took it, or it is an ABORT
    const Message& message = book_[*id];
    if (!message.guaranteed || message.expires_at != never || message.withdrawn) return;
    const auto owed = message.owed.find(place);
    if (owed == message.owed.end() || !owed->second.excuse.empty()) return;
    if (owed->second.is_gone) return;
    if (owed->second.unmarked + owed->second.marked > 0) return;
    throw Broken("G3 no gap where nothing is lost",
                 fmt::format("{} is missing at {}, though nothing has taken it away",
                             describe(message), describe(book_.place(place))));
}

void Gaps::tell(std::uint64_t consumer, const wire::BatchHeader& header, std::uint64_t missed) {
    const auto found = watched_.find(key_of(consumer, header));
    if (found == watched_.end()) {
        if (missed == 0) return;
        throw Broken("G3 a gap is reported",
                     fmt::format("a consumer of {} is told that {} are missing, though others "
                                 "share the work",
                                 header.channel, missed));
    }
    Watched& watched = found->second;
    watched.told += missed;
    if (watched.told == watched.missing) return;
    throw Broken("G3 a gap is reported",
                 fmt::format("of what producer {} said on {}, {} are missing at consumer {}, "
                             "and it was told of {}",
                             to_text(header.producer), header.channel, watched.missing, consumer,
                             watched.told));
}

}  // namespace bus::sim
