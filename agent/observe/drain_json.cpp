#include "observe/drain_json.h"

#include "observe/reply_json.h"

namespace bus::observe {

std::string drain_reply(const AdminAnswer& to, const core::DrainReport& report) {
    Json rows = Json::array();
    for (const auto& row : report.rows)
        rows.push_back({{"to", row.to},
                        {"messages", row.amount.messages},
                        {"bytes", row.amount.bytes},
                        {"oldest_millis", row.amount.oldest_millis},
                        {"moves", row.moves},
                        {"words", row.words}});
    Json reply = reply_head(to, true);
    reply[to.request] = {{"draining", report.draining},
                         {"messages", report.all.messages},
                         {"bytes", report.all.bytes},
                         {"oldest_millis", report.all.oldest_millis},
                         {"bytes_per_second", report.bytes_per_second},
                         {"rows", std::move(rows)}};
    return reply_text(reply);
}

}  // namespace bus::observe
